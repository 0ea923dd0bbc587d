import { html, nothing, svg } from "lit";
import { live } from "lit/directives/live.js";
import { PageElement } from "app/ui/page-element.js";
import { cssVars } from "app/ui/css-vars.js";
import { confidenceOf } from "app/core/heat.js";
import { hindrances, marksOf, sentence, shown, statistics } from "app/core/selectors.js";
import { branchesOf, redoOf, undoOf } from "app/core/places.js";
import { headOf, isComplete } from "app/core/tree.js";
import { couldGoOn, stopInWords } from "app/core/stopping.js";
import { hasParts, playHindrance, wayTo, wholeStep } from "app/core/ways.js";
import { shownRevision } from "app/core/state.js";
import { focusOn } from "app/ui/focus.js";
import "app/ui/um-branches.js";
import { decimal } from "app/core/format.js";
import * as icons from "app/ui/icons.js";

const DELAYS = [0, 50, 100, 250, 500, 1000, 2000];
const CAUSES = { create: "Beginning", step: "Step", select: "Picked by hand", rewind: "Went back", edit: "Edited by hand", trimmed: "Oldest kept" };

const STRIP = "Line: mean p_base of the tokens that each step committed. Dashes: the gate, the lowest of them. Area: open positions left.";

/** Points of a picture whose y goes down. */
const line = (/** @type {number[][]} */ points) => points.map(([x, y]) => `${x.toFixed(5)},${(1 - y).toFixed(3)}`).join("L");

/** Why one cannot move on along the timeline. */
const NONE_BEFORE = "There is no revision before this one.";
const NONE_AFTER = "This is the newest revision.";

