import { html, nothing } from "lit";
import { PageElement } from "app/ui/page-element.js";
import { cssVars } from "app/ui/css-vars.js";
import { cellsOf, faceOfId } from "app/core/selectors.js";
import { colouring, heatOfAnswer, methodNamed } from "app/core/attribution.js";
import { lensInUse, lensNamed, readingOf } from "app/core/lenses.js";
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
  ["explained", html`<span class="cell sample" data-state="committed" data-explained>a</span>`, "explained"],
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
  watched(/** @type {import("app/core/state.js").State} */ state) {
    const { tree, shown, view, margins, model, activity } = state;
    return [tree, shown, ...colouring(state), view.lens, view.mode, view.draft, view.asks, margins, model, activity];
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
    const lens = lensInUse(this.state);
    const reading = tree && readingOf(this.state);
    if (!reading) return nothing;
    if (lens === "why") return this.#why(reading);
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

  /** What spoke for a token, and what against it. */
  #why(/** @type {import("app/core/lenses.js").Reading} */ { low, high, diverges }) {
    const heat = heatOfAnswer(this.state);
    if (!heat) return nothing;
    const { method, contrast, token } = heat.answer;
    const name = (/** @type {number} */ id) => `“${faceOfId(this.state, id).name}”`;
    const stops = diverges ? [-1, -0.5, 0, 0.5, 1] : STOPS;
    const words = contrast === null ? ["spoke against it", "spoke for it"] : [`for ${name(contrast)}`, `for ${name(token)}`];
    const ends = diverges ? words : ["", method === "attention" ? "looked at" : "steepest"];
    return html`<p class="scale" data-lens="why" data-mode=${this.state.view.mode} data-testid="scale" title=${methodNamed(method).about}>
      <span class="name">Why ${name(token)}</span>
      <span>${ends[0]} <span class="number" data-testid="scale-low">${low}</span></span>
      <span class="ramp" data-diverges aria-hidden="true">${stops.map((p) => html`<i data-side=${p < 0 ? "against" : "for"} ${cssVars({ "--p": Math.abs(p) })}></i>`)}</span>
      <span><span class="number" data-testid="scale-high">${high}</span> ${ends[1]}</span>
      <span class="unit">${methodNamed(method).name}${diverges ? ", nats" : method === "attention" ? ": no explanation" : ""}</span>
      <button class="quiet text" data-testid="why-leave" title="The colours before (Esc)" @click=${() => this.page.attribution.leave()}>Leave</button>
      ${this.#unknown("open then")}
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
  #unknown(words = "not known") {
    const some = lensInUse(this.state) !== "confidence" && cellsOf(this.state).some(({ state, level }) => state === "committed" && level === null);
    return some ? html`<span class="sign"><span class="cell sample" data-state="committed" data-unknown>a</span>${words}</span>` : nothing;
  }
}

customElements.define("um-legend", Legend);
