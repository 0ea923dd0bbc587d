import { LitElement } from "lit";
import { focusIsLost } from "app/ui/focus.js";

/**
 * @typedef {object} Page  what main.js made
 * @property {import("app/core/store.js").Store<import("app/core/state.js").State, any>} store
 * @property {import("app/actions/connection.js").Connection} connection
 * @property {import("app/actions/session.js").SessionActions} session
 * @property {import("app/actions/editing.js").Editing} editing
 * @property {import("app/actions/lens.js").Lens} lens
 * @property {import("app/actions/remask.js").Remask} remask
 * @property {import("app/actions/branches.js").Branches} branches
 * @property {import("app/actions/inspection.js").Inspection} inspection
 * @property {import("app/actions/attribution.js").Attribution} attribution
 * @property {import("app/actions/scoring.js").Scoring} scoring
 * @property {import("app/actions/recovering.js").Recovering} recovering
 * @property {import("app/actions/watched.js").Watched} watched
 * @property {import("app/actions/rows.js").Rows} rows
 * @property {import("app/actions/playing.js").Playing} playing
 * @property {import("app/actions/comparing.js").Comparing} comparing
 * @property {import("app/actions/asking.js").Asking} asking
 * @property {import("app/actions/models.js").Models} models
 * @property {import("app/actions/sessions.js").Sessions} sessions
 * @property {import("app/actions/takeaway.js").Takeaway} takeaway
 * @property {import("app/actions/progress.js").Progress} progress
 * @property {import("app/actions/archive.js").Archive | null} archive  null: the page is a saved file
 * @property {import("app/actions/gif.js").Gif} gif
 * @property {import("app/actions/examples.js").Examples} examples
 * @property {import("app/actions/demo.js").Demo | null} demo  null: the page is a saved file
 * @property {import("app/actions/touring.js").Touring} touring  of a recording
 */

/**
 * A part of the page. It draws into the document itself (no shadow), so that
 * styles, ARIA references and tests reach everywhere, and draws again only when
 * something it watches has changed.
 */
export class PageElement extends LitElement {
  /** @type {import("lit").PropertyDeclarations} */
  static properties = { page: { attribute: false } };

  #seen = /** @type {unknown[]} */ ([]);
  #onChange = () => {
    const values = this.watched(this.state);
    if (values.length === this.#seen.length && values.every((value, i) => value === this.#seen[i])) return;
    this.#seen = values;
    this.requestUpdate();
  };

  constructor() {
    super();
    // Not a class field: that would hide the reactive property.
    /** @type {Page} */
    this.page = /** @type {any} */ (null);
  }

  createRenderRoot() {
    return this;
  }

  connectedCallback() {
    super.connectedCallback();
    this.page.store.addEventListener("change", this.#onChange);
    this.#seen = this.watched(this.state);
  }

  disconnectedCallback() {
    super.disconnectedCallback();
    this.page.store.removeEventListener("change", this.#onChange);
  }

  /** @override */
  update(/** @type {Map<PropertyKey, unknown>} */ changed) {
    const held = this.contains(document.activeElement) ? /** @type {HTMLElement} */ (document.activeElement) : null;
    super.update(changed);
    if (held && focusIsLost()) this.refocused(held);
  }

  /**
   * What had the focus is gone: puts it where a person goes on.
   * @param {HTMLElement} _held
   */
  refocused(_held) {}

  get state() {
    return this.page.store.state;
  }

  /** @param {any} event */
  dispatch(event) {
    this.page.store.dispatch(event);
  }

  /**
   * The parts of the state that the element draws.
   * @param {import("app/core/state.js").State} state
   * @returns {unknown[]}
   */
  watched(state) {
    return [state];
  }
}
