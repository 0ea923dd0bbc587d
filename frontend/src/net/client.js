// The service's methods as the page calls them: plain records in and out.
import { RewindRequest_Direction, SessionService } from "app/net/gen/unmask/v1/session_service_pb.js";
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

  /**
   * What there is to know of a session, one thing at a time: { session } at its beginning (then of
   * older states that kept frames need), { frame }, { names } of branches, { trimmed } to a revision.
   */
  async *watch(/** @type {string} */ sessionId, /** @type {number | null} */ after, /** @type {Options} */ options) {
    const request = { sessionId, afterRevision: after === null ? undefined : BigInt(after) };
    for await (const { event } of this.#calls.stream(sessions.watchSession, request, options)) {
      if (event.case === "session") yield { session: sessionFrom(event.value) };
      else if (event.case === "frame") yield { frame: frameFrom(event.value) };
      else if (event.case === "names") yield { names: namesFrom(event.value) };
      else if (event.case === "trimmed") yield { trimmed: Number(event.value.firstRevision) };
    }
  }

  /**
   * `from`: the revision to go on from; null takes the newest.
   * @typedef {{ sessionId: string, expected: number, from: number | null }} Place
   *
   * @param {Place & { count: number, settings: any, predict: boolean }} wanted
   */
  step({ count, settings, predict, ...place }, /** @type {Options} */ options) {
    const request = {
      ...placed(place),
      count,
      settings: settingsInto(settings),
      draft: true,
      predict,
    };
    return this.#changes(sessions.step, request, options);
  }

  /** @param {Place & { selections: { position: number, token?: number }[], predict: boolean }} wanted */
  select({ selections, predict, ...place }, /** @type {Options} */ options) {
    return this.#changes(sessions.select, { ...placed(place), selections, predict }, options);
  }

  /** @param {Place & { edits: import("app/core/edits.js").Edit[], predict: boolean }} wanted */
  edit({ edits, predict, ...place }, /** @type {Options} */ options) {
    const request = { ...placed(place), edits: edits.map((operation) => ({ operation })), predict };
    return this.#changes(sessions.edit, request, options);
  }

  /** @param {{ sessionId: string, expected: number, to: number | "undo" | "redo" }} wanted */
  rewind({ to, ...place }, /** @type {Options} */ options) {
    const where = typeof to === "number" ? { revision: BigInt(to) } : { direction: DIRECTIONS[to] };
    return this.#changes(sessions.rewind, { ...placed({ ...place, from: null }), ...where }, options);
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

  /** What a sampler would do at a revision: tokens it would commit or edit, positions it would open again. */
  async propose(/** @type {string} */ sessionId, /** @type {number} */ revision, /** @type {any} */ settings, /** @type {Options} */ options) {
    const request = { sessionId, revision: BigInt(revision), settings: settingsInto(settings) };
    const answer = await this.#calls.unary(sessions.propose, request, options);
    const proposed = (/** @type {any} */ { position, token, probability }) => ({ position, token, probability });
    return {
      revision: Number(answer.revision),
      commits: answer.commits.map(proposed),
      edits: answer.edits.map(proposed),
      reopens: answer.reopens.map((/** @type {any} */ { position }) => position),
    };
  }

  /**
   * Which positions would be masked again: all that could be, the first to go first.
   * @param {{ sessionId: string, revision: number, ratio: number, rho: number }} wanted
   * @returns {Promise<{ position: number, score: number }[]>}
   */
  async remasking({ sessionId, revision, ratio, rho }) {
    const remasking = { amount: { case: "ratio", value: ratio }, rho };
    const { ranked } = await this.#calls.unary(sessions.propose, { sessionId, revision: BigInt(revision), remasking });
    return ranked.map((/** @type {any} */ { position, score }) => ({ position, score }));
  }

  async nameBranch(/** @type {string} */ sessionId, /** @type {number} */ revision, /** @type {string} */ name) {
    await this.#calls.unary(sessions.nameBranch, { sessionId, revision: BigInt(revision), name });
  }

  async deleteBranchName(/** @type {string} */ sessionId, /** @type {string} */ name) {
    await this.#calls.unary(sessions.deleteBranchName, { sessionId, name });
  }
}

const DIRECTIONS = { undo: RewindRequest_Direction.UNDO, redo: RewindRequest_Direction.REDO };

const namesFrom = (/** @type {any} */ { revisions }) =>
  new Map(Object.entries(revisions).map(([name, revision]) => [name, Number(revision)]));

/** What every call that adds frames says of where, and that it is to be done once. */
function placed(/** @type {Place} */ { sessionId, expected, from }) {
  return { sessionId, expectedRevision: BigInt(expected), fromRevision: from === null ? undefined : BigInt(from), requestId: newId() };
}

/** A UUID; crypto.randomUUID exists only where the page came by https or from this machine. */
function newId() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6] & 0x0f) | 0x40;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}
