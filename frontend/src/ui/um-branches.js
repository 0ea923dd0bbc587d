import { html, nothing } from "lit";
import { live } from "lit/directives/live.js";
import { PageElement } from "app/ui/page-element.js";
import { branchAt, listedBranches, startOf, titleOf } from "app/core/places.js";
import { offline } from "app/core/readiness.js";
import { shownRevision } from "app/core/state.js";
import * as icons from "app/ui/icons.js";

/** @typedef {import("app/core/places.js").Branch} Branch */

/** Characters of a name, as many as the service takes. */
const MOST_NAME = 80;

/** How many branches are listed before the rest is folded away; on a narrow screen, how many. */
const MOST = 8;
const MOST_NARROW = 3;

/**
 * The ends of the tree: go there, give them names. Oldest first and folded ones
 * hidden, not left out: so each keeps its place, and what has the focus keeps it.
 */
class BranchList extends PageElement {
  static properties = { naming: { state: true }, text: { state: true }, saving: { state: true }, all: { state: true } };

  #narrow = window.matchMedia("(max-width: 799.98px)");

  constructor() {
    super();
    /** The branch that is being named, by what it began with: its leaf changes. @type {number | null} */
    this.naming = null;
    this.text = "";
    this.saving = false;
    this.all = false;
  }

  /** @override */
  watched(/** @type {any} */ { tree, shown, view, connection }) {
    return [tree, shown, view.branches, connection.state];
  }

  /** The session that `naming` is of. @type {string | undefined} */
  #session;

  willUpdate() {
    const id = this.state.tree?.id;
    if (id !== this.#session) this.naming = null;
    this.#session = id;
  }

  render() {
    const { tree, view } = this.state;
    if (!tree) return nothing;
    const { branches, folded } = listedBranches(tree, shownRevision(this.state), this.#narrow.matches ? MOST_NARROW : MOST);
    const open = view.branches ?? (branches.length > 1 || tree.names.size > 0);
    // What is being typed outlasts a list that is hidden.
    if (!open && this.naming === null) return nothing;
    const here = branchAt(tree, shownRevision(this.state));
    // What has the focus is not folded away under it.
    folded.delete(Number(/** @type {HTMLElement | null} */ (this.querySelector("[data-start]:focus-within"))?.dataset.start ?? NaN));
    return html`<ul class="branches" id="branches" data-testid="branches" aria-label="Branches" ?data-all=${this.all}>
      ${branches.map((branch) => this.#branch(branch, branch.leaf === here?.leaf, !this.all && folded.has(startOf(branch))))}
      ${folded.size
        ? html`<li class="branches-more">
            <button class="quiet text" data-testid="more-branches" aria-expanded=${this.all ? "true" : "false"} @click=${() => (this.all = !this.all)}>
              ${this.all ? "fewer" : `and ${folded.size} more`}
            </button>
          </li>`
        : nothing}
    </ul>`;
  }

  #branch(/** @type {Branch} */ branch, /** @type {boolean} */ here, /** @type {boolean} */ folded) {
    const { leaf, from, name, current } = branch;
    const start = startOf(branch);
    if (this.naming === start) return html`<li class="branch" data-leaf=${leaf} data-start=${start}>${this.#field(branch)}</li>`;
    const title = titleOf(branch);
    const offlineNow = offline(this.state);
    return html`<li class="branch" data-leaf=${leaf} data-start=${start} ?data-here=${here} ?data-current=${current} ?hidden=${folded}>
      <button
        class="branch-go"
        aria-current=${here ? "true" : nothing}
        title="${name ? `${name}: show` : "Show"} revision ${leaf}${from === null ? "" : `; it left another branch at revision ${from}`}"
        @click=${() => this.dispatch({ type: "revision.shown", revision: leaf })}
      >
        ${current ? html`<span class="unseen">The newest: </span>` : nothing}
        <span class="branch-name">${title}</span>
        <span class="number">to ${leaf}</span>
      </button>
      <button
        class="quiet"
        aria-label="Name the branch of revision ${leaf}"
        aria-disabled=${offlineNow ? "true" : "false"}
        title=${offlineNow || "Name it"}
        @click=${() => !offlineNow && this.#begin(branch)}
      >
        ${icons.pencil}
      </button>
      ${name
        ? html`<button
            class="quiet"
            aria-label="Take the name ${name} away"
            aria-disabled=${offlineNow ? "true" : "false"}
            title=${offlineNow || "Take the name away"}
            @click=${() => !offlineNow && this.page.branches.unname(name)}
          >
            ${icons.close}
          </button>`
        : nothing}
    </li>`;
  }

  /** The revision that has the name typed, where that is of another branch. */
  #taken(/** @type {Branch} */ branch) {
    const text = this.text.trim();
    const revision = text === branch.name ? undefined : this.state.tree?.names.get(text);
    return revision === undefined || revision === branch.named ? null : revision;
  }

