import { html } from "lit";
import { live } from "lit/directives/live.js";
import { PageElement } from "app/ui/page-element.js";
import { editHindrances } from "app/core/possible-edits.js";
import { shown } from "app/core/selectors.js";
import { unsent } from "app/core/unsent.js";
import { focusOn } from "app/ui/focus.js";
import * as icons from "app/ui/icons.js";

/** @typedef {import("app/core/possible-edits.js").Doing} Doing */

/** What can be done by hand to the position looked at. */
class EditPanel extends PageElement {
  /** @override */
  watched(/** @type {any} */ { tree, shown: revision, looked, writing, model, activity, connection, view }) {
    return [tree, revision, looked, writing, model, activity, connection.state, view.asks];
  }

  async #write(/** @type {"write" | "replace"} */ doing) {
    const { looked, writing: text } = this.state;
    if (this.#why(doing) || !(await this.page.editing.change(doing, looked, { text }))) return;
    this.#type(unsent(this.state.writing, text));
  }

  #type(/** @type {string} */ text) {
    this.dispatch({ type: "writing.changed", text });
  }

  /** Esc leaves the field for the cell, with what was typed kept; pressed again, it closes the inspector. */
  #leave(/** @type {KeyboardEvent} */ event) {
    if (event.key !== "Escape" || event.isComposing) return;
    event.preventDefault();
    event.stopPropagation();
    focusOn(`#cell-${this.state.looked}`, "um-canvas .cell[tabindex='0']");
  }

  #why(/** @type {Doing} */ doing) {
    const empty = (doing === "write" || doing === "replace") && !this.state.writing ? "Write something first." : "";
    return editHindrances(this.state, this.state.looked)[doing] || empty;
  }

  render() {
    const { looked } = this.state;
    const locked = looked !== null && shown(this.state)?.canvas.protected[looked] === 1;
    return html`<div class="edit" role="group" aria-label="Change by hand">
      <div class="edit-actions">
        ${this.#action("mask", "Mask", "M", "Open the position again")}
        ${this.#action("draft", "Unmask", "U", "Fill it in with the draft")}
        ${this.#action("earlier", "Put back", "⇧U", "Fill it in with what stood there before")}
        ${this.#action("lock", locked ? "Unlock" : "Lock", "L", locked ? "Let steps change it again" : "Keep every step away from it", locked ? icons.unlocked : icons.locked)}
        ${this.#action("insert", "Insert", "I", "Insert an open position before it")}
        ${this.#action("delete", "Delete", "Del", "Take the position out")}
      </div>
      <form
        class="write"
        novalidate
        @submit=${(/** @type {Event} */ e) => {
          e.preventDefault();
          this.#write("write");
        }}
      >
        <label class="unseen" for="write">Write here</label>
        <input
          id="write"
          data-testid="write"
          placeholder="Write here; a word begins with a space"
          autocomplete="off"
          spellcheck="false"
          aria-describedby="write-note"
          .value=${live(this.state.writing)}
          @input=${(/** @type {any} */ e) => this.#type(e.target.value)}
          @keydown=${this.#leave}
        />
        ${this.#text("write", "Write", "Write over this position and as many behind it as the text needs; nothing moves (Enter)", "submit")}
        ${this.#text("replace", "Replace this token", "Put the text in the place of this token; what stands behind it moves if it needs another number of positions", "button")}
        <span class="unseen" id="write-note">Within a sentence, a word begins with a space.</span>
      </form>
    </div>`;
  }

  /** @param {Doing} doing @param {string} label @param {string} key @param {string} hint @param {unknown} [icon] */
  #action(doing, label, key, hint, icon = "") {
    const why = this.#why(doing);
    return html`<button
      class="chip"
      data-testid="edit-${doing}"
      aria-disabled=${why ? "true" : "false"}
      title=${why || `${hint} (${key})`}
      @click=${() => this.page.editing.change(doing, this.state.looked)}
    >
      ${icon}${label} <kbd aria-hidden="true">${key}</kbd>
    </button>`;
  }

  /** @param {"write" | "replace"} doing @param {string} label @param {string} hint @param {"submit" | "button"} type */
  #text(doing, label, hint, type) {
    const why = this.#why(doing);
    return html`<button
      class="button"
      type=${type}
      data-testid="edit-${doing}"
      aria-disabled=${why ? "true" : "false"}
      title=${why || hint}
      @click=${() => type === "button" && this.#write(doing)}
    >
      ${label}
    </button>`;
  }
}

customElements.define("um-edit", EditPanel);
