import { html, nothing } from "lit";
import { PageElement } from "app/ui/page-element.js";

/** Says that what is shown is a recording, and leads to the live page. */
class RecordedBanner extends PageElement {
  #live = () => this.requestUpdate();

  connectedCallback() {
    super.connectedCallback();
    this.page.demo?.live.addEventListener("change", this.#live);
  }

  disconnectedCallback() {
    super.disconnectedCallback();
    this.page.demo?.live.removeEventListener("change", this.#live);
  }

  /** @override */
  watched(/** @type {any} */ { tour }) {
    return [tour];
  }

  render() {
    const { demo } = this.page;
    if (!demo) return nothing;
    const { state } = demo.live.state.connection;
    const there = state === "ready" || state === "loading";
    return html`<div class="notice" data-kind="info" data-testid="recorded">
      <p role="status">
        <b>This is a recorded run.</b>
        ${there ? (demo.unasked ? "The server is there now." : "") : "The server does not answer; the page goes on trying."}
      </p>
      ${this.state.tour === null ? html`<button class="button" data-testid="begin-tour" @click=${() => this.#tour()}>Take the tour</button>` : nothing}
      ${there || !demo.unasked
        ? html`<button class="button ${there ? "primary" : ""}" data-testid="go-live" @click=${() => demo.leave()}>Go to the live page</button>`
        : nothing}
    </div>`;
  }

  #tour() {
    this.page.touring.begin();
    // The button is gone; its place in the order of things is the tour's.
    requestAnimationFrame(() => /** @type {HTMLElement | null} */ (document.querySelector('[data-testid="tour-next"]'))?.focus());
  }
}

customElements.define("um-recorded", RecordedBanner);
