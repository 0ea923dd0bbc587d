// Whether the service can be reached: through the socket to the gateway, and
// through the gateway to the service. Either may go away and come back.
import { Backoff } from "app/net/backoff.js";
import { NOT_FOUND, UNAVAILABLE } from "app/core/errors.js";
import { goneModel } from "app/core/models.js";

/** Milliseconds between two looks at a model that is loading. */
const LOADING_POLL = 700;

export class Connection extends EventTarget {
  #store;
  #client;
  #socket;
  #backoff = new Backoff();
  #timer = 0;
  #greeting = false;

  /**
   * @param {{ store: import("app/core/state.js").PageStore, client: import("app/net/client.js").Client,
   *           socket: import("app/net/socket.js").Socket }} parts
   */
  constructor({ store, client, socket }) {
    super();
    this.#store = store;
    this.#client = client;
    this.#socket = socket;
    socket.addEventListener("open", () => this.#greet());
    socket.addEventListener("lost", (/** @type {any} */ { detail }) => {
      clearTimeout(this.#timer);
      this.#tell("lost", detail, "The connection to the server was lost.");
    });
  }

  start() {
    this.#socket.connect();
  }

  get isReady() {
    return this.#store.state.connection.state === "ready";
  }

  /** Try at once instead of waiting. */
  retry() {
    if (this.#socket.isOpen) this.#greet();
    else this.#socket.connect();
  }

  /** A call found the service gone, or not ready again. The socket may still be there. */
  serviceLost(/** @type {{ message: string, reason?: string }} */ { message, reason }) {
    if (!this.#socket.isOpen || !this.isReady) return;
    if (reason === "MODEL_LOADING") this.#greet();
    else this.#later(message);
  }

  #later(/** @type {string} */ why) {
    const seconds = this.#backoff.next();
    clearTimeout(this.#timer);
    this.#timer = window.setTimeout(() => this.#greet(), seconds * 1000);
    this.#tell("lost", seconds, why);
  }

  async #greet() {
    if (this.#greeting) return;
    this.#greeting = true;
    clearTimeout(this.#timer);
    if (this.#store.state.connection.state === "lost") this.#tell("connecting", null, "");
    try {
      const model = await this.#modelInView();
      this.#backoff.reset();
      this.#store.dispatch({ type: "model.received", model });
      if (model.state === "loading") {
        this.#tell("loading", null, "");
        this.#timer = window.setTimeout(() => this.#greet(), LOADING_POLL);
        return;
      }
      this.#tell("ready", null, "");
      this.dispatchEvent(new Event("ready"));
    } catch (/** @type {any} */ error) {
      if (this.#socket.isOpen) this.#later(error.code === UNAVAILABLE ? "The service does not answer yet." : error.message);
    } finally {
      this.#greeting = false;
    }
  }

  /** A session in view names its model; without one the server's default is meant. */
  async #modelInView() {
    const name = this.#store.state.tree?.model ?? "";
    try {
      return await this.#client.getModel(name);
    } catch (/** @type {any} */ error) {
      // The service is there all the same: one loaded by hand is gone after a restart.
      if (name && error.code === NOT_FOUND) return goneModel(this.#store.state.models, name);
      throw error;
    }
  }

  #tell(/** @type {string} */ state, /** @type {number | null} */ seconds, /** @type {string} */ why) {
    const retryAt = seconds === null ? null : Date.now() + seconds * 1000;
    this.#store.dispatch({ type: "connection.changed", connection: { state, retryAt, why } });
  }
}
