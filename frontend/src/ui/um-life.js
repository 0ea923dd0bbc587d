import { html, nothing } from "lit";
import { live } from "lit/directives/live.js";
import { PageElement } from "app/ui/page-element.js";
import { nearest, scaleOf, spark } from "app/ui/spark.js";
import { tokenFace } from "app/ui/token-face.js";
import { deedInWords, lifeInWords, lifeOf, passageInWords } from "app/core/life.js";
import { percentOfByte, percent } from "app/core/format.js";
import { wayOf } from "app/core/heat.js";
import { faceOfId } from "app/core/selectors.js";
import { shownRevision } from "app/core/state.js";
import * as icons from "app/ui/icons.js";

/** @typedef {import("app/core/life.js").Life} Life @typedef {import("app/core/life.js").Passage} Passage */

/** Unfolded by itself from so many steps on. */
const ENOUGH = 2;

/** @type {Partial<Record<import("app/core/life.js").Kind, unknown>>} */
const ICONS = { committed: icons.check, edited: icons.pencil, confirmed: icons.check, locked: icons.locked, unlocked: icons.unlocked, inserted: icons.plus, removed: icons.close, reopened: icons.undo };

/** What became of the position looked at. */
class LifePanel extends PageElement {
  static properties = { open: { state: true }, table: { state: true } };

  constructor() {
    super();
    /** As a person left it; null: as there are steps to show. @type {boolean | null} */
    this.open = null;
    this.table = false;
  }

  /** @override */
  watched(/** @type {import("app/core/state.js").State} */ { tree, shown, looked, tokens, model }) {
    return [tree, shown, looked, tokens, model];
  }

  #name = (/** @type {number} */ token) => `“${faceOfId(this.state, token).name}”`;

  render() {
    const { tree, looked } = this.state;
    const revision = shownRevision(this.state);
    if (!tree || looked === null || looked >= tree.revisions[revision].canvas.length) return nothing;
    const life = lifeOf(tree, revision, looked);
    const open = this.open ?? life.steps >= ENOUGH;
    return html`<details class="life" data-testid="life" .open=${live(open)}>
      <summary @click=${(/** @type {Event} */ e) => (e.preventDefault(), (this.open = !open))}>Life of the position</summary>
      ${open ? this.#body(tree, life, revision) : nothing}
    </details>`;
  }

  /** @param {import("app/core/tree.js").Tree} tree @param {Life} life @param {number} revision */
  #body(tree, life, revision) {
    const { points, passages } = life;
    const scale = scaleOf(tree);
    const flips = new Set(passages.filter(({ flipped }) => flipped).map((passage) => passage.revision));
    const done = passages.filter(({ kind }) => kind !== "draft");
    const known = points.filter(({ probability }) => probability !== null);
    const spots = known.map(({ revision: at, probability }, i) => ({
      x: scale(at),
      y: probability ?? 0,
      joined: i > 0 && !done.some((passage) => passage.revision > known[i - 1].revision && passage.revision <= at),
      kind: flips.has(at) ? "flip" : "",
    }));
    const signs = done.map(({ revision: at, kind }) => ({ x: scale(at), kind }));
    const words = lifeInWords(life, this.#name);
    return html`${spots.length > 1
        ? spark({
            spots,
            signs,
            here: scale(revision),
            words: `p_base of the draft at each prediction, on the scale of the timeline. ${words}`,
            hint: "p_base of the draft at each prediction, from 0 to 100%. A large dot: another draft than before. A click goes there.",
            test: "life-spark",
            go: (x) => this.#show(nearest(scale, wayOf(tree, revision), x)),
          })
        : nothing}
      ${passages.length ? this.#passages(passages, revision) : nothing}
      <p class="note" data-testid="life-words">${words}</p>
      ${points.length
        ? html`<button class="quiet text" data-testid="life-table-switch" aria-expanded=${this.table ? "true" : "false"} @click=${() => (this.table = !this.table)}>
            ${this.table ? "Hide the table" : "Show as table"}
          </button>`
        : nothing}
      ${points.length && this.table ? this.#table(life) : nothing}`;
  }

  updated() {
    // Of a long life the part shown stays in view; the page itself does not move.
    const list = this.querySelector(".passages");
    const here = /** @type {HTMLElement | null} */ (list?.querySelector("[aria-current]"));
    if (!list || !here) return;
    const { offsetTop, offsetHeight } = here;
    list.scrollTop = Math.min(Math.max(list.scrollTop, offsetTop + offsetHeight + 4 - list.clientHeight), offsetTop - 4);
  }

  /** @param {Passage[]} passages @param {number} revision */
  #passages(passages, revision) {
    const here = passages.findLast((passage) => passage.revision <= revision);
    return html`<ol class="passages" data-testid="life-passages" aria-label="What became of the position, oldest first">
      ${passages.map((passage) => this.#passage(passage, passage === here, passage.revision > revision))}
    </ol>`;
  }

  /** @param {Passage} passage @param {boolean} here @param {boolean} later */
  #passage(passage, here, later) {
    const { kind, revision, token, count, by, flipped } = passage;
    const words = passageInWords(passage, this.#name);
    const face = token === null ? null : faceOfId(this.state, token);
    const drafted = kind === "draft";
    return html`<li ?data-later=${later}>
      <button
        class="passage"
        data-testid="life-passage"
        data-kind=${kind}
        data-revision=${revision}
        data-token=${token ?? nothing}
        data-count=${drafted ? count : nothing}
        data-by=${by ?? nothing}
        ?data-flipped=${flipped}
        aria-current=${here ? "true" : nothing}
        aria-label="${words}. Show revision ${revision}"
        title="${words}${flipped ? ", another token than before" : ""}. Shows revision ${revision}."
        @click=${() => this.#show(revision)}
      >
        ${ICONS[kind] ?? nothing}${face ? html`<span class="token" ?data-special=${face.special}>${tokenFace(face)}</span>` : nothing}
        ${drafted ? html`<span class="number">×${count}</span>` : html`<span>${deedInWords(passage)}</span>`}
      </button>
    </li>`;
  }

  #table(/** @type {Life} */ { points, passages }) {
    const rows = [
      ...points.map(({ revision, token, probability }) => ({ revision, token, what: "draft", p: probability === null ? "–" : `≈ ${percentOfByte(probability * 255)}` })),
      ...passages.filter(({ kind }) => kind !== "draft").map((passage) => ({
        revision: passage.revision - 0.5,
        token: passage.token,
        what: deedInWords({ ...passage, probability: null }),
        p: passage.probability === null ? "–" : percent(passage.probability),
      })),
    ].sort((a, b) => a.revision - b.revision);
    return html`<div class="small-table" tabindex="0" role="region" aria-label="Life of the position, as a table">
      <table data-testid="life-table">
        <thead>
          <tr>${["Revision", "Token", "What", "p_base"].map((name) => html`<th scope="col">${name}</th>`)}</tr>
        </thead>
        <tbody>
          ${rows.map(({ revision, token, what, p }) => html`<tr><th scope="row">${Math.ceil(revision)}</th><td>${token === null ? "–" : faceOfId(this.state, token).name}</td><td>${what}</td><td>${p}</td></tr>`)}
        </tbody>
      </table>
    </div>`;
  }

  #show(/** @type {number | null} */ revision) {
    if (revision !== null) this.dispatch({ type: "revision.shown", revision });
  }
}

customElements.define("um-life", LifePanel);
