import { html } from "lit";
import { PageElement } from "app/ui/page-element.js";
import { maximisedPanel } from "app/core/panels.js";
import { focusIsLost, focusOn } from "app/ui/focus.js";
import { onKey } from "app/ui/keys.js";
import "app/ui/um-header.js";
import "app/ui/um-settings.js";
import "app/ui/um-canvas.js";
import "app/ui/um-heatmap.js";
import "app/ui/um-inspector.js";
import "app/ui/um-watched.js";
import "app/ui/um-selection.js";
import "app/ui/um-transport.js";
import "app/ui/um-compare.js";
import "app/ui/um-notices.js";
import "app/ui/um-keys.js";
import "app/ui/um-tour.js";

/** The frame of the page: where its parts stand. */
class App extends PageElement {
  /** The comparison is in the canvas's place; undefined: nothing is drawn yet. @type {boolean | undefined} */
  #comparing;
  /** The position that had the focus before. @type {number | null} */
  #left = null;
  #onKey = (/** @type {KeyboardEvent} */ event) => onKey(event, this.page);

  connectedCallback() {
    super.connectedCallback();
    document.addEventListener("keydown", this.#onKey);
  }

  disconnectedCallback() {
    super.disconnectedCallback();
    document.removeEventListener("keydown", this.#onKey);
  }

  /** @override */
  watched(/** @type {import("app/core/state.js").State} */ state) {
    const { tree, looked, view } = state;
    return [tree === null, looked === null, view.theme, view.compare, maximisedPanel(state)];
  }

  render() {
    const { page } = this;
    return html`
      <um-header .page=${page}></um-header>
      <um-notices .page=${page}></um-notices>
      <main class="columns">
        <um-settings .page=${page}></um-settings>
        <div class="centre"><um-canvas .page=${page}></um-canvas><um-heatmap .page=${page}></um-heatmap></div>
        <div class="side">
          <um-inspector .page=${page}></um-inspector>
          <um-watched .page=${page}></um-watched>
          <um-selection .page=${page}></um-selection>
        </div>
        <um-compare .page=${page}></um-compare>
      </main>
      <um-transport .page=${page}></um-transport>
      <um-keys .page=${page}></um-keys>
      <um-tour .page=${page}></um-tour>
    `;
  }

  /** What had the focus is out of sight: it goes to what came in its place. */
  async #follow(/** @type {boolean} */ comparing) {
    const held = document.activeElement;
    const compare = /** @type {PageElement | null} */ (this.querySelector("um-compare"));
    if (comparing) {
      const hidden = held === null || held === document.body || held.closest(".centre, .side, um-transport") !== null;
      const cell = /** @type {HTMLElement | null | undefined} */ (held?.closest("um-canvas [data-position]"));
      this.#left = cell ? Number(cell.dataset.position) : null;
      await compare?.updateComplete;
      // On a narrow screen it stands below the settings.
      const top = compare?.getBoundingClientRect().top ?? 0;
      if (top < 0 || top > window.innerHeight / 2) compare?.scrollIntoView({ block: "start", behavior: window.matchMedia("(prefers-reduced-motion: reduce)").matches ? "auto" : "smooth" });
      if (hidden) focusOn('[data-testid="compare-slider"]', '[data-testid="compare-close"]');
      return;
    }
    await compare?.updateComplete;
    const at = this.#left ?? this.state.looked;
    if (!focusIsLost()) return;
    if (at === null) focusOn("um-canvas [tabindex='0']");
    else /** @type {any} */ (this.querySelector("um-canvas"))?.focusAt(at);
  }

  updated() {
    const { compare } = this.state.view;
    if (this.#comparing !== undefined && this.#comparing !== compare) this.#follow(compare);
    this.#comparing = compare;
    // Said on the elements above, because asking for it from there with :has()
    // would make every cell that changes a question.
    this.toggleAttribute("data-session", this.state.tree !== null);
    this.toggleAttribute("data-recorded", this.state.connection.state === "recorded");
    this.toggleAttribute("data-compare", this.state.view.compare);
    const panel = maximisedPanel(this.state);
    if (panel) this.dataset.maximised = panel;
    else delete this.dataset.maximised;
    document.documentElement.toggleAttribute("data-looked", this.state.looked !== null);
    const { theme } = this.state.view;
    if (theme === "auto") delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = theme;
  }
}

customElements.define("um-app", App);
