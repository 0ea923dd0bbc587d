import { html, nothing } from "lit";
import { PageElement } from "app/ui/page-element.js";
import { parameterField } from "app/ui/parameter-field.js";
import { faceOfId, hindrances } from "app/core/selectors.js";
import { rankingOf, samplerNamed } from "app/core/settings.js";
import { tokenFace } from "app/ui/token-face.js";
import { humanised, percent } from "app/core/format.js";
import { RANKING_SAMPLER } from "app/actions/session.js";
import * as icons from "app/ui/icons.js";

/** The tray: tokens chosen, by hand or by a ranking, and not applied yet. */
class Selection extends PageElement {
  /** @override */
  watched(/** @type {any} */ { tree, picks, tokens, model, form, ranking, connection, activity, shown }) {
    return [tree, picks, tokens, model, form, ranking, connection.state, activity, shown];
  }

  render() {
    const { model, form, picks, ranking, activity } = this.state;
    const why = hindrances(this.state);
    const sampler = samplerNamed(model, RANKING_SAMPLER);
    const { own, shared, problems } = sampler
      ? rankingOf(model, form, sampler, ranking)
      : { own: [], shared: [], problems: /** @type {Record<string, string>} */ ({}) };
    const alike = shared.map(({ name }) => humanised(name).toLowerCase()).join(", ");
    return html`<section class="card selection" aria-labelledby="selection-title">
      <header class="card-head">
        <h2 id="selection-title">Selection</h2>
        <span class="grow"></span>
        <button class="button" data-testid="auto-select" aria-disabled=${why.propose ? "true" : "false"} title=${why.propose || "Let a ranking choose what to commit next (A)"} @click=${() => !why.propose && this.page.session.propose()}>
          ${activity === "propose" ? "Ranking…" : "Auto-select"}
        </button>
      </header>
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
        ? html`<ul class="tray" data-testid="tray" aria-label="Picked tokens">
            ${[...picks].sort(([a], [b]) => a - b).map(([position, pick]) => this.#pick(position, pick))}
          </ul>`
        : html`<p class="note">Nothing is picked. Auto-select, or press + beside a candidate, or Space on an open cell.</p>`}
      <div class="actions" ?hidden=${!picks.size}>
        <button class="button strong" data-testid="apply" aria-disabled=${why.apply ? "true" : "false"} title=${why.apply || "Commit the picked tokens, as one revision"} @click=${() => !why.apply && this.page.session.apply()}>
          Apply${picks.size ? ` ${picks.size}` : ""}
        </button>
        <button class="button" data-testid="clear" @click=${() => this.page.session.clearPicks()}>Clear</button>
      </div>
    </section>`;
  }

  #pick(/** @type {number} */ position, /** @type {import("app/core/state.js").Pick} */ { token, probability }) {
    const face = faceOfId(this.state, token);
    return html`<li class="pick">
      <button class="pick-look" @click=${() => this.page.inspection.look(position)} title="Position ${position}: inspect">
        <span class="token" ?data-special=${face.special}>${tokenFace(face)}</span>
        <span class="number">${probability === null ? "" : percent(probability)}</span>
      </button>
      <button class="quiet" aria-label="Remove ${face.name} at position ${position}" @click=${() => this.page.session.removePick(position)}>${icons.close}</button>
    </li>`;
  }
}

customElements.define("um-selection", Selection);
