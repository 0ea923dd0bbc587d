import { html, nothing } from "lit";
import { live } from "lit/directives/live.js";
import { PageElement } from "app/ui/page-element.js";
import { cssVars } from "app/ui/css-vars.js";
import { hindrances, marksOf, sentence, shown } from "app/core/selectors.js";
import { headOf, isComplete } from "app/core/tree.js";
import { shownRevision } from "app/core/state.js";
import * as icons from "app/ui/icons.js";

const DELAYS = [0, 100, 250, 500, 1000];
const CAUSES = { create: "Beginning", step: "Step", select: "Picked by hand", rewind: "Went back" };

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
  watched(/** @type {any} */ { tree, shown: revision, activity, stopping, connection, form, model, view }) {
    return [tree, revision, activity, stopping, connection.state, form, model, view.delay];
  }

  #show(/** @type {number | null} */ revision) {
    this.dispatch({ type: "revision.shown", revision });
  }

  render() {
    const { tree } = this.state;
    return html`<section class="transport" aria-label="Timeline and steps">
      ${tree ? this.#timeline(tree) : nothing} ${this.#buttons()}
    </section>`;
  }

  #timeline(/** @type {import("app/core/tree.js").Tree} */ tree) {
    const head = headOf(tree);
    const at = shownRevision(this.state);
    return html`<div class="timeline">
      <button class="quiet" aria-label="Revision before" title="Revision before ([)" aria-disabled=${at === 0 ? "true" : "false"} @click=${() => this.#show(at - 1)}>${icons.previous}</button>
      <div class="track">
        <input
          type="range"
          data-testid="timeline"
          aria-label="Revision"
          min="0"
          max=${head}
          step="1"
          .value=${live(String(at))}
          aria-valuetext=${sentence(this.state)}
          ?disabled=${head === 0}
          @input=${(/** @type {any} */ e) => this.#show(Number(e.target.value))}
        />
        <div class="marks" aria-hidden="true">
          ${marksOf(this.state).map(
            ({ revision, cause, onPath }) => html`<i
              class="mark"
              data-cause=${cause}
              ?data-off=${!onPath}
              ?data-here=${revision === at}
              title="${CAUSES[cause]}, revision ${revision}"
              ${cssVars({ "--at": head ? (revision / head).toFixed(5) : "0" })}
            ></i>`,
          )}
        </div>
      </div>
      <button class="quiet" aria-label="Revision after" title="Revision after (])" aria-disabled=${at === head ? "true" : "false"} @click=${() => this.#show(at + 1)}>${icons.next}</button>
      <output class="revision" data-testid="revision">${at}<span> / ${head}</span></output>
    </div>`;
  }

  #buttons() {
    const { tree, activity, stopping, view } = this.state;
    const why = hindrances(this.state);
    const running = activity === "run" || activity === "step" || activity === "forward" || activity === "propose";
    const back = tree && this.state.shown !== null;
    const revision = shown(this.state);
    const complete = revision !== null && isComplete(revision);
    return html`<div class="buttons">
      ${this.#button({ id: "forward", label: "Forward pass", icon: icons.eye, why: why.forward, hint: "See what the model says here, changing nothing (F)", act: () => this.page.session.forward(), busy: activity === "forward" })}
      ${this.#button({ id: "step", label: "Step", icon: icons.step, why: why.step, hint: "One forward pass, and what the sampler makes of it (S)", act: () => this.page.session.step(), busy: activity === "step" })}
      ${running
        ? html`<button class="button primary" data-testid="stop" title="Stop after the present step (P)" ?disabled=${stopping} @click=${() => this.page.session.stop()}>
            ${icons.stop}<span>${stopping ? "Stopping" : "Stop"}</span>
          </button>`
        : this.#button({ id: "run", label: "Run", icon: icons.play, why: why.run, hint: "Step until the sampler has no more to do (P)", act: () => this.page.session.run(), primary: tree !== null && (!complete || !why.run) })}
      <label class="delay">
        <span>Pause</span>
        <select
          data-testid="delay"
          aria-label="Pause between steps"
          @change=${(/** @type {any} */ e) => this.dispatch({ type: "view.changed", view: { delay: Number(e.target.value) } })}
        >
          ${DELAYS.map((ms) => html`<option value=${ms} .selected=${ms === view.delay}>${ms ? `${ms / 1000} s` : "none"}</option>`)}
        </select>
      </label>
      <span class="grow"></span>
      ${back
        ? html`<div class="looking-back">
            <p>Looking back. Stepping continues from here.</p>
            <button class="button" data-testid="continue" aria-disabled=${why.pick ? "true" : "false"} title=${why.pick || "Make this revision the newest, as a new revision"} @click=${() => !why.pick && this.page.session.rewind(shownRevision(this.state))}>
              Continue from here
            </button>
            <button class="button" data-testid="newest" @click=${() => this.#show(null)}>Newest</button>
          </div>`
        : nothing}
      ${complete && !back ? html`<p class="done" data-testid="complete">${icons.check} Complete</p>` : nothing}
    </div>`;
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
