// Calls over one socket. Each has an id; what comes back under that id is the
// call's, until its status ends it.
import { create, fromBinary, toBinary } from "app/net/protobuf.js";
import { ClientEnvelopeSchema, ServerEnvelopeSchema } from "app/net/gen/unmask/v1/envelope_pb.js";
import { CANCELLED, INVALID_ARGUMENT, UNAVAILABLE } from "app/core/errors.js";
import { RpcError } from "app/net/rpc-error.js";

/** What the gateway takes, unless it is set otherwise; a larger frame would cost the connection. */
const LARGEST_FRAME = 65_536;
const TYPE_URL = "type.googleapis.com/";
const nameOf = (/** @type {any} */ method) => `${method.parent.typeName}/${method.name}`;

export class Calls {
  #socket;
  #lastId = 0;
  /** @type {Map<number, Inbox>} */
  #open = new Map();

  /** @param {import("app/net/socket.js").Socket} socket */
  constructor(socket) {
    this.#socket = socket;
    socket.addEventListener("message", (event) => this.#receive(/** @type {CustomEvent} */ (event).detail));
    socket.addEventListener("lost", () => {
      const calls = [...this.#open.values()];
      this.#open.clear();
      for (const inbox of calls) inbox.end(disconnected(inbox.method));
    });
  }

  /**
   * The one answer of a method. Generated messages have no declarations; net/convert.js says what is in them.
   * @param {any} method  a method of a generated service
   * @param {object} request  the request's fields
   * @param {{ signal?: AbortSignal }} [options]
   * @returns {Promise<any>}
   */
  async unary(method, request, options) {
    let answer = null;
    for await (const message of this.stream(method, request, options)) answer ??= message;
    if (!answer) throw new RpcError({ code: 13, message: "The answer was empty.", method: nameOf(method) });
    return answer;
  }

  /**
   * The answers of a method as they come. Leaving the loop, or the signal, ends
   * the call; what was on its way by then still arrives after the signal.
   * @param {any} method
   * @param {object} request
   * @param {{ signal?: AbortSignal }} [options]
   * @returns {AsyncGenerator<any, void, void>}
   */
  async *stream(method, request, { signal } = {}) {
    if (!this.#socket.isOpen) throw disconnected(nameOf(method));
    if (signal?.aborted) throw new RpcError({ code: CANCELLED, message: "Stopped.", method: nameOf(method) });
    this.#lastId = (this.#lastId % 0xffffffff) + 1;
    const id = this.#lastId;
    const inbox = new Inbox(nameOf(method));
    this.#open.set(id, inbox);
    const cancel = () => {
      if (this.#open.has(id) && this.#socket.isOpen) this.#send(id, { case: "cancel", value: {} });
    };
    signal?.addEventListener("abort", cancel, { once: true });
    try {
      const value = toBinary(method.input, create(method.input, request));
      this.#send(id, {
        case: "call",
        value: { method: nameOf(method), request: { typeUrl: TYPE_URL + method.input.typeName, value } },
      });
      for (;;) {
        const item = await inbox.next();
        if (item.error) {
          if (signal?.aborted && item.error.code === CANCELLED) return;
          throw item.error;
        }
        if (item.done) return;
        yield fromBinary(method.output, item.bytes);
      }
    } finally {
      signal?.removeEventListener("abort", cancel);
      cancel();
      // A cancelled call still gets its status; nobody waits for it.
      this.#open.delete(id);
    }
  }

  #send(/** @type {number} */ id, /** @type {any} */ action) {
    const frame = toBinary(ClientEnvelopeSchema, create(ClientEnvelopeSchema, /** @type {object} */ ({ id, action })));
    if (frame.length > LARGEST_FRAME) {
      throw new RpcError({
        code: INVALID_ARGUMENT,
        message: `frame: must be at most ${LARGEST_FRAME} bytes; got ${frame.length}. Make the prompt shorter.`,
        method: "",
        reason: "FRAME_TOO_LARGE",
        fields: [{ field: "frame", description: `must be at most ${LARGEST_FRAME} bytes` }],
      });
    }
    this.#socket.send(frame);
  }

  #receive(/** @type {Uint8Array} */ bytes) {
    const { id, event } = /** @type {any} */ (fromBinary(ServerEnvelopeSchema, bytes));
    const inbox = this.#open.get(id);
    if (!inbox) {
      if (id === 0 && event.case === "status") console.error("gateway:", event.value.message);
      return;
    }
    if (event.case === "message") inbox.put({ bytes: event.value.value });
    else if (event.case === "status") {
      this.#open.delete(id);
      inbox.end(event.value.code === 0 ? null : RpcError.fromStatus(event.value, inbox.method));
    }
  }
}

function disconnected(/** @type {string} */ method) {
  return new RpcError({ code: UNAVAILABLE, message: "The connection to the server was lost.", reason: "DISCONNECTED", method });
}

/** Answers that came and have not been taken yet. */
class Inbox {
  /** @type {any[]} */
  #items = [];
  /** @type {((item: any) => void) | null} */
  #taker = null;

  constructor(/** @type {string} */ method) {
    this.method = method;
  }

  put(/** @type {any} */ item) {
    const taker = this.#taker;
    this.#taker = null;
    if (taker) taker(item);
    else this.#items.push(item);
  }

  end(/** @type {RpcError | null} */ error) {
    this.put(error ? { error } : { done: true });
  }

  /** @returns {Promise<any>} */
  next() {
    if (this.#items.length) return Promise.resolve(this.#items.shift());
    return new Promise((resolve) => (this.#taker = resolve));
  }
}
