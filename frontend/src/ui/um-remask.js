import { html, nothing } from "lit";
import { live } from "lit/directives/live.js";
import { PageElement } from "app/ui/page-element.js";
import { cellsOf, hindrances } from "app/core/selectors.js";
import { remasked, remaskedInWords } from "app/core/remasking.js";
import { offline, switchedOff } from "app/core/readiness.js";
import { appendsOnly, NO_MASKING_AGAIN } from "app/core/left-to-right.js";
import { percent } from "app/core/format.js";

/** Masking again, seen before it is done: the positions are marked while the sliders move. */
class RemaskPanel extends PageElement {
  /** @override */
  watched(/** @type {any} */ { tree, shown, remask, activity, connection, view }) {
    return [tree, shown, remask, activity, connection.state, view.asks];
  }

  render() {
    const { tree, remask } = this.state;
    if (!tree) return nothing;
    const { open, share, rho } = remask;
    const why = hindrances(this.state).mask;
    return html`<details class="remask" data-testid="remask" .open=${live(open)} @toggle=${(/** @type {any} */ e) => e.target.open !== open && this.page.remask.change({ open: e.target.open })}>
      <summary @click=${(/** @type {Event} */ e) => (e.preventDefault(), this.page.remask.change({ open: !this.state.remask.open }))}>Mask again</summary>
      ${this.#slider("share", "Share", share, percent(share), "Of the positions that samplers may change; the open ones count towards it")}
      ${this.#slider("rho", "By", rho, rho === 0 ? "doubt" : rho === 1 ? "chance" : `${percent(rho)} chance`, "rho: 0 masks what the model doubts most, 1 random positions, between them a mixture")}
      ${open ? this.#strip() : nothing}
      <p class="note" data-testid="remask-words" role="status">${this.#words()}</p>
      <button class="button strong" data-testid="mask-these" aria-disabled=${why ? "true" : "false"} title=${why || "Open the marked positions, as one revision"} @click=${() => !why && this.page.editing.remask()}>
        Mask these
      </button>
    </details>`;
  }

  #words() {
    const found = remasked(this.state);
    if (found) return remaskedInWords(found);
    return this.state.remask.answer?.ranked === null ? "" : offline(this.state) || (appendsOnly(this.state) ? NO_MASKING_AGAIN : "") || switchedOff(this.state, "see what would be opened") || "Asking the model…";
  }

  /** The canvas in small, where it is out of sight while the slider moves. */
  #strip() {
    return html`<div class="strip" aria-hidden="true">
      ${cellsOf(this.state).map(({ state, previewed }) => html`<i data-state=${state} ?data-preview=${previewed}></i>`)}
    </div>`;
  }

  /** @param {"share" | "rho"} name @param {string} label @param {number} value @param {string} words @param {string} hint */
  #slider(name, label, value, words, hint) {
    return html`<div class="slider" title=${hint}>
      <label for="remask-${name}">${label}</label>
      <input
        id="remask-${name}"
        type="range"
        data-testid="remask-${name}"
        min="0"
        max="1"
        step="0.01"
        .value=${live(String(value))}
        aria-valuetext=${words}
        @input=${(/** @type {any} */ e) => this.page.remask.change({ [name]: Number(e.target.value) })}
      />
      <output class="number">${words}</output>
    </div>`;
  }
}

customElements.define("um-remask", RemaskPanel);
