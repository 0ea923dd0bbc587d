import { html, nothing } from "lit";
import { live } from "lit/directives/live.js";
import { PageElement } from "app/ui/page-element.js";
import { parameterField } from "app/ui/parameter-field.js";
import { shown } from "app/core/selectors.js";
import { formIsNext, startModel, waitsForModel } from "app/core/models.js";
import { problemsOf, relevantParameters, samplerOf, SHARED, sharedNames, typedOf, valueTyped } from "app/core/settings.js";
import { valuesOf } from "app/core/plots/context.js";
import { atDefaults, CUSTOM, following, isTouched, MEASURED, presetIn, presetsOf } from "app/core/presets.js";
import { readsLeftToRight } from "app/core/left-to-right.js";
import { humanised } from "app/core/format.js";
import "app/ui/um-parameter-card.js";

/** @typedef {import("app/core/settings.js").Parameter} Parameter */
/** @typedef {Pick<import("app/core/settings.js").Form, "sampler" | "typed">} Settled */

/** The preset, the sampler, and a field for each of its parameters. */
class SamplerFields extends PageElement {
  /** @override */
  static properties = { about: { state: true }, changed: { state: true } };

  /** The values that fitted last, by sampler: plots are drawn with them meanwhile. @type {Map<string, import("app/core/plots/context.js").Values>} */
  #fitting = new Map();

  constructor() {
    super();
    /** The parameter whose card is open. */
    this.about = "";
    /** What a preset or the defaults took the place of, until the next change. @type {{ from: Settled, to: Settled } | null} */
    this.changed = null;
    this.roomy = window.matchMedia("(min-width: 1200px)").matches;
  }

  /** @override */
  watched(/** @type {import("app/core/state.js").State} */ state) {
    return [state.form, state.model, state.models.known, state.tree && shown(state)?.settings];
  }

  updated() {
    // A field that is wrong is not to hide.
    const common = this.querySelector("details.common");
    if (common?.querySelector('[aria-invalid="true"]')) /** @type {HTMLDetailsElement} */ (common).open = true;
  }

  render() {
    const { form } = this.state;
    const settings = shown(this.state)?.settings;
    const model = this.#model;
    if (settings && model === this.state.model && waitsForModel(this.state)) return this.#waiting(settings);
    const sampler = samplerOf(model, form);
    if (!model || !sampler) return nothing;
    const problems = problemsOf(model, form);
    const typed = typedOf(model, form, sampler);
    const inForce = formIsNext(this.state) ? null : settings;
    const shared = sharedNames(model);
    const { values, unfit } = valuesOf(sampler.parameters, typed, this.#fitting.get(sampler.name));
    this.#fitting.set(sampler.name, values);
    const field = (/** @type {Parameter} */ parameter) => {
      const { name } = parameter;
      const open = this.about === name;
      return html`${parameterField({
        parameter,
        id: `parameter-${name}`,
        typed: typed[name],
        inForce: inForce?.sampler === sampler.name ? inForce.parameters[name] : undefined,
        problem: problems[name],
        onType: (value) => this.dispatch({ type: "form.typed", sampler: shared.has(name) ? SHARED : sampler.name, name, value }),
        about: { open, id: `about-${name}`, onToggle: () => (this.about = open ? "" : name) },
      })}${open ? html`<um-parameter-card .page=${this.page} .parameter=${parameter} .sampler=${sampler.name} .values=${values} .unfit=${unfit}></um-parameter-card>` : nothing}`;
    };
    const fields = (/** @type {Parameter[]} */ parameters) => html`<div class="grid">${parameters.map(field)}</div>`;
    const common = sampler.parameters.filter(({ name }) => shared.has(name));
    const set = common.filter(({ name, default: fallback }) => ![undefined, "", fallback, String(fallback)].includes(/** @type {any} */ (typed[name])));
    return html`${this.#presets()}
      <div class="field">
        <label for="sampler">Sampler</label>
        <select id="sampler" data-testid="sampler" aria-describedby="sampler-note" @change=${(/** @type {any} */ e) => this.dispatch({ type: "form.changed", fields: { sampler: e.target.value } })}>
          ${model.samplers.map(({ name }) => html`<option value=${name} .selected=${live(name === sampler.name)}>${humanised(name)}</option>`)}
        </select>
        <p class="note" id="sampler-note">${sampler.summary}</p>
        <p class="note cited" data-testid="source">${sampler.source}</p>
      </div>
      <details class="parameters" ?open=${this.roomy} @keydown=${this.#onKey}>
        <summary>Parameters</summary>
        <div>
          ${fields(relevantParameters(sampler, typed).filter(({ name }) => !shared.has(name)))}
          ${common.length
            ? html`<details class="common" data-testid="common">
                <summary>
                  Distribution and limits
                  <span class="set">${set.map(({ name }) => `${humanised(name).toLowerCase()} ${typed[name]}`).join(", ")}</span>
                </summary>
                ${fields(common)}
              </details>`
            : nothing}
          ${isTouched(model, form, sampler)
            ? html`<button type="button" class="quiet text reset" data-testid="reset" title="Empties the fields of ${humanised(sampler.name)}" @click=${() => this.#settle(atDefaults(model, form, sampler))}>
                Back to defaults
              </button>`
            : nothing}
        </div>
      </details>`;
  }

  /** What the form is for: the model of the next session, and so of the one in view until another is chosen. */
  get #model() {
    return startModel(this.state);
  }

  /** The session's own sampler and values, while nothing is known of what its model takes. */
  #waiting(/** @type {import("app/core/tree.js").Settings} */ { sampler, parameters }) {
    const { model, form } = this.state;
    const typed = { ...form.typed[SHARED], ...form.typed[sampler] };
    const why = model?.state === "loading" ? "The model is loading." : "The model is not loaded. Press its row under Model.";
    const field = (/** @type {string} */ id, /** @type {string} */ name, /** @type {string} */ value) => html`<div class="field">
      <label for=${id}>${name}</label>
      <input id=${id} readonly aria-disabled="true" aria-describedby="sampler-note" title=${why} .value=${live(value)} />
    </div>`;
    return html`${field("sampler", "Sampler", humanised(sampler))}
      <p class="note" id="sampler-note" data-testid="sampler-waits" role="status">${why} What is typed here comes back with it.</p>
      <div class="grid">
        ${Object.entries(parameters).map(([name, value]) => {
          const told = valueTyped(typed[name] === undefined || typed[name] === "" ? value : typed[name]);
          return field(`parameter-${name}`, humanised(name), typeof told === "boolean" ? (told ? "yes" : "no") : told);
        })}
      </div>`;
  }

