import { html, nothing } from "lit";
import { PageElement } from "app/ui/page-element.js";
import { parameterField } from "app/ui/parameter-field.js";
import { shown } from "app/core/selectors.js";
import { problemsOf, relevantParameters, samplerOf, SHARED, sharedNames, typedOf } from "app/core/settings.js";
import { humanised } from "app/core/format.js";

/** The sampler, and a field for each of its parameters. */
class SamplerFields extends PageElement {
  static properties = { help: { state: true } };

  constructor() {
    super();
    this.help = "";
    this.roomy = window.matchMedia("(min-width: 1200px)").matches;
  }

  /** @override */
  watched(/** @type {any} */ { form, model, tree }) {
    return [form, model, tree && shown(this.state)?.settings];
  }

  updated() {
    // A field that is wrong is not to hide.
    const common = this.querySelector("details.common");
    if (common?.querySelector('[aria-invalid="true"]')) /** @type {HTMLDetailsElement} */ (common).open = true;
  }

  render() {
    const { form, model } = this.state;
    const sampler = samplerOf(model, form);
    if (!model || !sampler) return nothing;
    const problems = problemsOf(model, form);
    const typed = typedOf(model, form, sampler);
    const inForce = shown(this.state)?.settings;
    const shared = sharedNames(model);
    const field = (/** @type {import("app/core/settings.js").Parameter} */ parameter) =>
      parameterField({
        parameter,
        id: `parameter-${parameter.name}`,
        typed: typed[parameter.name],
        inForce: inForce?.sampler === sampler.name ? inForce.parameters[parameter.name] : undefined,
        problem: problems[parameter.name],
        onType: (value) =>
          this.dispatch({ type: "form.typed", sampler: shared.has(parameter.name) ? SHARED : sampler.name, name: parameter.name, value }),
        onFocus: () => (this.help = parameter.summary),
      });
    const common = sampler.parameters.filter(({ name }) => shared.has(name));
    const set = common.filter(({ name, default: fallback }) => ![undefined, "", fallback, String(fallback)].includes(typed[name]));
    return html`<div class="field">
        <label for="sampler">Sampler</label>
        <select id="sampler" data-testid="sampler" aria-describedby="sampler-note" @change=${(/** @type {any} */ e) => this.dispatch({ type: "form.changed", fields: { sampler: e.target.value } })}>
          ${model.samplers.map(({ name }) => html`<option value=${name} .selected=${name === sampler.name}>${humanised(name)}</option>`)}
        </select>
        <p class="note" id="sampler-note">${sampler.summary}</p>
        <p class="note source" data-testid="source">${sampler.source}</p>
      </div>
      <details class="parameters" ?open=${this.roomy}>
        <summary>Parameters</summary>
        <div @focusout=${() => (this.help = "")}>
          <div class="grid">
            ${relevantParameters(sampler, typed).filter(({ name }) => !shared.has(name)).map(field)}
          </div>
          ${common.length
            ? html`<details class="common" data-testid="common">
                <summary>
                  Distribution and limits
                  <span class="set">${set.map(({ name }) => `${humanised(name).toLowerCase()} ${typed[name]}`).join(", ")}</span>
                </summary>
                <div class="grid">${common.map(field)}</div>
              </details>`
            : nothing}
        </div>
        <p class="note help" aria-hidden="true">${this.help}</p>
      </details>`;
  }
}

customElements.define("um-sampler", SamplerFields);
