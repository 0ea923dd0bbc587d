import { html, nothing } from "lit";
import { PageElement } from "app/ui/page-element.js";
import { cssVars } from "app/ui/css-vars.js";
import { cellsOf } from "app/core/selectors.js";
import { lensNamed, lensOf, readingOf } from "app/core/lenses.js";
import { marginsFailed, marginsWanted } from "app/core/margins.js";
import * as icons from "app/ui/icons.js";

const blank = html`<i class="blank"></i>`;

/** Every sign that a cell can have, by its name in signsOf(), and what it means. @type {[string, unknown, string][]} */
const SIGNS = [
  ["given", html`<span class="cell sample" data-state="given">a</span>`, "given"],
  ["open", html`<span class="cell sample" data-state="open">${blank}</span>`, "open"],
  ["draft", html`<span class="cell sample" data-state="open" data-ghost>a</span>`, "draft"],
  ["committed", html`<span class="cell sample" data-state="committed">a</span>`, "committed"],
  ["new", html`<span class="cell sample" data-state="committed" data-new="committed">a</span>`, "new"],
  ["reopened", html`<span class="cell sample" data-state="open" data-new="reopened">${blank}</span>`, "opened again"],
  ["edited", html`<span class="cell sample" data-state="committed" data-new="edited">a</span>`, "edited"],
  ["inserted", html`<span class="cell sample" data-state="open" data-new="inserted">${blank}</span>`, "put in"],
  ["preview", html`<span class="cell sample" data-state="committed" data-preview>a</span>`, "would be masked"],
  ["locking", html`<span class="cell sample" data-state="committed" data-locking>${icons.locked}a</span>`, "would be locked"],
  ["picked", html`<span class="cell sample" data-state="open" data-picked>a</span>`, "picked"],
  ["marked", html`<span class="cell sample" data-state="committed" data-marked>a</span>`, "marked"],
  ["hand", html`<span class="cell sample" data-state="committed" data-hand>a</span>`, "by hand"],
  ["locked", html`<span class="cell sample" data-state="committed" data-locked>${icons.locked}a</span>`, "locked"],
  ["block", html`<span class="cell sample" data-state="open"><i class="block-start"></i>${blank}</span>`, "starts a block"],
  ["special", html`<span class="cell sample" data-state="committed" data-special>a</span>`, "special"],
];

/** How many colours the scale shows. */
const STOPS = [0, 0.25, 0.5, 0.75, 1];

/** What the colours and the signs of the canvas mean; always in view. */
class Legend extends PageElement {
  static properties = { signs: { attribute: false }, all: { state: true } };

  constructor() {
    super();
    /** Those on the canvas, as signsOf() tells them. */
    this.signs = "";
    /** All are shown. */
    this.all = false;
  }

  /** @override */
  watched(/** @type {import("app/core/state.js").State} */ { tree, shown, view, margins, model, activity }) {
    return [tree, shown, view.lens, view.mode, view.draft, view.asks, margins, model, activity];
  }

  render() {
    if (!this.state.tree) return nothing;
    const on = new Set(this.signs.split(" "));
    const signs = SIGNS.filter(([sign]) => this.all || on.has(sign));
    return html`<div class="legend" data-testid="legend">
      ${this.#scale()}
      <ul aria-label="Signs" id="signs">
        ${signs.map(([sign, sample, words]) => html`<li data-sign=${sign}>${sample}${words}</li>`)}
        <li>
          <button class="quiet text" data-testid="all-signs" aria-expanded=${this.all ? "true" : "false"} aria-controls="signs" @click=${() => (this.all = !this.all)}>
            ${this.all ? "Fewer" : "All signs"}
          </button>
        </li>
      </ul>
    </div>`;
  }

  #scale() {
    const { view, tree } = this.state;
    const lens = lensOf(view);
    const reading = tree && readingOf(this.state);
    if (!reading) return nothing;
    const { label, unit } = lensNamed(lens);
    return html`<p class="scale" data-lens=${lens} data-mode=${view.mode} data-testid="scale" title=${`${label}: ${unit}`}>
      <span class="name">${label}</span>
      <span class="number" data-testid="scale-low">${reading.low}</span>
      <span class="ramp" aria-hidden="true">${STOPS.map((p) => html`<i ${cssVars({ "--p": p })}></i>`)}</span>
      <span class="number" data-testid="scale-high">${reading.high}</span>
      <span class="unit">${unit}</span>
      ${lens === "margin" ? this.#margins() : nothing} ${this.#unknown()}
    </p>`;
  }

  #margins() {
    const failed = marginsFailed(this.state);
    if (failed) return html`<span class="badge" data-warn data-testid="lens-note">${failed}</span><button class="quiet text" @click=${() => this.page.lens.retry()}>Ask again</button>`;
    if (!marginsWanted(this.state)) return nothing;
    const { activity } = this.state;
    const later = activity === "run" || activity === "step";
    return html`<span class="badge" data-testid="lens-note">${!this.state.view.asks ? "not asked for: the model is off" : later ? "asked for when the steps end" : "asking the model…"}</span>`;
  }

  /** Where a committed token's value is not known, the cell says so. */
  #unknown() {
    const some = lensOf(this.state.view) !== "confidence" && cellsOf(this.state).some(({ state, level }) => state === "committed" && level === null);
    return some ? html`<span class="sign"><span class="cell sample" data-state="committed" data-unknown>a</span>not known</span>` : nothing;
  }
}

customElements.define("um-legend", Legend);
