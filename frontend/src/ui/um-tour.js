import { html, nothing } from "lit";
import { PageElement } from "app/ui/page-element.js";
import { TOUR } from "app/core/tour.js";
import { focusOn } from "app/ui/focus.js";
import * as icons from "app/ui/icons.js";

const MARK = "data-toured";

/** The card of the tour. It takes nothing away from the page, which stays usable beside it. */
class Tour extends PageElement {
  /** The step whose target was brought into view. @type {number | null} */
  #shown = null;
  #onKey = (/** @type {KeyboardEvent} */ event) => {
    if (event.key !== "Escape" || event.defaultPrevented || this.state.tour === null) return;
    const { target } = event;
    if (target !== document.body && !this.contains(/** @type {Node} */ (target))) return;
    event.preventDefault();
    this.#end();
  };

  connectedCallback() {
    super.connectedCallback();
    // Before the page's own keys, which would close the inspector.
    document.addEventListener("keydown", this.#onKey, { capture: true });
  }

  disconnectedCallback() {
    super.disconnectedCallback();
    document.removeEventListener("keydown", this.#onKey, { capture: true });
    document.documentElement.removeAttribute("data-tour");
    unmark();
  }

  /** @override */
  watched(/** @type {any} */ { tour, shown, looked, view }) {
    return tour === null ? [null] : [tour, shown, looked, view];
  }

  /** @override */
  refocused() {
    this.#toNext();
  }

  render() {
    const { tour } = this.state;
    const stop = tour === null ? null : TOUR[tour];
    if (tour === null || !stop) return nothing;
    const last = tour === TOUR.length - 1;
    return html`<section class="card tour" role="dialog" aria-modal="false" aria-labelledby="tour-title" aria-describedby="tour-text" data-testid="tour" data-step=${tour + 1}>
      <div class="card-head">
        <p class="tour-count number">${tour + 1} of ${TOUR.length}</p>
        <span class="grow"></span>
        <button class="quiet" data-testid="tour-close" aria-label="Close the tour" title="Close the tour (Esc)" @click=${() => this.#end()}>${icons.close}</button>
      </div>
      <div aria-live="polite">
        <h2 id="tour-title">${stop.title}</h2>
        <p id="tour-text">${stop.text}</p>
      </div>
      <footer>
        <button class="button" data-testid="tour-back" aria-disabled=${tour ? "false" : "true"} title=${tour ? nothing : "This is the first step."} @click=${() => tour && this.page.touring.go(tour - 1)}>Back</button>
        <button class="button primary" data-testid="tour-next" @click=${() => (last ? this.#end() : this.page.touring.go(tour + 1))}>${last ? "Done" : "Next"}</button>
      </footer>
    </section>`;
  }

  updated() {
    const { tour } = this.state;
    document.documentElement.toggleAttribute("data-tour", tour !== null);
    if (tour === null) {
      this.#shown = null;
      unmark();
      return;
    }
    // Once the parts it points at are drawn.
    requestAnimationFrame(() => requestAnimationFrame(() => this.#point()));
  }

  #point() {
    const { tour } = this.state;
    const target = tour === null ? null : document.querySelector(TOUR[tour].target);
    if (!target?.hasAttribute(MARK)) unmark();
    if (!target) return;
    target.setAttribute(MARK, "");
    if (this.#shown === tour) return;
    this.#shown = tour;
    target.scrollIntoView({ block: "nearest" });
  }

  #toNext() {
    /** @type {HTMLElement | null} */ (this.querySelector('[data-testid="tour-next"]'))?.focus();
  }

  #end() {
    this.page.touring.end();
    // To where a person goes on: the way back in, or the canvas.
    requestAnimationFrame(() => requestAnimationFrame(() => focusOn('[data-testid="begin-tour"]', "um-canvas .cell[tabindex='0']")));
  }
}

function unmark() {
  for (const marked of document.querySelectorAll(`[${MARK}]`)) marked.removeAttribute(MARK);
}

customElements.define("um-tour", Tour);
