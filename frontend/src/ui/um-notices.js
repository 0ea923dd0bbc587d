import { html, nothing } from "lit";
import { repeat } from "lit/directives/repeat.js";
import { focusOn } from "app/ui/focus.js";
import { PageElement } from "app/ui/page-element.js";
import "app/ui/um-recorded.js";
import * as icons from "app/ui/icons.js";

/** How many are in sight; the older ones are folded away, not lost. */
const MOST = 3;

/** What went wrong, until it is dismissed; and whether the server is there. */
class Notices extends PageElement {
  static properties = { all: { state: true } };

  #ticking = 0;

  constructor() {
    super();
    /** The older ones are unfolded. */
    this.all = false;
  }

  /** @override */
  watched(/** @type {any} */ { notices, connection, interrupted }) {
    return [notices, connection, interrupted];
  }

  updated() {
    const waiting = this.state.connection.state === "lost";
    if (waiting && !this.#ticking) this.#ticking = window.setInterval(() => this.requestUpdate(), 500);
    if (!waiting && this.#ticking) {
      clearInterval(this.#ticking);
      this.#ticking = 0;
    }
  }

  render() {
    const { notices, connection, interrupted } = this.state;
    const more = Math.max(0, notices.length - MOST);
    return html`
      ${connection.state === "recorded" ? html`<um-recorded .page=${this.page}></um-recorded>` : nothing}
      ${connection.state === "lost" ? this.#disconnected(connection) : nothing}
      ${connection.state === "ready" && interrupted
        ? html`<div class="notice" data-kind="info" data-testid="interrupted">
            <p><b>The call was interrupted.</b> Every revision it made is here. Go on with Step or Run.</p>
          </div>`
        : nothing}
      <div role="alert">
        ${repeat(this.all ? notices : notices.slice(more), ({ id }) => id,
          ({ id, kind = "error", what, why, advice, details, action, passing = false }) => html`<div class="notice" data-kind=${kind} ?data-passing=${passing} data-testid=${kind === "error" ? "error" : "news"} @animationend=${(/** @type {Event} */ e) => passing && e.target === e.currentTarget && this.dispatch({ type: "notice.dismissed", id })}>
            ${kind === "error" ? icons.alert : nothing}
            <div>
              <p><b>${what}</b> ${why}</p>
              ${advice ? html`<p>${advice}</p>` : nothing} ${details ? html`<p class="note">${details}</p>` : nothing}
            </div>
            ${action ? html`<button class="button" @click=${() => this.#act(id, action)}>${action.label}</button>` : nothing}
            <button class="quiet" aria-label="Dismiss" @click=${() => this.dispatch({ type: "notice.dismissed", id })}>${icons.close}</button>
          </div>`,
        )}
      </div>
      ${more
        ? html`<p class="notices-more">
            <button class="quiet text" data-testid="more-notices" aria-expanded=${this.all ? "true" : "false"} @click=${() => (this.all = !this.all)}>
              ${this.all ? `Only the newest ${MOST}` : `and ${more} more`}
            </button>
            <button class="quiet text" @click=${() => this.#dismissAll()}>Dismiss all</button>
          </p>`
        : nothing}
    `;
  }

  #dismissAll() {
    for (const { id } of this.state.notices) this.dispatch({ type: "notice.dismissed", id });
    this.all = false;
  }

  /** @override */
  refocused() {
    focusOn('um-notices [aria-label="Dismiss"]', "#prompt");
  }

  #act(/** @type {number} */ id, /** @type {{ event: any }} */ { event }) {
    this.dispatch(event);
    this.dispatch({ type: "notice.dismissed", id });
  }

  #disconnected(/** @type {import("app/core/state.js").Connection} */ { retryAt, why }) {
    const seconds = retryAt === null ? 0 : Math.max(0, Math.ceil((retryAt - Date.now()) / 1000));
    return html`<div class="notice" data-kind="warning" data-testid="disconnected" role="status">
      ${icons.alert}
      <p><b>Disconnected.</b> ${why} What is shown stays. <span aria-hidden="true">Next try in ${seconds} s.</span></p>
      <button class="button" @click=${() => this.page.connection.retry()}>Try now</button>
    </div>`;
  }
}

customElements.define("um-notices", Notices);
