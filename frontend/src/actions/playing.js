// A replay: what is there is shown one step after another. The model is not asked.
import { indexShown, lastIndex } from "app/core/comparing.js";
import { shownRevision } from "app/core/state.js";
import { nextOnWay, playStart } from "app/core/ways.js";

export class Playing {
  #store;
  #timer = 0;

  /** @param {{ store: import("app/core/state.js").PageStore }} parts */
  constructor({ store }) {
    this.#store = store;
    // Other doings pause a replay; then nothing is due any more.
    store.addEventListener("change", () => {
      if (!this.#state.playing) clearTimeout(this.#timer);
    });
  }

  get #state() {
    return this.#store.state;
  }

  /** Plays, or pauses what is playing: the revisions, or the steps of a comparison. */
  toggle() {
    if (this.#state.playing) this.pause();
    else this.#play(this.#state.view.compare ? "comparison" : "revisions");
  }

  pause() {
    clearTimeout(this.#timer);
    if (this.#state.playing) this.#store.dispatch({ type: "play.changed", playing: "" });
  }

  #play(/** @type {"revisions" | "comparison"} */ playing) {
    const { tree } = this.#state;
    if (playing === "comparison") {
      const index = indexShown(this.#state);
      this.#store.dispatch({ type: "compare.played", index: index === lastIndex(this.#state) ? 0 : index });
    } else if (tree) {
      this.#store.dispatch({ type: "revision.played", revision: playStart(tree, shownRevision(this.#state)) });
    } else return;
    this.#store.dispatch({ type: "play.changed", playing });
    this.#later();
  }

  #later() {
    clearTimeout(this.#timer);
    // Read anew for each step: it may be changed while playing.
    this.#timer = window.setTimeout(() => this.#next(), Math.max(this.#state.view.delay, 16));
  }

  #next() {
    const { playing } = this.#state;
    if (!playing) return;
    if (playing === "comparison" ? this.#nextStep() : this.#nextRevision()) this.#later();
    else this.pause();
  }

  /** @returns {boolean} whether there is more to come */
  #nextRevision() {
    const { tree } = this.#state;
    const next = tree && nextOnWay(tree, shownRevision(this.#state));
    if (!tree || next === null) return false;
    this.#store.dispatch({ type: "revision.played", revision: next });
    return nextOnWay(tree, next) !== null;
  }

  #nextStep() {
    const index = indexShown(this.#state) + 1;
    if (index > lastIndex(this.#state)) return false;
    this.#store.dispatch({ type: "compare.played", index });
    return index < lastIndex(this.#state);
  }
}
