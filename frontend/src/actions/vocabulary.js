// Texts of tokens, asked for by id, each once, all that are wanted at one time in
// one call.
const MOST_AT_ONCE = 8192;

export class Vocabulary {
  #store;
  #client;
  #connection;
  /** @type {Set<number>} */
  #wanted = new Set();
  #asking = false;
  /** Whether the model in view was in memory when it was looked at last. */
  #there = false;

  /**
   * @param {{ store: import("app/core/state.js").PageStore, client: import("app/net/client.js").Client,
   *           connection: import("app/actions/connection.js").Connection }} parts
   */
  constructor({ store, client, connection }) {
    this.#store = store;
    this.#client = client;
    this.#connection = connection;
    connection.addEventListener("ready", () => this.#ask());
    store.addEventListener("change", () => {
      const there = store.state.model?.state === "ready";
      if (there && !this.#there) this.#ask();
      this.#there = there;
    });
  }

  /** @param {Iterable<number>} ids */
  need(ids) {
    const { tokens } = this.#store.state;
    for (const id of ids) if (!tokens.has(id)) this.#wanted.add(id);
    if (this.#wanted.size && !this.#asking) this.#ask();
  }

  /** Another model came into view meanwhile, whose tokens they are now. */
  #changed(/** @type {string} */ asked) {
    return this.#store.state.model?.name !== asked;
  }

  async #ask() {
    const { model } = this.#store.state;
    if (this.#asking || !this.#wanted.size || !this.#connection.isReady || !model?.hasTokenizer || model.state !== "ready") return;
    this.#asking = true;
    // What else this turn needs goes along.
    await null;
    const ids = [...this.#wanted].slice(0, MOST_AT_ONCE);
    try {
      const tokens = await this.#client.detokenize(model.name, ids);
      if (!this.#changed(model.name)) ids.forEach((id) => this.#wanted.delete(id));
      this.#store.dispatch({ type: "tokens.received", model: model.name, tokens });
      this.#asking = false;
      if (this.#wanted.size) this.#ask();
    } catch (/** @type {any} */ error) {
      // They stay wanted, and are asked for again with the next need or connection.
      console.warn("detokenize:", error.message);
      this.#asking = false;
      if (this.#changed(model.name)) this.#ask();
    }
  }
}
