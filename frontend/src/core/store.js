// The page's state: one value, changed only by events. Listeners hear of it once
// for any number of events, when `schedule` says so: frames may come faster than
// a screen can show them.

/**
 * @template State, Event
 */
export class Store extends EventTarget {
  #state;
  #reduce;
  #schedule;
  #due = false;

  /**
   * @param {(state: State, event: Event) => State} reduce
   * @param {State} state
   * @param {(notify: () => void) => void} [schedule]
   */
  constructor(reduce, state, schedule = queueMicrotask) {
    super();
    this.#reduce = reduce;
    this.#state = state;
    this.#schedule = schedule;
  }

  get state() {
    return this.#state;
  }

  /** @param {Event} event */
  dispatch(event) {
    const next = this.#reduce(this.#state, event);
    if (next === this.#state) return;
    this.#state = next;
    if (this.#due) return;
    this.#due = true;
    this.#schedule(() => {
      this.#due = false;
      this.dispatchEvent(new globalThis.Event("change"));
    });
  }
}
