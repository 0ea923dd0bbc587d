import { html, nothing } from "lit";
import { PageElement } from "app/ui/page-element.js";
import { takeawayHindrances } from "app/actions/takeaway.js";
import * as icons from "app/ui/icons.js";

/** @typedef {import("app/ui/page-element.js").Page} Page */
/**
 * @typedef {{ id: string, name: string, note: string, needs: keyof ReturnType<typeof takeawayHindrances> | null, act: (page: Page) => void }} Item
 *   needs: null where nothing stands in its way
 */

/** @type {Item[]} */
const ITEMS = [
  { id: "save-page", name: "Save as a page", note: "One file that replays the run anywhere, offline", needs: "page", act: ({ archive }) => archive?.savePage() },
  { id: "save-gif", name: "Save as a GIF", note: "The answer, revision by revision", needs: "gif", act: ({ gif }) => gif.save() },
  { id: "recording", name: "Recording", note: "Every frame, in a compressed file", needs: "recording", act: ({ takeaway }) => takeaway.save("binary") },
  { id: "recording-json", name: "Recording as JSON", note: "The same, to be read", needs: "recording", act: ({ takeaway }) => takeaway.save("json") },
  { id: "open-recording", name: "Open a recording…", note: "From a file, as a new session", needs: "open", act: () => {} },
  { id: "copy-link", name: "Copy a link", note: "To this form, its settings and its seed", needs: "link", act: ({ takeaway }) => takeaway.copyLink() },
  { id: "copy-python", name: "Copy as Python", note: "What was done, up to the revision shown", needs: "copy", act: ({ takeaway }) => takeaway.copyAs("python") },
  { id: "copy-grpc", name: "Copy as gRPC", note: "The same, with the generated stubs", needs: "copy", act: ({ takeaway }) => takeaway.copyAs("grpc") },
  { id: "copy-json", name: "Copy as JSON", note: "The same, as frames of the WebSocket", needs: "copy", act: ({ takeaway }) => takeaway.copyAs("json") },
];

/** What there is to see beside one's own: the session stays as it is meanwhile. @type {Item[]} */
const SIGHTS = [
  { id: "see-demo", name: "Watch a recorded run", note: "It comes with the page; the session stays", needs: null, act: ({ demo }) => demo?.watch() },
  { id: "see-tour", name: "Take the tour", note: "Of that run, in five steps", needs: null, act: ({ demo }) => demo?.watch({ tour: true }) },
];

/** The menu of what can be taken away, after the ARIA pattern of a menu button. */
class TakeawayMenu extends PageElement {
  static properties = { unfolded: { state: true } };

