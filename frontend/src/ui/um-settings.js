import { html, nothing } from "lit";
import { live } from "lit/directives/live.js";
import { PageElement } from "app/ui/page-element.js";
import { hindrances, shown } from "app/core/selectors.js";
import { problemsOf } from "app/core/settings.js";
import { isComplete } from "app/core/tree.js";
import { formIsNext, startModel } from "app/core/models.js";
import { NO_WORDS, readsLeftToRight } from "app/core/left-to-right.js";
import "app/ui/um-cache.js";
import "app/ui/um-constraint.js";
import "app/ui/um-model.js";
import "app/ui/um-prompt.js";
import "app/ui/um-sampler.js";
import * as icons from "app/ui/icons.js";

/** The prompt and how it is to be answered. */
class SettingsPanel extends PageElement {
  static properties = { folded: { state: true } };

  /** The comparison was open when this was drawn last. */
  #compared = false;

  constructor() {
    super();
    /** On a narrow screen the form makes room once a session is there. */
    this.folded = false;
  }

  /** @override */
  watched(/** @type {any} */ { form, refused, model, models, tree, connection, activity, view }) {
    return [view.compare, form, refused, model, models.known, tree?.id, tree && shown(this.state)?.settings, connection.state, activity];
  }

  #change(/** @type {object} */ fields) {
    this.dispatch({ type: "form.changed", fields });
  }

  #submit(/** @type {Event} */ event) {
    event.preventDefault();
    if (hindrances(this.state).start) return;
    this.folded = true;
    this.#start();
  }

  /** Where the form folds away above the canvas, the canvas comes into its place. */
  async #start() {
    const before = this.state.tree?.id;
    await this.page.session.start();
    if (this.state.tree?.id === before || !matchMedia("(max-width: 1199.98px)").matches) return;
    // The fold is drawn first, in one go with the rest of the page.
    await new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn)));
    document.querySelector("um-canvas")?.scrollIntoView({ block: "start" });
  }

  /** @override */
  willUpdate(/** @type {any} */ changed) {
    super.willUpdate?.(changed);
    const { compare } = this.state.view;
    if (compare && !this.#compared) this.folded = true;
    this.#compared = compare;
  }

  render() {
    const { form, refused, tree, connection, view } = this.state;
    const folded = this.folded && (tree !== null || view.compare);
    const why = hindrances(this.state).start;
    // The server knows more than the page: how much room the prompt leaves, say.
    const problems = { ...refused, ...problemsOf(startModel(this.state), form) };
    const revision = shown(this.state);
    const complete = revision !== null && isComplete(revision);
    const rightwards = readsLeftToRight(startModel(this.state));
    return html`${connection.state === "recorded" ? nothing : html`<um-model .page=${this.page}></um-model>`}
    <form class="card settings" ?data-folded=${folded} @submit=${this.#submit} novalidate>
      <button
        type="button"
        class="fold"
        aria-expanded=${!folded}
        aria-controls="settings-body"
        @click=${() => (this.folded = !this.folded)}
      >
        <span class="fold-title">Prompt and settings</span>
        <span class="fold-prompt">${form.prompt}</span>
        <span class="fold-more">${folded ? "Edit" : "Hide"}</span>
      </button>
      <div class="settings-body" id="settings-body">
        <um-prompt .page=${this.page}></um-prompt>
        <div class="pair">
          <div class="field">
            <label for="length">${rightwards ? "At most" : "Length"}</label>
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
            <p class="note" id="length-note">${problems.length ?? (rightwards ? "tokens, unless it ends before" : "tokens to write")}</p>
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
        <um-sampler .page=${this.page}></um-sampler>
        <um-cache .page=${this.page}></um-cache>
        <um-constraint .page=${this.page}></um-constraint>
      </div>
    </form>`;
  }

  #wordsField(/** @type {Record<string, string>} */ problems) {
    const { form } = this.state;
    const model = startModel(this.state);
    const unsent = readsLeftToRight(model);
    // What was typed for another model stays, and is not sent.
    if (model?.hasTokenizer === false || (unsent && !form.words)) return nothing;
    return html`<div class="field words">
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
      <p class="note" id="words-note" ?data-aside=${!problems.words && !form.words}>${problems.words ?? (unsent ? `Not sent. ${NO_WORDS}` : "Counted from the start of the answer. They stand there from the beginning, and no step changes them.")}</p>
    </div>`;
  }

  #seedNote() {
    const inForce = formIsNext(this.state) ? null : shown(this.state)?.settings?.seed;
    return this.state.form.seed === "" && inForce ? `drawn: ${inForce}` : "repeats a run";
  }

  #drawSeed() {
    this.#change({ seed: String(crypto.getRandomValues(new Uint32Array(1))[0]) });
  }
}

customElements.define("um-settings", SettingsPanel);
