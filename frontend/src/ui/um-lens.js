import { html } from "lit";
import { live } from "lit/directives/live.js";
import { PageElement } from "app/ui/page-element.js";
import { LENSES, lensInUse } from "app/core/lenses.js";

/** Chooses what the colours of the canvas say. */
class LensChoice extends PageElement {
  /** @override */
  watched(/** @type {import("app/core/state.js").State} */ state) {
    return [lensInUse(state)];
  }

  /** Other colours leave the answer to why a token is there. */
  #use(/** @type {import("app/core/lenses.js").Lens} */ lens) {
    this.page.attribution.leave();
    this.page.lens.use(lens);
  }

  render() {
    const used = lensInUse(this.state);
    return html`<label class="lens-choice" title="What the colours say (C)">
      <span>Colours</span>
      <select data-testid="lens" .value=${live(used)} @change=${(/** @type {any} */ e) => this.#use(e.target.value)}>
        ${used === "why" ? html`<option value="why" selected>Why this token</option>` : ""}
        ${LENSES.map(({ lens, label }) => html`<option value=${lens} .selected=${live(lens === used)}>${lens === "none" ? "None" : label}</option>`)}
      </select>
    </label>`;
  }
}

customElements.define("um-lens", LensChoice);
