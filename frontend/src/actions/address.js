// The session in view and that in the page's address are one: what is opened is
// named there, and Back goes to the one before.

/** The session named in the address, as in #session=abc. */
const sessionInAddress = () => new URLSearchParams(location.hash.slice(1)).get("session");

export class Address {
  #store;
  #session;
  /** The session that the address asked for, until it is in view, or is found not to be there. @type {string | null} */
  #asked = null;

  /**
   * @param {{ store: import("app/core/state.js").PageStore, session: import("app/actions/session.js").SessionActions }} parts
   */
  constructor({ store, session }) {
    this.#store = store;
    this.#session = session;
    store.addEventListener("change", () => this.#name());
    for (const moved of ["popstate", "hashchange"]) window.addEventListener(moved, () => this.#follow());
  }

  /** Opens the session of the address, or else the one that was left. */
  begin(/** @type {string | null} */ left) {
    this.#asked = sessionInAddress();
    const id = this.#asked ?? left;
    if (id) this.#session.open(id);
  }

  #follow() {
    const id = sessionInAddress();
    if (!id) return;
    this.#asked = id;
    this.#session.open(id);
  }

  #name() {
    const { tree, opening } = this.#store.state;
    if (opening) return;
    const id = tree?.id ?? null;
    const named = sessionInAddress();
    if (id !== named) {
      const { pathname, search } = location;
      const address = `${pathname}${search}${id ? `#session=${encodeURIComponent(id)}` : ""}`;
      // Back leads to sessions, not to where there is none.
      if (id && named && named !== this.#asked) history.pushState(null, "", address);
      else history.replaceState(null, "", address);
    }
    this.#asked = null;
  }
}
