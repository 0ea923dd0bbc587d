import { html, nothing, svg } from "lit";
import { live } from "lit/directives/live.js";
import { PageElement } from "app/ui/page-element.js";
import { cssVars } from "app/ui/css-vars.js";
import { focusOn } from "app/ui/focus.js";
import { tokenFace } from "app/ui/token-face.js";
import { faceOf } from "app/core/tokens.js";
import { shortName } from "app/core/models.js";
import { decimal, percent, plural, withMinus } from "app/core/format.js";
import { convergence, inspectionHindrance, isExact, LONGEST_EXACT, readyModels, scoredModel, takesChat } from "app/core/scoring.js";

/** @typedef {import("app/core/scoring.js").Estimate} Estimate */

/** How likely an answer is: the form, and the estimate as it becomes surer. */
class ScorePanel extends PageElement {
  /** @override */
  watched(/** @type {import("app/core/state.js").State} */ { scoring, models, model, connection, view }) {
    return [scoring, models.list, model, connection.state, view.asks];
  }

  /** @override */
  refocused() {
    focusOn("um-score .texts-do .button");
  }

  #type(/** @type {Partial<import("app/core/scoring.js").ScoreForm>} */ fields) {
    this.page.scoring.type(fields);
  }

  render() {
    const { form, running, problems } = this.state.scoring;
    const model = scoredModel(this.state);
    const why = inspectionHindrance(this.state, "score");
    const leftToRight = isExact(this.state, model);
    return html`<form class="texts-form" @submit=${(/** @type {Event} */ e) => (e.preventDefault(), !why && !running && this.page.scoring.run())}>
        <p class="note">The log-likelihood of an answer: exact where the model reads from left to right, else a lower bound, estimated from random maskings.</p>
        ${this.#area("prompt", "Prompt", "What stands before the answer; it is not scored", 2)}
        ${takesChat(this.state, model)
          ? html`<label class="switch"><input type="checkbox" data-testid="score-chat" .checked=${live(form.chat)} @change=${(/** @type {any} */ e) => this.#type({ chat: e.target.checked })} /><span>As a chat</span></label>`
          : nothing}
        ${this.#area("answer", "Answer", "", 3)}
        <div class="texts-row">
          <div class="field">
            <label for="score-model">Model</label>
            <select id="score-model" data-testid="score-model" .value=${live(model)} @change=${(/** @type {any} */ e) => this.#type({ model: e.target.value })}>
              ${readyModels(this.state).map((name) => html`<option value=${name} .selected=${live(name === model)}>${shortName(name)}</option>`)}
            </select>
            ${problem("score-model", problems.model)}
          </div>
          ${leftToRight ? nothing : this.#masked()} ${leftToRight || form.exact ? nothing : this.#small("seed", "Seed", "0")}
        </div>
        ${leftToRight
          ? html`<p class="note">This model reads from left to right: nothing is drawn, the number is exact.</p>`
          : html`<label class="switch" title="Every choice of masked positions is counted">
                <input type="checkbox" data-testid="score-exact" aria-describedby=${problems.exact ? "score-exact-problem" : nothing} .checked=${live(form.exact)} @change=${(/** @type {any} */ e) => this.#type({ exact: e.target.checked })} />
                <span>Count every masking (up to ${LONGEST_EXACT} tokens)</span>
              </label>
              ${problem("score-exact", problems.exact)}`}
        ${problems[""] ? html`<p class="note" role="alert" data-problem>${problems[""]}</p>` : nothing}
        <div class="texts-do">
          ${running
            ? html`<button type="button" class="button" data-testid="score-cancel" @click=${() => this.page.scoring.cancel()}>Cancel</button>`
            : html`<button class="button primary" data-testid="score-run" aria-disabled=${why ? "true" : "false"} title=${why || nothing} aria-describedby=${why ? "score-why" : nothing}>Score</button>`}
          ${why ? html`<span class="note" id="score-why">${why}</span>` : nothing}
        </div>
      </form>
      ${this.#result()}`;
  }

  #masked() {
    const { exact } = this.state.scoring.form;
    return html`${this.#small("samples", "Samples", "128", exact ? "Every masking is counted: none is drawn." : "")} ${this.#small("cfg", "Guidance (CFG)", "0")}`;
  }

  /** @param {"prompt" | "answer"} name @param {string} label @param {string} hint @param {number} rows */
  #area(name, label, hint, rows) {
    const { form, problems } = this.state.scoring;
    const id = `score-${name}`;
    return html`<div class="field">
      <label for=${id}>${label}</label>
      <textarea id=${id} data-testid=${id} rows=${rows} placeholder=${hint} .value=${live(form[name])} aria-invalid=${problems[name] ? "true" : nothing} aria-describedby=${problems[name] ? `${id}-problem` : nothing} @input=${(/** @type {any} */ e) => this.#type({ [name]: e.target.value })}></textarea>
      ${problem(id, problems[name])}
    </div>`;
  }

  /** @param {"samples" | "cfg" | "seed"} name @param {string} label @param {string} usual @param {string} [off]  why it is of no use now */
  #small(name, label, usual, off = "") {
    const { form, problems } = this.state.scoring;
    const id = `score-${name}`;
    return html`<div class="field">
      <label for=${id}>${label}</label>
      <input id=${id} data-testid=${id} inputmode="decimal" autocomplete="off" placeholder=${usual} title=${off || nothing} aria-disabled=${off ? "true" : nothing} ?readonly=${off !== ""} .value=${live(form[name])} aria-invalid=${problems[name] ? "true" : nothing} aria-describedby=${problems[name] ? `${id}-problem` : nothing} @input=${(/** @type {any} */ e) => this.#type({ [name]: e.target.value })} />
      ${problem(id, problems[name])}
    </div>`;
  }

  #result() {
    const { trail, running, stopped, model } = this.state.scoring;
    const last = trail.at(-1);
    if (!last) return running ? html`<p class="note waiting" role="status">Asking the model…</p>` : nothing;
    const { value, error, done, total, exact, tokens, each, notes } = last;
    const count = tokens.length;
    return html`<section class="texts-result" aria-label="Score" data-testid="score-result" data-done=${done}>
      <p class="big"><span class="number" data-testid="score-value">${signedNats(value)}</span>${error === null ? nothing : html` <span class="number" data-testid="score-error">± ${decimal(error, 3)}</span>`} nats</p>
      <p class="note">
        ln p of ${plural(count, "token")} in ${shortName(model)}${count ? html`, ${signedNats(value / count)} a token` : nothing}.
        <span class="badge">${exact ? "exact" : "estimate of a lower bound"}</span>
        ${stopped ? html`<span class="badge" data-warn>stopped at ${done} of ${total}</span>` : nothing}
      </p>
      ${running ? html`<div class="filling"><progress aria-label="Samples done" max=${total} value=${done}></progress><span class="number note">${done} of ${total}</span></div>` : nothing}
      ${this.#plot(trail)} ${each.length ? this.#bars(tokens, each) : nothing}
      ${notes.map((note) => html`<p class="note">${note}</p>`)}
    </section>`;
  }

  /** The estimate and its standard error, as they came. */
  #plot(/** @type {readonly Estimate[]} */ trail) {
    const picture = convergence(trail);
    if (!picture) return nothing;
    const { points, low, high } = picture;
    const at = (/** @type {number} */ x, /** @type {number} */ y) => `${x.toFixed(4)},${(1 - y).toFixed(4)}`;
    const band = [...points.map(({ x, to }) => at(x, to)), ...[...points].reverse().map(({ x, from }) => at(x, from))].join("L");
    const words = `The estimate over the samples, with its standard error: from ${signedNats(low)} to ${signedNats(high)} nats.`;
    return html`<figure class="convergence">
      <svg viewBox="0 0 1 1" preserveAspectRatio="none" role="img" aria-label=${words} data-testid="score-plot">
        ${svg`<path class="band" d=${`M${band}Z`}></path><path class="line" d=${`M${points.map(({ x, y }) => at(x, y)).join("L")}`}></path>`}
      </svg>
      <figcaption class="note"><span class="number">${signedNats(high)}</span><span>estimate ± standard error, over the samples</span><span class="number">${signedNats(low)}</span></figcaption>
    </figure>`;
  }

  /** ln p of each token, given what stands before it. */
  #bars(/** @type {number[]} */ tokens, /** @type {number[]} */ each) {
    const most = Math.max(...each.map((value) => -value), 0.001);
    const named = this.state.scoring.tokens;
    return html`<ol class="token-bars" aria-label="ln p of each token, given what stands before it" data-testid="score-tokens">
      ${tokens.map(
        (id, i) => html`<li title="ln p ${signedNats(each[i])}, p ${percent(Math.exp(each[i]))}">
          <span class="token">${tokenFace(faceOf(named.get(id)))}</span>
          <span class="token-bar" aria-hidden="true" ${cssVars({ "--size": (-each[i] / most).toFixed(3) })}></span>
          <span class="number">${signedNats(each[i])}</span>
        </li>`,
      )}
    </ol>`;
  }
}

const signedNats = (/** @type {number} */ value) => withMinus(value, 3);

/** What is wrong with a field, under it. */
const problem = (/** @type {string} */ id, /** @type {string | undefined} */ words) => (words ? html`<p class="note" id="${id}-problem" role="alert" data-problem>${words}</p>` : nothing);

customElements.define("um-score", ScorePanel);
