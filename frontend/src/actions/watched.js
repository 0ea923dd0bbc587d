// Tokens that are watched: taken up, dropped, and what is missing of them asked for.
import { CANCELLED, UNAVAILABLE } from "app/core/errors.js";
import { DEEP, fillHindrance, gapsOf, newestGaps, trailsOf, watchHindrance, watchOf } from "app/core/watched.js";
import { weighingKey } from "app/core/state.js";

/** Milliseconds that the page must rest before a step's leftovers are asked for. */
const SETTLE = 150;

export class Watched {
  #store;
  #client;
  #connection;
  #vocabulary;
  #troubles;
  /** @type {AbortController | null} */
  #filling = null;
  #timer = 0;
  /** What was asked for of the newest revision last: once is enough. */
  #asked = "";
  /** @type {unknown} */
  #tokens = null;

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
    store.addEventListener("change", () => this.#changed());
    connection.addEventListener("ready", () => (this.#asked = ""));
  }

  get #state() {
    return this.#store.state;
  }

  /**
   * Takes a token up at a position of a revision, or drops it.
   * @param {number} revision
   * @param {number} position
   * @param {number} token
   */
  toggle(revision, position, token) {
    const watch = watchOf(this.#state, revision, position, token);
    if (watch) this.drop(watch);
    else if (!watchHindrance(this.#state)) this.#store.dispatch({ type: "watch.added", watch: { token, revision, position } });
  }

  drop(/** @type {import("app/core/state.js").Watch} */ watch) {
    this.#store.dispatch({ type: "watch.removed", watch });
  }

  /** Asks for all that is missing, newest first. */
  async fill() {
    const session = this.#state.tree?.id;
    if (this.#filling || !session || fillHindrance(this.#state)) return;
    const wanted = gapsOf(trailsOf(this.#state));
    const { signal } = (this.#filling = new AbortController());
    try {
      for (let done = 0; done < wanted.length; done++) {
        this.#store.dispatch({ type: "watch.filling", filling: { done, total: wanted.length } });
        await this.#ask(session, wanted[done], signal);
        if (signal.aborted) return;
      }
    } catch (/** @type {any} */ error) {
      if (error.code === UNAVAILABLE) this.#connection.serviceLost(error);
      else if (error.code !== CANCELLED) this.#troubles.tell("Filling in what is watched", error);
    } finally {
      this.#filling = null;
      this.#store.dispatch({ type: "watch.filling", filling: null });
    }
  }

  cancel() {
    this.#filling?.abort();
  }

  #changed() {
    const { tree, watched } = this.#state;
    if (watched.tokens !== this.#tokens) {
      this.#tokens = watched.tokens;
      this.#vocabulary.need(watched.tokens.map(({ token }) => token));
    }
    if (this.#filling && tree?.id !== watched.session) this.cancel();
    if (!watched.tokens.length || !this.#wanted()) return;
    clearTimeout(this.#timer);
    this.#timer = window.setTimeout(() => this.#askNewest(), SETTLE);
  }

  /** What a step has left open of what is watched; nothing while more is going on. */
  #wanted() {
    const { tree, activity, watched, view } = this.#state;
    if (!tree || !view.asks || activity !== null || watched.filling || !this.#connection.isReady) return null;
    const gap = newestGaps(this.#state);
    return gap && this.#keyOf(gap) !== this.#asked ? gap : null;
  }

  #keyOf(/** @type {{ revision: number, positions: number[] }} */ { revision, positions }) {
    return `${this.#state.tree?.id} ${revision} ${positions}`;
  }

  async #askNewest() {
    const wanted = this.#wanted();
    const session = this.#state.tree?.id;
    if (!wanted || !session) return;
    this.#asked = this.#keyOf(wanted);
    try {
      await this.#ask(session, wanted);
    } catch (/** @type {any} */ error) {
      // It stays a gap, and can be filled in by hand.
      if (error.code === UNAVAILABLE) this.#connection.serviceLost(error);
      else console.warn("watched tokens:", error.message);
    }
  }

  /** @param {string} session  @param {{ revision: number, positions: number[] }} wanted  @param {AbortSignal} [signal] */
  async #ask(session, { revision, positions }, signal) {
    const answers = await this.#client.getCandidates({ sessionId: session, revision, positions, count: DEEP }, { signal });
    const weighed = answers.map((/** @type {import("app/core/state.js").Weighing} */ { position, candidates }) => [
      weighingKey(revision, position),
      { tokens: candidates.map(({ token }) => token), probabilities: candidates.map(({ pBase }) => pBase) },
    ]);
    this.#store.dispatch({ type: "watch.weighed", session, weighed });
  }
}
