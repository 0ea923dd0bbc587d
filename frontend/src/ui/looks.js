import { html, nothing } from "lit";
import { directive, Directive } from "lit/directive.js";
import { tokenFace } from "app/ui/token-face.js";
import { looksOf } from "app/core/looks.js";
import * as icons from "app/ui/icons.js";

/** Gives an element the signs of a cell. A thousand are drawn at each step, so only what is another is written. */
class Looks extends Directive {
  /** @type {import("app/core/selectors.js").Cell | null} */
  #cell = null;
  /** @type {Record<string, unknown>} */
  #set = {};

  render(/** @type {import("app/core/selectors.js").Cell} */ _cell) {
    return nothing;
  }

  /** @override */
  update(/** @type {any} */ { element }, /** @type {[import("app/core/selectors.js").Cell]} */ [cell]) {
    if (cell === this.#cell) return nothing;
    this.#cell = cell;
    const looks = looksOf(cell);
    for (const name in looks) {
      const value = looks[name] ?? false;
      if (value === (this.#set[name] ?? false)) continue;
      this.#set[name] = value;
      if (value === false) element.removeAttribute(name);
      else element.setAttribute(name, value === true ? "" : value);
    }
    return nothing;
  }
}

export const looks = directive(Looks);

/** What stands in a cell. @param {import("app/core/selectors.js").Cell} cell */
export const inside = ({ face, locked, locking, block }) =>
  html`${block ? blockStart : nothing}${locked || locking ? icons.locked : nothing}${face ? tokenFace(face) : html`<i class="blank"></i>`}`;

/** A tick before the first position of a block. */
const blockStart = html`<i class="block-start" aria-hidden="true"></i>`;
