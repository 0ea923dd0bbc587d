// The preview of masking again asks for a ranking whenever another one is
// wanted, a moment after the slider rests, and takes only the newest answer.
import { UNAVAILABLE } from "app/core/errors.js";
import { rankingWanted } from "app/core/remasking.js";

/** Milliseconds that a slider must rest. */
const REST = 30;

export class Remask {
  #store;
  #client;
  #connection;
  #troubles;
  #timer = 0;
  /** The key of the ranking that is asked for, or about to be. */
  #asking = "";

  /**
   * @param {{ store: import("app/core/state.js").PageStore, client: import("app/net/client.js").Client,
   *           connection: import("app/actions/connection.js").Connection,
   *           troubles: import("app/actions/troubles.js").Troubles }} parts
   */
  constructor({ store, client, connection, troubles }) {
    this.#store = store;
    this.#client = client;
    this.#connection = connection;
    this.#troubles = troubles;
    store.addEventListener("change", () => this.#look());
  }

  change(/** @type {object} */ fields) {
    this.#store.dispatch({ type: "remask.changed", fields });
  }

  #missing() {
    const { state } = this.#store;
    const wanted = rankingWanted(state);
    const idle = state.activity === null && state.view.asks && this.#connection.isReady;
    return wanted && idle && wanted.key !== state.remask.answer?.key ? wanted : null;
  }

  #look() {
    const key = this.#missing()?.key ?? "";
    if (key === this.#asking) return;
    this.#asking = key;
    clearTimeout(this.#timer);
    if (key) this.#timer = window.setTimeout(() => this.#ask(), REST);
  }

  async #ask() {
    const wanted = this.#missing();
    if (!wanted) return;
    const { key, sessionId, revision, rho, ratio } = wanted;
    /** @type {{ position: number, score: number }[] | null} */
    let ranked = null;
    try {
      ranked = await this.#client.remasking({ sessionId, revision, ratio, rho });
    } catch (/** @type {any} */ error) {
      if (error.code === UNAVAILABLE) return this.#connection.serviceLost(error);
      this.#troubles.tell("The preview", error);
    }
    // The slider has moved on meanwhile: its own answer is on the way.
    if (rankingWanted(this.#store.state)?.key !== key) return;
    this.change({ answer: { key, ranked } });
  }
}
