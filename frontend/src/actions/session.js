// What a person does to a session. Frames reach the page twice, by the call that
// made them and by the watch; folding does not mind.
import { CANCELLED, DEADLINE_EXCEEDED, NOT_FOUND, OUT_OF_RANGE, UNAVAILABLE } from "app/core/errors.js";
import { OPEN } from "app/core/canvas.js";
import { headOf, isComplete } from "app/core/tree.js";
import { goneModel, startModel } from "app/core/models.js";
import { earlierOf, isChat, readingOf } from "app/core/prompting.js";
import { weighingOf } from "app/core/weighing.js";
import { shownRevision } from "app/core/state.js";
import { RANKING_SAMPLER, rankingOf, readWords, samplerNamed, settingsOf, settingsToSend, wordsOf } from "app/core/settings.js";
import { cellsOf, formOfSteps, hindrances, shown } from "app/core/selectors.js";

export class SessionActions {
  #store;
  #client;
  #connection;
  #vocabulary;
  /** @type {AbortController | null} */
  #call = null;
  /** @type {AbortController | null} */
  #watch = null;
  #troubles;
  /** Undos and redos to come. @type {("undo" | "redo")[]} */
  #going = [];

  /**
   * @param {{ store: import("app/core/state.js").PageStore, client: import("app/net/client.js").Client,
   *           connection: import("app/actions/connection.js").Connection,
   *           vocabulary: import("app/actions/vocabulary.js").Vocabulary,
   *           troubles: import("app/actions/troubles.js").Troubles }} parts
   */
  constructor({ store, client, connection, vocabulary, troubles }) {
    this.#store = store;
    this.#client = client;
    this.#connection = connection;
    this.#vocabulary = vocabulary;
    this.#troubles = troubles;
    connection.addEventListener("ready", () => {
      const { tree, opening } = this.#store.state;
      if (opening) this.#follow(opening, null);
      else if (tree) this.#follow(tree.id, headOf(tree));
    });
  }

