// Walks through the tour.
import { TOUR } from "app/core/tour.js";
import { shownRevision } from "app/core/state.js";
import { nextOnWay } from "app/core/ways.js";

/** Milliseconds that a revision is looked at while the slider is shown. */
const PACE = 450;

export class Touring {
  #store;
  #timer = 0;

  /** @param {{ store: import("app/core/state.js").PageStore }} parts */
  constructor({ store }) {
    this.#store = store;
  }

  begin() {
    this.go(0);
  }

  go(/** @type {number} */ step) {
    clearTimeout(this.#timer);
    const stop = TOUR[step];
    if (!stop) return;
    this.#store.dispatch({ type: "tour.changed", step });
    for (const event of stop.scene(this.#store.state)) this.#store.dispatch(event);
    if (stop.plays) this.#play(stop.plays, shownRevision(this.#store.state));
  }

  end() {
    clearTimeout(this.#timer);
    this.#store.dispatch({ type: "tour.changed", step: null });
  }

  /** For as long as nobody moves the slider. */
  #play(/** @type {number} */ left, /** @type {number} */ from) {
    if (!left) return;
    this.#timer = window.setTimeout(() => {
      const { state } = this.#store;
      if (!state.tree || shownRevision(state) !== from || state.playing) return;
      const next = nextOnWay(state.tree, from);
      if (next === null) return;
      this.#store.dispatch({ type: "revision.shown", revision: next });
      this.#play(left - 1, next);
    }, PACE);
  }
}
