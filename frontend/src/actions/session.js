// What a person does to a session. Frames reach the page twice, by the call that
// made them and by the watch; folding does not mind.
import { explain, CANCELLED, DEADLINE_EXCEEDED, NOT_FOUND, OUT_OF_RANGE, UNAVAILABLE } from "app/core/errors.js";
import { headOf, isComplete, OPEN, weighingOf } from "app/core/tree.js";
import { shownRevision } from "app/core/state.js";
import { RANKING_SAMPLER, rankingOf, readWords, samplerNamed, settingsOf, settingsToSend, wordsOf } from "app/core/settings.js";
import { cellsOf, shown } from "app/core/selectors.js";

export class SessionActions {
  #store;
  #client;
  #connection;
  #vocabulary;
  /** @type {AbortController | null} */
  #call = null;
  /** @type {AbortController | null} */
  #watch = null;
  #notices = 0;

  constructor({ store, client, connection, vocabulary }) {
    this.#store = store;
    this.#client = client;
    this.#connection = connection;
    this.#vocabulary = vocabulary;
    connection.addEventListener("ready", () => {
      const { tree } = this.#store.state;
      if (tree) this.#follow(tree.id, headOf(tree));
    });
  }

  get #state() {
    return this.#store.state;
  }

  // ---- opening ----

  start() {
    return this.#perform("start", "Starting a session", async () => {
      const { model, form } = this.#state;
      const session = await this.#client.createSession({
        prompt: form.prompt,
        chat: form.chat && (model?.hasChatTemplate ?? false),
        length: form.length === "" ? null : Number(form.length),
        words: readWords(wordsOf(model, form)).words,
        settings: settingsOf(model, form),
      });
      this.#opened(session);
      this.#store.dispatch({ type: "form.sent" });
      this.#follow(session.id, 0);
    });
  }

  /** Goes on with a session made earlier, here or elsewhere. */
  open(/** @type {string} */ id) {
    if (this.#state.tree?.id === id) return;
    this.#follow(id, null);
  }

  close() {
    this.#watch?.abort();
    this.#store.dispatch({ type: "session.closed" });
  }

  #opened(/** @type {any} */ session) {
    this.#store.dispatch({ type: "session.opened", session });
    this.#vocabulary.need(session.tokens.filter((/** @type {number} */ _, /** @type {number} */ i) => session.states[i] !== OPEN));
    const { model } = this.#state;
    if (model && model.name !== session.model) {
      this.#client.getModel(session.model).then(
        (own) => {
          this.#store.dispatch({ type: "model.received", model: own });
          this.#needAll();
        },
        (error) => this.#fail("Reading the session's model", error),
      );
    }
  }

  #needAll() {
    const { tree } = this.#state;
    if (!tree) return;
    const root = tree.revisions[0].canvas;
    this.#vocabulary.need([...root.tokens].filter((_, position) => root.states[position] !== OPEN));
    for (const revision of tree.revisions) this.#vocabulary.need(idsIn(revision));
    for (const { draft } of tree.predictions.values()) if (draft) this.#vocabulary.need(Array.from(draft.tokens));
  }

  /** Takes frames as they come, after those held, for as long as there is a connection. */
  async #follow(/** @type {string} */ id, /** @type {number | null} */ after) {
    this.#watch?.abort();
    const watch = (this.#watch = new AbortController());
    try {
      for await (const { session, frame } of this.#client.watch(id, after, { signal: watch.signal })) {
        if (watch.signal.aborted) return;
        if (session) this.#opened(session);
        else this.#receive(id, frame);
      }
      if (!watch.signal.aborted) this.#connection.serviceLost({ message: "The server ended the stream." });
    } catch (error) {
      if (watch.signal.aborted) return;
      if (error.code === OUT_OF_RANGE && after !== null) this.#follow(id, null);
      // A stream may not last for ever; its end is no news.
      else if (error.code === DEADLINE_EXCEEDED) this.#follow(id, this.#state.tree?.id === id ? headOf(this.#state.tree) : null);
      else if (error.code === NOT_FOUND) {
        this.#store.dispatch({ type: "session.closed" });
        this.#fail("Opening the session", error);
      } else if (error.code === UNAVAILABLE || error.code === CANCELLED) this.#connection.serviceLost(error);
      else this.#fail("Following the session", error);
    }
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
      await this.#standAt(shownRevision(this.#state), signal);
      await this.#advance(1, signal);
    });
  }

  run() {
    return this.#perform("run", "The run", async (signal) => {
      await this.#standAt(shownRevision(this.#state), signal);
      // With a pause between steps, each is a call of its own: stopping is exact.
      for (;;) {
        const { delay } = this.#state.view;
        await this.#advance(delay ? 1 : 0, signal);
        if (!delay || this.#complete) return;
        await pause(delay, signal);
        if (signal.aborted) return;
      }
    });
  }

  get #complete() {
    const { tree } = this.#state;
    return !tree || isComplete(tree.revisions[headOf(tree)]);
  }

  get #openCount() {
    const { tree } = this.#state;
    return tree ? tree.revisions[headOf(tree)].canvas.openCount : 0;
  }

  async #advance(/** @type {number} */ count, /** @type {AbortSignal} */ signal) {
    const { tree, model, form } = this.#state;
    if (!tree) return;
    const head = headOf(tree);
    const settings = settingsToSend(model, form, tree.revisions[head].settings);
    const events = this.#client.step(
      { sessionId: tree.id, count, expected: head, settings, predict: false },
      { signal },
    );
    await this.#take(tree.id, events);
    if (settings) this.#store.dispatch({ type: "form.sent" });
  }

  /** Commits a token: here, or, where the position was decided before, on a new branch. */
  pick(/** @type {number} */ position, /** @type {number} */ token) {
    return this.#perform("select", "Picking the token", async (signal) => {
      const { tree } = this.#state;
      if (!tree) return;
      const target = weighingOf(tree, shownRevision(this.#state), position);
      if (!target) return;
      const at = target.chosen === null ? shownRevision(this.#state) : target.revision;
      await this.#standAt(at, signal);
      await this.#select([{ position, token }], signal);
    });
  }

  apply() {
    return this.#perform("select", "Applying the selection", async (signal) => {
      const selections = [...this.#state.picks].map(([position, { token }]) => ({ position, token: token ?? undefined }));
      await this.#standAt(shownRevision(this.#state), signal, true);
      await this.#select(selections, signal);
      this.#store.dispatch({ type: "picks.replaced", picks: [] });
    });
  }

  async #select(/** @type {{ position: number, token?: number }[]} */ selections, /** @type {AbortSignal} */ signal) {
    const { tree } = this.#state;
    if (!tree || !selections.length) return;
    // The prediction that follows shows at once what the choice did to the rest.
    const { states } = tree.revisions[headOf(tree)].canvas;
    const filled = selections.filter(({ position, token }) => token !== undefined && states[position] === OPEN).length;
    const predict = this.#openCount > filled || selections.some(({ token }) => token === undefined);
    const expected = headOf(tree);
    await this.#take(tree.id, this.#client.select({ sessionId: tree.id, selections, expected, predict }, { signal }));
  }

  /** What the ranking, or the sampler of the steps, would do next, put into the tray. */
  propose() {
    return this.#perform("propose", "Auto-select", async (signal) => {
      await this.#standAt(shownRevision(this.#state), signal);
      const { tree, model, form, ranking, view } = this.#state;
      if (!tree) return;
      const sampler = view.selector === "ranking" ? samplerNamed(model, RANKING_SAMPLER) : null;
      const settings = sampler
        ? { sampler: sampler.name, parameters: rankingOf(model, form, sampler, ranking).parameters, seed: null }
        : settingsOf(model, form);
      const { commits, edits, reopens } = await this.#client.propose(tree.id, settings, { signal });
      this.#vocabulary.need([...commits, ...edits].map(({ token }) => token));
      const { tokens } = tree.revisions[headOf(tree)].canvas;
      const picks = [
        ...commits.map(({ position, token, probability }) => [position, { token, replaces: null, probability, by: "auto" }]),
        ...edits.map(({ position, token, probability }) => [position, { token, replaces: tokens[position], probability, by: "auto" }]),
        ...reopens.map((position) => [position, { token: null, replaces: tokens[position], probability: null, by: "auto" }]),
      ];
      this.#store.dispatch({ type: "picks.replaced", picks });
      // The pass was made for the ranking; its draft costs nothing more.
      if (this.#openCount) this.#predicted(tree.id, await this.#client.predict(tree.id, headOf(tree), { signal }));
    });
  }

  /** Puts the draft token of an open position into the tray, or takes it out. */
  togglePick(/** @type {number} */ position) {
    if (this.#state.picks.has(position)) this.removePick(position);
    else {
      const cell = cellsOf(this.#state)[position];
      if (cell?.state === "open" && cell.token !== null) this.addPick(position, cell.token, cell.probability);
    }
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

  /** Makes a revision the newest, so that what follows continues from it. */
  rewind(/** @type {number} */ revision) {
    return this.#perform("rewind", "Going back", (signal) => this.#standAt(revision, signal));
  }

  async #standAt(/** @type {number} */ revision, /** @type {AbortSignal} */ signal, keepPicks = false) {
    const { tree, picks } = this.#state;
    if (!tree) return;
    const head = headOf(tree);
    if (revision !== head) {
      await this.#take(tree.id, this.#client.rewind({ sessionId: tree.id, revision, expected: head }, { signal }));
    }
    this.#store.dispatch({ type: "revision.shown", revision: null });
    if (keepPicks) this.#store.dispatch({ type: "picks.replaced", picks });
  }

  async #take(/** @type {string} */ id, /** @type {AsyncIterable<any>} */ events) {
    for await (const { frame, prediction } of events) {
      if (frame) this.#receive(id, frame);
      else if (prediction) this.#predicted(id, prediction);
    }
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
    } catch (error) {
      if (!(call.signal.aborted && error.code === CANCELLED)) {
        interrupted = error.code === UNAVAILABLE && (activity === "run" || activity === "step");
        // Banners tell of the connection, and that the run can go on.
        if (interrupted) this.#connection.serviceLost(error);
        else this.#fail(what, error);
      }
    } finally {
      this.#store.dispatch({ type: "activity.ended", interrupted });
    }
  }

  #fail(/** @type {string} */ what, /** @type {any} */ error) {
    if (error.code === UNAVAILABLE) this.#connection.serviceLost(error);
    if (error.code === undefined) {
      console.error(error);
      error = { code: 13, message: String(error.message ?? error), reason: "", metadata: {}, fields: [], retryAfter: null, method: "the page" };
    }
    this.#notices += 1;
    this.#store.dispatch({ type: "notice.raised", id: this.#notices, notice: explain(what, error) });
  }
}

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