  get #state() {
    return this.#store.state;
  }

  // ---- opening ----

  start() {
    return this.#perform("start", "Starting a session", async () => {
      const { form } = this.#state;
      const model = startModel(this.#state);
      const chat = isChat(model, form);
      const earlier = chat ? earlierOf(form) : [];
      const reading = readingOf(model, form);
      const { words } = readWords(wordsOf(model, form));
      const session = await this.#client.createSession({
        model: model?.name,
        prompt: form.prompt,
        chat,
        earlier,
        reading,
        length: form.length === "" ? null : Number(form.length),
        words,
        settings: settingsOf(model, form),
      });
      this.#opened(session, chat, { id: session.id, prompt: form.prompt, chat, earlier, reading, words });
      this.#store.dispatch({ type: "form.sent" });
      this.#follow(session.id, 0);
    });
  }

  /** Goes on with a session made earlier, here or elsewhere; until it is there, what is shown stays. */
  open(/** @type {string} */ id) {
    const { tree, opening } = this.#state;
    const held = tree?.id === id;
    if (held && !opening) return;
    this.#store.dispatch({ type: "session.opening", id: held ? null : id });
    if (this.#connection.isReady) this.#follow(id, held ? headOf(tree) : null);
  }

  close() {
    this.#watch?.abort();
    this.#store.dispatch({ type: "session.closed" });
  }

  /** @param {any} session  @param {boolean} [chat]  @param {import("app/core/copy-as.js").Asked} [asked] */
  #opened(session, chat, asked) {
    const { tree, activity } = this.#state;
    // What is going on belongs to the session that is left.
    if (tree && tree.id !== session.id && activity !== null && activity !== "start") {
      this.stop();
      if (activity === "run") this.#troubles.news("The run was stopped.", "Another session was opened. What the run made is kept; go back to it to run on.");
    }
    this.#store.dispatch({ type: "session.opened", session, chat, asked });
    this.#vocabulary.need(decided(session));
    const { model } = this.#state;
    if (model && (model.name !== session.model || model.state !== "ready")) {
      this.#client.getModel(session.model).then(
        (own) => {
          this.#store.dispatch({ type: "model.received", model: own });
          this.#needAll();
        },
        (error) => {
          if (error.code === NOT_FOUND) this.#store.dispatch({ type: "model.received", model: goneModel(this.#state.models, session.model) });
          this.#troubles.tell("Reading the session's model", error);
        },
      );
    }
  }

  /** An older state, which frames to come were made from. */
  #based(/** @type {any} */ session) {
    this.#store.dispatch({ type: "base.received", session });
    this.#vocabulary.need(decided(session));
  }

  #needAll() {
    const { tree } = this.#state;
    if (!tree) return;
    for (const revision of tree.revisions) {
      if (revision?.parent < 0) this.#vocabulary.need(decided(revision.canvas));
      else if (revision) this.#vocabulary.need(idsIn(revision));
    }
    for (const { draft } of tree.predictions.values()) if (draft) this.#vocabulary.need(Array.from(draft.tokens));
  }

  /** Takes frames as they come, after those held, for as long as there is a connection. */
  async #follow(/** @type {string} */ id, /** @type {number | null} */ after) {
    this.#watch?.abort();
    const watch = (this.#watch = new AbortController());
    let opened = after !== null;
    // Names are told at the start where there are any; those of before may be gone.
    this.#store.dispatch({ type: "names.received", session: id, names: new Map() });
    try {
      for await (const told of this.#client.watch(id, after, { signal: watch.signal })) {
        if (watch.signal.aborted) return;
        if (told.session && opened) this.#based(told.session);
        else if (told.session) this.#opened(told.session);
        else if (told.names) this.#store.dispatch({ type: "names.received", session: id, names: told.names });
        else if (told.trimmed) this.#trimmed(id, told.trimmed);
        else this.#receive(id, told.frame);
        opened = true;
      }
      if (!watch.signal.aborted) this.#connection.serviceLost({ message: "The server ended the stream." });
    } catch (/** @type {any} */ error) {
      if (watch.signal.aborted) return;
      // What is held is from before a restart, or too old: from the beginning.
      if ((error.code === OUT_OF_RANGE || error.reason === "HISTORY_TRIMMED") && after !== null) this.#follow(id, null);
      // A stream may not last for ever; its end is no news.
      else if (error.code === DEADLINE_EXCEEDED) this.#follow(id, this.#state.tree?.id === id ? headOf(this.#state.tree) : null);
      else if (error.code === UNAVAILABLE || error.code === CANCELLED) this.#connection.serviceLost(error);
      else if (error.code === NOT_FOUND || this.#state.opening === id) {
        const { tree } = this.#state;
        if (tree && tree.id !== id) this.open(tree.id);
        else this.#store.dispatch({ type: "session.closed" });
        this.#troubles.tell("Opening the session", error);
      } else this.#troubles.tell("Following the session", error);
    }
  }

  #trimmed(/** @type {string} */ session, /** @type {number} */ first) {
    this.#store.dispatch({ type: "history.trimmed", session, first });
    this.#troubles.news("The oldest revisions were dropped.", `The session has outgrown the server's limit; it reaches back to revision ${first} now.`);
  }

  #receive(/** @type {string} */ session, /** @type {any} */ frame) {
    this.#store.dispatch({ type: "frame.received", session, frame });
    this.#vocabulary.need(idsIn(frame));
  }

  // ---- changing ----

  stop() {
    this.#store.dispatch({ type: "activity.stopping" });
    this.#call?.abort();
  }

  forward() {
    return this.#perform("forward", "The forward pass", async (signal) => {
      const { tree } = this.#state;
      if (!tree) return;
      const prediction = await this.#client.predict(tree.id, shownRevision(this.#state), { signal });
      this.#predicted(tree.id, prediction);
    });
  }

  step() {
    return this.#perform("step", "The step", async (signal) => {
      await this.#advance(1, signal);
    });
  }

  run() {
    return this.#perform("run", "The run", async (signal) => {
      const id = this.#state.tree?.id;
      // With a pause between steps, each is a call of its own: stopping is exact. The run stays on its own
      // way, whatever others add meanwhile, and with its session.
      for (let base = shownRevision(this.#state); ; ) {
        const { delay } = this.#state.view;
        const made = await this.#advance(delay ? 1 : 0, signal, base);
        const { tree } = this.#state;
        if (!delay || made === null || !tree || tree.id !== id || isComplete(tree.revisions[made])) return;
        await pause(delay, signal);
        if (signal.aborted || this.#state.tree?.id !== id) return;
        base = made;
      }
    });
  }

  /** Runs on from a revision with the settings in force there, whatever the form says. */
  finish(/** @type {number} */ from) {
    return this.#perform("run", "The run", async (signal) => {
      const { tree } = this.#state;
      if (!tree) return;
      await this.#take(tree.id, this.#client.step({ ...this.#place(tree, from), count: 0, settings: null, predict: false }, { signal }));
    });
  }

  /** @returns {Promise<number | null>} the last revision that was made; null: none */
  async #advance(/** @type {number} */ count, /** @type {AbortSignal} */ signal, base = shownRevision(this.#state)) {
    const { tree, model } = this.#state;
    if (!tree) return null;
    const inForce = tree.revisions[base].settings;
    const settings = settingsToSend(model, formOfSteps(this.#state, inForce), inForce);
    const made = await this.#take(tree.id, this.#client.step({ ...this.#place(tree, base), count, settings, predict: false }, { signal }));
    if (settings) this.#store.dispatch({ type: "form.sent" });
    return made;
  }

  /**
   * Where the next revision is to be made from: the one shown, or another. Any
   * but the newest starts a branch.
   * @param {import("app/core/tree.js").Tree} tree
   */
  #place(tree, base = shownRevision(this.#state)) {
    const expected = headOf(tree);
    return { sessionId: tree.id, expected, from: base === expected ? null : base };
  }

  /**
   * Makes a revision by hand from the one shown.
   * @param {import("app/core/state.js").Activity} activity
   * @param {string} what
   * @param {(place: any, options: { signal: AbortSignal }) => AsyncIterable<any>} call
   * @returns {Promise<boolean>} whether it was made
   */
  async change(activity, what, call) {
    let done = false;
    await this.#perform(activity, what, async (signal) => {
      const { tree } = this.#state;
      if (!tree) return;
      await this.#take(tree.id, call(this.#place(tree), { signal }));
      done = true;
    });
    return done;
  }

  /** Commits a token: here, or, where the position was decided before, on a new branch. */
  pick(/** @type {number} */ position, /** @type {number} */ token) {
    return this.#perform("select", "Picking the token", async (signal) => {
      const { tree } = this.#state;
      if (!tree) return;
      const at = shownRevision(this.#state);
      const target = weighingOf(tree, at, position);
      if (!target) return;
      const decided = target.chosen !== null;
      const selections = [{ position: decided ? target.position : position, token }];
      const place = this.#place(tree, decided ? target.revision : at);
      await this.#take(tree.id, this.#client.select({ ...place, selections, predict: this.#state.view.asks }, { signal }));
    });
  }

  apply() {
    return this.#perform("select", "Applying the selection", async (signal) => {
      const { tree, picks } = this.#state;
      if (!tree) return;
      const selections = [...picks].map(([position, { token }]) => ({ position, token: token ?? undefined }));
      // The prediction that follows shows at once what the choice did to the rest.
      await this.#take(tree.id, this.#client.select({ ...this.#place(tree), selections, predict: this.#state.view.asks }, { signal }));
      this.#store.dispatch({ type: "picks.replaced", picks: [] });
    });
  }

  /** What the ranking, or the sampler of the steps, would do next, put into the tray. */
  propose() {
    return this.#perform("propose", "Auto-select", async (signal) => {
      const { tree, model, ranking, view } = this.#state;
      if (!tree) return;
      const form = formOfSteps(this.#state);
      const at = shownRevision(this.#state);
      const sampler = view.selector === "ranking" ? samplerNamed(model, RANKING_SAMPLER) : null;
      const settings = sampler
        ? { sampler: sampler.name, parameters: rankingOf(model, form, sampler, ranking).parameters, seed: null }
        : settingsOf(model, form);
      const { commits, edits, reopens } = await this.#client.propose(tree.id, at, settings, { signal });
      this.#vocabulary.need([...commits, ...edits].map(({ token }) => token));
      const { tokens, openCount } = tree.revisions[at].canvas;
      const picks = [
        ...commits.map(({ position, token, probability }) => [position, { token, replaces: null, probability, by: "auto" }]),
        ...edits.map(({ position, token, probability }) => [position, { token, replaces: tokens[position], probability, by: "auto" }]),
        ...reopens.map((position) => [position, { token: null, replaces: tokens[position], probability: null, by: "auto" }]),
      ];
      if (shownRevision(this.#state) === at) this.#store.dispatch({ type: "picks.replaced", picks });
      // The pass was made for the ranking; its draft costs nothing more.
      if (openCount) this.#predicted(tree.id, await this.#client.predict(tree.id, at, { signal }));
    });
  }

  /** Puts the draft token of an open position into the tray, or takes it out; false where there is none. */
  togglePick(/** @type {number} */ position) {
    const cell = cellsOf(this.#state)[position];
    if (this.#state.picks.has(position)) this.removePick(position);
    else if (cell?.state === "open" && cell.token !== null) this.addPick(position, cell.token, cell.probability);
    else return false;
    return true;
  }

  addPick(/** @type {number} */ position, /** @type {number} */ token, /** @type {number | null} */ probability) {
    if (shown(this.#state)?.canvas.states[position] !== OPEN) return;
    this.#store.dispatch({ type: "pick.added", position, pick: { token, replaces: null, probability, by: "hand" } });
  }

  removePick(/** @type {number} */ position) {
    this.#store.dispatch({ type: "pick.removed", position });
  }

  clearPicks() {
    this.#store.dispatch({ type: "picks.replaced", picks: [] });
  }

  /** Goes to a revision, as a new one, or one back or on again; presses that come faster wait their turn. */
  async rewind(/** @type {number | "undo" | "redo"} */ to) {
    if (this.#state.activity === "rewind") {
      if (typeof to === "string") this.#going.push(to);
      return;
    }
    let done = await this.#rewound(to);
    for (let next = this.#going.shift(); next; next = this.#going.shift()) {
      if (done && !hindrances(this.#state)[next]) done = await this.#rewound(next);
      else this.#going.length = 0;
    }
  }

  #rewound(/** @type {number | "undo" | "redo"} */ to) {
    const what = to === "undo" ? "Undoing" : to === "redo" ? "Redoing" : "Going back";
    return this.change("rewind", what, ({ sessionId, expected }, options) => this.#client.rewind({ sessionId, expected, to }, options));
  }

  /** Takes what a call has made. Its first frame is what is looked at next, unless one has looked elsewhere meanwhile, or is replaying. */
  async #take(/** @type {string} */ id, /** @type {AsyncIterable<any>} */ events) {
    let looking = this.#state.shown;
    /** The last revision that was made. @type {number | null} */
    let made = null;
    for await (const { frame, prediction } of events) {
      if (frame) made = frame.revision;
      if (frame) this.#receive(id, frame);
      else if (prediction) this.#predicted(id, prediction);
      if (!frame || looking === null) continue;
      if (looking === this.#state.shown && !this.#state.playing) this.#store.dispatch({ type: "revision.shown", revision: null });
      looking = null;
    }
    return made;
  }

  #predicted(/** @type {string} */ session, /** @type {any} */ prediction) {
    this.#store.dispatch({ type: "prediction.received", session, prediction });
    if (prediction.draft) this.#vocabulary.need(Array.from(prediction.draft.tokens));
  }

  // ---- one at a time ----

  /**
   * @param {import("app/core/state.js").Activity} activity
   * @param {string} what
   * @param {(signal: AbortSignal) => Promise<void>} act
   */
  async #perform(activity, what, act) {
    if (this.#state.activity) return;
    const call = (this.#call = new AbortController());
    this.#store.dispatch({ type: "activity.started", activity });
    let interrupted = false;
    try {
      await act(call.signal);
      this.#troubles.worked(what);
    } catch (/** @type {any} */ error) {
      if (!(call.signal.aborted && error.code === CANCELLED)) {
        interrupted = error.code === UNAVAILABLE && (activity === "run" || activity === "step");
        // Banners tell of the connection, and that the run can go on.
        if (interrupted) this.#connection.serviceLost(error);
        else this.#troubles.tell(what, error);
      }
    } finally {
      this.#store.dispatch({ type: "activity.ended", interrupted });
    }
  }
}

/** The tokens of a canvas that are not open. */
const decided = (/** @type {{ tokens: ArrayLike<number>, states: ArrayLike<number> }} */ { tokens, states }) =>
  Array.from(tokens).filter((_, position) => states[position] !== OPEN);

/** The tokens that a frame brings along. */
function idsIn(/** @type {any} */ { changes, draft }) {
  const ids = changes.filter((/** @type {any} */ c) => c.token !== null).map((/** @type {any} */ c) => c.token);
  return draft ? ids.concat(Array.from(draft.tokens)) : ids;
}

function pause(/** @type {number} */ ms, /** @type {AbortSignal} */ signal) {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener("abort", () => (clearTimeout(timer), resolve(undefined)), { once: true });
  });
}