  #presets() {
    const { form } = this.state;
    const model = this.#model;
    const presets = presetsOf(model);
    const present = presetIn(model, form);
    const { changed } = this;
    const undoable = changed && changed.to.sampler === form.sampler && changed.to.typed === form.typed;
    return html`<div class="field preset">
      <label for="preset">Preset</label>
      <select id="preset" data-testid="preset" aria-describedby="preset-note" @change=${this.#choose}>
        ${presets.map(({ name }) => html`<option value=${name} .selected=${live(name === present?.name)}>${name}</option>`)}
        ${present ? nothing : html`<option value="" .selected=${live(true)}>${CUSTOM}</option>`}
      </select>
      ${undoable
        ? html`<button type="button" class="quiet text" data-testid="preset-undo" title="Back to the sampler and parameters before" @click=${() => this.#undo(changed)}>Undo</button>`
        : nothing}
      <p class="note" id="preset-note" title=${present && !readsLeftToRight(model) ? MEASURED : nothing}>${present?.note ?? "The sampler and parameters below, as no preset has them."}</p>
    </div>`;
  }

  #choose(/** @type {any} */ { target }) {
    const { form } = this.state;
    const model = this.#model;
    const preset = presetsOf(model).find(({ name }) => name === target.value);
    if (model && preset) this.#settle(following(model, form, preset));
  }

  /** Sets sampler and parameters at once, and remembers those before. */
  #settle(/** @type {Settled} */ to) {
    const { sampler, typed } = this.state.form;
    this.changed = { from: { sampler, typed }, to };
    this.dispatch({ type: "form.changed", fields: to });
  }

  #undo(/** @type {{ from: Settled }} */ { from }) {
    this.changed = null;
    this.dispatch({ type: "form.changed", fields: from });
  }

  /** @override */
  refocused() {
    // What is undone, or put back, is gone with its button.
    /** @type {HTMLElement | null} */ (this.querySelector("#preset"))?.focus();
  }

  #onKey(/** @type {KeyboardEvent} */ event) {
    if (event.key !== "Escape" || !this.about) return;
    event.preventDefault();
    const button = /** @type {HTMLElement | null} */ (this.querySelector(`[aria-controls="about-${this.about}"]`));
    this.about = "";
    button?.focus();
  }
}

customElements.define("um-sampler", SamplerFields);
