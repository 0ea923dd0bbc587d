// Candidates of the rows in view, a screenful in one call once the list rests.
import { UNAVAILABLE } from "app/core/errors.js";
import { callsFor } from "app/core/rows.js";
import { weighingKey } from "app/core/state.js";

const CANDIDATES = 10;
/** Milliseconds that the list must rest: a scroll passes many rows. */
const SETTLE = 120;

export class Rows {
  #store;
  #client;
  #connection;
  #vocabulary;
  /** @type {readonly number[]} */
  #seen = [];
  #timer = 0;
  #asking = false;

  /**
   * @param {{ store: import("app/core/state.js").PageStore, client: import("app/net/client.js").Client,
   *           connection: import("app/actions/connection.js").Connection,
   *           vocabulary: import("app/actions/vocabulary.js").Vocabulary }} parts
   */
  constructor({ store, client, connection, vocabulary }) {
    this.#store = store;
    this.#client = client;
    this.#connection = connection;
    this.#vocabulary = vocabulary;
    store.addEventListener("change", () => this.#later());
  }

  /** The positions in view; none where no rows are drawn. */
  see(/** @type {readonly number[]} */ positions) {
    this.#seen = positions;
    this.#later();
  }

  #later() {
    clearTimeout(this.#timer);
    if (this.#seen.length) this.#timer = window.setTimeout(() => this.#ask(), SETTLE);
  }

  /** One call at a time, and before each a look at what is in view by then. */
  async #ask() {
    if (this.#asking) return;
    this.#asking = true;
    try {
      for (let call = this.#next(); call; call = this.#next()) await this.#take(call);
    } finally {
      this.#asking = false;
    }
  }

  #next() {
    const { state } = this.#store;
    return state.view.asks && this.#connection.isReady ? callsFor(state, this.#seen)[0] : undefined;
  }

  async #take(/** @type {{ revision: number, positions: number[] }} */ { revision, positions }) {
    const session = this.#store.state.tree?.id;
    if (!session) return;
    const put = (/** @type {(position: number, i: number) => any} */ what) =>
      this.#store.dispatch({ type: "weighings.received", session, weighings: positions.map((position, i) => [weighingKey(revision, position), what(position, i)]) });
    put(() => "asked");
    try {
      const weighings = await this.#client.getCandidates({ sessionId: session, revision, positions, count: CANDIDATES });
      this.#vocabulary.need(weighings.flatMap(({ candidates }) => candidates.map(({ token }) => token)));
      put((_, i) => weighings[i]);
    } catch (/** @type {any} */ error) {
      if (error.code === UNAVAILABLE) {
        // The connection is told first: what is taken back would be asked for again at once.
        this.#connection.serviceLost(error);
        positions.forEach((position) => this.#store.dispatch({ type: "weighing.changed", session, key: weighingKey(revision, position), weighing: null }));
      } else put(() => ({ failed: error.message }));
    }
  }
}
