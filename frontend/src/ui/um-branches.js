import { html, nothing } from "lit";
import { PageElement } from "app/ui/page-element.js";
import { branchesOf } from "app/core/places.js";
import { shownRevision } from "app/core/state.js";
import { pathTo } from "app/core/tree.js";
import * as icons from "app/ui/icons.js";

/** The ends of the tree: go there, give them names. */
class BranchList extends PageElement {
  static properties = { naming: { state: true }, text: { state: true } };

  constructor() {
    super();
    /** The revision that is being named. @type {number | null} */
    this.naming = null;
    this.text = "";
  }

  /** @override */
  watched(/** @type {any} */ { tree, shown, view }) {
    return [tree, shown, view.branches];
  }

  render() {
    const { tree, view } = this.state;
    if (!tree) return nothing;
    const branches = branchesOf(tree);
    if (!(view.branches ?? (branches.length > 1 || tree.names.size > 0))) return nothing;
    const path = pathTo(tree, shownRevision(this.state));
    return html`<ul class="branches" id="branches" data-testid="branches" aria-label="Branches">
      ${branches.map((branch) => this.#branch(branch, path))}
    </ul>`;
  }

  #branch(/** @type {import("app/core/places.js").Branch} */ branch, /** @type {Set<number>} */ path) {
    const { leaf, fork, own, name, named, current } = branch;
    const here = own.includes(shownRevision(this.state)) || path.has(leaf);
    if (this.naming === leaf) return html`<li class="branch">${this.#field(branch)}</li>`;
    return html`<li class="branch" data-leaf=${leaf} ?data-here=${here} ?data-current=${current}>
      <button
        class="branch-go"
        aria-current=${here ? "true" : nothing}
        title="Show revision ${leaf}${fork ? `; it left another branch at revision ${fork}` : ""}"
        @click=${() => this.dispatch({ type: "revision.shown", revision: leaf })}
      >
        ${current ? html`<span class="unseen">The newest: </span>` : nothing}
        <span class="branch-name">${name || (fork ? `from ${fork}` : "first")}</span>
        <span class="number">to ${leaf}</span>
      </button>
      <button class="quiet" aria-label="Name the branch of revision ${leaf}" title="Name it" @click=${() => this.#begin(branch)}>${icons.pencil}</button>
      ${name
        ? html`<button class="quiet" aria-label="Take the name ${name} away" title="Take the name away" @click=${() => this.page.branches.unname(name)}>${icons.close}</button>`
        : nothing}
    </li>`;
  }

  #field(/** @type {import("app/core/places.js").Branch} */ { leaf, name, named }) {
    const save = async (/** @type {Event} */ event) => {
      event.preventDefault();
      const text = this.text.trim();
      this.naming = null;
      if (text && text !== name) await this.page.branches.name(named, text);
    };
    return html`<form class="branch-form" novalidate @submit=${save}>
      <label class="unseen" for="branch-name">Name of the branch of revision ${leaf}</label>
      <input
        id="branch-name"
        data-testid="branch-name"
        maxlength="80"
        autocomplete="off"
        placeholder="Name"
        .value=${this.text}
        @input=${(/** @type {any} */ e) => (this.text = e.target.value)}
        @keydown=${(/** @type {KeyboardEvent} */ e) => e.key === "Escape" && (e.stopPropagation(), (this.naming = null))}
      />
      <button class="quiet" aria-label="Save the name">${icons.check}</button>
      <button class="quiet" type="button" aria-label="Leave it as it is" @click=${() => (this.naming = null)}>${icons.close}</button>
    </form>`;
  }

  async #begin(/** @type {import("app/core/places.js").Branch} */ { leaf, name }) {
    this.naming = leaf;
    this.text = name;
    await this.updateComplete;
    /** @type {HTMLInputElement | null} */ (this.querySelector("#branch-name"))?.select();
  }
}

customElements.define("um-branches", BranchList);
