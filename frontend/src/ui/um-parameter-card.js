import { html, nothing } from "lit";
import { PageElement } from "app/ui/page-element.js";
import { parameterPlot } from "app/ui/parameter-plot.js";
import { cardOf } from "app/core/parameter-cards.js";
import { contextOf } from "app/core/plots/context.js";
import { rangeOf } from "app/core/settings.js";
import { typedOf } from "app/core/texts.js";
import { humanised } from "app/core/format.js";

/** What a parameter means: in words, as a formula, and drawn with its present value. */
class ParameterCard extends PageElement {
  static properties = { parameter: { attribute: false }, sampler: { attribute: false }, values: { attribute: false }, unfit: { attribute: false } };

  constructor() {
    super();
    /** @type {import("app/core/settings.js").Parameter} */
    this.parameter = /** @type {any} */ (null);
    this.sampler = "";
    /** @type {import("app/core/plots/context.js").Values} */
    this.values = {};
    /** The parameters that another value stands in for. @type {Set<string>} */
    this.unfit = new Set();
  }

  /** @override */
  watched(/** @type {import("app/core/state.js").State} */ { form, model, tree, shown, looked, weighings }) {
    return [form, model, tree, shown, looked, weighings];
  }

  render() {
    const { parameter, sampler } = this;
    const { name, summary, default: fallback } = parameter;
    const card = cardOf(sampler, name);
    return html`<section class="parameter-card" id="about-${name}" data-testid="parameter-card" data-parameter=${name} aria-label="About ${humanised(name)}">
      <p class="meaning">${marked(summary)}</p>
      ${card ? html`<p class="formula" data-testid="formula">${card.formula.map((line) => html`<span>${line}</span>`)}</p>` : nothing}
      ${card ? this.#figure(card) : nothing}
      <dl class="bounds">
        <div><dt>Range</dt><dd>${rangeOf(parameter)}</dd></div>
        <div><dt>Default</dt><dd>${typeof fallback === "boolean" ? (fallback ? "yes" : "no") : Array.isArray(fallback) ? (fallback.length ? typedOf(fallback) : "none") : (fallback ?? "follows the length")}</dd></div>
      </dl>
    </section>`;
  }

  #figure(/** @type {import("app/core/parameter-cards.js").Card} */ card) {
    const { parameter, values } = this;
    const { name } = parameter;
    const drawn = card.plot(contextOf(this.state, values));
    const stands = this.unfit.has(name) ? html`<p class="note" data-testid="stands-in">${unfitInWords(values[name])}</p>` : nothing;
    if (typeof drawn === "string") return html`${stands}<p class="note" data-testid="plot-words">${drawn}</p>`;
    return html`<figure>
      <div class="plot-head"><span>${drawn.y}</span>${drawn.source ? html`<span class="badge" data-testid="plot-source">${drawn.source}</span>` : nothing}</div>
      ${parameterPlot(drawn, `plot-${name}`)}
      <p class="plot-foot">${drawn.x}</p>
      <figcaption class="note" id="plot-${name}" data-testid="plot-words">${drawn.words}</figcaption>
      ${stands}
    </figure>`;
  }
}

/** @param {unknown} value */
const unfitInWords = (value) =>
  value === null ? "What is typed does not fit: drawn as if nothing were typed." : `What is typed does not fit: drawn with ${value}, the last value that does.`;

/** Names in a summary stand between backquotes. @param {string} summary */
const marked = (summary) => summary.split("`").map((part, i) => (i % 2 ? html`<code>${part}</code>` : part));

customElements.define("um-parameter-card", ParameterCard);