  #field(/** @type {Branch} */ branch) {
    const taken = this.#taken(branch);
    const length = [...this.text.trim()].length;
    const long = length > MOST_NAME ? `${length} of at most ${MOST_NAME} characters` : "";
    const told = long || (taken === null ? "" : `moves the name from revision ${taken}`);
    const why = offline(this.state) || long || (this.saving ? "It is being saved." : "");
    return html`<form
      class="branch-form"
      novalidate
      @submit=${(/** @type {Event} */ event) => {
        event.preventDefault();
        if (why) this.dispatch({ type: "key.refused", why });
        else this.#save(branch);
      }}
    >
      <label class="unseen" for="branch-name">Name of the branch of revision ${branch.leaf}</label>
      <input
        id="branch-name"
        data-testid="branch-name"
        autocomplete="off"
        placeholder="Name"
        aria-invalid=${long ? "true" : nothing}
        aria-describedby=${told ? "branch-taken" : nothing}
        .value=${live(this.text)}
        @input=${(/** @type {any} */ e) => (this.text = e.target.value)}
        @keydown=${(/** @type {KeyboardEvent} */ e) => e.key === "Escape" && (e.stopPropagation(), (this.naming = null))}
      />
      ${told ? html`<span class="branch-taken" id="branch-taken" data-testid="name-taken">${told}</span>` : nothing}
      <button class="quiet" data-testid="save-name" aria-label="Save the name" aria-disabled=${why ? "true" : "false"} title=${why || (length || !branch.name ? "Save the name" : "Take the name away")}>${icons.check}</button>
      <button class="quiet" type="button" aria-label="Leave it as it is" title="Leave it as it is" @click=${() => (this.naming = null)}>${icons.close}</button>
    </form>`;
  }

  async #begin(/** @type {Branch} */ branch) {
    this.naming = startOf(branch);
    this.text = branch.name;
    await this.updateComplete;
    /** @type {HTMLInputElement | null} */ (this.querySelector("#branch-name"))?.select();
  }

  /** The field stays, with its text, until the name is given, or, emptied, taken away. */
  async #save(/** @type {Branch} */ branch) {
    const text = this.text.trim();
    if (text !== branch.name) {
      this.saving = true;
      const done = await (text ? this.page.branches.name(branch.named, text) : this.page.branches.unname(branch.name));
      this.saving = false;
      if (!done || this.text.trim() !== text) return;
    }
    if (this.naming === startOf(branch)) this.naming = null;
  }

  /** @override */
  refocused(/** @type {HTMLElement} */ held) {
    const start = /** @type {HTMLElement | null} */ (held.closest("[data-start]"))?.dataset.start;
    const row = this.querySelector(`[data-start="${start}"]`) ?? this;
    /** @type {HTMLElement | null} */ (row.querySelector("input, .branch-go"))?.focus();
  }
}

customElements.define("um-branches", BranchList);
