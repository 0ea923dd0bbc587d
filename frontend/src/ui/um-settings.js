import { html, nothing } from "lit";
import { live } from "lit/directives/live.js";
import { PageElement } from "app/ui/page-element.js";
import { parameterField } from "app/ui/parameter-field.js";
import { EXAMPLES } from "app/ui/examples.js";
import { hindrances, shown } from "app/core/selectors.js";
import { problemsOf, relevantParameters, samplerOf, SHARED, sharedNames, typedOf } from "app/core/settings.js";
import { isComplete } from "app/core/tree.js";
import { humanised } from "app/core/format.js";
import * as icons from "app/ui/icons.js";

/** The prompt and how it is to be answered. */
class SettingsPanel extends PageElement {
  static properties = { help: { state: true }, folded: { state: true } };

  constructor() {
    super();
    this.help = "";
    /** On a narrow screen the form makes room once a session is there. */
    this.folded = false;
    this.roomy = window.matchMedia("(min-width: 1200px)").matches;
  }

  /** @override */
  watched(/** @type {any} */ { form, model, tree, connection, activity }) {
    return [form, model, tree?.id, tree && shown(this.state)?.settings, connection.state, activity];
  }

  updated() {
    // A field that is wrong is not to hide.
    const common = this.querySelector("details.common");
    if (common?.querySelector('[aria-invalid="true"]')) /** @type {HTMLDetailsElement} */ (common).open = true;
  }

  #change(/** @type {object} */ fields) {
    this.dispatch({ type: "form.changed", fields });
  }

  #submit(/** @type {Event} */ event) {
    event.preventDefault();
    if (hindrances(this.state).start) return;
    this.folded = true;
    this.page.session.start();
  }

  render() {
    const { form, model, tree } = this.state;
    const why = hindrances(this.state).start;
    const problems = problemsOf(model, form);
    const revision = shown(this.state);
    const complete = revision !== null && isComplete(revision);
    return html`<form class="card settings" ?data-folded=${this.folded && tree !== null} @submit=${this.#submit} novalidate>
      <button
        type="button"
        class="fold"
        aria-expanded=${!(this.folded && tree !== null)}
        aria-controls="settings-body"
        @click=${() => (this.folded = !this.folded)}
      >
        <span class="fold-title">Prompt and settings</span>
        <span class="fold-prompt">${form.prompt}</span>
        <span class="fold-more">${this.folded ? "Edit" : "Hide"}</span>
      </button>
      <div class="settings-body" id="settings-body">
        <div class="field">
          <div class="label-row"><label for="prompt">Prompt</label>${this.#chatSwitch()}</div>
          <textarea
            id="prompt"
            data-testid="prompt"
            rows="4"
            spellcheck="false"
            aria-describedby="prompt-note"
            .value=${live(form.prompt)}
            @input=${(/** @type {any} */ e) => this.#change({ prompt: e.target.value })}
            @keydown=${(/** @type {KeyboardEvent} */ e) => e.key === "Enter" && (e.ctrlKey || e.metaKey) && this.#submit(e)}
          ></textarea>
          <p class="note" id="prompt-note"><code>[[mask:3]]</code> leaves a hole of three positions, to be filled in.</p>
          <div class="examples" role="group" aria-label="Examples">
            ${EXAMPLES.map(
              ({ name, prompt }) =>
                html`<button type="button" class="chip" title=${prompt} @click=${() => this.#change({ prompt })}>${name}</button>`,
            )}
          </div>
        </div>
        <div class="pair">
          <div class="field">
            <label for="length">Length</label>
            <input
              id="length"
              data-testid="length"
              inputmode="numeric"
              placeholder="64"
              autocomplete="off"
              .value=${live(form.length)}
              aria-invalid=${problems.length ? "true" : nothing}
              aria-describedby="length-note"
              @input=${(/** @type {any} */ e) => this.#change({ length: e.target.value.trim() })}
            />
            <p class="note" id="length-note">${problems.length ?? "tokens to write"}</p>
          </div>
          <div class="field">
            <label for="seed">Seed</label>
            <div class="joined">
              <input
                id="seed"
                data-testid="seed"
                inputmode="numeric"
                placeholder="drawn"
                autocomplete="off"
                .value=${live(form.seed)}
                aria-invalid=${problems.seed ? "true" : nothing}
                aria-describedby="seed-note"
                @input=${(/** @type {any} */ e) => this.#change({ seed: e.target.value.trim() })}
              />
              <button type="button" class="quiet" aria-label="Draw a seed" title="Draw a seed" @click=${this.#drawSeed}>${icons.dice}</button>
            </div>
            <p class="note" id="seed-note">${problems.seed ?? this.#seedNote()}</p>
          </div>
        </div>
        ${this.#wordsField(problems)}
        <button
          class=${tree && !complete ? "button" : "button primary"}
          data-testid="start"
          aria-disabled=${why ? "true" : "false"}
          title=${why || nothing}
          aria-describedby=${why ? "start-why" : nothing}
        >
          ${tree ? "Start again" : "Start"}
        </button>
        <p class="why" id="start-why" ?hidden=${!why || why.startsWith("Wait")}>${why}</p>
        ${this.#samplerFields(problems)}
      </div>
    </form>`;
  }

  #chatSwitch() {
    const { form, model } = this.state;
    if (!model?.hasChatTemplate) return nothing;
    return html`<label class="switch" title="Put the prompt through the model's chat template">
      <input type="checkbox" .checked=${live(form.chat)} @change=${(/** @type {any} */ e) => this.#change({ chat: e.target.checked })} />
      <span>Chat</span>
    </label>`;
  }

  #wordsField(/** @type {Record<string, string>} */ problems) {
    const { form, model } = this.state;
    if (model?.hasTokenizer === false) return nothing;
    return html`<div class="field words" title="Words that stand at these positions of the answer from the start; no step changes them.">
      <label for="words">Words at positions</label>
      <input
        id="words"
        data-testid="words"
        autocomplete="off"
        spellcheck="false"
        placeholder="0:Once, 5:upon"
        .value=${live(form.words)}
        aria-invalid=${problems.words ? "true" : nothing}
        aria-describedby="words-note"
        @input=${(/** @type {any} */ e) => this.#change({ words: e.target.value })}
      />
      <p class="note" id="words-note" ?hidden=${!problems.words}>${problems.words}</p>
    </div>`;
  }

  #seedNote() {
    const inForce = shown(this.state)?.settings?.seed;
    return this.state.form.seed === "" && inForce ? `drawn: ${inForce}` : "repeats a run";
  }

  #drawSeed() {
    this.#change({ seed: String(crypto.getRandomValues(new Uint32Array(1))[0]) });
  }

  #samplerFields(/** @type {Record<string, string>} */ problems) {
    const { form, model } = this.state;
    const sampler = samplerOf(model, form);
    if (!model || !sampler) return nothing;
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
        <select id="sampler" data-testid="sampler" aria-describedby="sampler-note" @change=${(/** @type {any} */ e) => this.#change({ sampler: e.target.value })}>
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

customElements.define("um-settings", SettingsPanel);
