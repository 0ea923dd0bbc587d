import { html, nothing } from "lit";
import { PageElement } from "app/ui/page-element.js";
import { maximisedPanel } from "app/core/panels.js";
import * as icons from "app/ui/icons.js";

/** Gives the page to one panel, and takes it back. */
class Maximise extends PageElement {
  static properties = { panel: {}, name: {} };

  constructor() {
    super();
    /** @type {import("app/core/panels.js").Panel} */
    this.panel = "canvas";
    this.name = "";
  }

  /** @override */
  watched(/** @type {import("app/core/state.js").State} */ state) {
    return [maximisedPanel(state), state.tree === null];
  }

  render() {
    if (!this.state.tree && this.panel !== "compare") return nothing;
    const on = maximisedPanel(this.state) === this.panel;
    return html`<button
      class="quiet"
      data-testid="maximise-${this.panel}"
      aria-pressed=${on ? "true" : "false"}
      aria-label="Give the page to ${this.name}"
      title=${on ? "Bring the other panels back (Esc)" : `Give the page to ${this.name}`}
      @click=${() => this.dispatch({ type: "view.changed", view: { maximised: on ? "" : this.panel } })}
    >
      ${on ? icons.smaller : icons.larger}
    </button>`;
  }
}

customElements.define("um-maximise", Maximise);
