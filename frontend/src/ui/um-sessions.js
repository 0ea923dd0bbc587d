import { html, nothing } from "lit";
import { PageElement } from "app/ui/page-element.js";
import { extentOf, lossOf, titleOf, whenMade } from "app/core/sessions.js";
import { shortName } from "app/core/models.js";
import { offline } from "app/core/readiness.js";
import * as icons from "app/ui/icons.js";

/** The sheet of sessions made earlier, and the button that opens it. */
class SessionsSheet extends PageElement {
  static properties = { doomed: { state: true } };

  constructor() {
    super();
    /** The session that a second press deletes. */
    this.doomed = "";
  }

  /** @override */
  watched(/** @type {any} */ { sessions, tree, connection }) {
    return [sessions, tree?.id, connection.state];
  }

  get #dialog() {
    return /** @type {HTMLDialogElement} */ (this.querySelector("dialog"));
  }

  #show() {
    if (offline(this.state)) return;
    this.doomed = "";
    this.#dialog.showModal();
    this.page.sessions.refresh();
  }

  #go(/** @type {string} */ id) {
    this.#dialog.close();
    this.page.session.open(id);
  }

  /** @override */
  refocused() {
    const next = this.querySelector(".session-delete, .session-keep, .session-go") ?? this.querySelector("dialog button");
    /** @type {HTMLElement | null} */ (next)?.focus();
  }

  render() {
    const why = offline(this.state);
    const { list, next, failed } = this.state.sessions;
    return html`<button
        class="quiet"
        data-testid="sessions"
        aria-label="Earlier sessions"
        aria-haspopup="dialog"
        aria-disabled=${why ? "true" : "false"}
        title=${why || "Earlier sessions"}
        @click=${this.#show}
      >
        ${icons.earlier}
      </button>
      <dialog class="card sessions" aria-labelledby="sessions-title" closedby="any">
        <form method="dialog">
          <div class="sessions-head">
            <h2 id="sessions-title">Earlier sessions</h2>
            <button class="quiet" aria-label="Close">${icons.close}</button>
          </div>
        </form>
        ${failed ? html`<p class="note" role="alert" data-problem>${failed} <button type="button" class="quiet text" @click=${() => this.page.sessions.refresh()}>Try again</button></p>` : nothing}
        ${list ? nothing : failed ? nothing : html`<p class="note">Reading the list…</p>`}
        ${list && !list.length ? html`<p class="note">There is none yet.</p>` : nothing}
        <ul data-testid="session-list">${(list ?? []).map((session) => this.#row(session))}</ul>
        ${next ? html`<button type="button" class="button" data-testid="sessions-more" @click=${() => this.page.sessions.more()}>More</button>` : nothing}
      </dialog>`;
  }

  #row(/** @type {import("app/core/sessions.js").Session} */ session) {
    const { id, model, time } = session;
    const title = titleOf(session, this.state.sessions.texts[id]);
    const shown = this.state.tree?.id === id;
    return html`<li data-session-id=${id}>
      <div class="session-line">
        <button type="button" class="session-go" aria-current=${shown ? "true" : nothing} @click=${() => this.#go(id)}>
          <span class="session-title">${title}</span>
          <span class="note">${[shown ? "shown now" : "", whenMade(time, Date.now()), shortName(model), extentOf(session)].filter(Boolean).join(" · ")}</span>
        </button>
        ${this.doomed === id
          ? nothing
          : html`<button type="button" class="quiet session-delete" aria-label="Delete: ${title}" title="Delete" @click=${() => this.#doom(id)}>${icons.bin}</button>`}
      </div>
      ${this.doomed === id
        ? html`<div class="session-doom" role="group" aria-label="Delete?">
            <p class="note" id="session-loss">${lossOf(session)}</p>
            <button type="button" class="button session-keep" @click=${() => this.#doom("")}>Keep it</button>
            <button type="button" class="button danger" data-testid="session-delete" aria-describedby="session-loss" @click=${() => this.#remove(id)}>Delete?</button>
          </div>`
        : nothing}
    </li>`;
  }

  async #doom(/** @type {string} */ id) {
    const before = this.doomed;
    this.doomed = id;
    await this.updateComplete;
    // The one that was pressed is gone; the calm answer is the first.
    const at = this.querySelector(`[data-session-id="${id || before}"] ${id ? ".session-keep" : ".session-delete"}`);
    /** @type {HTMLElement | null} */ (at)?.focus();
  }

  #remove(/** @type {string} */ id) {
    this.doomed = "";
    this.page.sessions.remove(id);
  }
}

customElements.define("um-sessions", SessionsSheet);
