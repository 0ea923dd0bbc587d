// The switch of the model. While it is off the page asks for no prediction: one
// writes, picks and goes back without knowing what the model would say.
import { draftAt } from "app/core/drafts.js";
import { hindrances } from "app/core/selectors.js";
import { shownRevision } from "app/core/state.js";

/** What goes on by passes of the model, and is stopped with it. */
const PASSES = new Set(["forward", "step", "run", "propose"]);

export class Asking {
  #store;
  #session;
  #comparing;
  #watched;

  /**
   * @param {{ store: import("app/core/state.js").PageStore, session: import("app/actions/session.js").SessionActions,
   *           comparing: import("app/actions/comparing.js").Comparing, watched: import("app/actions/watched.js").Watched }} parts
   */
  constructor({ store, session, comparing, watched }) {
    this.#store = store;
    this.#session = session;
    this.#comparing = comparing;
    this.#watched = watched;
  }

  toggle() {
    const { state } = this.#store;
    const asks = !state.view.asks;
    this.#store.dispatch({ type: "view.changed", view: { asks } });
    if (asks) this.#catchUp();
    else this.#stop();
  }

  #stop() {
    const { activity, compare } = this.#store.state;
    if (PASSES.has(activity ?? "")) this.#session.stop();
    if (compare.running) this.#comparing.stop();
    this.#watched.cancel();
  }

  /** What the model says of the revision shown was not asked for while it was off. */
  #catchUp() {
    const { state } = this.#store;
    const known = state.tree && draftAt(state.tree, shownRevision(state))?.exact;
    if (!known && !hindrances(state).forward) this.#session.forward();
  }
}
