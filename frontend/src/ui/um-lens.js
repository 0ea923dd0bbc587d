import { html } from "lit";
import { live } from "lit/directives/live.js";
import { PageElement } from "app/ui/page-element.js";
import { LENSES, lensOf } from "app/core/lenses.js";

/** Chooses what the colours of the canvas say. */
class LensChoice extends PageElement {
  /** @override */
  watched(/** @type {import("app/core/state.js").State} */ { view }) {
    return [view.lens];
  }

  render() {
    const used = lensOf(this.state.view);
    return html`<label class="lens-choice" title="What the colours say (C)">
      <span>Colours</span>
      <select data-testid="lens" .value=${live(used)} @change=${(/** @type {any} */ e) => this.page.lens.use(e.target.value)}>
        ${LENSES.map(({ lens, label }) => html`<option value=${lens} .selected=${lens === used}>${lens === "none" ? "None" : label}</option>`)}
      </select>
    </label>`;
  }
}

customElements.define("um-lens", LensChoice);
