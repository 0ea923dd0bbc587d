// What a person changes by hand: each a single revision, made from the one shown.
import { fitting, painted } from "app/core/marking.js";
import { editOf } from "app/core/possible-edits.js";
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
  last: "Taking the last token back",
  write: "Writing the text",
  replace: "Replacing the token",
};

/** The same of several. @type {Record<string, string>} */
const WHAT_MANY = {
  mask: "Opening the positions",
  draft: "Filling the positions in",
  lock: "Locking the positions",
};

export class Editing {
  #store;
  #client;
  #session;

  /**
   * @param {{ store: import("app/core/state.js").PageStore, client: import("app/net/client.js").Client,
   *           session: import("app/actions/session.js").SessionActions }} parts
   */
  constructor({ store, client, session }) {
    this.#store = store;
    this.#client = client;
    this.#session = session;
  }

  get #state() {
    return this.#store.state;
  }

  /**
   * Does something to positions of the revision shown, to those that it can be
   * done to: one revision. Locking unlocks where all of them are locked.
   * @param {import("app/core/possible-edits.js").Doing} doing
   * @param {number | Iterable<number> | null} positions
   * @param {{ text?: string, locked?: boolean }} [more]  locked: to unlock; left out, it depends on what they are
   * @returns {Promise<boolean>} whether it was done
   */
  async change(doing, positions, more = {}) {
    const all = positions === null ? [] : typeof positions === "number" ? [positions] : positions;
    const fit = fitting(this.#state, doing, all).positions;
    if (!fit.length) return false;
    const kept = shown(this.#state)?.canvas.protected;
    const locked = more.locked ?? fit.every((position) => kept?.[position] === 1);
    const meant = doing === "lock" ? fit.filter((position) => (kept?.[position] === 1) === locked) : fit;
    if (!meant.length) return false;
    return this.#edit((meant.length > 1 ? WHAT_MANY[doing] : "") || WHAT[doing], [editOf(doing, meant, { ...more, locked })]);
  }

  /** Does what the brush has shown, and takes its preview away. */
  async paint() {
    const { brush } = this.#state;
    const done = painted(this.#state);
    if (!done) return;
    // Until it is done the preview stays: nothing flickers.
    if (done.positions.length) await this.change(done.kind, done.positions, { locked: false });
    if (this.#state.brush.passed === brush.passed) this.#store.dispatch({ type: "brush.changed", fields: { passed: [] } });
  }

  /** Opens what the preview of masking again shows. */
  remask() {
    const positions = remasked(this.#state)?.positions ?? [];
    if (!positions.length) return undefined;
    return this.#edit("Masking again", [{ case: "mask", value: { positions } }]);
  }

  /** Opens the next position of a text that was told to stop, and runs on with what is on the form. */
  async goOn() {
    const { tree } = this.#state;
    const end = shown(this.#state)?.canvas.length;
    if (!tree || end === undefined) return;
    const done = await this.#edit("Going on", [{ case: "insert", value: { position: end, count: 1 } }]);
    if (done && this.#state.tree?.id === tree.id) await this.#session.run();
  }

  /** Goes on after a finished answer. */
  say(/** @type {string} */ content) {
    const { form } = this.#state;
    const turn = { source: { case: "chat", value: { messages: [{ role: "user", content }] } } };
    // A length of 0 is for prompts with holes; an answer has at least one position.
    return this.#edit("Appending the turn", [{ case: "append", value: { turn, length: Number(form.length) || undefined } }]);
  }

  /** @returns {Promise<boolean>} whether it was done */
  #edit(/** @type {string} */ what, /** @type {import("app/core/possible-edits.js").Edit[]} */ edits) {
    return this.#session.change("edit", what, (/** @type {any} */ place, /** @type {any} */ options) =>
      this.#client.edit({ ...place, edits, predict: this.#state.view.asks }, options),
    );
  }
}
