// Has an answer scored, with the estimate as it comes.
import { CANCELLED, UNAVAILABLE } from "app/core/errors.js";
import { inspectionHindrance, isExact, readScore, refusedBy, scoredModel, takesChat } from "app/core/scoring.js";

export class Scoring {
  #store;
  #inspecting;
  #client;
  #connection;
  /** @type {AbortController | null} */
  #call = null;

  /**
   * @param {{ store: import("app/core/state.js").PageStore, inspecting: import("app/net/inspecting.js").Inspecting,
   *           client: import("app/net/client.js").Client, connection: import("app/actions/connection.js").Connection }} parts
   */
  constructor({ store, inspecting, client, connection }) {
    this.#store = store;
    this.#inspecting = inspecting;
    this.#client = client;
    this.#connection = connection;
    store.addEventListener("change", () => !store.state.view.asks && this.cancel());
  }

  /** @param {Partial<import("app/core/scoring.js").ScoreForm>} fields */
  type(fields) {
    const { form, problems } = this.#store.state.scoring;
    const left = Object.fromEntries(Object.entries(problems).filter(([field]) => field && !(field in fields)));
    this.#put({ form: { ...form, ...fields }, problems: left });
  }

  #put(/** @type {Partial<import("app/core/scoring.js").Scoring>} */ fields) {
    this.#store.dispatch({ type: "scoring.changed", fields });
  }

  async run() {
    const { state } = this.#store;
    if (state.scoring.running || inspectionHindrance(state, "score")) return;
    const model = scoredModel(state);
    const { wanted, problems } = readScore(state.scoring.form, model, isExact(state, model), takesChat(state, model));
    if (Object.keys(problems).length) return this.#put({ problems });
    const call = (this.#call = new AbortController());
    this.#put({ running: true, stopped: false, problems: {}, model, trail: [] });
    try {
      for await (const estimate of this.#inspecting.score(wanted, { signal: call.signal })) {
        if (call.signal.aborted) return;
        if (!this.#store.state.scoring.trail.length) this.#name(model, estimate.tokens);
        this.#put({ trail: [...this.#store.state.scoring.trail, estimate] });
      }
      this.#put({ running: false });
    } catch (/** @type {any} */ error) {
      if (call.signal.aborted || error.code === CANCELLED) return;
      if (error.code === UNAVAILABLE) this.#connection.serviceLost(error);
      this.#put({ running: false, problems: refusedBy(error) });
    }
  }

  cancel() {
    if (!this.#store.state.scoring.running) return;
    this.#call?.abort();
    this.#put({ running: false, stopped: true });
  }

  /** The texts of the answer's tokens, of whatever model. */
  async #name(/** @type {string} */ model, /** @type {number[]} */ ids) {
    const tokens = await this.#client.detokenize(model, [...new Set(ids)]).catch(() => []);
    this.#put({ tokens: new Map(tokens.map((/** @type {import("app/core/tokens.js").Token} */ token) => [token.id, token])) });
  }
}
