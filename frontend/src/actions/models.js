// The server's models: listed, chosen for the next session, loaded with progress.
import { DEADLINE_EXCEEDED, NOT_FOUND, UNAVAILABLE } from "app/core/errors.js";
import { readWish, shortName, startModel, waitsForModel, wishProblems } from "app/core/models.js";

/** @typedef {import("app/core/settings.js").Model} Model */

/** Milliseconds between two looks at a model that somebody else loads. */
const LOADING_POLL = 1000;

export class Models {
  #store;
  #client;
  #connection;
  #troubles;
  #timer = 0;
  /** @type {AbortController | null} */
  #call = null;
  /** Models that were woken on this connection: once each. @type {Set<string>} */
  #woken = new Set();
  /** Models that were unloaded here: they sleep until somebody asks for them. @type {Set<string>} */
  #rested = new Set();

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
    connection.addEventListener("ready", () => {
      this.#woken.clear();
      this.#kept();
      this.#wake();
    });
    store.addEventListener("change", () => this.#wake());
  }

  get #state() {
    return this.#store.state;
  }

  #change(/** @type {Partial<import("app/core/models.js").Models>} */ fields) {
    this.#store.dispatch({ type: "models.changed", fields });
  }

  /** Reads what the server has, and goes on looking while something is on its way. */
  async refresh() {
    clearTimeout(this.#timer);
    if (!this.#connection.isReady) return;
    try {
      const { list, families } = await this.#client.listed();
      const before = this.#state.models.list;
      this.#change({ list, families });
      const arrived = list.filter((/** @type {Model} */ { name, state }) => state === "ready" && before?.some((other) => other.name === name && other.state === "loading"));
      for (const { name } of arrived) if (this.#state.models.known[name]) await this.#read(name);
      for (const { name, state, changed, weights } of list) {
        const known = this.#state.models.known[name];
        if (known?.state === "ready" && state === "ready" && (known.changed !== changed || known.weights !== weights)) await this.#read(name);
      }
      const { model } = this.#state;
      if (model && waitsForModel(this.#state) && list.some((/** @type {Model} */ { name, state }) => name === model.name && state === "ready")) await this.#read(model.name);
      if (!this.#call && list.some((/** @type {Model} */ { state }) => state === "loading")) this.#timer = Number(setTimeout(() => this.refresh(), LOADING_POLL));
      await this.#describe();
    } catch (error) {
      this.#troubles.tell("Listing the models", error);
    }
  }

  /** Takes a model for the next session; one that is not in memory is loaded first. @returns {Promise<boolean>} */
  async choose(/** @type {string} */ name) {
    try {
      const model = await this.#read(name);
      if (model.state !== "ready") return this.#load({ name, dtype: "", tokenIds: {}, family: "" });
      this.#store.dispatch({ type: "form.changed", fields: { model: name } });
      this.#change({ said: "" });
      await this.#describe();
      return true;
    } catch (error) {
      this.#troubles.tell(`Taking ${shortName(name)}`, error);
      return false;
    }
  }

  /** Takes a model that a link names, where it is at hand; otherwise all stays as it is. @param {unknown} name */
  async takeReady(name) {
    if (typeof name !== "string" || !name || name === startModel(this.#state)?.name) return;
    try {
      const model = (await this.#client.listModels()).find((/** @type {Model} */ listed) => listed.name === name);
      if (model?.state === "ready") await this.choose(name);
    } catch (/** @type {any} */ error) {
      console.warn("the model of a link:", error.message);
    }
  }

  /** Loads what was typed, and takes it for the next session. */
  async loadWish() {
    const { request, problems } = readWish(this.#state.models.wish);
    this.#change({ problems });
    if (Object.keys(problems).length) return false;
    return this.#load(request, (error) => this.#change({ problems: wishProblems(error) }));
  }

  /**
   * Takes a model out of the server's memory, once what runs with it has ended.
   * @param {string} name
   * @returns {Promise<boolean>} whether it is out of use
   */
  async unload(name) {
    if (this.#call || this.#state.models.leaving) return false;
    const label = shortName(name);
    this.#rested.add(name);
    this.#change({ leaving: name, said: "" });
    let said = "";
    try {
      this.#store.dispatch({ type: "model.received", model: await this.#client.unloadModel(name) });
      said = `${label} is not in the server's memory any more.`;
    } catch (/** @type {any} */ error) {
      if (error.code === DEADLINE_EXCEEDED) said = `${label} is out of use. Its memory is free once what runs with it has ended.`;
      else {
        this.#rested.delete(name);
        this.#troubles.tell(`Unloading ${label}`, error);
      }
    }
    this.#change({ leaving: "", said });
    await this.refresh();
    return said !== "";
  }

  /** Reads a model again: in the place of the old one where its files have changed, else after that has left the memory. */
  async reload(/** @type {string} */ name) {
    const model = await this.#client.getModel(name).catch(() => null);
    if (model?.state === "ready" && !model.changed && !(await this.unload(name))) return false;
    return this.#load({ name, dtype: "", tokenIds: {}, family: "" }, undefined, name === startModel(this.#state)?.name);
  }

  wish(/** @type {Partial<import("app/core/models.js").Wish>} */ fields) {
    const { wish, problems } = this.#state.models;
    const left = Object.fromEntries(Object.entries(problems).filter(([field]) => !(field in fields)));
    this.#change({ wish: { ...wish, ...fields }, problems: left });
  }

  cancel() {
    this.#call?.abort();
  }

  /** A session says nothing without its model: one that the server knows by name is loaded by itself. */
  async #wake() {
    const { model, models } = this.#state;
    if (models.wanted) {
      this.#woken.delete(models.wanted);
      this.#rested.delete(models.wanted);
      this.#change({ wanted: "" });
    }
    if (!model || !waitsForModel(this.#state) || !this.#connection.isReady || this.#call || this.#woken.has(model.name) || this.#rested.has(model.name)) return;
    const { name } = model;
    this.#woken.add(name);
    const stands = (/** @type {Model["state"]} */ state) => {
      const held = this.#state.models.known[name];
      if (held && held.state !== state) this.#store.dispatch({ type: "model.received", model: { ...held, state } });
    };
    // Somebody else loads it: it is looked for until it is there.
    if (model.state === "loading") return this.refresh();
    stands("loading");
    const there = await this.#load({ name, dtype: "", tokenIds: {}, family: "" }, (error) => {
      stands("unloaded");
      if (error.reason === "MODEL_LOADING") setTimeout(() => (this.#woken.delete(name), this.#wake()), LOADING_POLL);
      // The page connects again by itself, and then it is loaded once more.
      else if (error.code === UNAVAILABLE && error.reason !== "HUB_UNREACHABLE") this.#connection.serviceLost(error);
      else this.#troubles.tell(`Loading ${shortName(name)} for the session`, error, { label: "Load", event: { type: "models.changed", fields: { wanted: name } } });
    }, false);
    if (!there && this.#state.models.known[name]?.state === "loading") stands("unloaded"); // cancelled
  }

  /**
   * @param {{ name: string, dtype: string, tokenIds: Record<string, number>, family: string }} request
   * @param {(error: any) => void} [refused]
   * @param {boolean} [next]  it is chosen for the next session, and what goes wrong is told here
   * @returns {Promise<boolean>} whether it is there
   */
  async #load(request, refused = () => {}, next = true) {
    if (this.#call) return false;
    const call = (this.#call = new AbortController());
    const { name } = request;
    const label = shortName(name);
    const marks = { ...this.#state.models.marks };
    delete marks[name]; // another tokenizer may come
    this.#change({ load: { name, phase: "inspecting", done: 0, total: 0 }, said: "", marks });
    let model = null;
    try {
      for await (const told of this.#client.loadModel(request, { signal: call.signal })) {
        if (call.signal.aborted) break;
        model = told.model ?? model;
        this.#change({ load: { name, phase: told.phase, done: told.done, total: told.total } });
      }
    } catch (/** @type {any} */ error) {
      if (!call.signal.aborted) {
        refused(error);
        if (next) this.#troubles.tell(`Loading ${label}`, error);
      }
    }
    this.#call = null;
    this.#change({ load: null });
    if (model) {
      this.#store.dispatch({ type: "model.received", model });
      this.#rested.delete(name);
      if (next) this.#store.dispatch({ type: "form.changed", fields: { model: model.name } });
      this.#change({ problems: {}, said: `${label} is loaded.` });
    } else if (call.signal.aborted) this.#change({ said: `Loading ${label} was cancelled. Nothing of it stays in the server's memory.` });
    await this.refresh();
    return model !== null;
  }

  /** A model chosen on an earlier visit may be gone. */
  async #kept() {
    const { form, models } = this.#state;
    if (models.said) this.#change({ said: "" });
    if (models.list) this.refresh();
    if (!form.model) return;
    try {
      await this.#read(form.model);
    } catch (/** @type {any} */ error) {
      if (error.code !== NOT_FOUND) return this.#troubles.tell(`Reading ${shortName(form.model)}`, error);
      this.#store.dispatch({ type: "form.changed", fields: { model: "" } });
      this.#troubles.news(`The server has no model ${shortName(form.model)} any more.`, "Start takes its default instead. A folder or hub id can be loaded again under Model.");
    }
  }

  async #read(/** @type {string} */ name) {
    const model = await this.#client.getModel(name);
    this.#store.dispatch({ type: "model.received", model });
    return model;
  }

  /** The texts of the ids that the next session's model has a use for. */
  async #describe() {
    const model = startModel(this.#state);
    if (!model || model.state !== "ready" || !model.hasTokenizer || this.#state.models.marks[model.name]) return;
    const ids = [model.maskToken, ...model.endTokens].filter((id) => id !== null);
    if (!ids.length) return;
    try {
      const tokens = await this.#client.detokenize(model.name, ids);
      const texts = Object.fromEntries(tokens.map((/** @type {any} */ { id, text }) => [id, text]));
      this.#change({ marks: { ...this.#state.models.marks, [model.name]: texts } });
    } catch (/** @type {any} */ error) {
      // The ids are there without their texts.
      console.warn("detokenize:", error.message);
    }
  }
}
