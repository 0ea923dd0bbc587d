import { html, nothing } from "lit";
import { PageElement } from "app/ui/page-element.js";
import { deedInWords, sentence, shown, statistics } from "app/core/selectors.js";
import { constraintInWords, STANDS, typedOf } from "app/core/constraints.js";
import { appendsOnly } from "app/core/left-to-right.js";
import { BY_HAND, COUNTED, paceOf, TIMED } from "app/core/pace.js";
import { decimal, duration, percent, plural } from "app/core/format.js";

/** Milliseconds between two announcements: speech takes longer than steps. */
const BREATH = 1500;

/** The revision shown, in numbers; and a sentence now and then for a screen reader. */
class Status extends PageElement {
  static properties = { spoken: { state: true } };
  #timer = 0;
  #last = 0;

  constructor() {
    super();
    this.spoken = "";
  }

  /** @override */
  watched(/** @type {import("app/core/state.js").State} */ { tree, shown: revision, refusal, model, view }) {
    return [tree, revision, refusal, model, view.numbers];
  }

  updated() {
    const text = sentence(this.state);
    if (text === this.spoken || this.#timer) return;
    const wait = Math.max(0, this.#last + BREATH - Date.now());
    this.#timer = window.setTimeout(() => {
      this.#timer = 0;
      this.#last = Date.now();
      this.spoken = sentence(this.state);
    }, wait);
  }

  disconnectedCallback() {
    super.disconnectedCallback();
    clearTimeout(this.#timer);
    this.#timer = 0;
  }

  render() {
    const numbers = statistics(this.state);
    const { refusal } = this.state;
    return html`<div class="status" data-testid="status">
        ${refusal ? html`<p class="refused" data-testid="refused">${refusal.why}</p>` : nothing}
        ${numbers
          ? html`<div class="did-line">
              <p class="did" data-testid="did">${deedInWords(numbers)}</p>
              ${this.#switch()}
            </div>
            ${numbers.constraint ? constraintChip(numbers.constraint) : nothing} ${this.#numbers(numbers)}
            ${numbers.approximations.length
              ? html`<p class="badge" data-warn title="The prediction was made with these approximations.">approximate: ${numbers.approximations.join(", ")}</p>`
              : nothing}`
          : nothing}
      </div>
      <p class="unseen" role="status" aria-live="polite">${this.spoken}</p>
      <p class="unseen" role="status" aria-live="polite" data-testid="said">${refusal ? `${refusal.why}${refusal.count % 2 ? "" : "\u00a0"}` : ""}</p>`;
  }

  #switch() {
    const { numbers } = this.state.view;
    return html`<button
      class="quiet text"
      data-testid="more-numbers"
      aria-expanded=${numbers ? "true" : "false"}
      aria-controls="more-numbers"
      @click=${() => this.dispatch({ type: "view.changed", view: { numbers: !numbers } })}
    >
      ${numbers ? "Fewer" : "More"}<span class="unseen"> numbers</span>
    </button>`;
  }

  /** The few that tell how it goes; unfolded, all. */
  #numbers(/** @type {NonNullable<ReturnType<typeof statistics>>} */ numbers) {
    const { tree, view } = this.state;
    const pace = tree && paceOf(tree, numbers.revision);
    const { beforeEnd, complete } = numbers;
    return html`<div class="numbers">
      <dl>
        ${appendsOnly(this.state)
          ? fact("Context", this.#context(), "Positions of the canvas, its prompt included, and how many the model's context has")
          : beforeEnd === null
          ? fact("Open", this.#open(numbers.open), "Open positions, and their share of the whole canvas")
          : fact("Before end", beforeEnd, "Generated tokens before the first that ends the turn or the text")}
        ${fact("Forwards", numbers.forwards, "Forward passes that the run takes to come here, whoever has looked into it")}
        ${fact("Tokens a pass", decimal(numbers.perForward, 1), `${COUNTED} divided by their forward passes. ${BY_HAND}`)}
        ${fact("Tokens a second", decimal(pace?.tokensASecond, 1), `${COUNTED} divided by the time of these steps. ${TIMED} ${MEASURED}`)}
        ${complete
          ? fact("Wall time", duration(numbers.wallSeconds), "All steps on the way here, waiting for the device included")
          : fact("Time", numbers.cached ? "cached" : duration(numbers.seconds), "Device time of the forward pass")}
      </dl>
      <dl id="more-numbers" data-testid="all-numbers" ?hidden=${!view.numbers}>${view.numbers ? this.#rest(numbers, pace) : nothing}</dl>
    </div>`;
  }

  #rest(/** @type {NonNullable<ReturnType<typeof statistics>>} */ numbers, /** @type {ReturnType<typeof paceOf>} */ pace) {
    const { model } = this.state;
    const length = shown(this.state)?.canvas.length ?? 0;
    return html`${fact("Positions", amount(length), "Of the whole canvas, its prompt included")}
      ${fact("Committed", numbers.committed)}
      ${numbers.beforeEnd === null ? nothing : fact("Open", this.#open(numbers.open), "Open positions, and their share of the whole canvas")}
      ${fact("Vocabulary", model?.vocabularySize ? amount(model.vocabularySize) : "–", "Token ids that the model knows")}
      ${fact("Mean p", decimal(numbers.meanProbability), "Mean p_base of the tokens this step committed")}
      ${fact("Lowest p", decimal(numbers.minProbability), "Lowest p_base among the tokens this step committed")}
      ${fact("Entropy", numbers.meanEntropy === null ? "–" : `${decimal(numbers.meanEntropy)} nats`, "Mean entropy over the positions that were predicted")}
      ${fact("Time a step", duration(pace?.secondsAStep), `Mean of ${plural(pace?.steps ?? 0, "step")} on the way here. ${TIMED} ${MEASURED}`)}
      ${numbers.looking === null ? nothing : fact("Looking", plural(numbers.looking, "pass", "passes"), "Forward passes that looking into this session took: predictions, candidates, proposals, attributions. They are not among Forwards. Counted since the server has the session in memory.")}`;
  }

  /** "48 of 256 positions" */
  #context() {
    const room = this.state.model?.contextLength ?? 0;
    return html`${shown(this.state)?.canvas.length ?? 0}<span class="share">${room ? ` of ${amount(room)}` : ""}</span><span class="unseen"> positions</span>`;
  }

  /** "12, 19%" */
  #open(/** @type {number} */ open) {
    const length = shown(this.state)?.canvas.length ?? 0;
    return html`${open}<span class="share">${length ? ` ${percent(open / length)}` : ""}</span>`;
  }
}

/** Which constraint is in force, and where the text stands with it. */
function constraintChip(/** @type {{ rule: import("app/core/constraints.js").Constraint, stands: import("app/core/constraints.js").Progress | null }} */ { rule, stands }) {
  const told = stands && STANDS[stands];
  return html`<p class="constraint-chip" data-testid="constraint-chip" data-stands=${stands ?? nothing} title="In force at this revision: ${constraintInWords(typedOf(rule))}">
    <span class="rule">${constraintInWords(typedOf(rule))}</span>${told ? html`<b><span aria-hidden="true">${told.sign}</span> ${told.words}</b>` : nothing}
  </p>`;
}

/** Where the times come from. */
const MEASURED = "As the service took it, waiting for the device included; since the last turn.";

const amount = (/** @type {number} */ n) => n.toLocaleString("en");

const fact = (/** @type {string} */ name, /** @type {unknown} */ value, title = "") =>
  html`<div title=${title || nothing}><dt>${name}</dt><dd>${value}</dd></div>`;

customElements.define("um-status", Status);
