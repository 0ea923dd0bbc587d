import { html, nothing } from "lit";
import { live } from "lit/directives/live.js";
import { PageElement } from "app/ui/page-element.js";
import { parameterField } from "app/ui/parameter-field.js";
import { cacheOf, cachesFor, ownCache } from "app/core/caches.js";
import { shown } from "app/core/selectors.js";
import { formIsNext, startModel, waitsForModel } from "app/core/models.js";
import { problemsOf, samplerOf } from "app/core/settings.js";
import { humanised } from "app/core/format.js";

/** What is kept between the passes, and what it saves and costs. */
class CacheField extends PageElement {
  /** @override */
  watched(/** @type {import("app/core/state.js").State} */ state) {
    return [state.form, state.model, state.models.known, state.tree && shown(state)?.settings];
  }

  render() {
    const { form } = this.state;
    const model = startModel(this.state);
    const sampler = samplerOf(model, form);
    const settings = shown(this.state)?.settings;
    if (!model || !sampler || model.caches.length < 2 || (settings && model === this.state.model && waitsForModel(this.state))) return nothing;
    const present = cacheOf(model, form, sampler.name);
    const own = ownCache(model);
    const usable = cachesFor(model, sampler.name);
    const problems = problemsOf(model, form);
    const inForce = formIsNext(this.state) ? null : settings?.cache;
    const note = form.cache && present?.name !== form.cache ? `${humanised(form.cache)} does not suit this sampler. ` : "";
    return html`<div class="field">
        <label for="cache">Cache</label>
        <select id="cache" data-testid="cache" aria-describedby="cache-note" @change=${(/** @type {any} */ e) => this.#change({ cache: e.target.value })}>
          ${model.caches.map(({ name }) => html`<option value=${name} .selected=${live(name === present?.name)} ?disabled=${!usable.some((one) => one.name === name)}>${humanised(name)}${name === own?.name ? " (as it is)" : ""}</option>`)}
        </select>
        <p class="note" id="cache-note" data-testid="cache-note">${note}${present?.summary} ${present?.costs}</p>
      </div>
      ${present?.parameters.length
        ? html`<div class="grid">
            ${present.parameters.map((parameter) =>
              parameterField({
                parameter,
                id: `cache-${parameter.name}`,
                typed: form.cacheTyped[parameter.name],
                inForce: inForce?.name === present.name ? inForce.parameters[parameter.name] : undefined,
                problem: problems[`cache.${parameter.name}`],
                onType: (value) => this.#change({ cacheTyped: { ...form.cacheTyped, [parameter.name]: value } }),
              }),
            )}
          </div>`
        : nothing}`;
  }

  #change(/** @type {Partial<import("app/core/settings.js").Form>} */ fields) {
    this.dispatch({ type: "form.changed", fields });
  }
}

customElements.define("um-cache", CacheField);
