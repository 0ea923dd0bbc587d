import { html, nothing } from "lit";
import { live } from "lit/directives/live.js";
import { PageElement } from "app/ui/page-element.js";
import { cssVars } from "app/ui/css-vars.js";
import { DTYPES, factsOf, modelNote, modelRows, progressOf, ROLES, shortName, startModel, statusOf } from "app/core/models.js";
import { offline } from "app/core/readiness.js";
import * as icons from "app/ui/icons.js";

/** The model of the next session: one line, and unfolded all models, what there is to know, and a way to load another. */
class ModelPanel extends PageElement {
  static properties = { open: { state: true }, ids: { state: true } };

  constructor() {
    super();
    this.open = false;
    /** The fields for ids are unfolded. */
    this.ids = false;
  }

  /** @override */
  watched(/** @type {any} */ { model, models, form, tree, connection }) {
    return [model, models, form.model, form.sampler, tree?.id, connection.state];
  }

  #unfold() {
    this.open = !this.open;
    if (this.open) this.page.models.refresh();
  }

  /** @override */
  refocused() {
    /** @type {HTMLElement | null} */ (this.querySelector(".model-line"))?.focus();
  }

  render() {
    const { models, form, connection } = this.state;
    const model = startModel(this.state);
    const { load, leaving } = models;
    const name = model?.name ?? form.model;
    const note = [models.said, modelNote(this.state)].filter(Boolean).join(" ");
    const word = load ? progressOf(load).words : leaving && leaving === model?.name ? "leaving the memory" : model ? statusOf(model) : connection.state === "ready" && form.model ? "not known yet" : "";
    return html`<section class="card model" aria-label="Model">
      <button
        type="button"
        class="model-line"
        data-testid="model-line"
        aria-expanded=${this.open}
        aria-controls="model-body"
        title=${name || nothing}
        @click=${this.#unfold}
      >
        <span class="lamp" data-lamp=${load ? "loading" : (model?.state ?? "none")} aria-hidden="true"></span>
        <span class="unseen">Model:</span>
        <span class="model-name">${name ? shortName(name) : "no model yet"}</span>
        <span class="model-word">${word}</span>
        <span class="model-more" aria-hidden="true">${icons.next}</span>
      </button>
      ${load && !this.open ? this.#progress(load) : nothing}
      <p class="note" data-testid="model-note" role="status" ?hidden=${!note}>${note}</p>
      <div id="model-body" class="model-body" ?hidden=${!this.open}>${this.open ? this.#body(model) : nothing}</div>
    </section>`;
  }

  #body(/** @type {import("app/core/settings.js").Model | null} */ model) {
    const { models } = this.state;
    return html`${this.#list()} ${models.load ? this.#progress(models.load) : nothing} ${model ? this.#facts(model) : nothing} ${this.#loader()}`;
  }

  #list() {
    const rows = modelRows(this.state);
    const why = offline(this.state);
    if (!rows.length) return html`<p class="note">${why || "Reading the list…"}</p>`;
    return html`<ul class="model-list" data-testid="models" aria-label="Models of this server">
      ${rows.map(({ name, label, state, word, chosen, shown }) => {
        const waits = why || (state === "ready" ? "" : state === "loading" ? "It is on its way." : this.state.models.load ? "One model loads at a time." : "");
        return html`<li>
          <button
            type="button"
            class="model-row"
            data-model=${name}
            aria-pressed=${chosen ? "true" : "false"}
            aria-disabled=${waits ? "true" : "false"}
            title=${waits || name}
            @click=${() => !waits && this.page.models.choose(name)}
          >
            <span class="model-tick" aria-hidden="true">${chosen ? icons.check : nothing}</span>
            <span class="lamp" data-lamp=${state} aria-hidden="true"></span>
            <span class="model-name">${label}</span>
            ${shown && !chosen ? html`<span class="badge">shown</span>` : nothing}
            <span class="model-word">${state === "unloaded" ? "not loaded: load" : word}</span>
          </button>
        </li>`;
      })}
    </ul>`;
  }

  #progress(/** @type {import("app/core/models.js").Load} */ load) {
    const { words, percent } = progressOf(load);
    return html`<div class="model-load" data-testid="load-progress" data-phase=${load.phase}>
      <p><span role="status">Loading ${shortName(load.name)}.</span> ${words}.</p>
      <div
        class="bar"
        role="progressbar"
        aria-label="Loading ${shortName(load.name)}"
        aria-valuemin="0"
        aria-valuemax="100"
        aria-valuenow=${percent ?? nothing}
        aria-valuetext=${percent === null ? words : `${percent} percent`}
        ?data-unknown=${percent === null}
        ${cssVars({ "--done": String((percent ?? 0) / 100) })}
      ></div>
      <span class="number">${percent === null ? "" : `${percent}%`}</span>
      <button type="button" class="button" data-testid="load-cancel" @click=${() => this.page.models.cancel()}>Cancel</button>
    </div>`;
  }

  #facts(/** @type {import("app/core/settings.js").Model} */ model) {
    if (model.state !== "ready") return nothing;
    const { load, leaving, marks } = this.state.models;
    const why = offline(this.state) || (load ? "One model loads at a time." : "") || (leaving ? `${shortName(leaving)} is leaving the memory.` : "");
    const does = (/** @type {string} */ id, /** @type {string} */ label, /** @type {string} */ what, /** @type {() => void} */ act) => html`<button
      type="button"
      class="button"
      data-testid=${id}
      aria-disabled=${why ? "true" : "false"}
      title=${why || what}
      @click=${() => !why && act()}
    >${label}</button>`;
    return html`<div class="model-known">
      <dl class="model-facts" data-testid="model-facts">
        ${factsOf(model, marks[model.name]).map(([term, value]) => html`<div><dt>${term}</dt><dd>${value}</dd></div>`)}
      </dl>
      <div class="model-does">
        ${does("reload", "Reload", "Read its files again.", () => this.page.models.reload(model.name))}
        ${does("unload", "Unload", "Take it out of the server's memory. What runs with it ends first.", () => this.page.models.unload(model.name))}
      </div>
    </div>`;
  }

  #loader() {
    const { wish, problems, load, families } = this.state.models;
    const why = offline(this.state) || (load ? "One model loads at a time." : "");
    const ids = this.ids || Object.keys(ROLES).some((role) => problems[role] || wish[/** @type {keyof typeof ROLES} */ (role)]);
    return html`<form class="model-loader" novalidate @submit=${(/** @type {Event} */ event) => this.#load(event, why)}>
      ${this.#field("name", "Load another: a folder on the server or a hub id", "org/name, or org/name@revision")}
      <div class="model-how">
        <div class="field">
          <label for="load-dtype">Weights as</label>
          <select id="load-dtype" aria-invalid=${problems.dtype ? "true" : nothing} @change=${(/** @type {any} */ e) => this.page.models.wish({ dtype: e.target.value })}>
            ${DTYPES.map((dtype) => html`<option value=${dtype} .selected=${live(dtype === wish.dtype)}>${dtype === "auto" ? "as stored" : dtype}</option>`)}
          </select>
          ${problems.dtype ? html`<p class="note" data-problem>${problems.dtype}</p>` : nothing}
        </div>
        <div class="field">
          <label for="load-family">Family</label>
          <select
            id="load-family"
            data-testid="load-family"
            aria-invalid=${problems.family ? "true" : nothing}
            aria-describedby=${problems.family ? "load-family-problem" : nothing}
            @change=${(/** @type {any} */ e) => this.page.models.wish({ family: e.target.value })}
          >
            <option value="" .selected=${live(!wish.family)}>as recognised</option>
            ${families.map((family) => html`<option value=${family} .selected=${live(family === wish.family)}>${family}</option>`)}
          </select>
          ${problems.family ? html`<p class="note" id="load-family-problem" data-problem>${problems.family}</p>` : nothing}
        </div>
        <button
          class="button"
          data-testid="load"
          aria-disabled=${why ? "true" : "false"}
          title=${why || nothing}
        >Load</button>
      </div>
      <button type="button" class="quiet text" aria-expanded=${ids} aria-controls="load-ids" @click=${() => (this.ids = !ids)}>Token ids that it does not tell</button>
      <div class="grid" id="load-ids" ?hidden=${!ids}>
        ${Object.entries(ROLES).map(([role, what]) => this.#field(/** @type {keyof typeof ROLES} */ (role), `${role}: ${what}`, "its own"))}
      </div>
    </form>`;
  }

  #field(/** @type {"name" | keyof typeof ROLES} */ field, /** @type {string} */ label, /** @type {string} */ placeholder) {
    const { wish, problems } = this.state.models;
    const problem = problems[field];
    return html`<div class="field">
      <label for="load-${field}">${label}</label>
      <input
        id="load-${field}"
        data-testid="load-${field}"
        autocomplete="off"
        autocapitalize="off"
        spellcheck="false"
        inputmode=${field === "name" ? nothing : "numeric"}
        placeholder=${placeholder}
        .value=${live(wish[field])}
        aria-invalid=${problem ? "true" : nothing}
        aria-describedby=${problem ? `load-${field}-problem` : nothing}
        @input=${(/** @type {any} */ e) => this.page.models.wish({ [field]: e.target.value })}
      />
      ${problem ? html`<p class="note" id="load-${field}-problem" data-problem>${problem}</p>` : nothing}
    </div>`;
  }

  #load(/** @type {Event} */ event, /** @type {string} */ why) {
    event.preventDefault();
    if (!why) this.page.models.loadWish();
  }
}

customElements.define("um-model", ModelPanel);
