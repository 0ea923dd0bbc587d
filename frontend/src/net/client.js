// The service's methods as the page calls them: plain records in and out.
import { RewindRequest_Direction, SessionService } from "app/net/gen/unmask/v1/session_service_pb.js";
import { ModelService } from "app/net/gen/unmask/v1/model_service_pb.js";
import { frameFrom, listedFrom, loadFrom, modelFrom, predictionFrom, sessionFrom, settingsInto, weighingFrom } from "app/net/convert.js";

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

  /** All models that the server knows, the default one first, without their samplers. */
  async listModels() {
    return (await this.listed()).list;
  }

  /** The models, and the families that a checkpoint may be of. */
  async listed() {
    const answer = await this.#calls.unary(models.listModels, {});
    return { list: answer.models.map(modelFrom), families: answer.families };
  }

  /**
   * Brings a model into the server's memory, telling how far it is; leaving the loop, or the signal, stops it.
   * @param {{ name: string, dtype: string, tokenIds: Record<string, number>, family: string }} wanted
   */
  async *loadModel(wanted, /** @type {Options} */ options) {
    for await (const told of this.#calls.stream(models.loadModel, wanted, options)) yield loadFrom(told);
  }

  /** Takes a model out of the server's memory; comes back when that is free. */
  async unloadModel(/** @type {string} */ name) {
    return modelFrom((await this.#calls.unary(models.unloadModel, { name })).model);
  }

  async detokenize(/** @type {string} */ model, /** @type {number[]} */ ids) {
    const { tokens } = await this.#calls.unary(models.detokenize, { model, ids });
    // The bytes are needed only where the text cannot say them: in parts of a character.
    return tokens.map((/** @type {any} */ { id, text, special, bytes, lead, trail }) => ({
      id,
      text,
      special,
      ...(!special && text.includes("\ufffd") ? { bytes } : {}),
      ...(lead ? { lead } : {}),
      ...(trail ? { trail } : {}),
    }));
  }

  /**
   * `earlier`: the messages before the prompt of a chat. `model`: empty takes the server's default.
   * @param {{ model?: string, prompt: string, chat: boolean, earlier?: import("app/core/prompting.js").Message[],
   *           reading?: { specialTokens?: boolean, addSpecialTokens?: boolean },
   *           length: number | null, words: { offset: number, text: string }[], settings: any }} wanted
   */
  async createSession({ model = "", prompt, chat, earlier = [], reading = {}, length, words, settings }) {
    const source = chat
      ? { case: "chat", value: { messages: [...earlier, { role: "user", content: prompt }] } }
      : { case: "text", value: prompt };
    const { session } = await this.#calls.unary(sessions.createSession, {
      model,
      prompt: { source, ...reading },
      length: length ?? undefined,
      wordConstraints: words.map(({ offset, text }) => ({ offset, content: { case: "text", value: text } })),
      settings: settingsInto(settings),
      requestId: newId(),
    });
    return sessionFrom(session);
  }

  /**
   * A session that begins with ids, as another of the same model did.
   * @param {{ model: string, ids: number[], length: number, words: { offset: number, ids: number[] }[], settings: any }} wanted
   */
  async createAlike({ model, ids, length, words, settings }) {
    const { session } = await this.#calls.unary(sessions.createSession, {
      model,
      prompt: { source: { case: "tokens", value: { ids } } },
      length,
      wordConstraints: words.map((word) => ({ offset: word.offset, content: { case: "tokens", value: { ids: word.ids } } })),
      settings: settingsInto(settings),
      requestId: newId(),
    });
    return sessionFrom(session);
  }

  /** The latest changed first, a page of them. @param {number} size  @param {string} [page]  of the answer before */
  async listSessions(size, page = "") {
    const answer = await this.#calls.unary(sessions.listSessions, { pageSize: size, pageToken: page });
    return { list: answer.sessions.map(listedFrom), next: /** @type {string} */ (answer.nextPageToken) };
  }

  /** A session as it was at a revision. */
  async getSession(/** @type {string} */ sessionId, /** @type {number} */ revision) {
    return sessionFrom((await this.#calls.unary(sessions.getSession, { sessionId, revision: BigInt(revision) })).session);
  }

  async deleteSession(/** @type {string} */ sessionId) {
    await this.#calls.unary(sessions.deleteSession, { sessionId });
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

  /** @param {Place & { edits: import("app/core/possible-edits.js").Edit[], predict: boolean }} wanted */
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

  /**
   * What the model weighed at positions that are open at a revision, 64 of them at most; in their order.
   * @param {{ sessionId: string, revision: number, positions: number[], count: number }} wanted
   * @param {Options} [options]
   * @returns {Promise<import("app/core/state.js").Weighing[]>}
   */
  async getCandidates({ sessionId, revision, positions, count }, options = {}) {
    const answer = await this.#calls.unary(sessions.getCandidates, { sessionId, revision: BigInt(revision), positions, count }, options);
    return answer.candidates.map((/** @type {any} */ candidates) => weighingFrom(candidates, answer.recomputed));
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

  /**
   * What a sampler would do at a revision: tokens it would commit or edit, positions it would open again.
   * @typedef {{ position: number, token: number, probability: number }} Proposed
   *
   * @param {string} sessionId
   * @param {number} revision
   * @param {any} settings
   * @param {Options} options
   * @returns {Promise<{ revision: number, commits: Proposed[], edits: Proposed[], reopens: number[] }>}
   */
  async propose(sessionId, revision, settings, options) {
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

  /**
   * How two canvases differ, of one session or of two of the same model.
   * @param {{ sessionId: string, revision: number, otherSessionId: string, otherRevision: number }} wanted
   * @returns {Promise<{ spans: import("app/core/comparing.js").Span[], exact: boolean }>}
   */
  async compareRevisions({ sessionId, revision, otherSessionId, otherRevision }) {
    const request = { sessionId, revision: BigInt(revision), otherSessionId, otherRevision: BigInt(otherRevision) };
    const { spans, exact } = await this.#calls.unary(sessions.compareRevisions, request);
    const plain = (/** @type {any} */ { equal, position, count, otherPosition, otherCount }) => ({ equal, position, count, otherPosition, otherCount });
    return { spans: spans.map(plain), exact };
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
