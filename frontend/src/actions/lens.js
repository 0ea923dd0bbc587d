// What the margin lens needs, asked for while it is in use: the open positions of
// the revision shown, some at a time. What was on the way for another one is
// given up; what has come stays.
import { CANCELLED, UNAVAILABLE } from "app/core/errors.js";
import { marginsWanted } from "app/core/margins.js";

/** Milliseconds that a revision must be shown before it is asked about: a slider passes many. */
const REST = 90;

/** Two candidates make a margin. */
const COUNT = 2;

export class Lens {
  #store;
  #client;
  #connection;
  #timer = 0;
  /** What is asked for, or about to be: its session and revision. */
  #asking = "";
  /** @type {AbortController | null} */
  #call = null;

  /** @param {{ store: import("app/core/store.js").Store<import("app/core/state.js").State, any>, client: import("app/net/client.js").Client, connection: import("app/actions/connection.js").Connection }} parts */
  constructor({ store, client, connection }) {
    this.#store = store;
    this.#client = client;
    this.#connection = connection;
    store.addEventListener("change", () => this.#look());
  }

  use(/** @type {import("app/core/lenses.js").Lens} */ lens) {
    this.#store.dispatch({ type: "view.changed", view: { lens } });
  }

  /** Asks again for margins that could not be had. */
  retry() {
    const { tree, margins } = this.#store.state;
    for (const [revision, { failed }] of margins) if (failed) this.#store.dispatch({ type: "margins.received", session: tree?.id, revision, margins: [] });
  }

  /** While steps run, every frame would ask again; the last one is enough. */
  #wanted() {
    const { state } = this.#store;
    const still = state.activity !== "run" && state.activity !== "step";
    return still && state.view.asks && this.#connection.isReady ? marginsWanted(state) : null;
  }

  #look() {
    const wanted = this.#wanted();
    const key = wanted ? `${wanted.sessionId} ${wanted.revision}` : "";
    if (key === this.#asking) return;
    this.#asking = key;
    clearTimeout(this.#timer);
    this.#call?.abort();
    if (key) this.#timer = window.setTimeout(() => this.#ask(), REST);
  }

  async #ask() {
    const call = (this.#call = new AbortController());
    for (let wanted = this.#wanted(); wanted && !call.signal.aborted; wanted = this.#wanted()) {
      const { sessionId: session, revision } = wanted;
      /** @type {[number, number][]} */
      let margins = [];
      let failed = "";
      try {
        const weighings = await this.#client.getCandidates({ ...wanted, count: COUNT }, { signal: call.signal });
        margins = weighings.map(({ position, margin }) => [position, margin]);
      } catch (/** @type {any} */ error) {
        if (call.signal.aborted || error.code === CANCELLED) return;
        if (error.code === UNAVAILABLE) {
          this.#asking = ""; // once it is back, again
          return this.#connection.serviceLost(error);
        }
        failed = error.message;
      }
      this.#store.dispatch({ type: "margins.received", session, revision, margins, failed });
    }
  }
}
