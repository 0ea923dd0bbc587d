// Notices a network that is gone without a word: a cable pulled, a Wi-Fi lost.
// When nothing has been heard for a while something small is asked for; when
// still nothing is heard, the connection is given up.

/** Milliseconds of silence before it is asked, and between two looks. */
const QUIET = 10_000;
/** Milliseconds that an answer may take. */
const PATIENCE = 15_000;

export class Heartbeat {
  #socket;
  #ask;
  #wait;
  #now;
  #heard;

  /**
   * @param {{ socket: EventTarget & { isOpen: boolean, abandon(): void }, ask: () => Promise<unknown>,
   *           wait?: (run: () => void, ms: number) => unknown, now?: () => number }} parts
   *   ask: anything that is answered at once, be it by an error
   */
  constructor({ socket, ask, wait = (run, ms) => setTimeout(run, ms), now = () => performance.now() }) {
    this.#socket = socket;
    this.#ask = ask;
    this.#wait = wait;
    this.#now = now;
    this.#heard = now();
    const heard = () => (this.#heard = this.#now());
    socket.addEventListener("open", heard);
    socket.addEventListener("message", heard);
    this.#look();
  }

  #look() {
    if (!this.#socket.isOpen || this.#now() - this.#heard < QUIET) {
      this.#wait(() => this.#look(), QUIET);
      return;
    }
    const before = this.#heard;
    this.#ask().catch(() => {});
    this.#wait(() => {
      if (this.#heard === before && this.#socket.isOpen) this.#socket.abandon();
      this.#look();
    }, PATIENCE);
  }
}
