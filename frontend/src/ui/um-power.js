import { html, nothing } from "lit";
import { PageElement } from "app/ui/page-element.js";
import * as icons from "app/ui/icons.js";

/** Switches the model off and on: off, nothing is asked of it. */
class Power extends PageElement {
  /** @override */
  watched(/** @type {import("app/core/state.js").State} */ { view }) {
    return [view.asks];
  }

  render() {
    const { asks } = this.state.view;
    return html`<button
      class=${asks ? "quiet" : "quiet power-off"}
      role="switch"
      data-testid="model-switch"
      aria-checked=${asks ? "true" : "false"}
      aria-label=${asks ? "Model" : nothing}
      title=${asks ? "The model is on. Off, nothing is asked of it: you write, pick and go back without it (O)" : "The model is off: nothing is asked of it. Switch it on (O)"}
      @click=${() => this.page.asking.toggle()}
    >
      ${asks ? icons.power : icons.powerOff}${asks ? "" : html`<span>Model <span aria-hidden="true">off</span></span>`}
    </button>`;
  }
}

customElements.define("um-power", Power);
