import { html, nothing } from "lit";
import { live } from "lit/directives/live.js";
import { PageElement } from "app/ui/page-element.js";
import { cssVars } from "app/ui/css-vars.js";
import { focusOn } from "app/ui/focus.js";
import { tokenFace } from "app/ui/token-face.js";
import { answerOf, choiceOf, heatOfAnswer, methodNamed, METHODS, questionAt, questionKey, questionOf, scoreInWords, signed, targetInWords, whyNoQuestion, whyNotAsk, whyNotLive } from "app/core/attribution.js";
import { percent, duration } from "app/core/format.js";
import { faceOfId, shown } from "app/core/selectors.js";
import { weighingKey } from "app/core/state.js";
import * as icons from "app/ui/icons.js";

/** How many sources are listed at first. */
const MOST = 8;

/** Why the token looked at is there: what is asked, and the answer in numbers. */
class WhyPanel extends PageElement {
  static properties = { all: { state: true } };

  constructor() {
    super();
    /** Every source is listed. */
    this.all = false;
  }

  /** @override */
  watched(/** @type {import("app/core/state.js").State} */ { tree, shown: revision, looked, weighings, tokens, model, why, view, connection, activity }) {
    return [tree, revision, looked, weighings, tokens, model, why, view.why, view.asks, connection.state, activity];
  }

  /** @override */
  refocused() {
    focusOn('[data-testid="why-ask"]', "um-canvas .cell[tabindex='0']");
  }

