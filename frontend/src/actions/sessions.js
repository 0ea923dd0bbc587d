// Sessions made earlier: listed, opened, deleted.
import { BEGINNING, beginningOf, PAGE } from "app/core/sessions.js";
import { OPEN } from "app/core/canvas.js";

export class Sessions {
  #store;
  #client;
  #session;
  #troubles;

  /**
   * @param {{ store: import("app/core/state.js").PageStore, client: import("app/net/client.js").Client,
   *           session: import("app/actions/session.js").SessionActions,
   *           troubles: import("app/actions/troubles.js").Troubles }} parts
   */
  constructor({ store, client, session, troubles }) {
    this.#store = store;
    this.#client = client;
    this.#session = session;
    this.#troubles = troubles;
  }

  #change(/** @type {Partial<import("app/core/sessions.js").Sessions>} */ fields) {
    this.#store.dispatch({ type: "sessions.changed", fields });
  }

  /** The first page, afresh. */
  async refresh() {
    this.#change({ failed: "" });
    await this.#page([], "");
  }

  /** One page more. */
  async more() {
    const { list, next } = this.#store.state.sessions;
    if (next) await this.#page(list ?? [], next);
  }

  async #page(/** @type {readonly import("app/core/sessions.js").Session[]} */ held, /** @type {string} */ page) {
    try {
      const { list, next } = await this.#client.listSessions(PAGE, page);
      const known = new Set(held.map(({ id }) => id));
      // One that was used meanwhile has moved to the front and would come twice.
      const fresh = list.filter((/** @type {import("app/core/sessions.js").Session} */ { id }) => !known.has(id));
      this.#change({ list: [...held, ...fresh], next });
      for (const session of fresh) await this.#entitle(session);
    } catch (/** @type {any} */ error) {
      this.#change({ failed: error.message });
    }
  }

  /** How its prompt begins; where that cannot be read, its length has to do. */
  async #entitle(/** @type {import("app/core/sessions.js").Session} */ { id, model }) {
    const { texts } = this.#store.state.sessions;
    if (id in texts) return;
    try {
      // Turns have made the prompt longer since.
      const { tokens, states, promptLength } = await this.#client.getSession(id, 0);
      const ids = Array.from(tokens).slice(0, Math.min(promptLength, BEGINNING));
      const known = await this.#client.detokenize(model, ids);
      const text = beginningOf(known.map((/** @type {any} */ token, /** @type {number} */ at) => (states[at] === OPEN ? null : token)));
      this.#change({ texts: { ...this.#store.state.sessions.texts, [id]: text } });
    } catch (/** @type {any} */ error) {
      console.warn("the beginning of a session:", error.message);
    }
  }

  async remove(/** @type {string} */ id) {
    try {
      await this.#client.deleteSession(id);
      const { list } = this.#store.state.sessions;
      this.#change({ list: list?.filter((session) => session.id !== id) ?? null });
      if (this.#store.state.tree?.id === id) this.#session.close();
    } catch (error) {
      this.#troubles.tell("Deleting the session", error);
    }
  }
}
