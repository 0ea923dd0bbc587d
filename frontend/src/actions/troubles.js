// What went wrong, and other news, as notices.
import { explain, failed, UNAVAILABLE } from "app/core/errors.js";

export class Troubles {
  #store;
  #connection;
  #count = 0;

  /**
   * @param {{ store: import("app/core/state.js").PageStore,
   *           connection: import("app/actions/connection.js").Connection }} parts
   */
  constructor({ store, connection }) {
    this.#store = store;
    this.#connection = connection;
  }

  /** @param {string} what  was being done  @param {any} error  @param {import("app/core/errors.js").Notice["action"]} [action] */
  tell(what, error, action) {
    // A hub out of reach is not the service.
    if (error.code === UNAVAILABLE && error.reason !== "HUB_UNREACHABLE") this.#connection.serviceLost(error);
    if (error.code === undefined) {
      console.error(error);
      error = { code: 13, message: String(error.message ?? error), reason: "", metadata: {}, fields: [], retryAfter: null, method: "the page" };
    }
    this.#raise({ ...explain(what, error), ...(action ? { action } : {}) });
  }

  /** @param {string} what  @param {string} why  @param {import("app/core/errors.js").Notice["action"]} [action] */
  news(what, why, action) {
    this.#raise({ what, why, advice: "", details: "", kind: "info", ...(action ? { action } : {}) });
  }

  /** What was asked for is done: nothing has to be done about it, and it goes by itself. @param {string} what  @param {string} why */
  done(what, why) {
    this.#raise({ what, why, advice: "", details: "", kind: "info", passing: true });
  }

  /** An action that may have failed before has worked now. @param {string} what  was being done */
  worked(what) {
    this.#store.dispatch({ type: "notices.settled", what: failed(what) });
  }

  #raise(/** @type {any} */ notice) {
    this.#count += 1;
    this.#store.dispatch({ type: "notice.raised", id: this.#count, notice });
  }
}