  get #actions() {
    return this.page.attribution;
  }

  render() {
    const { open } = choiceOf(this.state.view);
    return html`<details class="life why" data-testid="why" .open=${live(open)}>
      <summary @click=${(/** @type {Event} */ e) => (e.preventDefault(), this.#unfold(!open))}>Why this token?</summary>
      ${open ? this.#body() : nothing}
    </details>`;
  }

  #unfold(/** @type {boolean} */ open) {
    // A recording has no actions that ask.
    if (this.#recorded) this.dispatch({ type: "view.changed", view: { why: { ...choiceOf(this.state.view), open } } });
    else this.#actions.choose({ open });
  }

  get #recorded() {
    return this.state.connection.state === "recorded";
  }

  #body() {
    if (this.#recorded) return html`<p class="note" data-testid="why-not">${whyNotAsk(this.state)}</p>`;
    const none = whyNoQuestion(this.state);
    return html`${none ? html`<p class="note" data-testid="why-not">${none}</p>` : this.#form()} ${this.#progress()} ${this.#answer()}`;
  }

  #form() {
    const choice = choiceOf(this.state.view);
    const { about, name } = methodNamed(choice.method);
    return html`<div class="why-form">
      <div class="field">
        <label for="why-method">Method</label>
        <select id="why-method" data-testid="why-method" aria-describedby="why-about" .value=${live(choice.method)} @change=${(/** @type {any} */ e) => this.#actions.choose({ method: e.target.value })}>
          ${METHODS.map((known) => html`<option value=${known.method} .selected=${live(known.method === choice.method)}>${known.name}</option>`)}
        </select>
        ${choice.method === "occlusion"
          ? html`<label class="why-window">of <input data-testid="why-window" inputmode="numeric" autocomplete="off" .value=${live(String(choice.window))} @change=${(/** @type {any} */ e) => this.#window(e.target)} /> neighbours</label>`
          : nothing}
      </div>
      <p class="note" id="why-about" ?data-caution=${choice.method === "attention"}>${about}</p>
      ${this.#pair()} ${this.#buttons(name)}
    </div>`;
  }

  #window(/** @type {HTMLInputElement} */ input) {
    const window = Math.min(Math.max(Math.round(Number(input.value)) || 1, 1), 64);
    input.value = String(window);
    this.#actions.choose({ window });
  }

  /** The question about the position looked at, whatever is pointed at. */
  get #own() {
    return /** @type {import("app/core/attribution.js").Question} */ (questionAt(this.state, this.state.looked));
  }

  /** Of which token it is asked, and with which it is contrasted. */
  #pair() {
    const { method, revision, position, token, contrast } = this.#own;
    const { contrasts } = methodNamed(method);
    const key = weighingKey(revision, position);
    const weighing = this.state.weighings.get(key);
    const weighed = weighing && weighing !== "asked" && !("failed" in weighing) ? weighing.candidates.map((each) => each.token) : [];
    const others = [...new Set([...(token === null ? [] : [token]), ...weighed, ...(contrast === null ? [] : [contrast])])];
    const name = (/** @type {number} */ id) => faceOfId(this.state, id).name;
    const put = (/** @type {number | null} */ one, /** @type {number | null} */ other) => this.#actions.pair({ key, token: one, contrast: other === one ? null : other });
    const chosen = (/** @type {any} */ e) => (e.target.value === "" ? null : Number(e.target.value));
    const why = !contrasts ? "Attention is the same whatever the token." : contrast === null ? "Choose the other token first." : "";
    return html`<div class="why-pair" role="group" aria-label="Which token">
      <label>Why
        <select data-testid="why-token" .value=${live(String(token ?? ""))} @change=${(/** @type {any} */ e) => put(chosen(e), contrast)}>
          ${token === null ? html`<option value="" selected>the likeliest</option>` : nothing}
          ${others.map((id) => html`<option value=${id} .selected=${live(id === token)}>${name(id)}</option>`)}
        </select>
      </label>
      <label>and not
        <select
          data-testid="why-contrast"
          aria-disabled=${contrasts ? "false" : "true"}
          title=${contrasts ? "What spoke for the one and not for the other" : "Attention is the same whatever the token."}
          .value=${live(String(contrast ?? ""))}
          @change=${(/** @type {any} */ e) => put(token, chosen(e))}
        >
          <option value="" .selected=${live(contrast === null)}>–</option>
          ${(contrasts ? others : []).filter((id) => id !== token).map((id) => html`<option value=${id} .selected=${live(id === contrast)}>${name(id)}</option>`)}
        </select>
      </label>
      <button class="quiet" data-testid="why-swap" aria-label="Swap the two" aria-disabled=${why ? "true" : "false"} title=${why || "Swap the two"} @click=${() => !why && put(contrast, token)}>${icons.swap}</button>
    </div>`;
  }

  #buttons(/** @type {string} */ method) {
    const why = whyNotAsk(this.state);
    const { live: on } = choiceOf(this.state.view);
    const notLive = why || whyNotLive(this.state);
    const { asking } = this.state.why;
    const known = this.state.why.answers.get(questionKey(this.#own));
    const answered = known && !("failed" in known);
    const seen = why || (answered && this.state.why.on && !this.state.why.pointed ? "This is what the colours show." : "");
    return html`<div class="why-buttons">
      ${asking
        ? html`<button class="button" data-testid="why-cancel" @click=${() => this.#actions.cancel()}>Cancel</button>`
        : html`<button class="button" data-testid="why-ask" aria-disabled=${seen ? "true" : "false"} title=${seen || `Ask by ${method.toLowerCase()}`} @click=${() => !seen && this.#ask()}>${answered ? "Show" : "Ask"}</button>`}
      <label class="switch" title=${notLive || "Asks of whatever token the pointer or the focus rests on"}>
        <input type="checkbox" data-testid="why-live" aria-disabled=${notLive ? "true" : "false"} aria-describedby=${notLive ? "why-not-live" : nothing} .checked=${live(on && !notLive)} @click=${(/** @type {Event} */ e) => notLive && e.preventDefault()} @change=${(/** @type {any} */ e) => this.#actions.choose({ live: e.target.checked })} />
        <span>As I look</span>
      </label>
    </div>
    ${why ? html`<p class="note" data-testid="why-off">${why}</p>` : notLive ? html`<p class="unseen" id="why-not-live">${notLive}</p>` : nothing}`;
  }

  #ask() {
    this.dispatch({ type: "why.pointed", at: null });
    this.#actions.ask();
  }

  #progress() {
    const { asking } = this.state.why;
    if (!asking) return nothing;
    const { done, total } = asking;
    return html`<div class="filling waiting" role="status">
      <progress data-testid="why-progress" aria-label="Passes done" max=${total || nothing} value=${total ? done : nothing}></progress>
      <span class="number note">${total ? `${done} of ${total}` : ""}</span>
    </div>`;
  }

  #answer() {
    const answer = answerOf(this.state);
    if (!answer) return nothing;
    if ("failed" in answer) return html`<p class="note" role="alert" data-problem>${answer.failed}</p>`;
    const heat = heatOfAnswer(this.state);
    const question = questionOf(this.state);
    const name = (/** @type {number} */ token) => html`<span class="token">${tokenFace(faceOfId(this.state, token))}</span>`;
    const { token, contrast, method, device, fallback, notes, cached, seconds, gap } = answer;
    return html`<div class="why-answer" data-testid="why-answer" data-token=${token} data-key=${question ? questionKey(question) : nothing}>
      <p class="why-head">
        ${name(token)}${contrast === null ? nothing : html` and not ${name(contrast)}`}
        <span class="number" data-testid="why-target">${targetInWords(answer)}</span>
      </p>
      ${heat ? this.#sources(heat) : html`<p class="note">The colours say something else now. <button class="quiet text" @click=${() => this.#ask()}>Show it</button></p>`}
      <p class="note" data-testid="why-made">
        ${methodNamed(method).name} on ${device}${seconds !== null && !cached ? html`, ${duration(seconds)}` : nothing}.
        ${cached ? html`<span class="badge" data-testid="why-cached" title="Answered before: nothing was computed.">cached</span>` : nothing}
        ${gap === null ? nothing : html`The scores miss the change of ln p by <span class="number" data-testid="why-gap">${percent(gap)}</span>.`}
      </p>
      ${fallback ? html`<p class="note" data-testid="why-fallback">${icons.alert} ${fallback}</p>` : nothing}
      ${notes.map((note) => html`<p class="note">${note}</p>`)}
    </div>`;
  }

  /** Those with the most to do with it first; a press goes there. */
  #sources(/** @type {import("app/core/attribution.js").Heat} */ { sources, top, answer }) {
    const listed = this.all ? sources : sources.slice(0, MOST);
    return html`<ol class="sources" aria-label="What had the most to do with it" data-testid="why-sources">
        ${listed.map((source) => this.#source(source, top, answer))}
      </ol>
      ${sources.length > MOST
        ? html`<button class="quiet text" data-testid="why-all" aria-expanded=${this.all ? "true" : "false"} @click=${() => (this.all = !this.all)}>${this.all ? "Fewer" : `All ${sources.length}`}</button>`
        : nothing}`;
  }

  /** @param {{ position: number, count: number, score: number }} source @param {number} top @param {import("app/core/attribution.js").Attribution} answer */
  #source({ position, count, score }, top, { method, contrast }) {
    const canvas = shown(this.state)?.canvas;
    const ids = Array.from({ length: count }, (_, i) => canvas?.tokens[position + i] ?? 0);
    const diverges = methodNamed(method).signed;
    const places = count > 1 ? `${position}–${position + count - 1}` : `${position}`;
    // Windows overlap: their own scores may be larger than the mean that the canvas shows.
    const size = top ? Math.min(1, Math.abs(score) / top) : 0;
    return html`<li>
      <button
        class="source"
        data-position=${position}
        data-side=${diverges && score ? (score < 0 ? "against" : "for") : nothing}
        title="Go to position ${position}: ${scoreInWords(method, score, contrast !== null)}"
        @click=${() => this.#actions.quietly(() => /** @type {any} */ (document.querySelector("um-canvas"))?.reveal(position))}
      >
        <span class="token">${ids.map((id) => tokenFace(faceOfId(this.state, id)))}</span>
        <span class="note number">${places}</span>
        <span class="source-bar" aria-hidden="true" ${cssVars({ "--size": size.toFixed(3) })}></span>
        <span class="number">${diverges ? signed(score) : score.toPrecision(2)}</span>
      </button>
    </li>`;
  }
}

customElements.define("um-why", WhyPanel);
