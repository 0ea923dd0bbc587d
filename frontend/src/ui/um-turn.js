import { html, nothing } from "lit";
import { PageElement } from "app/ui/page-element.js";
import { hindrances } from "app/core/selectors.js";
import { lengthOf } from "app/core/settings.js";

/** What to say next, once the answer of a chat is finished. */
class Turn extends PageElement {
  static properties = { text: { state: true } };

  constructor() {
    super();
    this.text = "";
  }

  /** @override */
  watched(/** @type {any} */ { tree, shown, form, model, activity, connection }) {
    return [tree, shown, form, model, activity, connection.state];
  }

  async #say(/** @type {Event} */ event) {
    event.preventDefault();
    if (this.#why()) return;
    if (await this.page.editing.say(this.text.trim())) this.text = "";
  }

  #why() {
    return hindrances(this.state).turn || (this.text.trim() ? "" : "Write what to say first.");
  }

  render() {
    const { form, model, tree, activity } = this.state;
    const hidden = !tree || !form.chat || !model?.hasChatTemplate || (activity !== "edit" && hindrances({ ...this.state, activity: null }).turn);
    if (hidden) return nothing;
    const why = this.#why();
    return html`<form class="turn" @submit=${this.#say} novalidate>
      <label class="unseen" for="say">Say more</label>
      <textarea
        id="say"
        data-testid="say"
        rows="1"
        placeholder="Say more…"
        spellcheck="false"
        .value=${this.text}
        @input=${(/** @type {any} */ e) => (this.text = e.target.value)}
        @keydown=${(/** @type {KeyboardEvent} */ e) => e.key === "Enter" && (e.ctrlKey || e.metaKey) && this.#say(e)}
      ></textarea>
      <button class="button" data-testid="say-more" aria-disabled=${why ? "true" : "false"} title=${why || `Append this as the next turn, and ${lengthOf(form)} open positions for the answer`}>
        Say more
      </button>
    </form>`;
  }
}

customElements.define("um-turn", Turn);
