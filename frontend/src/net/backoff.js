// Waiting times between attempts: twice as long each time, up to a limit, and
// spread by chance so that many pages do not come back in the same instant.
export class Backoff {
  #attempt = 0;
  #first;
  #longest;
  #random;

  constructor({ first = 0.5, longest = 10, random = Math.random } = {}) {
    this.#first = first;
    this.#longest = longest;
    this.#random = random;
  }

  /** Seconds to wait before the next attempt. */
  next() {
    const full = Math.min(this.#longest, this.#first * 2 ** this.#attempt);
    this.#attempt += 1;
    return full * (0.5 + 0.5 * this.#random());
  }

  reset() {
    this.#attempt = 0;
  }
}
