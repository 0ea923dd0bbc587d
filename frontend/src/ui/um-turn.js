import { html, nothing } from "lit";
import { live } from "lit/directives/live.js";
import { PageElement } from "app/ui/page-element.js";
import { hindrances, UNFINISHED } from "app/core/selectors.js";
import { appendsOnly } from "app/core/left-to-right.js";
import { unsent } from "app/core/unsent.js";
import { focusOn } from "app/ui/focus.js";
import { lengthOf } from "app/core/settings.js";

/** What to say next, once the answer of a chat is finished. */
class Turn extends PageElement {
  /** @override */
  watched(/** @type {any} */ { tree, chat, shown, form, model, activity, connection, saying }) {
    return [tree, chat, shown, form, model, activity, connection.state, saying];
  }

  async #say(/** @type {Event} */ event) {
    event.preventDefault();
    const sent = this.state.saying;
    if (this.#why() || !(await this.page.editing.say(sent.trim()))) return;
    this.#type(unsent(this.state.saying, sent));
  }

  #type(/** @type {string} */ text) {
    this.dispatch({ type: "saying.changed", text });
  }

  #why() {
    return hindrances(this.state).turn || (this.state.saying.trim() ? "" : "Write what to say first.");
  }

  render() {
    const { form, model, tree, chat, activity, connection, saying } = this.state;
    if (!tree || !(chat ?? true) || !model?.hasChatTemplate) return nothing;
    // What is typed already stays, whatever the canvas does.
    const finished = hindrances({ ...this.state, activity: null, connection: { ...connection, state: "ready" } }).turn !== UNFINISHED;
    if (!finished && activity !== "edit" && !saying) return nothing;
    const why = this.#why();
    const room = appendsOnly(this.state) ? `at most ${lengthOf(form)} tokens` : `${form.length ? "" : "up to "}${lengthOf(form)} open positions`;
    return html`<form class="turn" @submit=${this.#say} novalidate>
      <label class="unseen" for="say">Say more</label>
      <textarea
        id="say"
        data-testid="say"
        rows="1"
        placeholder="Say more…"
        spellcheck="false"
        .value=${live(saying)}
        @input=${(/** @type {any} */ e) => this.#type(e.target.value)}
        @keydown=${(/** @type {KeyboardEvent} */ e) => e.key === "Enter" && (e.ctrlKey || e.metaKey) && this.#say(e)}
      ></textarea>
      <button class="button" data-testid="say-more" aria-disabled=${why ? "true" : "false"} title=${why || `Append this as the next turn, and ${room} for the answer`}>
        Say more
      </button>
    </form>`;
  }

  /** @override */
  refocused() {
    focusOn('[data-testid="run"]', '[data-testid="stop"]');
  }
}

customElements.define("um-turn", Turn);
