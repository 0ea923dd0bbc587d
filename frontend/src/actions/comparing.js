// Two runs side by side: made, followed while they grow, and paired.
import { CANCELLED } from "app/core/errors.js";
import { OPEN } from "app/core/canvas.js";
import { beginningOf, choiceOf, indexShown, pairingWanted, readyModels, runs, settingsFor, SIDES, sideOf } from "app/core/comparing.js";
import { earlierOf, isChat } from "app/core/prompting.js";
import { readWords, wordsOf } from "app/core/settings.js";
import { offline } from "app/core/readiness.js";

/** @typedef {import("app/core/comparing.js").Which} Which */

export class Comparing {
  #store;
  #client;
  #session;
  #troubles;
  /** @type {AbortController | null} */
  #call = null;
  #pairing = false;
  /** Ids whose texts are asked for or there, by model. @type {Map<string, Set<number>>} */
  #known = new Map();

  /**
   * @param {{ store: import("app/core/state.js").PageStore, client: import("app/net/client.js").Client,
   *           connection: import("app/actions/connection.js").Connection,
   *           session: import("app/actions/session.js").SessionActions,
   *           troubles: import("app/actions/troubles.js").Troubles }} parts
   */
  constructor({ store, client, connection, session, troubles }) {
    this.#store = store;
    this.#client = client;
    this.#session = session;
    this.#troubles = troubles;
    store.addEventListener("change", () => this.#pair());
    connection.addEventListener("ready", () => this.#state.view.compare && this.#listModels());
  }

  get #state() {
    return this.#store.state;
  }

  toggle() {
    const compare = !this.#state.view.compare;
    if (this.#state.playing) this.#store.dispatch({ type: "play.changed", playing: "" });
    this.#store.dispatch({ type: "view.changed", view: { compare } });
    if (compare && !offline(this.#state)) this.#listModels();
  }

  choose(/** @type {Which} */ side, /** @type {Partial<import("app/core/comparing.js").Choice>} */ fields) {
    this.#store.dispatch({ type: "compare.chosen", side, fields });
    if (fields.model) this.#readModel(fields.model);
  }

  /** Makes the runs that are chosen and steps all that is unfinished to its end, both at once. */
  async run() {
    if (this.#state.compare.running) return;
    const wanted = SIDES.filter((side) => runs(this.#state, side));
    const call = (this.#call = new AbortController());
    this.#store.dispatch({ type: "compare.running", running: true });
    try {
      /** @type {(() => Promise<void>)[]} */
      const ready = [];
      // A first: B begins as A began.
      for (const side of wanted) {
        if (call.signal.aborted) return;
        ready.push(choiceOf(this.#state, side).what === "run" ? await this.#begin(side, call.signal) : this.#finish(side));
      }
      await Promise.all(ready.map((go) => go()));
    } catch (/** @type {any} */ error) {
      call.abort(); // the other one too
      if (error.code !== CANCELLED) this.#troubles.tell("Comparing", error);
    } finally {
      this.#store.dispatch({ type: "compare.running", running: false });
    }
  }

  stop() {
    this.#call?.abort();
    if (this.#state.activity === "run") this.#session.stop();
  }

  /** Leaves the comparison for one side's session. */
  open(/** @type {Which} */ which) {
    const side = sideOf(this.#state, which);
    if (!side) return;
    // Before it is opened, so that what was compared stays as it was.
    if (!side.inView) this.#session.open(side.tree.id);
    else this.#store.dispatch({ type: "revision.shown", revision: side.way[side.way.length - 1] });
    this.#store.dispatch({ type: "view.changed", view: { compare: false } });
  }

  /** Makes a side's session; what is returned steps it to its end. */
  async #begin(/** @type {Which} */ which, /** @type {AbortSignal} */ signal) {
    const settings = settingsFor(this.#state, which);
    const { model } = choiceOf(this.#state, which);
    const session = await this.#created(which, model, settings);
    this.#store.dispatch({ type: "compare.opened", side: which, session });
    this.#need(session.model, Array.from(/** @type {number[]} */ (session.tokens)).filter((_, at) => session.states[at] !== OPEN));
    return async () => {
      const events = this.#client.step({ sessionId: session.id, expected: 0, from: null, count: 0, settings: null, predict: false }, { signal });
      for await (const { frame } of events) {
        if (!frame) continue;
        this.#store.dispatch({ type: "compare.frame", side: which, session: session.id, frame });
        const ids = frame.changes.map(({ token }) => token).filter((token) => token !== null);
        this.#need(session.model, frame.draft ? ids.concat(Array.from(frame.draft.tokens)) : ids);
      }
    };
  }

  /** What a session of its own is begun with: the same as A, or else what the form says. */
  #created(/** @type {Which} */ which, /** @type {string} */ name, /** @type {any} */ settings) {
    const model = readyModels(this.#state).find((known) => known.name === name) ?? null;
    const first = which === "b" ? sideOf(this.#state, "a") : null;
    if (first?.tree.model === name) return this.#client.createAlike({ model: name, ...beginningOf(first.tree, model?.maskToken ?? null), settings });
    const { form } = this.#state;
    const chat = isChat(model, form);
    return this.#client.createSession({
      model: name,
      prompt: form.prompt,
      chat,
      earlier: earlierOf(form),
      length: form.length === "" ? null : Number(form.length),
      words: readWords(wordsOf(model, form)).words,
      settings,
    });
  }

  /** What is left of a branch of the session in view. */
  #finish(/** @type {Which} */ which) {
    return async () => {
      const side = sideOf(this.#state, which);
      if (side) await this.#session.finish(side.way[side.way.length - 1]);
    };
  }

  async #listModels() {
    try {
      this.#store.dispatch({ type: "compare.models", models: await this.#client.listModels() });
    } catch (/** @type {any} */ error) {
      this.#troubles.tell("Listing the models", error);
    }
  }

  /** A list tells of no samplers. */
  async #readModel(/** @type {string} */ name) {
    try {
      this.#store.dispatch({ type: "compare.models", models: [await this.#client.getModel(name)] });
    } catch (/** @type {any} */ error) {
      this.#troubles.tell("Reading the model", error);
    }
  }

  /** Texts of tokens, each asked for once. */
  async #need(/** @type {string} */ model, /** @type {number[]} */ ids) {
    const known = this.#known.get(model) ?? new Set();
    this.#known.set(model, known);
    const fresh = [...new Set(ids)].filter((id) => !known.has(id));
    if (!fresh.length) return;
    for (const id of fresh) known.add(id);
    try {
      this.#store.dispatch({ type: "compare.words", model, tokens: await this.#client.detokenize(model, fresh) });
    } catch (/** @type {any} */ error) {
      // They are asked for again with what comes next.
      for (const id of fresh) known.delete(id);
      console.warn("detokenize:", error.message);
    }
  }

  /** Asks how positions pair where that does not follow from the canvases, one answer at a time. */
  async #pair() {
    const { view, compare } = this.#state;
    if (this.#pairing || !view.compare || offline(this.#state)) return;
    const wanted = pairingWanted(this.#state, indexShown(this.#state));
    if (!wanted || wanted.key === compare.paired?.key) return;
    this.#pairing = true;
    const { key, ...place } = wanted;
    let paired;
    try {
      paired = { key, ...(await this.#client.compareRevisions(place)) };
    } catch (/** @type {any} */ error) {
      paired = { key, failed: error.message };
    }
    this.#pairing = false;
    this.#store.dispatch({ type: "compare.paired", paired });
  }
}
