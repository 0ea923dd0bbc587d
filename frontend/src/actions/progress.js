// Work that takes a while, one at a time: how far it is, and a way to give it up.
import { CANCELLED } from "app/core/errors.js";

export class Progress {
  #store;
  #troubles;
  /** @type {AbortController | null} */
  #work = null;

  /** @param {{ store: import("app/core/state.js").PageStore, troubles: import("app/actions/troubles.js").Troubles }} parts */
  constructor({ store, troubles }) {
    this.#store = store;
    this.#troubles = troubles;
  }

  /**
   * @param {string} what
   * @param {(signal: AbortSignal, told: (done: number, total: number) => void) => Promise<void>} act
   */
  async during(what, act) {
    if (this.#work) return;
    const work = (this.#work = new AbortController());
    const told = (/** @type {number} */ done, /** @type {number} */ total) => this.#store.dispatch({ type: "saving.changed", saving: { what, done, total } });
    told(0, 0);
    try {
      await act(work.signal, told);
      this.#troubles.worked(what);
    } catch (/** @type {any} */ error) {
      if (!work.signal.aborted && error.code !== CANCELLED) this.#troubles.tell(what, error);
    } finally {
      this.#work = null;
      this.#store.dispatch({ type: "saving.changed", saving: null });
    }
  }

  cancel() {
    this.#work?.abort();
  }
}
