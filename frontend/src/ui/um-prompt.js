import { html, nothing } from "lit";
import { live } from "lit/directives/live.js";
import { PageElement } from "app/ui/page-element.js";
import { EXAMPLES } from "app/ui/examples.js";

/** What the canvas begins with. */
class PromptFields extends PageElement {
  /** @override */
  watched(/** @type {any} */ { form, model }) {
    return [form, model];
  }

  #change(/** @type {object} */ fields) {
    this.dispatch({ type: "form.changed", fields });
  }

  render() {
    const { form } = this.state;
    return html`<div class="field">
      <div class="label-row"><label for="prompt">Prompt</label>${this.#chatSwitch()}</div>
      <textarea
        id="prompt"
        data-testid="prompt"
        rows="4"
        spellcheck="false"
        aria-describedby="prompt-note"
        .value=${live(form.prompt)}
        @input=${(/** @type {any} */ e) => this.#change({ prompt: e.target.value })}
        @keydown=${(/** @type {KeyboardEvent} */ e) => e.key === "Enter" && (e.ctrlKey || e.metaKey) && this.closest("form")?.requestSubmit()}
      ></textarea>
      <p class="note" id="prompt-note"><code>[[mask:3]]</code> leaves a hole of three positions, to be filled in.</p>
      <div class="examples" role="group" aria-label="Examples">
        ${EXAMPLES.map(
          ({ name, prompt }) =>
            html`<button type="button" class="chip" title=${prompt} @click=${() => this.#change({ prompt })}>${name}</button>`,
        )}
      </div>
    </div>`;
  }

  #chatSwitch() {
    const { form, model } = this.state;
    if (!model?.hasChatTemplate) return nothing;
    return html`<label class="switch" title="Put the prompt through the model's chat template">
      <input type="checkbox" .checked=${live(form.chat)} @change=${(/** @type {any} */ e) => this.#change({ chat: e.target.checked })} />
      <span>Chat</span>
    </label>`;
  }
}

customElements.define("um-prompt", PromptFields);