  #outside = (/** @type {Event} */ event) => {
    if (!this.contains(/** @type {Node} */ (event.target))) this.unfolded = false;
  };

  constructor() {
    super();
    this.unfolded = false;
  }

  connectedCallback() {
    super.connectedCallback();
    document.addEventListener("pointerdown", this.#outside);
  }

  disconnectedCallback() {
    super.disconnectedCallback();
    document.removeEventListener("pointerdown", this.#outside);
  }

  /** @override */
  watched(/** @type {any} */ { tree, connection, activity, model, saving }) {
    return [tree?.id, tree?.first, connection.state, activity, model, saving];
  }

  get #items() {
    return /** @type {HTMLElement[]} */ ([...this.querySelectorAll('[role="menuitem"]')]);
  }

  async #unfold(at = 0) {
    this.unfolded = true;
    await this.updateComplete;
    this.#items.at(at)?.focus();
  }

  #fold() {
    this.unfolded = false;
    /** @type {HTMLElement | null} */ (this.querySelector("#takeaway-button"))?.focus();
  }

  #onButtonKey(/** @type {KeyboardEvent} */ event) {
    if (event.key !== "ArrowDown" && event.key !== "ArrowUp") return;
    event.preventDefault();
    this.#unfold(event.key === "ArrowUp" ? -1 : 0);
  }

  #onMenuKey(/** @type {KeyboardEvent} */ event) {
    const { key } = event;
    if (key === "Tab") {
      this.unfolded = false;
      return;
    }
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    // The page has commands for letters; here they find an item.
    event.stopPropagation();
    const items = this.#items;
    const at = items.indexOf(/** @type {HTMLElement} */ (document.activeElement));
    if (key === "Escape") this.#fold();
    else if (key === "ArrowDown") items[(at + 1) % items.length].focus();
    else if (key === "ArrowUp") items.at(at - 1)?.focus();
    else if (key === "Home") items[0].focus();
    else if (key === "End") items.at(-1)?.focus();
    else if (key.length === 1 && key !== " ") {
      const found = [...items.slice(at + 1), ...items.slice(0, at + 1)].find((item) => item.textContent?.trim().toLowerCase().startsWith(key.toLowerCase()));
      found?.focus();
    } else return;
    event.preventDefault();
  }

  /** Why things cannot be taken away here. */
  get #hindrances() {
    const why = takeawayHindrances(this.state);
    const { saving } = this.state;
    const busy = saving ? "Wait for what is being saved, or cancel it." : "";
    // A page that was saved cannot read itself.
    return { ...why, page: busy || (this.page.archive ? why.page : "This page is such a file: copy it."), gif: busy || why.gif };
  }

  #choose(/** @type {Item} */ item) {
    if (item.needs && this.#hindrances[item.needs]) return;
    this.#fold();
    if (item.id === "open-recording") /** @type {HTMLInputElement | null} */ (this.querySelector('input[type="file"]'))?.click();
    else item.act(this.page);
  }

  #onFile(/** @type {any} */ { target }) {
    const [file] = target.files;
    target.value = ""; // the same file can be chosen again
    if (file) this.page.takeaway.open(file);
  }

  /** How far it is with what is being saved. */
  #progress() {
    const { saving } = this.state;
    if (!saving) return nothing;
    const { what, done, total } = saving;
    return html`<div class="saving card" data-testid="saving" role="group" aria-label=${what}>
      <p><b>${what}.</b> ${total ? html`<span class="number">${done} of ${total}</span>` : "One moment."}</p>
      <progress aria-label=${what} max=${total || nothing} value=${total ? done : nothing}></progress>
      <button class="button" data-testid="cancel-saving" @click=${() => this.page.progress.cancel()}>Cancel</button>
    </div>`;
  }

  render() {
    const why = this.#hindrances;
    // A recording has its own way to the tour.
    const sights = this.state.connection.state === "recorded" ? [] : SIGHTS;
    return html`
      ${this.#progress()}
      <button
        class="quiet text takeaway-button"
        id="takeaway-button"
        data-testid="takeaway"
        aria-label="Take away"
        title="Take away"
        aria-haspopup="menu"
        aria-expanded=${this.unfolded ? "true" : "false"}
        aria-controls="takeaway-menu"
        @click=${() => (this.unfolded ? this.#fold() : this.#unfold())}
        @keydown=${this.#onButtonKey}
      >
        ${icons.takeaway}<span>Take away</span>
      </button>
      <input type="file" data-testid="recording-file" accept=".unmask,.json,application/gzip,application/json" tabindex="-1" aria-label="A recording" hidden @change=${this.#onFile} />
      <div class="takeaway-menu" id="takeaway-menu" role="menu" aria-labelledby="takeaway-button" ?hidden=${!this.unfolded} @keydown=${this.#onMenuKey}>
        ${ITEMS.map((item) => this.#item(item, item.needs ? why[item.needs] : ""))}
        ${sights.length ? html`<div role="separator"></div>` : nothing} ${sights.map((item) => this.#item(item, ""))}
      </div>
    `;
  }

  #item(/** @type {Item} */ item, /** @type {string} */ why) {
    return html`<button
      role="menuitem"
      tabindex="-1"
      data-testid=${item.id}
      aria-disabled=${why ? "true" : nothing}
      aria-labelledby="${item.id}-name"
      aria-describedby="${item.id}-note"
      @click=${() => this.#choose(item)}
    >
      <span class="takeaway-name" id="${item.id}-name">${item.name}</span>
      <span class="note" id="${item.id}-note">${why || item.note}</span>
    </button>`;
  }
}

customElements.define("um-takeaway", TakeawayMenu);
