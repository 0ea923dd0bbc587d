// Two runs side by side: made, followed while they grow, and paired.
import { CANCELLED, DEADLINE_EXCEEDED, NOT_FOUND } from "app/core/errors.js";
import { OPEN } from "app/core/canvas.js";
import { beginningInText, beginningOf, choiceOf, goesOn, goneInWords, indexShown, inTurns, pairingWanted, readyModels, runs, settingsFor, SIDES, sideOf, unread, wantedOf } from "app/core/comparing.js";
import { earlierOf, isChat, readingOf } from "app/core/prompting.js";
import { headOf } from "app/core/tree.js";
import { readWords, wordsOf } from "app/core/settings.js";
import { readsLeftToRight } from "app/core/left-to-right.js";
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
  /** @type {Record<Which, AbortController | null>} */
  #watches = { a: null, b: null };
  /** Ids whose texts are asked for or there, by model. @type {Map<string, Set<number>>} */
  #known = new Map();
  /** Models that are being read, or could not be on this connection. @type {Set<string>} */
  #reading = new Set();

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
    store.addEventListener("change", () => {
      this.#pair();
      this.#describe();
    });
    connection.addEventListener("ready", () => {
      this.#reading.clear();
      if (this.#state.view.compare) this.#listModels();
      for (const side of SIDES) this.#resume(side);
    });
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

  /** Makes the runs that are chosen and steps all that is unfinished to its end, at once where these are two sessions. */
  async run() {
    if (this.#state.compare.running) return;
    const wanted = SIDES.filter((side) => runs(this.#state, side));
    const call = (this.#call = new AbortController());
    this.#store.dispatch({ type: "compare.running", running: true });
    try {
      /** @type {(() => Promise<void>)[]} */
      const ready = [];
      const branches = wanted.filter((side) => choiceOf(this.#state, side).what === "branch");
      // What a side is by itself follows the newest revision, which moves now.
      if (inTurns(this.#state)) {
        const both = SIDES.map((side) => ({ side, fields: { what: "branch", branch: choiceOf(this.#state, side).branch } }));
        for (const chosen of both) this.#store.dispatch({ type: "compare.chosen", ...chosen });
      }
      // A first: B begins as A began.
      for (const side of wanted) {
        if (call.signal.aborted) return;
        if (!branches.includes(side)) ready.push(goesOn(this.#state, side) ? this.#stepped(side, call.signal) : await this.#begin(side, call.signal));
      }
      if (branches.length) ready.push(() => this.#finish(branches, call.signal));
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
    if (!side || goneInWords(this.#state, which)) return;
    // Before it is opened, so that what was compared stays as it was.
    if (!side.inView) this.#session.open(side.tree.id);
    else this.#store.dispatch({ type: "revision.shown", revision: side.way[side.way.length - 1] });
    this.#store.dispatch({ type: "view.changed", view: { compare: false } });
  }

  /** Makes a side's session; what is returned steps it to its end. */
  async #begin(/** @type {Which} */ which, /** @type {AbortSignal} */ signal) {
    const settings = settingsFor(this.#state, which);
    const { model } = choiceOf(this.#state, which);
    const wanted = wantedOf(this.#state, which);
    const session = await this.#created(which, model, settings);
    this.#opened(which, session, { wanted });
    this.#follow(which, session.id, 0);
    return this.#stepped(which, signal);
  }

  #opened(/** @type {Which} */ side, /** @type {any} */ session, /** @type {{ wanted?: string, branch?: number | null }} */ about) {
    this.#store.dispatch({ type: "compare.opened", side, session, ...about });
    this.#need(session.model, Array.from(/** @type {number[]} */ (session.tokens)).filter((_, at) => session.states[at] !== OPEN));
  }

  /** Steps a run to its end, from where it is. */
  #stepped(/** @type {Which} */ which, /** @type {AbortSignal} */ signal) {
    return async () => {
      const tree = this.#state.compare.runs[which]?.tree;
      if (!tree) return;
      const events = this.#client.step({ sessionId: tree.id, expected: headOf(tree), from: null, count: 0, settings: null, predict: false }, { signal });
      for await (const { frame } of events) if (frame) this.#receive(which, tree.id, tree.model, frame);
    };
  }

  #receive(/** @type {Which} */ side, /** @type {string} */ session, /** @type {string} */ model, /** @type {any} */ frame) {
    this.#store.dispatch({ type: "compare.frame", side, session, frame });
    const ids = frame.changes.map((/** @type {any} */ { token }) => token).filter((/** @type {any} */ token) => token !== null);
    this.#need(model, frame.draft ? ids.concat(Array.from(frame.draft.tokens)) : ids);
  }

  /** Takes up a run again after a reload, or a connection that was lost. */
  #resume(/** @type {Which} */ side) {
    const { runs: held, left } = this.#state.compare;
    const run = held[side];
    if (run && !run.gone) this.#follow(side, run.tree.id, headOf(run.tree));
    else if (left[side]) this.#follow(side, left[side].session, null);
  }

  /** What others do to a run is seen too: frames that a stopped call missed, and its end. */
  async #follow(/** @type {Which} */ side, /** @type {string} */ id, /** @type {number | null} */ after) {
    this.#watches[side]?.abort();
    const watch = (this.#watches[side] = new AbortController());
    let opened = after !== null;
    try {
      for await (const told of this.#client.watch(id, after, { signal: watch.signal })) {
        if (watch.signal.aborted) return;
        const left = this.#state.compare.left[side];
        if (told.session && opened) this.#store.dispatch({ type: "compare.base", side, session: told.session });
        else if (told.session) this.#opened(side, told.session, { wanted: left?.wanted, branch: left?.branch });
        const run = this.#state.compare.runs[side];
        if (told.frame && run) this.#receive(side, id, run.tree.model, told.frame);
        opened = true;
      }
    } catch (/** @type {any} */ error) {
      if (watch.signal.aborted) return;
      if (error.code === NOT_FOUND) this.#store.dispatch({ type: "compare.gone", side, session: id });
      else if (error.code === DEADLINE_EXCEEDED) this.#resume(side);
    }
  }

  /** What a session of its own is begun with: the same as A, or else what the form says. */
  #created(/** @type {Which} */ which, /** @type {string} */ name, /** @type {any} */ settings) {
    const model = readyModels(this.#state).find((known) => known.name === name) ?? null;
    const first = which === "b" ? sideOf(this.#state, "a") : null;
    if (first?.tree.model === name) return this.#client.createAlike({ model: name, ...beginningOf(first.tree, model?.maskToken ?? null), settings });
    const { form } = this.#state;
    if (first) {
      const begun = beginningInText(this.#state, first);
      const unsent = model?.hasTokenizer === false || readsLeftToRight(model);
      return this.#client.createSession({ ...begun, model: name, chat: begun.chat && (model?.hasChatTemplate ?? false), words: unsent ? [] : begun.words, settings });
    }
    const chat = isChat(model, form);
    return this.#client.createSession({
      model: name,
      prompt: form.prompt,
      chat,
      earlier: earlierOf(form),
      reading: readingOf(model, form),
      length: form.length === "" ? null : Number(form.length),
      words: readWords(wordsOf(model, form)).words,
      settings,
    });
  }

  /** What is left of branches of the session in view, which makes one run at a time. */
  async #finish(/** @type {Which[]} */ branches, /** @type {AbortSignal} */ signal) {
    const session = this.#state.tree?.id;
    for (const which of branches) {
      const side = sideOf(this.#state, which);
      if (signal.aborted || side?.tree.id !== session) return;
      if (side && runs(this.#state, which)) await this.#session.finish(side.way[side.way.length - 1]);
    }
  }

  async #listModels() {
    try {
      this.#store.dispatch({ type: "compare.models", models: await this.#client.listModels() });
    } catch (/** @type {any} */ error) {
      this.#troubles.tell("Listing the models", error);
    }
  }

  /** A model chosen on an earlier visit is known by its name alone: it is read once. */
  #describe() {
    if (!this.#state.view.compare || offline(this.#state)) return;
    for (const name of unread(this.#state)) {
      if (this.#reading.has(name)) continue;
      this.#reading.add(name);
      this.#readModel(name);
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
