import { html, nothing } from "lit";
import { live } from "lit/directives/live.js";
import { PageElement } from "app/ui/page-element.js";
import { segments } from "app/ui/segments.js";
import { focusOn } from "app/ui/focus.js";
import { tokenFace } from "app/ui/token-face.js";
import { faceOf } from "app/core/tokens.js";
import { shortName } from "app/core/models.js";
import { decimal, humanised, percent, plural } from "app/core/format.js";
import { canRestore, CORRUPTIONS, inOrder, piecesOf, recoveringModels, restoringSettings, summed, textsOf } from "app/core/recovering.js";
import { inspectionHindrance, readyModels } from "app/core/scoring.js";

/** @typedef {import("app/core/recovering.js").Restored} Restored */

const PER = /** @type {const} */ ([
  { value: "line", name: "Each line", title: "Every line is a text" },
  { value: "block", name: "Each block", title: "A blank line ends a text" },
]);

/** Texts that are masked in part and restored: the form, and what came back. */
class RecoverPanel extends PageElement {
  /** @override */
  watched(/** @type {import("app/core/state.js").State} */ { recovering, models, model, form, connection, view }) {
    return [recovering, models.list, model, form, connection.state, view.asks];
  }

  /** @override */
  refocused() {
    focusOn("um-recover .texts-do .button");
  }

