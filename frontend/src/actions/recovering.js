// Has texts masked in part and restored, each shown as it is done.
import { download } from "app/actions/download.js";
import { CANCELLED, UNAVAILABLE } from "app/core/errors.js";
import { csvOf, readRecover, recoverRefused } from "app/core/recovering.js";
import { inspectionHindrance } from "app/core/scoring.js";

export class Recovering {
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

  get #held() {
    return this.#store.state.recovering;
  }

  /** @param {Partial<import("app/core/recovering.js").RecoverForm>} fields */
  type(fields) {
    const { form, problems } = this.#held;
    const left = Object.fromEntries(Object.entries(problems).filter(([field]) => field && !(field in fields)));
    this.#put({ form: { ...form, ...fields }, problems: left });
  }

  #put(/** @type {Partial<import("app/core/recovering.js").Recovering>} */ fields) {
    this.#store.dispatch({ type: "recovering.changed", fields });
  }

  async run() {
    const { state } = this.#store;
    if (this.#held.running || inspectionHindrance(state, "restore texts")) return;
    const { wanted, problems } = readRecover(state);
    if (Object.keys(problems).length) return this.#put({ problems });
    const call = (this.#call = new AbortController());
    this.#put({ running: { done: 0, total: wanted.texts.length * wanted.models.length }, stopped: false, problems: {}, restored: [], totals: [] });
    try {
      for await (const { progress, text, total } of this.#inspecting.recover(wanted, { signal: call.signal })) {
        if (call.signal.aborted) return;
        if (progress) this.#put({ running: progress });
        if (total) this.#put({ totals: [...this.#held.totals, total] });
        if (!text) continue;
        this.#put({ restored: [...this.#held.restored, text] });
        this.#name(text.model, [...text.original, ...text.restored]);
      }
      this.#put({ running: null });
    } catch (/** @type {any} */ error) {
      if (call.signal.aborted || error.code === CANCELLED) return;
      if (error.code === UNAVAILABLE) this.#connection.serviceLost(error);
      this.#put({ running: null, problems: recoverRefused(error) });
    }
  }

  cancel() {
    if (!this.#held.running) return;
    this.#call?.abort();
    this.#put({ running: null, stopped: true });
  }

  saveTable() {
    const { restored } = this.#held;
    const models = [...new Set(restored.map(({ model }) => model))];
    download(new Blob([csvOf(restored, models)], { type: "text/csv" }), "recovered.csv");
  }

  /** The texts of tokens, of whatever model. */
  async #name(/** @type {string} */ model, /** @type {number[]} */ ids) {
    const known = this.#held.tokens[model] ?? new Map();
    const missing = [...new Set(ids)].filter((id) => !known.has(id));
    if (!missing.length) return;
    const tokens = await this.#client.detokenize(model, missing).catch(() => []);
    const all = new Map(this.#held.tokens[model] ?? []);
    for (const token of tokens) all.set(token.id, token);
    this.#put({ tokens: { ...this.#held.tokens, [model]: all } });
  }
}
