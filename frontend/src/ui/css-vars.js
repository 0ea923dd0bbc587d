import { nothing } from "lit";
import { directive, Directive } from "lit/directive.js";

/**
 * Sets custom properties on an element. A style attribute would be refused by
 * the page's content security policy; this goes through the style object.
 */
class CssVars extends Directive {
  /** @type {Record<string, unknown>} */
  #set = {};

  render(/** @type {Record<string, unknown>} */ _vars) {
    return nothing;
  }

  /** @override */
  update(/** @type {any} */ { element }, /** @type {[Record<string, any>]} */ [vars]) {
    for (const [name, value] of Object.entries(vars)) {
      if (this.#set[name] === value) continue;
      this.#set[name] = value;
      if (value === null || value === undefined) element.style.removeProperty(name);
      else element.style.setProperty(name, String(value));
    }
    return nothing;
  }
}

export const cssVars = directive(CssVars);