  #type(/** @type {Partial<import("app/core/recovering.js").RecoverForm>} */ fields) {
    this.page.recovering.type(fields);
  }

  render() {
    const { form, running, problems } = this.state.recovering;
    const why = inspectionHindrance(this.state, "restore texts");
    const count = textsOf(form).length;
    const { about } = CORRUPTIONS.find(({ value }) => value === form.corruption) ?? CORRUPTIONS[0];
    return html`<form class="texts-form" @submit=${(/** @type {Event} */ e) => (e.preventDefault(), !why && !running && this.page.recovering.run())}>
        <p class="note">A share of each text is masked; a model fills it in again, and what comes back is compared.</p>
        <div class="field">
          <div class="texts-row">
            <label for="recover-texts">Texts</label>
            ${segments({ label: "What makes a text", testid: "recover-per", value: form.per, options: PER, choose: (per) => this.#type({ per }) })}
            <span class="note number" data-testid="recover-count">${plural(count, "text")}</span>
          </div>
          <textarea id="recover-texts" data-testid="recover-texts" rows="4" .value=${live(form.texts)} aria-invalid=${problems.texts ? "true" : nothing} aria-describedby=${problems.texts ? "recover-texts-problem" : nothing} @input=${(/** @type {any} */ e) => this.#type({ texts: e.target.value })}></textarea>
          ${problem("recover-texts", problems.texts)}
        </div>
        <div class="texts-row">
          <div class="field">
            <label for="recover-corruption">Masked</label>
            <select id="recover-corruption" data-testid="recover-corruption" title=${about} .value=${live(form.corruption)} @change=${(/** @type {any} */ e) => this.#type({ corruption: e.target.value })}>
              ${CORRUPTIONS.map(({ value, name }) => html`<option value=${value} .selected=${live(value === form.corruption)}>${name}</option>`)}
            </select>
            ${problem("recover-corruption", problems.corruption)}
          </div>
          <div class="field">
            <label for="recover-ratio">Share <output class="number">${percent(form.ratio)}</output></label>
            <input id="recover-ratio" data-testid="recover-ratio" type="range" min="0.05" max="1" step="0.05" .value=${live(String(form.ratio))} aria-valuetext="${percent(form.ratio)} of each text's tokens" @input=${(/** @type {any} */ e) => this.#type({ ratio: Number(e.target.value) })} />
            ${problem("recover-ratio", problems.ratio)}
          </div>
          ${form.corruption === "sticky"
            ? html`<div class="field">
                <label for="recover-rounds">Rounds</label>
                <input id="recover-rounds" data-testid="recover-rounds" inputmode="numeric" autocomplete="off" placeholder="8" .value=${live(form.rounds)} aria-invalid=${problems.rounds ? "true" : nothing} aria-describedby=${problems.rounds ? "recover-rounds-problem" : nothing} @input=${(/** @type {any} */ e) => this.#type({ rounds: e.target.value })} />
                ${problem("recover-rounds", problems.rounds)}
              </div>`
            : nothing}
        </div>
        ${this.#models()} ${this.#how()}
        ${problems[""] ? html`<p class="note" role="alert" data-problem>${problems[""]}</p>` : nothing}
        <div class="texts-do">
          ${running
            ? html`<button type="button" class="button" data-testid="recover-cancel" @click=${() => this.page.recovering.cancel()}>Cancel</button>
                <progress data-testid="recover-progress" aria-label="Texts done" max=${running.total} value=${running.done}></progress>
                <span class="number note">${running.done} of ${running.total}</span>`
            : html`<button class="button primary" data-testid="recover-run" aria-disabled=${why ? "true" : "false"} title=${why || nothing} aria-describedby=${why ? "recover-why" : nothing}>Recover</button>`}
          ${why ? html`<span class="note" id="recover-why">${why}</span>` : nothing}
        </div>
      </form>
      ${this.#results()}`;
  }

  #models() {
    const { problems } = this.state.recovering;
    const chosen = recoveringModels(this.state);
    return html`<fieldset class="texts-models">
      <legend>Models</legend>
      ${readyModels(this.state).map((name) => {
        const why = canRestore(this.state, name) ? "" : "It reads from left to right: it cannot restore what lies between given tokens.";
        const on = chosen.includes(name);
        const last = on && chosen.length === 1;
        return html`<label class="switch" title=${why || (last ? "At least one model is asked." : name)}>
          <input
            type="checkbox"
            data-testid="recover-model"
            value=${name}
            aria-disabled=${why || last ? "true" : "false"}
            .checked=${live(on)}
            @click=${(/** @type {Event} */ e) => (why || last) && e.preventDefault()}
            @change=${(/** @type {any} */ e) => this.#type({ models: e.target.checked ? [...chosen, name] : chosen.filter((other) => other !== name) })}
          />
          <span>${shortName(name)}${why ? html` <span class="note">left to right</span>` : nothing}</span>
        </label>`;
      })}
      ${problem("recover-models", problems.models)}
    </fieldset>`;
  }

  #how() {
    const { sampler, seed } = restoringSettings(this.state);
    const how = sampler ? `${humanised(sampler)}, as in the settings` : "each model's own sampler";
    return html`<p class="note">Restored by ${how}; seed ${seed ?? 0}. A constraint is left out.</p>`;
  }

  #results() {
    const { restored, running, stopped } = this.state.recovering;
    if (!restored.length) return running ? html`<p class="note waiting" role="status">Asking the model…</p>` : nothing;
    const models = [...new Set(restored.map(({ model }) => model))];
    return html`<section class="texts-result" aria-label="What came back" data-testid="recover-result" data-done=${restored.length}>
      ${stopped ? html`<p><span class="badge" data-warn>stopped: ${plural(restored.length, "text")} done</span></p>` : nothing}
      ${this.#totals(models)}
      ${models.length > 1 ? this.#matrix(models) : nothing}
      <button class="button" data-testid="recover-csv" @click=${() => this.page.recovering.saveTable()}>Download CSV</button>
      <p class="note restored-key"><span class="piece" data-kind="right">✓ came back</span> <span class="piece" data-kind="wrong">✗ another token</span> what stood there is struck through</p>
      <ol class="restored" data-testid="restored">${inOrder(restored, models).map((each) => this.#text(each))}</ol>
    </section>`;
  }

  #totals(/** @type {readonly string[]} */ models) {
    const { restored, totals } = this.state.recovering;
    return html`<div class="small-table" tabindex="0" role="region" aria-label="Totals of each model">
      <table data-testid="recover-totals">
        <thead><tr><th scope="col">Model</th><th scope="col">Texts</th><th scope="col">Masked</th><th scope="col">Right</th><th scope="col">Accuracy</th><th scope="col">Forwards</th></tr></thead>
        <tbody>
          ${models.map((model) => {
            const told = totals.find((total) => total.model === model);
            const own = summed(restored, model);
            const { texts, masked, right, accuracy } = told ?? own;
            return html`<tr data-model=${model}><th scope="row">${shortName(model)}${told ? nothing : html` <span class="note">so far</span>`}</th><td>${texts}</td><td>${masked}</td><td>${right}</td><td>${accuracy === null ? "–" : percent(accuracy)}</td><td>${own.forwards}</td></tr>`;
          })}
        </tbody>
      </table>
    </div>`;
  }

  /** Text by text, the models side by side. */
  #matrix(/** @type {readonly string[]} */ models) {
    const { restored } = this.state.recovering;
    const indices = [...new Set(restored.map(({ index }) => index))].sort((a, b) => a - b);
    return html`<div class="small-table" tabindex="0" role="region" aria-label="Accuracy, text by text">
      <table data-testid="recover-matrix">
        <thead><tr><th scope="col">Text</th>${models.map((model) => html`<th scope="col">${shortName(model)}</th>`)}</tr></thead>
        <tbody>
          ${indices.map((index) => html`<tr><th scope="row">${index + 1}</th>${models.map((model) => {
            const found = restored.find((each) => each.index === index && each.model === model);
            return html`<td>${found ? `${percent(found.accuracy)}, ${found.right} of ${found.masked.length}` : "…"}</td>`;
          })}</tr>`)}
        </tbody>
      </table>
    </div>`;
  }

  #text(/** @type {Restored} */ restored) {
    const { model, index, masked, right, accuracy, corruption, meanProbability } = restored;
    const named = this.state.recovering.tokens[model];
    const face = (/** @type {number} */ id) => faceOf(named?.get(id));
    const kind = CORRUPTIONS.find(({ value }) => value === corruption)?.name.toLowerCase();
    const words = (/** @type {import("app/core/recovering.js").Piece} */ { kind, token, was }) =>
      kind === "right" ? "It came back." : `${face(token).name}; ${face(was).name} stood there.`;
    return html`<li data-index=${index} data-model=${model} data-right=${right} data-masked=${masked.length}>
      <p class="note"><b>Text ${index + 1}</b> · ${shortName(model)} · ${kind} · ${right} of ${masked.length} right, ${percent(accuracy)}${meanProbability === null ? nothing : html` · mean p ${decimal(meanProbability)}`}</p>
      <p class="pieces">${piecesOf(restored).map((piece) =>
        piece.kind === "kept"
          ? html`<span class="piece">${tokenFace(face(piece.token))}</span>`
          : html`<span class="piece" data-kind=${piece.kind} title=${words(piece)}><span aria-hidden="true">${piece.kind === "right" ? "✓" : "✗"}</span><span class="unseen">${piece.kind === "right" ? " right: " : " wrong: "}</span>${tokenFace(face(piece.token))}${piece.kind === "wrong" ? html`<s>${tokenFace(face(piece.was))}</s>` : nothing}</span>`,
      )}</p>
    </li>`;
  }
}

/** What is wrong with a field, under it. */
const problem = (/** @type {string} */ id, /** @type {string | undefined} */ words) => (words ? html`<p class="note" id="${id}-problem" role="alert" data-problem>${words}</p>` : nothing);

customElements.define("um-recover", RecoverPanel);
