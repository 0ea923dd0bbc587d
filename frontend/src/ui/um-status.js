import { html, nothing } from "lit";
import { PageElement } from "app/ui/page-element.js";
import { deedInWords, sentence, statistics } from "app/core/selectors.js";
import { decimal, duration } from "app/core/format.js";

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
  watched(/** @type {any} */ { tree, shown, refusal }) {
    return [tree, shown, refusal];
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
          ? html`<p class="did" data-testid="did">${deedInWords(numbers)}</p>
            <dl>
              ${numbers.beforeEnd === null
                ? fact("Open", numbers.open)
                : fact("Before end", numbers.beforeEnd, "Generated tokens before the first that ends the turn or the text")}
              ${fact("Committed", numbers.committed)} ${fact("Forwards", numbers.forwards)}
              ${numbers.beforeEnd === null
                ? fact("Tokens a pass", decimal(numbers.perForward, 1), "Committed tokens divided by forward passes")
                : fact("Tokens a pass", decimal(numbers.perForward, 1), "Tokens before the end divided by forward passes")}
              ${fact("Mean p", decimal(numbers.meanProbability), "Mean p_base of the tokens this step committed")}
              ${fact("Lowest p", decimal(numbers.minProbability), "Lowest p_base among the tokens this step committed")}
              ${fact("Entropy", numbers.meanEntropy === null ? "–" : `${decimal(numbers.meanEntropy)} nats`, "Mean entropy over the positions that were predicted")}
              ${numbers.complete
                ? fact("Wall time", duration(numbers.wallSeconds), "All steps on the way here, waiting for the device included")
                : fact("Time", numbers.cached ? "cached" : duration(numbers.seconds), "Device time of the forward pass")}
            </dl>
            ${numbers.approximations.length
              ? html`<p class="badge" data-warn title="The prediction was made with these approximations.">approximate: ${numbers.approximations.join(", ")}</p>`
              : nothing}`
          : nothing}
      </div>
      <p class="unseen" role="status" aria-live="polite">${this.spoken}</p>
      <p class="unseen" role="status" aria-live="polite" data-testid="said">${refusal ? `${refusal.why}${refusal.count % 2 ? "" : "\u00a0"}` : ""}</p>`;
  }
}

const fact = (/** @type {string} */ name, /** @type {unknown} */ value, title = "") =>
  html`<div title=${title || nothing}><dt>${name}</dt><dd>${value}</dd></div>`;

customElements.define("um-status", Status);
