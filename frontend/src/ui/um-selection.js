import { html, nothing } from "lit";
import { live } from "lit/directives/live.js";
import { PageElement } from "app/ui/page-element.js";
import { parameterField } from "app/ui/parameter-field.js";
import { faceOfId, formOfSteps, hindrances } from "app/core/selectors.js";
import { RANKING_SAMPLER, rankingOf, samplerNamed, samplerOf } from "app/core/settings.js";
import { tokenFace } from "app/ui/token-face.js";
import { humanised, percent } from "app/core/format.js";
import "app/ui/um-remask.js";
import * as icons from "app/ui/icons.js";

/** The tray: changes chosen, by hand or by a rule, and not applied yet. */
class Selection extends PageElement {
  /** @override */
  watched(/** @type {any} */ { tree, picks, tokens, model, form, ranking, connection, activity, shown, view }) {
    return [tree, picks, tokens, model, form, ranking, connection.state, activity, shown, view.selector, view.asks];
  }

  render() {
    const { model, picks, ranking, activity, view } = this.state;
    const why = hindrances(this.state);
    const form = formOfSteps(this.state);
    const chosen = samplerOf(model, form);
    const ranker = samplerNamed(model, RANKING_SAMPLER);
    const sampler = view.selector === "ranking" ? ranker : null;
    const { own, shared, problems } = sampler
      ? rankingOf(model, form, sampler, ranking)
      : { own: [], shared: [], problems: /** @type {Record<string, string>} */ ({}) };
    const alike = shared.map(({ name }) => humanised(name).toLowerCase()).join(", ");
    return html`<section class="card selection" aria-labelledby="selection-title">
      <header class="card-head">
        <h2 id="selection-title">Selection</h2>
        <span class="grow"></span>
        <button class="button" data-testid="auto-select" aria-disabled=${why.propose ? "true" : "false"} title=${why.propose || "See what would be done next, before it is (A)"} @click=${() => !why.propose && this.page.session.propose()}>
          ${activity === "propose" ? "Selecting…" : "Auto-select"}
        </button>
      </header>
      ${chosen && ranker
        ? html`<div class="field selector">
            <label for="selector">Select by</label>
            <select id="selector" data-testid="selector" @change=${(/** @type {any} */ e) => this.dispatch({ type: "view.changed", view: { selector: e.target.value } })}>
              <option value="ranking" .selected=${live(view.selector === "ranking")}>A ranking</option>
              <option value="sampler" .selected=${live(view.selector === "sampler")}>The sampler: ${humanised(chosen.name)}</option>
            </select>
          </div>`
        : nothing}
      ${own.length
        ? html`<div class="grid" title=${alike ? `As in the settings: ${alike}` : nothing}>
            ${own.map((parameter) =>
              parameterField({
                parameter,
                id: `ranking-${parameter.name}`,
                typed: ranking[parameter.name],
                problem: problems[parameter.name],
                onType: (value) => this.dispatch({ type: "ranking.typed", name: parameter.name, value }),
              }),
            )}
          </div>`
        : nothing}
      ${picks.size
        ? html`<ul class="tray" data-testid="tray" aria-label="Picked changes">
            ${[...picks].sort(([a], [b]) => a - b).map(([position, pick]) => this.#pick(position, pick))}
          </ul>`
        : html`<p class="note">Nothing is picked. Auto-select, or press + beside a candidate, or Space on an open cell.</p>`}
      <div class="actions" ?hidden=${!picks.size}>
        <button class="button strong" data-testid="apply" aria-disabled=${why.apply ? "true" : "false"} title=${why.apply || "Make the picked changes, as one revision"} @click=${() => !why.apply && this.page.session.apply()}>
          Apply${picks.size ? ` ${picks.size}` : ""}
        </button>
        <button class="button" data-testid="clear" @click=${() => this.page.session.clearPicks()}>Clear</button>
      </div>
      <um-remask .page=${this.page}></um-remask>
    </section>`;
  }

  #pick(/** @type {number} */ position, /** @type {import("app/core/state.js").Pick} */ { token, replaces, probability }) {
    const what = token === null ? "open again" : faceOfId(this.state, token).name;
    return html`<li class="pick" data-kind=${token === null ? "reopen" : replaces === null ? "commit" : "edit"}>
      <button class="pick-look" @click=${() => this.page.inspection.look(position)} title="Position ${position}: inspect">
        ${token === null
          ? html`<span>open again position ${position}</span> ${this.#token(replaces, true)}`
          : html`${replaces === null ? nothing : html`${this.#token(replaces, true)} <span aria-hidden="true">→</span><span class="unseen">becomes</span>`} ${this.#token(token)}
              <span class="number">${probability === null ? "" : percent(probability)}</span>`}
      </button>
      <button class="quiet" aria-label="Remove ${what} at position ${position}" @click=${() => this.page.session.removePick(position)}>${icons.close}</button>
    </li>`;
  }

  #token(/** @type {number | null} */ token, gone = false) {
    if (token === null) return nothing;
    const face = faceOfId(this.state, token);
    return html`<span class="token" ?data-special=${face.special} ?data-gone=${gone}>${tokenFace(face)}</span>`;
  }
}

customElements.define("um-selection", Selection);
