// Asks why a token is there: when a person says so, or, where it is quick and
// wanted, of whatever is pointed at. What was on the way for another question is
// given up; what was answered once is not asked for again.
import { answerOf, asksAhead, choiceOf, questionKey, questionOf, whyNotAsk } from "app/core/attribution.js";
import { CANCELLED, UNAVAILABLE } from "app/core/errors.js";
import { GIVEN, OPEN } from "app/core/canvas.js";
import { shown } from "app/core/selectors.js";

/** Milliseconds that something must be pointed at: a pointer passes many. */
const REST = 80;

/** @typedef {import("app/core/attribution.js").Question} Question */

export class Attribution {
  #store;
  #inspecting;
  #connection;
  #vocabulary;
  #timer = 0;
  /** @type {AbortController | null} */
  #call = null;
  /** The question on its way. @type {Question | null} */
  #asked = null;
  /** The focus is being put somewhere by the page itself. */
  #quiet = false;

  /**
   * @param {{ store: import("app/core/state.js").PageStore, inspecting: import("app/net/inspecting.js").Inspecting,
   *           connection: import("app/actions/connection.js").Connection, vocabulary: import("app/actions/vocabulary.js").Vocabulary }} parts
   */
  constructor({ store, inspecting, connection, vocabulary }) {
    this.#store = store;
    this.#inspecting = inspecting;
    this.#connection = connection;
    this.#vocabulary = vocabulary;
    store.addEventListener("change", () => this.#giveUp());
  }

  /** @param {Partial<import("app/core/attribution.js").Choice>} fields */
  choose(fields) {
    const before = choiceOf(this.#store.state.view);
    this.#store.dispatch({ type: "view.changed", view: { why: { ...before, ...fields } } });
    if (fields.open === false) this.leave();
    else if (asksAhead(this.#store.state)) this.ask();
  }

  /** The tokens that it is asked of: why one, and not another. @param {import("app/core/attribution.js").Why["pair"]} pair */
  pair(pair) {
    this.#store.dispatch({ type: "why.paired", pair });
    if (asksAhead(this.#store.state)) this.ask();
  }

  /** Asks what is asked now, unless it was answered. */
  ask() {
    const question = questionOf(this.#store.state);
    if (!question || whyNotAsk(this.#store.state)) return;
    this.#store.dispatch({ type: "why.shown", on: true });
    const key = questionKey(question);
    if (this.#store.state.why.asking?.key === key) return;
    this.cancel();
    const known = answerOf(this.#store.state);
    if (known && !("failed" in known)) return;
    this.#run(question, key);
  }

  /** Something is pointed at, or has the focus; null: nothing any more. @param {{ position: number, token: number | null } | null} at */
  point(at) {
    const { state } = this.#store;
    clearTimeout(this.#timer);
    if (this.#quiet || !choiceOf(state.view).open || (!at && !state.why.pointed)) return;
    this.#timer = window.setTimeout(() => this.#pointed(at), REST);
  }

  #pointed(/** @type {import("app/core/attribution.js").Why["pointed"]} */ at) {
    const { state } = this.#store;
    if (at && (!asksAhead(state) || !this.#writtenAt(at))) return;
    this.#store.dispatch({ type: "why.pointed", at });
    if (at) this.ask();
  }

  /** What was given was not chosen; an open position is asked about by a candidate. */
  #writtenAt(/** @type {{ position: number, token: number | null }} */ { position, token }) {
    const state = shown(this.#store.state)?.canvas.states[position];
    return token !== null || (state !== OPEN && state !== GIVEN);
  }

  /** Does what moves the focus without asking about where it goes. @param {() => unknown} act */
  async quietly(act) {
    this.#quiet = true;
    try {
      await act();
    } finally {
      this.#quiet = false;
    }
  }

  /** The colours before are back. */
  leave() {
    this.cancel();
    clearTimeout(this.#timer);
    this.#store.dispatch({ type: "why.pointed", at: null });
    this.#store.dispatch({ type: "why.shown", on: false });
    const choice = choiceOf(this.#store.state.view);
    if (choice.live) this.#store.dispatch({ type: "view.changed", view: { why: { ...choice, live: false } } });
  }

  cancel() {
    this.#call?.abort();
    this.#call = null;
    this.#asked = null;
    if (this.#store.state.why.asking) this.#store.dispatch({ type: "why.asking", asking: null });
  }

  /** What is asked for another session, or with the model off, is not wanted any more. */
  #giveUp() {
    const { tree, view, why } = this.#store.state;
    if (this.#asked && (tree?.id !== this.#asked.session || !view.asks)) this.cancel();
    // A position of another canvas.
    if (why.pointed && (!tree || !asksAhead(this.#store.state))) this.#store.dispatch({ type: "why.pointed", at: null });
  }

  async #run(/** @type {Question} */ question, /** @type {string} */ key) {
    const call = (this.#call = new AbortController());
    this.#asked = question;
    this.#store.dispatch({ type: "why.asking", asking: { key, done: 0, total: 0 } });
    /** @type {any} */
    let answer = null;
    try {
      for await (const event of this.#inspecting.attribute(question, { signal: call.signal })) {
        if (call.signal.aborted) return;
        if (event.progress) this.#store.dispatch({ type: "why.asking", asking: { key, ...event.progress } });
        else answer = event.answer;
      }
    } catch (/** @type {any} */ error) {
      if (call.signal.aborted || error.code === CANCELLED) return;
      if (error.code === UNAVAILABLE) {
        this.cancel();
        return this.#connection.serviceLost(error);
      }
      answer = { failed: error.message };
    }
    if (call.signal.aborted || !answer) return;
    this.#asked = null;
    if (!("failed" in answer)) this.#vocabulary.need([answer.token, ...(answer.contrast === null ? [] : [answer.contrast])]);
    this.#store.dispatch({ type: "why.answered", key, answer });
  }
}
