import { html, nothing } from "lit";
import { PageElement } from "app/ui/page-element.js";
import { segments } from "app/ui/segments.js";
import * as icons from "app/ui/icons.js";
import "app/ui/um-score.js";
import "app/ui/um-recover.js";

const TABS = /** @type {const} */ ([
  { value: "score", name: "Score", title: "How likely an answer is" },
  { value: "recover", name: "Recover", title: "Mask a share of some texts and see what comes back" },
]);

/** The sheet where whole texts are put to models, and the button that opens it. Nothing here changes the session. */
class ScoreAndRecover extends PageElement {
  static properties = { open: { state: true } };

  constructor() {
    super();
    this.open = false;
  }

  /** @override */
  watched(/** @type {import("app/core/state.js").State} */ { view, scoring, recovering }) {
    return [view.inspection, scoring.running || recovering.running !== null];
  }

  get #dialog() {
    return /** @type {HTMLDialogElement} */ (this.querySelector("dialog"));
  }

  async #show() {
    this.open = true;
    await this.updateComplete;
    this.#dialog.showModal();
    this.page.models.refresh();
  }

  render() {
    const { view, scoring, recovering } = this.state;
    const tab = view.inspection === "recover" ? "recover" : "score";
    const running = scoring.running || recovering.running !== null;
    return html`<button
        class="quiet"
        data-testid="score-and-recover"
        aria-label=${running ? "Score and recover: running" : "Score and recover"}
        aria-haspopup="dialog"
        ?data-running=${running}
        title=${running ? "Score and recover: running" : "Score and recover: how likely a text is, and what comes back of one"}
        @click=${this.#show}
      >
        ${icons.gauge}
      </button>
      <dialog class="card texts-sheet" aria-labelledby="texts-title" data-testid="texts-sheet" closedby="any" @close=${() => (this.open = false)}>
        <form method="dialog">
          <div class="sessions-head">
            <h2 id="texts-title">Score and recover</h2>
            ${segments({ label: "What is done", testid: "inspection-tab", value: tab, options: TABS, choose: (inspection) => this.dispatch({ type: "view.changed", view: { inspection } }) })}
            <span class="grow"></span>
            <button class="quiet" aria-label="Close">${icons.close}</button>
          </div>
        </form>
        ${!this.open ? nothing : tab === "score" ? html`<um-score .page=${this.page}></um-score>` : html`<um-recover .page=${this.page}></um-recover>`}
      </dialog>`;
  }
}

customElements.define("um-score-recover", ScoreAndRecover);
