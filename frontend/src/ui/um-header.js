import { html, nothing } from "lit";
import { PageElement } from "app/ui/page-element.js";
import { openSheet } from "app/ui/keys.js";
import { shortName } from "app/core/models.js";
import "app/ui/um-sessions.js";
import "app/ui/um-power.js";
import "app/ui/um-score-recover.js";
import "app/ui/um-takeaway.js";
import * as icons from "app/ui/icons.js";

const THEMES = { auto: ["light", icons.contrast], light: ["dark", icons.sun], dark: ["auto", icons.moon] };
const CONNECTION = { ready: "connected", loading: "loading the model", connecting: "connecting", lost: "disconnected", recorded: "recording" };

/** Name, model and connection, what can be taken away, theme, help. */
class Header extends PageElement {
  /** @override */
  watched(/** @type {any} */ { model, connection, view }) {
    return [model, connection.state, view.compare, view.theme];
  }

  render() {
    const { model, connection, view } = this.state;
    const theme = /** @type {keyof typeof THEMES} */ (view.theme in THEMES ? view.theme : "auto");
    const [after, icon] = THEMES[theme];
    return html`<header class="top">
      <h1><a class="brand" href="./">${icons.brand}<span>Unmask</span></a></h1>
      <p class="pill" data-testid="model" data-connection=${connection.state}>
        <span class="lamp" aria-hidden="true"></span>
        <span class="pill-model" title=${model?.name ?? nothing}>${model ? shortName(model.name) : "no model yet"}</span>
        <span class="pill-state" data-testid="connection">${CONNECTION[connection.state]}</span>
      </p>
      <div class="top-actions">
        ${connection.state === "recorded" ? nothing : html`<um-power .page=${this.page}></um-power>`}
        ${connection.state === "recorded" ? nothing : html`<um-sessions .page=${this.page}></um-sessions>`}
        ${connection.state === "recorded" ? nothing : html`<um-score-recover .page=${this.page}></um-score-recover>`}
        <um-takeaway .page=${this.page}></um-takeaway>
        ${connection.state === "recorded" ? nothing : html`<button
          class="quiet"
          data-testid="compare-switch"
          aria-label="Compare side by side"
          aria-pressed=${view.compare ? "true" : "false"}
          title="Compare side by side (=)"
          @click=${() => this.page.comparing.toggle()}
        >
          ${icons.compare}
        </button>`}
        <button
          class="quiet"
          data-testid="theme"
          aria-label="Theme: ${theme}. Change to ${after}."
          title="Theme: ${theme}"
          @click=${() => this.dispatch({ type: "view.changed", view: { theme: after } })}
        >
          ${icon}
        </button>
        <button class="quiet" aria-label="Keys" title="Keys (?)" @click=${openSheet}><span aria-hidden="true">?</span></button>
      </div>
    </header>`;
  }
}

customElements.define("um-header", Header);
