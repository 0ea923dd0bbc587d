// What a person changes by hand: each a single revision, made from the one shown.
import { editHindrances, editOf } from "app/core/edits.js";
import { remasked } from "app/core/remasking.js";
import { shown } from "app/core/selectors.js";

/** @type {Record<string, string>} */
const WHAT = {
  mask: "Opening the position",
  draft: "Filling the position in",
  earlier: "Putting back what stood there",
  lock: "Locking the position",
  insert: "Putting a position in",
  delete: "Deleting the position",
  write: "Writing the text",
  replace: "Replacing the token",
};

export class Editing {
  #store;
  #client;
  #session;

  constructor({ store, client, session }) {
    this.#store = store;
    this.#client = client;
    this.#session = session;
  }

  get #state() {
    return this.#store.state;
  }

  /**
   * Does something to a position of the revision shown, if it can be done.
   * @param {import("app/core/edits.js").Doing} doing
   * @param {number | null} position
   * @param {{ text?: string }} [more]
   * @returns {Promise<boolean>} whether it was done
   */
  async change(doing, position, more = {}) {
    if (position === null || editHindrances(this.#state, position)[doing]) return false;
    const canvas = shown(this.#state)?.canvas;
    const locked = canvas?.protected[position] === 1;
    return this.#edit(WHAT[doing], [editOf(doing, position, { ...more, locked })]);
  }

  /** Opens what the preview of masking again shows. */
  remask() {
    const positions = remasked(this.#state)?.positions ?? [];
    if (!positions.length) return undefined;
    return this.#edit("Masking again", [{ case: "mask", value: { positions } }]);
  }

  /** Goes on after a finished answer. */
  say(/** @type {string} */ content) {
    const { form } = this.#state;
    const turn = { source: { case: "chat", value: { messages: [{ role: "user", content }] } } };
    // A length of 0 is for prompts with holes; an answer has at least one position.
    return this.#edit("Appending the turn", [{ case: "append", value: { turn, length: Number(form.length) || undefined } }]);
  }

  /** @returns {Promise<boolean>} whether it was done */
  #edit(/** @type {string} */ what, /** @type {import("app/core/edits.js").Edit[]} */ edits) {
    return this.#session.change("edit", what, (/** @type {any} */ place, /** @type {any} */ options) =>
      this.#client.edit({ ...place, edits, predict: true }, options),
    );
  }
}
