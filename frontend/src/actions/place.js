// The place in a session that was left: the revision shown, the position looked
// at, and what was picked. It is gone back to once the history reaches there again.
import { headOf } from "app/core/tree.js";
import { isWritten, written } from "app/core/picks.js";
import { shownRevision } from "app/core/state.js";

/**
 * @typedef {object} Left
 * @property {string} session
 * @property {number} at  the revision shown
 * @property {number | null} shown  null: it was the newest, and followed
 * @property {number | null} looked
 * @property {import("app/core/picks.js").Written} [picks]  left out where there are none
 */

export class Place {
  #store;
  /** Where to go back to, until it is done or one has gone elsewhere. @type {Left | null} */
  #wanted;

  /**
   * @param {import("app/core/state.js").PageStore} store
   * @param {unknown} kept  what an earlier visit left
   */
  constructor(store, kept) {
    this.#store = store;
    this.#wanted = isPlace(kept) ? kept : null;
    if (this.#wanted) store.addEventListener("change", () => this.#return());
  }

  /** @returns {Left | null} */
  get left() {
    const { state } = this.#store;
    if (this.#wanted || !state.tree) return this.#wanted;
    const picks = written(state.aside, shownRevision(state), state.picks);
    return { session: state.tree.id, at: shownRevision(state), shown: state.shown, looked: state.looked, ...(picks.length ? { picks } : {}) };
  }

  #return() {
    const { tree, shown, looked, activity } = this.#store.state;
    const wanted = this.#wanted;
    if (!tree || !wanted) return;
    const elsewhere = tree.id !== wanted.session || shown !== null || looked !== null || activity !== null;
    // Where it was not the newest, a newer one is on its way.
    const enough = wanted.shown === null ? wanted.at : wanted.at + 1;
    if (!elsewhere && headOf(tree) < enough) return;
    this.#wanted = null;
    if (!elsewhere) this.#store.dispatch({ type: "place.returned", ...wanted });
  }
}

/** @param {any} kept  @returns {kept is Left} */
function isPlace(kept) {
  const number = (/** @type {unknown} */ value) => Number.isInteger(value) && Number(value) >= 0;
  return typeof kept?.session === "string" && number(kept.at) && [kept.shown, kept.looked].every((value) => value === null || number(value)) && (kept.picks === undefined || isWritten(kept.picks));
}
