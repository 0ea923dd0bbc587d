// How many forward passes looking took, which the service counts: asked for anew
// when something was looked at, while the numbers are shown.
import { headOf } from "app/core/tree.js";

/** Milliseconds that must be quiet first: what is looked at comes in several answers. */
const SETTLE = 400;

export class Looking {
  #store;
  #client;
  #connection;
  #timer = 0;
  /** What was there when it was last asked for. @type {unknown[]} */
  #seen = [];

  /**
   * @param {{ store: import("app/core/state.js").PageStore, client: import("app/net/client.js").Client,
   *           connection: import("app/actions/connection.js").Connection }} parts
   */
  constructor({ store, client, connection }) {
    this.#store = store;
    this.#client = client;
    this.#connection = connection;
    store.addEventListener("change", () => this.#later());
  }

  #later() {
    const { tree, view, activity, weighings, trial, margins, why } = this.#store.state;
    if (!view.numbers || !tree || activity || !this.#connection.isReady) return;
    const there = [tree.id, headOf(tree), tree.predictions, weighings, trial, margins, why];
    if (there.every((value, at) => value === this.#seen[at])) return;
    this.#seen = there;
    clearTimeout(this.#timer);
    this.#timer = window.setTimeout(() => this.#ask(tree.id, headOf(tree)), SETTLE);
  }

  async #ask(/** @type {string} */ session, /** @type {number} */ head) {
    try {
      const { looking } = await this.#client.getSession(session, head);
      this.#store.dispatch({ type: "looking.counted", session, passes: looking });
    } catch {
      this.#seen = []; // a number, and no work of anybody's: the next change asks again
    }
  }
}
