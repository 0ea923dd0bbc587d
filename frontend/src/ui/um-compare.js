import { html, nothing } from "lit";
import { live } from "lit/directives/live.js";
import { PageElement } from "app/ui/page-element.js";
import { aloneInWords, choiceProblem, differenceInWords, indexShown, inTurns, lastIndex, pairingAt, runs, settingsInWords, SIDES, sideOf, stepInWords } from "app/core/comparing.js";
import { offline, switchedOff } from "app/core/readiness.js";
import { focusOn } from "app/ui/focus.js";
import { segments } from "app/ui/segments.js";
import "app/ui/um-contender.js";
import "app/ui/um-maximise.js";
import * as icons from "app/ui/icons.js";

/** @type {readonly { value: import("app/core/comparing.js").By, name: string, title: string }[]} */
const COUNTS = [
  { value: "steps", name: "Steps", title: "As many steps of each" },
  { value: "tokens", name: "Tokens", title: "As many tokens written by each" },
];

/** Two runs or branches side by side, in lockstep on one slider. */
class Compare extends PageElement {
  /** @override */
  watched(/** @type {import("app/core/state.js").State} */ { view, tree, shown, model, form, compare, activity, playing, refusal, connection }) {
    return view.compare ? [view.compare, view.asks, tree, shown, model, form, compare, activity, playing, refusal, connection.state] : [view.compare];
  }

  /** @override */
  refocused() {
    focusOn('[data-testid="compare-stop"]', '[data-testid="compare-run"]');
  }

  render() {
    if (!this.state.view.compare) return nothing;
    const { refusal } = this.state;
    const [a, b] = SIDES.map((side) => sideOf(this.state, side));
    return html`<section class="card compare" aria-labelledby="compare-title" data-testid="compare">
      <header class="card-head">
        <h2 id="compare-title">Compare</h2>
        ${a && b ? html`<p class="compare-settings grow" data-testid="compare-settings">${settingsInWords(a, b)}</p>` : html`<p class="compare-settings grow">Two sides, in step with each other</p>`}
        ${this.#runButton()}
        <um-maximise .page=${this.page} panel="compare" name="the comparison"></um-maximise>
        <button class="quiet" data-testid="compare-close" aria-label="Close the comparison" title="Back to the canvas (=)" @click=${() => this.page.comparing.toggle()}>${icons.close}</button>
      </header>
      <p class="note" role="status" data-testid="compare-refused">${refusal?.why ?? (this.state.compare.running && inTurns(this.state) ? "Both are branches of one session: A is run first, then B." : "")}</p>
      ${a || b ? this.#steps() : nothing}
      <div class="contenders">
        ${SIDES.map((side) => html`<um-contender .page=${this.page} .which=${side}></um-contender>`)}
      </div>
    </section>`;
  }

  #runButton() {
    const { state } = this;
    const { running } = state.compare;
    if (running) {
      return html`<button class="button primary" data-testid="compare-stop" @click=${() => this.page.comparing.stop()}>${icons.stop}<span>Stop</span></button>`;
    }
    const wanted = SIDES.filter((side) => runs(state, side));
    const problem = wanted.map((side) => choiceProblem(state, side) && `${side.toUpperCase()}: ${choiceProblem(state, side)}`).find(Boolean);
    const why = offline(state) || switchedOff(state, "run them") || (state.activity ? "Wait for the present call to end, or stop it." : "") || (wanted.length ? "" : "Both sides are finished. Choose another run for one.") || problem || "";
    const label = wanted.length === 1 ? `Run ${wanted[0].toUpperCase()}` : "Run both";
    return html`<button
        class="button primary"
        data-testid="compare-run"
        aria-disabled=${why ? "true" : "false"}
        aria-describedby=${why ? "compare-run-why" : nothing}
        title=${why || (wanted.length < 2 ? "Step to the end" : inTurns(state) ? "Step to the end, one after the other: both are branches of one session" : "Step to the end, both at once")}
        @click=${() => !why && this.page.comparing.run()}
      >
        ${icons.play}<span>${label}</span>
      </button>
      <span class="unseen" id="compare-run-why">${why}</span>`;
  }

  #move(/** @type {number} */ index) {
    this.dispatch({ type: "compare.moved", index });
  }

  #steps() {
    const { state } = this;
    const index = indexShown(state);
    const last = lastIndex(state);
    const playing = state.playing === "comparison";
    const pairing = pairingAt(state, index);
    return html`<div class="compare-steps">
      <button class="quiet" data-testid="compare-play" aria-label=${playing ? "Pause" : "Play"} aria-disabled=${last ? "false" : "true"} title=${last ? `${playing ? "Pause" : "Play the steps again"} (R)` : "There are no steps yet."} @click=${() => last && this.page.playing.toggle()}>
        ${playing ? icons.pause : icons.replay}
      </button>
      <button class="quiet" aria-label="Step before" title=${index ? "Step before ([)" : "There is no step before this one."} aria-disabled=${index ? "false" : "true"} @click=${() => index && this.#move(index - 1)}>${icons.previous}</button>
      <div class="track">
        <input
          type="range"
          data-testid="compare-slider"
          aria-label="Step of both"
          min="0"
          max=${last}
          step="1"
          .value=${live(String(index))}
          aria-valuetext=${stepInWords(state)}
          aria-disabled=${last ? nothing : "true"}
          title=${last ? nothing : "There are no steps yet."}
          @input=${(/** @type {any} */ e) => this.#move(Number(e.target.value))}
          @keydown=${(/** @type {KeyboardEvent} */ e) => e.key === " " && (e.preventDefault(), this.page.playing.toggle())}
        />
      </div>
      <button class="quiet" aria-label="Step after" title=${index < last ? "Step after (])" : "There is no step after this one."} aria-disabled=${index < last ? "false" : "true"} @click=${() => index < last && this.#move(index + 1)}>${icons.next}</button>
      ${segments({ label: "The slider counts", testid: "compare-by", value: state.compare.by, options: COUNTS, choose: (by) => this.dispatch({ type: "compare.counted", by }) })}
      <output class="revision" data-testid="compare-index">${index}<span> / ${last}</span></output>
      ${pairing
        ? html`<p class="compare-difference" data-testid="difference" data-by=${pairing.by}>
            ${pairing.by === "none" ? nothing : html`<b><span class="differs-sign" aria-hidden="true">≠</span> ${differenceInWords(pairing)}</b>${pairing.aloneCount ? html`, <span class="alone-sign" aria-hidden="true"></span> ${aloneInWords(pairing)}` : nothing}${pairing.note ? "." : ""}`} ${pairing.note}
          </p>`
        : nothing}
    </div>`;
  }
}

customElements.define("um-compare", Compare);
