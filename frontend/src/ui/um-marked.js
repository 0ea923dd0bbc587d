import { html, nothing } from "lit";
import { PageElement } from "app/ui/page-element.js";
import { cellsOf, hindrances, shown } from "app/core/selectors.js";
import { draftsAmong, hindranceToAll, painted, paintedInWords } from "app/core/marking.js";
import { plural } from "app/core/format.js";
import * as icons from "app/ui/icons.js";

/** @typedef {import("app/core/possible-edits.js").Doing} Doing */

/** What can be done to all marked positions at once; with a brush in hand, what it would do. */
class MarkedBar extends PageElement {
  /** @override */
  watched(/** @type {import("app/core/state.js").State} */ { tree, shown: revision, marked, brush, picks, tokens, view, model, activity, connection }) {
    return [tree, revision, marked, brush, picks, tokens, view.draft, view.asks, model, activity, connection.state];
  }

  /** What was pressed is gone with the bar: on in the canvas. @override */
  refocused() {
    /** @type {HTMLElement | null} */ (document.querySelector("um-canvas :is(.listbox .cell, .square)[tabindex='0']"))?.focus();
  }

  render() {
    const { tree, marked, brush } = this.state;
    if (!tree || !(marked.size || brush.kind)) return nothing;
    return brush.kind ? this.#brush() : this.#marks();
  }

  #brush() {
    const done = painted(this.state);
    if (!done) return nothing;
    const { kind, positions, passed } = done;
    const why = hindrances(this.state).change || (positions.length ? "" : "Nothing is painted yet.");
    return html`<div class="marked" role="group" aria-label="Brush" data-brush=${kind} data-testid="brush-bar">
      ${kind === "mask" ? icons.maskBrush : icons.lockBrush}
      <p class="marked-words"><span class="name">${kind === "mask" ? "Mask brush" : "Lock brush"}</span> <span role="status" data-testid="brush-words">${paintedInWords(done)}</span></p>
      ${passed ? html`<button class="button strong" data-testid="brush-apply" aria-disabled=${why ? "true" : "false"} title=${why || "Do it, as one revision (Enter in the canvas)"} @click=${() => !why && this.page.editing.paint()}>${kind === "mask" ? "Mask these" : "Lock these"}</button>` : nothing}
      <button class="chip" data-testid="brush-away" title="Esc" @click=${() => this.dispatch({ type: "brush.changed", fields: { kind: null, passed: [] } })}>Put away</button>
    </div>`;
  }

  #marks() {
    const { marked } = this.state;
    const kept = shown(this.state)?.canvas.protected;
    const locked = [...marked].filter((position) => kept?.[position] === 1);
    const free = [...marked].filter((position) => kept?.[position] !== 1);
    const drafts = draftsAmong(cellsOf(this.state), marked);
    return html`<div class="marked" role="group" aria-label="Marked positions" data-testid="marked">
      <p class="marked-words" role="status" data-testid="marked-count">${plural(marked.size, "position")}</p>
      ${this.#action("mask", "mask", "Mask again", "M", "Open them again")}
      ${this.#action("unmask", "draft", "Unmask", "U", "Fill the open ones in with their drafts")}
      ${this.#action("lock", "lock", "Lock", "L", "Keep every step away from them", free, "All of them are locked.")}
      ${locked.length ? this.#action("unlock", "lock", "Unlock", free.length ? "" : "L", "Let steps change them again", locked) : nothing}
      ${this.#action("earlier", "earlier", "Put back", "⇧U", "Fill the open ones in with what stood there before")}
      ${this.#button("picks", "Pick drafts", "", drafts.length ? "" : "None of them is open with a draft that is not picked yet.", "Put the drafts of the open ones into the selection", () => {
        for (const { position, token, probability } of drafts) this.page.session.addPick(position, /** @type {number} */ (token), probability);
      })}
      ${this.#button("clear", "Clear", "Esc", "", "Mark nothing", () => this.dispatch({ type: "marks.changed", positions: [] }))}
    </div>`;
  }

  /**
   * @param {string} name @param {Doing} doing @param {string} label @param {string} key @param {string} hint
   * @param {Iterable<number>} [positions] @param {string} [none]  why, where there are none
   */
  #action(name, doing, label, key, hint, positions = this.state.marked, none = "") {
    const why = [...positions].length || !none ? hindranceToAll(this.state, doing, positions) : none;
    return this.#button(name, label, key, why, hint, () => this.page.editing.change(doing, positions, doing === "lock" ? { locked: name === "unlock" } : {}));
  }

  /** @param {string} name @param {string} label @param {string} key @param {string} why @param {string} hint @param {() => void} act */
  #button(name, label, key, why, hint, act) {
    return html`<button class="chip" data-testid="marked-${name}" aria-disabled=${why ? "true" : "false"} title=${why || `${hint}${key ? ` (${key})` : ""}`} @click=${() => !why && act()}>
      ${label}${key ? html` <kbd aria-hidden="true">${key}</kbd>` : nothing}
    </button>`;
  }
}

customElements.define("um-marked", MarkedBar);
