import { html } from "lit";
import { PageElement } from "app/ui/page-element.js";

/** For a first look: a run that was recorded, and a tour of it. */
class Invitation extends PageElement {
  /** @override */
  watched() {
    return [];
  }

  render() {
    return html`<p class="invite">
      <button class="button" data-testid="watch-demo" @click=${() => this.page.demo?.watch()}>Watch a recorded run</button>
      <button class="button" data-testid="watch-tour" @click=${() => this.page.demo?.watch({ tour: true })}>Take the tour</button>
    </p>`;
  }
}

customElements.define("um-invite", Invitation);
