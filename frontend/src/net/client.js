// The service's methods as the page calls them: plain records in and out.
import { SessionService } from "app/net/gen/unmask/v1/session_service_pb.js";
import { ModelService } from "app/net/gen/unmask/v1/model_service_pb.js";
import { frameFrom, modelFrom, predictionFrom, sessionFrom, settingsInto, weighingFrom } from "app/net/convert.js";

const sessions = SessionService.method;
const models = ModelService.method;

/** @typedef {{ signal?: AbortSignal }} Options */

export class Client {
  #calls;

  /** @param {import("app/net/calls.js").Calls} calls */
  constructor(calls) {
    this.#calls = calls;
  }

  async getModel(name = "") {
    return modelFrom((await this.#calls.unary(models.getModel, { name })).model);
  }

  async detokenize(/** @type {string} */ model, /** @type {number[]} */ ids) {
    const { tokens } = await this.#calls.unary(models.detokenize, { model, ids });
    return tokens.map((/** @type {any} */ { id, text, special }) => ({ id, text, special }));
  }

  /** @param {{ prompt: string, chat: boolean, length: number | null, words: { offset: number, text: string }[], settings: any }} wanted */
  async createSession({ prompt, chat, length, words, settings }) {
    const source = chat
      ? { case: "chat", value: { messages: [{ role: "user", content: prompt }] } }
      : { case: "text", value: prompt };
    const { session } = await this.#calls.unary(sessions.createSession, {
      prompt: { source },
      length: length ?? undefined,
      wordConstraints: words.map(({ offset, text }) => ({ offset, content: { case: "text", value: text } })),
      settings: settingsInto(settings),
      requestId: newId(),
    });
    return sessionFrom(session);
  }

  /** The session at its beginning, or frames, as { session } and { frame }. */
  async *watch(/** @type {string} */ sessionId, /** @type {number | null} */ after, /** @type {Options} */ options) {
    const request = { sessionId, afterRevision: after === null ? undefined : BigInt(after) };
    for await (const { event } of this.#calls.stream(sessions.watchSession, request, options)) {
      if (event.case === "session") yield { session: sessionFrom(event.value) };
      else if (event.case === "frame") yield { frame: frameFrom(event.value) };
    }
  }

  /** @param {{ sessionId: string, count: number, expected: number, settings: any, predict: boolean }} wanted */
  step({ sessionId, count, expected, settings, predict }, /** @type {Options} */ options) {
    const request = {
      sessionId,
      count,
      expectedRevision: BigInt(expected),
      settings: settingsInto(settings),
      draft: true,
      predict,
      requestId: newId(),
    };
    return this.#changes(sessions.step, request, options);
  }

  /** @param {{ sessionId: string, selections: { position: number, token?: number }[], expected: number, predict: boolean }} wanted */
  select({ sessionId, selections, expected, predict }, /** @type {Options} */ options) {
    const request = { sessionId, selections, expectedRevision: BigInt(expected), predict, requestId: newId() };
    return this.#changes(sessions.select, request, options);
  }

  /** @param {{ sessionId: string, revision: number, expected: number }} wanted */
  rewind({ sessionId, revision, expected }, /** @type {Options} */ options) {
    const request = { sessionId, revision: BigInt(revision), expectedRevision: BigInt(expected), requestId: newId() };
    return this.#changes(sessions.rewind, request, options);
  }

  async *#changes(/** @type {any} */ method, /** @type {any} */ request, /** @type {Options} */ options) {
    for await (const { event } of this.#calls.stream(method, request, options)) {
      if (event.case === "frame") yield { frame: frameFrom(event.value) };
      else if (event.case === "prediction") yield { prediction: predictionFrom(event.value) };
    }
  }

  async predict(/** @type {string} */ sessionId, /** @type {number} */ revision, /** @type {Options} */ options) {
    const request = { sessionId, revision: BigInt(revision) };
    return predictionFrom((await this.#calls.unary(sessions.predict, request, options)).prediction);
  }

  /** @param {{ sessionId: string, revision: number, position: number, count: number }} wanted */
  async getCandidates({ sessionId, revision, position, count }) {
    const answer = await this.#calls.unary(sessions.getCandidates, {
      sessionId,
      revision: BigInt(revision),
      positions: [position],
      count,
    });
    return weighingFrom(answer.candidates[0], answer.recomputed);
  }

  /**
   * What other distribution settings make of an open position.
   * @param {{ sessionId: string, revision: number, position: number, settings: any, count: number }} wanted
   * @returns {Promise<import("app/core/state.js").Weighing>}
   */
  async reprocess({ sessionId, revision, position, settings, count }) {
    const answer = await this.#calls.unary(sessions.reprocess, {
      sessionId,
      revision: BigInt(revision),
      settings: settingsInto(settings),
      candidateCount: count,
      positions: [position],
    });
    return weighingFrom(answer.candidates[0], answer.recomputed);
  }

  /** What a sampler would do at the newest revision: tokens it would commit or edit, positions it would open again. */
  async propose(/** @type {string} */ sessionId, /** @type {any} */ settings, /** @type {Options} */ options) {
    const answer = await this.#calls.unary(sessions.propose, { sessionId, settings: settingsInto(settings) }, options);
    const proposed = (/** @type {any} */ { position, token, probability }) => ({ position, token, probability });
    return {
      revision: Number(answer.revision),
      commits: answer.commits.map(proposed),
      edits: answer.edits.map(proposed),
      reopens: answer.reopens.map((/** @type {any} */ { position }) => position),
    };
  }
}

/** A UUID; crypto.randomUUID exists only where the page came by https or from this machine. */
function newId() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6] & 0x0f) | 0x40;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}