/** The timeline, and what moves along it. */
class Transport extends PageElement {
  // What is laid out above it has to know its height.
  #size = new ResizeObserver(() =>
    document.documentElement.style.setProperty("--transport-height", `${this.offsetHeight}px`),
  );

  connectedCallback() {
    super.connectedCallback();
    this.#size.observe(this);
  }

  disconnectedCallback() {
    super.disconnectedCallback();
    this.#size.disconnect();
  }

  /** @override */
  watched(/** @type {import("app/core/state.js").State} */ { tree, shown: revision, activity, stopping, playing, connection, form, model, view }) {
    return [tree, revision, activity, stopping, playing, connection.state, form, model, view.delay, view.branches, view.asks];
  }

  /** @override */
  refocused() {
    focusOn('[data-testid="stop"]', '[data-testid="run"]', '[data-testid="play"]');
  }

  #show(/** @type {number | null} */ revision) {
    this.dispatch({ type: "revision.shown", revision });
  }

  /** What the slider does not do by itself. */
  #sliderKey(/** @type {KeyboardEvent} */ event) {
    const { tree } = this.state;
    const by = { PageUp: 1, PageDown: -1 }[event.key];
    if (!tree || !(by || event.key === " ")) return;
    event.preventDefault();
    if (!by) return this.page.playing.toggle();
    const to = wholeStep(tree, shownRevision(this.state), by > 0 ? 1 : -1);
    if (to !== null) this.#show(to);
  }

  render() {
    const { tree } = this.state;
    return html`<section class="transport" aria-label="Timeline and steps">
      ${tree ? this.#timeline(tree) : nothing}
      <um-branches .page=${this.page}></um-branches>
      ${this.#buttons()}
    </section>`;
  }

  #timeline(/** @type {import("app/core/tree.js").Tree} */ tree) {
    const head = headOf(tree);
    const { first } = tree;
    const at = shownRevision(this.state);
    const confidence = confidenceOf(tree, at);
    const parts = hasParts(tree, wayTo(tree, at)) ? "; { and } go by whole steps" : "";
    return html`<div class="timeline" ?data-strip=${confidence !== null}>
      ${this.#play()}
      <button class="quiet outermost" data-testid="first" aria-label="First revision" title=${at === first ? NONE_BEFORE : "First revision (Home, on the slider)"} aria-disabled=${at === first ? "true" : "false"} @click=${() => at !== first && this.#show(first)}>${icons.first}</button>
      <button class="quiet" aria-label="Revision before" title=${at === first ? NONE_BEFORE : `Revision before ([${parts})`} aria-disabled=${at === first ? "true" : "false"} @click=${() => at !== first && this.#show(at - 1)}>${icons.previous}</button>
      <div class="track">
        ${confidence ? this.#confidence(confidence) : nothing}
        <input
          type="range"
          data-testid="timeline"
          aria-label="Revision"
          min=${first}
          max=${head}
          step="1"
          .value=${live(String(at))}
          aria-valuetext=${sentence(this.state)}
          aria-disabled=${head === first ? "true" : nothing}
          title=${head === first ? "There is only this revision yet." : nothing}
          @input=${(/** @type {any} */ e) => this.#show(Number(e.target.value))}
          @keydown=${this.#sliderKey}
        />
        <div class="marks" aria-hidden="true">
          ${marksOf(this.state).map(
            ({ revision, cause, onPath }) => html`<i
              class="mark"
              data-cause=${cause}
              ?data-off=${!onPath}
              ?data-here=${revision === at}
              title="${CAUSES[cause]}, revision ${revision}"
              ${cssVars({ "--at": head > first ? ((revision - first) / (head - first)).toFixed(5) : "0" })}
            ></i>`,
          )}
        </div>
      </div>
      <button class="quiet" aria-label="Revision after" title=${at === head ? NONE_AFTER : `Revision after (]${parts})`} aria-disabled=${at === head ? "true" : "false"} @click=${() => at !== head && this.#show(at + 1)}>${icons.next}</button>
      <button class="quiet outermost" data-testid="last" aria-label="Newest revision" title=${at === head ? NONE_AFTER : "Newest revision (End, on the slider)"} aria-disabled=${at === head ? "true" : "false"} @click=${() => at !== head && this.#show(null)}>${icons.last}</button>
      <output class="revision" data-testid="revision" title=${this.#progress()}>${at}<span> / ${head}</span></output>
    </div>`;
  }

  /** How far the revision shown is. */
  #progress() {
    const numbers = statistics(this.state);
    if (!numbers) return "";
    const { revision, head, open, committed, perForward } = numbers;
    return `Revision ${revision} of ${head}: ${committed} of ${open + committed} positions committed, ${decimal(perForward, 1)} tokens a forward pass`;
  }

  /** Replays what is there; Run goes on generating. */
  #play() {
    const playing = this.state.playing === "revisions";
    const why = playHindrance(this.state);
    return html`<button
        class="quiet text play"
        data-testid="play"
        aria-disabled=${why ? "true" : "false"}
        aria-describedby=${why ? "play-why" : nothing}
        title=${why || (playing ? "Pause the replay (R; Space on the slider)" : "Replay what is there, from the revision shown to the end of its way; the model is not asked (R; Space on the slider)")}
        @click=${() => !why && this.page.playing.toggle()}
      >
        ${playing ? icons.pause : icons.replay}<span>${playing ? "Pause" : "Play"}</span>
      </button>
      <span class="unseen" id="play-why">${why}</span>`;
  }

  /** How sure the steps were: the numbers of the revision shown in words, those of all as lines. */
  #confidence(/** @type {NonNullable<ReturnType<typeof confidenceOf>>} */ { mean, gate, open, at }) {
    const revision = shown(this.state);
    const { meanProbability = null, minProbability = null } = revision?.summary ?? {};
    const sure = meanProbability === null ? "" : `mean p ${decimal(meanProbability)}, gate ${decimal(minProbability)}, `;
    return html`<p class="confidence-words number" data-testid="confidence-words">${sure}${revision?.canvas.openCount} open</p>
      <svg class="confidence" data-testid="confidence" viewBox="0 0 1 1" preserveAspectRatio="none" role="img" aria-label=${STRIP}>
        <title>${STRIP}</title>
        <path class="confidence-open" d="M${open[0][0]},1L${line(open)}L${open[open.length - 1][0]},1Z"></path>
        ${mean.length ? svg`<path class="confidence-mean" d="M${line(mean)}"></path>` : nothing}
        ${gate.length ? svg`<path class="confidence-gate" d="M${line(gate)}"></path>` : nothing}
        <path class="confidence-here" d="M${at.toFixed(5)},0V1"></path>
      </svg>`;
  }

  #buttons() {
    const { tree, activity, stopping, view, connection } = this.state;
    // A recording is looked at: there is nothing to ask and nothing to go on with.
    const recorded = connection.state === "recorded";
    const why = hindrances(this.state);
    const running = activity === "run" || activity === "step" || activity === "forward" || activity === "propose";
    const back = tree && this.state.shown !== null;
    const revision = shown(this.state);
    const complete = revision !== null && isComplete(revision);
    const controls = () => html`${this.#button({ id: "forward", label: "Forward pass", icon: icons.eye, why: why.forward, hint: "See what the model says here, changing nothing (F)", act: () => this.page.session.forward(), busy: activity === "forward" })}
      ${this.#button({ id: "step", label: "Step", icon: icons.step, why: why.step, hint: "One forward pass, and what the sampler makes of it (S)", act: () => this.page.session.step(), busy: activity === "step" })}
      ${running
        ? html`<button class="button primary" data-testid="stop" title=${stopping ? "It stops after the present step." : "Stop after the present step (P)"} aria-disabled=${stopping ? "true" : "false"} @click=${() => !stopping && this.page.session.stop()}>
            ${icons.stop}<span>${stopping ? "Stopping" : "Stop"}</span>
          </button>`
        : this.#button({ id: "run", label: "Run", icon: icons.play, why: why.run, hint: "Ask the model: step until the sampler has no more to do (P)", act: () => this.page.session.run(), primary: tree !== null && (!complete || !why.run) })}`;
    return html`<div class="buttons">
      ${recorded ? nothing : controls()}
      <label class="delay">
        <span>Pause</span>
        <select
          data-testid="delay"
          aria-label="Pause between steps, of a run and of a replay"
          title="How long each step stays, in a run and in a replay"
          @change=${(/** @type {any} */ e) => this.dispatch({ type: "view.changed", view: { delay: Number(e.target.value) } })}
        >
          ${DELAYS.map((ms) => html`<option value=${ms} .selected=${live(ms === view.delay)}>${ms ? `${ms / 1000} s` : "none"}</option>`)}
        </select>
      </label>
      ${tree
        ? html`<div class="history" role="group" aria-label="History">
            ${recorded ? nothing : this.#quiet("undo", "Undo", icons.undo, why.undo, `Undo: back to revision ${undoOf(tree)} (Z)`)}
            ${recorded ? nothing : this.#quiet("redo", "Redo", icons.redo, why.redo, `Redo: on to revision ${redoOf(tree)} (⇧Z)`)}
            ${this.#branchesSwitch(tree)}
          </div>`
        : nothing}
      <span class="grow"></span>
      ${back
        ? html`<div class="looking-back">
            ${recorded ? nothing : this.#goOn(why.change)}
            <button class="button" data-testid="newest" @click=${() => this.#show(null)}>Newest</button>
          </div>`
        : nothing}
      ${complete && !back
        ? html`<div class="ending" ?data-told=${stopInWords(this.state)}>
            <p class="done" data-testid="complete">${icons.check}<span>${stopInWords(this.state) || "Complete"}</span></p>
            ${recorded || !couldGoOn(this.state) ? nothing : html`<button class="button" data-testid="go-on" aria-disabled=${why.goOn ? "true" : "false"} title=${why.goOn || "Open the next position and write on"} @click=${() => !why.goOn && this.page.editing.goOn()}>Go on</button>`}
          </div>`
        : nothing}
    </div>`;
  }

  #goOn(/** @type {string} */ why) {
    return html`<p>Looking back. Steps and edits go on from here.</p>
      <button class="button" data-testid="continue" aria-disabled=${why ? "true" : "false"} title=${why || "Make this revision the newest, as a new revision"} @click=${() => !why && this.page.session.rewind(shownRevision(this.state))}>
        Continue from here
      </button>`;
  }

  /** @param {"undo" | "redo"} way @param {string} label @param {unknown} icon @param {string} why @param {string} hint */
  #quiet(way, label, icon, why, hint) {
    return html`<button
        class="quiet"
        data-testid=${way}
        aria-label=${label}
        aria-disabled=${why ? "true" : "false"}
        aria-describedby=${why ? `${way}-why` : nothing}
        title=${why || hint}
        @click=${() => !why && this.page.session.rewind(way)}
      >
        ${icon}
      </button>
      <span class="unseen" id="${way}-why">${why}</span>`;
  }

  #branchesSwitch(/** @type {import("app/core/tree.js").Tree} */ tree) {
    const count = branchesOf(tree).length;
    const open = this.state.view.branches ?? (count > 1 || tree.names.size > 0);
    return html`<button
      class="quiet text branches-switch"
      data-testid="branches-switch"
      aria-label="Branches: ${count}"
      aria-expanded=${open ? "true" : "false"}
      aria-controls="branches"
      title=${open ? "Hide the branches" : "List the branches"}
      @click=${() => this.dispatch({ type: "view.changed", view: { branches: !open } })}
    >
      ${icons.branch} ${count}
    </button>`;
  }

  /** @param {{ id: string, label: string, icon: unknown, why: string, hint: string, act: () => void, busy?: boolean, primary?: boolean }} button */
  #button({ id, label, icon, why, hint, act, busy = false, primary = false }) {
    return html`<button
        class=${primary ? "button primary" : "button"}
        data-testid=${id}
        data-busy=${busy ? "" : nothing}
        aria-disabled=${why ? "true" : "false"}
        aria-describedby=${why ? `${id}-why` : nothing}
        title=${why || hint}
        @click=${() => !why && act()}
      >
        ${icon}<span>${label}</span>
      </button>
      <span class="unseen" id="${id}-why">${why}</span>`;
  }
}

customElements.define("um-transport", Transport);
