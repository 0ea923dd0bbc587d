// A WebSocket that comes back. It tells of itself by three events: "open",
// "message" (detail: the bytes) and "lost" (detail: seconds until the next try).
import { Backoff } from "app/net/backoff.js";

export class Socket extends EventTarget {
  #url;
  #make;
  #backoff;
  #wait;
  /** @type {WebSocket | null} */
  #socket = null;
  #open = false;
  /** @type {any} */
  #timer;
  /** @type {any} */
  #settled;

  /**
   * @param {string} url
   * @param {{ make?: (url: string) => WebSocket, backoff?: Backoff,
   *           wait?: (run: () => void, ms: number) => any }} [parts]  replaced by tests
   */
  constructor(url, { make = (u) => new WebSocket(u), backoff = new Backoff(), wait = (run, ms) => setTimeout(run, ms) } = {}) {
    super();
    this.#url = url;
    this.#make = make;
    this.#backoff = backoff;
    this.#wait = wait;
  }

  get isOpen() {
    return this.#open;
  }

  connect() {
    clearTimeout(this.#timer);
    clearTimeout(this.#settled);
    if (this.#socket) return;
    const socket = this.#make(this.#url);
    this.#socket = socket;
    socket.binaryType = "arraybuffer";
    socket.addEventListener("open", () => {
      this.#open = true;
      // A server that takes connections only to drop them is not back yet.
      this.#settled = this.#wait(() => this.#open && this.#backoff.reset(), 2000);
      this.dispatchEvent(new Event("open"));
    });
    socket.addEventListener("message", ({ data }) => {
      if (data instanceof ArrayBuffer) this.dispatchEvent(new CustomEvent("message", { detail: new Uint8Array(data) }));
    });
    // An error is always followed by a close, which is what counts.
    socket.addEventListener("close", () => this.#lost(socket));
  }

  #lost(/** @type {WebSocket} */ socket) {
    if (this.#socket !== socket) return;
    this.#socket = null;
    this.#open = false;
    const seconds = this.#backoff.next();
    this.#timer = this.#wait(() => this.connect(), seconds * 1000);
    this.dispatchEvent(new CustomEvent("lost", { detail: seconds }));
  }

  /** Gives up a connection that is silent, without waiting for the other side's word, and tries for a new one. */
  abandon() {
    const socket = this.#socket;
    if (!socket) return;
    socket.close();
    this.#lost(socket);
  }

  /** @param {Uint8Array<ArrayBuffer>} bytes */
  send(bytes) {
    if (!this.#open || !this.#socket) throw new Error("the socket is not open");
    this.#socket.send(bytes);
  }
}
