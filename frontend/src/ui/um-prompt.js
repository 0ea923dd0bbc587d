import { html, nothing } from "lit";
import { live } from "lit/directives/live.js";
import { PageElement } from "app/ui/page-element.js";
import { EXAMPLES } from "app/ui/examples.js";
import { NO_HOLES, readsLeftToRight } from "app/core/left-to-right.js";
import { startModel } from "app/core/models.js";
import { earlierInWords, holesIn, isChat, looksSpecial, takesNames, turnProblems } from "app/core/prompting.js";
import { plural } from "app/core/format.js";
import * as icons from "app/ui/icons.js";

/** What the canvas begins with: a prompt, and in a chat what was said before it. */
class PromptFields extends PageElement {
  static properties = { earlier: { state: true } };

  constructor() {
    super();
    /** The turns and the system message are unfolded. */
    this.earlier = false;
  }

  /** @override */
  watched(/** @type {any} */ { form, model, models, refused }) {
    return [form, model, models.known, refused.prompt];
  }

  #change(/** @type {object} */ fields) {
    this.dispatch({ type: "form.changed", fields });
  }

  #turn(/** @type {number} */ at, /** @type {Partial<import("app/core/prompting.js").Turn>} */ fields) {
    this.#change({ turns: this.state.form.turns.map((turn, index) => (index === at ? { ...turn, ...fields } : turn)) });
  }

  async #addTurn() {
    const { turns } = this.state.form;
    this.#change({ turns: [...turns, { user: "", assistant: "" }] });
    await this.#drawn();
    /** @type {HTMLElement | null} */ (this.querySelector(`#turn-${turns.length}-user`))?.focus();
  }

  async #removeTurn(/** @type {number} */ at) {
    this.#change({ turns: this.state.form.turns.filter((_, index) => index !== at) });
    await this.#drawn();
    /** @type {HTMLElement | null} */ (this.querySelector(".turn-add"))?.focus();
  }

  /** The store tells of a change a moment later. */
  #drawn() {
    this.requestUpdate();
    return this.updateComplete;
  }

  /** An example with more than a prompt shows all of it. */
  #example(/** @type {import("app/core/prompting.js").Example} */ example) {
    this.earlier = Boolean(example.system || example.turns);
    this.page.examples.take(example, EXAMPLES);
  }

  render() {
    const { form, refused } = this.state;
    const model = startModel(this.state);
    const chat = isChat(model, form);
    const rightwards = readsLeftToRight(model);
    const holes = rightwards && holesIn(form.prompt).count > 0;
    return html`${chat && this.earlier ? this.#earlierFields(model) : nothing}
      <div class="field">
        <div class="label-row"><label for="prompt">Prompt</label>${this.#switches(model)}</div>
        <textarea
          id="prompt"
          data-testid="prompt"
          rows="4"
          spellcheck="false"
          aria-invalid=${refused.prompt || holes ? "true" : nothing}
          aria-describedby="prompt-note"
          .value=${live(form.prompt)}
          @input=${(/** @type {any} */ e) => this.#change({ prompt: e.target.value })}
          @keydown=${(/** @type {KeyboardEvent} */ e) => e.key === "Enter" && (e.ctrlKey || e.metaKey) && this.closest("form")?.requestSubmit()}
        ></textarea>
        <p class="note" id="prompt-note" ?data-problem=${holes}>${refused.prompt ?? (holes ? `${NO_HOLES}.` : this.#note(model))}</p>
        ${chat ? this.#earlierSwitch() : nothing}
        <div class="examples" role="group" aria-label="Examples">
          ${EXAMPLES.map((example) => {
            const why = rightwards && holesIn(example.prompt).count ? "This model reads from left to right and fills no holes." : "";
            return html`<button type="button" class="chip" aria-disabled=${why ? "true" : nothing} title=${why || example.prompt} @click=${() => !why && this.#example(example)}>${example.name}</button>`;
          })}
        </div>
      </div>`;
  }

  #note(/** @type {import("app/core/settings.js").Model | null} */ model) {
    const { form } = this.state;
    const { count, positions } = holesIn(form.prompt);
    const names = this.#namesNote(model);
    if (count) return `${plural(count, "hole")}, ${plural(positions, "position")} to fill in. With length 0 nothing follows.${names && ` ${names}`}`;
    const raw = model && !isChat(model, form) ? `Raw text: the canvas begins with ${this.#adds(model) && form.addSpecialTokens ? "what the model puts before it, then " : "just "}this. ` : "";
    if (readsLeftToRight(model)) return `${raw || "Written from left to right, a token a step. "}${names}`;
    return html`${raw}${names} <code>[[mask:3]]</code> leaves a hole of three positions, to be filled in.`;
  }

  /** How what looks like the name of a control token is read: told where it is not what is usual, or where there is one. */
  #namesNote(/** @type {import("app/core/settings.js").Model | null} */ model) {
    const { form } = this.state;
    if (!model?.hasTokenizer) return "";
    if (takesNames(model, form)) return "Names of control tokens in it are these tokens.";
    const texts = [form.prompt, ...(isChat(model, form) ? [form.system, ...form.turns.flatMap(({ user, assistant }) => [user, assistant])] : [])];
    return texts.some(looksSpecial) || !isChat(model, form) ? "What looks like a control token is text." : "";
  }

  /** The checkpoint adds tokens to raw text. */
  #adds(/** @type {import("app/core/settings.js").Model | null} */ model) {
    return Boolean(model?.prefixTokens?.length || model?.suffixTokens?.length);
  }

  #switches(/** @type {import("app/core/settings.js").Model | null} */ model) {
    const { form } = this.state;
    if (!model?.hasTokenizer) return this.#chatSwitch(model);
    const usual = !isChat(model, form);
    return html`<span class="switches">
      ${usual && this.#adds(model)
        ? html`<label class="switch" title="Put around raw text what the checkpoint's tokenizer does, such as a beginning">
            <input type="checkbox" data-testid="add-special-tokens" .checked=${live(form.addSpecialTokens)} @change=${(/** @type {any} */ e) => this.#change({ addSpecialTokens: e.target.checked })} />
            <span>Added tokens</span>
          </label>`
        : nothing}
      <label class="switch" title="Take names such as <|endoftext|> in the prompt as these control tokens; otherwise they are text">
        <input
          type="checkbox"
          data-testid="special-tokens"
          .checked=${live(takesNames(model, form))}
          @change=${(/** @type {any} */ e) => this.#change({ specialTokens: e.target.checked === usual ? null : e.target.checked })}
        />
        <span>Control tokens</span>
      </label>
      ${this.#chatSwitch(model)}
    </span>`;
  }

  #chatSwitch(/** @type {import("app/core/settings.js").Model | null} */ model) {
    const { form } = this.state;
    if (!model?.hasChatTemplate) return nothing;
    return html`<label class="switch" title="Put the prompt through the model's chat template; without, the canvas begins with raw text">
      <input type="checkbox" data-testid="chat" .checked=${live(form.chat)} @change=${(/** @type {any} */ e) => this.#change({ chat: e.target.checked, specialTokens: null })} />
      <span>Chat</span>
    </label>`;
  }

  /** What is folded away and yet sent is named. */
  #earlierSwitch() {
    const held = earlierInWords(this.state.form);
    return html`<button type="button" class="quiet text earlier-switch" data-testid="earlier" aria-expanded=${this.earlier} aria-controls="earlier" @click=${() => (this.earlier = !this.earlier)}>
      Turns and system message${held && !this.earlier ? html`<span class="badge">${held}</span>` : nothing}
    </button>`;
  }

  #earlierFields(/** @type {import("app/core/settings.js").Model | null} */ model) {
    const { form } = this.state;
    const problems = turnProblems(model, form);
    return html`<div class="earlier" id="earlier" role="group" aria-label="Before the prompt">
      ${this.#said("system", "System message", form.system, (system) => this.#change({ system }), "How the assistant is to answer")}
      ${form.turns.map(
        ({ user, assistant }, at) => html`<fieldset class="earlier-turn" aria-describedby=${problems[at] ? `turn-${at}-problem` : nothing}>
          <legend class="unseen">Turn ${at + 1}</legend>
          ${this.#said(`turn-${at}-user`, `Turn ${at + 1}: user`, user, (text) => this.#turn(at, { user: text }))}
          ${this.#said(`turn-${at}-assistant`, "Assistant", assistant, (text) => this.#turn(at, { assistant: text }))}
          ${problems[at] ? html`<p class="note" id="turn-${at}-problem" data-problem>Turn ${at + 1} ${problems[at]}.</p>` : nothing}
          <button type="button" class="quiet turn-remove" aria-label="Remove turn ${at + 1}" title="Remove turn ${at + 1}" @click=${() => this.#removeTurn(at)}>${icons.close}</button>
        </fieldset>`,
      )}
      <button type="button" class="chip turn-add" data-testid="add-turn" @click=${this.#addTurn}>Add a turn</button>
    </div>`;
  }

  /** @param {string} id  @param {string} label  @param {string} value  @param {(text: string) => void} change  @param {string} [hint] */
  #said(id, label, value, change, hint) {
    return html`<div class="field">
      <label for=${id}>${label}</label>
      <textarea id=${id} data-testid=${id} rows="2" spellcheck="false" placeholder=${hint ?? nothing} .value=${live(value)} @input=${(/** @type {any} */ e) => change(e.target.value)}></textarea>
    </div>`;
  }
}

customElements.define("um-prompt", PromptFields);
