import { html, nothing } from "lit";
import { repeat } from "lit/directives/repeat.js";
import { PageElement } from "app/ui/page-element.js";
import { addButton, bar, offered, toggle, unseen } from "app/ui/candidate.js";
import { cssVars } from "app/ui/css-vars.js";
import { segments } from "app/ui/segments.js";
import { inside, looks } from "app/ui/looks.js";
import { tokenFace } from "app/ui/token-face.js";
import { emptyList, listed, rowOf, windowOf } from "app/core/rows.js";
import { colouring } from "app/core/attribution.js";
import { lensInUse } from "app/core/lenses.js";
import { blockOf, blocksAt } from "app/core/blocks.js";
import { cellsOf, labelOf, shown } from "app/core/selectors.js";
import { NOT_ALLOWED } from "app/core/constraints.js";
import { offline, switchedOff } from "app/core/readiness.js";
import { percent, plural } from "app/core/format.js";
import * as icons from "app/ui/icons.js";

const FILTERS = /** @type {const} */ ([
  { value: "open", name: "Open", title: "Positions that are still to decide" },
  { value: "all", name: "All", title: "Every position of the canvas" },
  { value: "changed", name: "Changed", title: "Positions that the revision shown has changed" },
]);

/** Measures in rem: a row, what is left of its cards, a card. In a narrow list the cards stand below. */
const WIDE = { row: 3.75, head: 11.5, card: 6.375 };
const NARROW = { row: 6, head: 0, card: 6.5 };
const MOST_CARDS = 8;

/** The canvas as a list: each position with its candidates. Only the rows in view are there. */
export class Rows extends PageElement {
  static properties = { active: { state: true }, top: { state: true }, size: { state: true } };

  /** What was last known of a position, kept in view, dimmed, while the next is on its way. @type {Map<number, { layout: string, weighing: import("app/core/state.js").Weighing }>} */
  #last = new Map();
  #resized = new ResizeObserver(() => this.#measure());
  /** @type {readonly number[]} */
  #listed = [];

  constructor() {
    super();
    /** The place in the tab order; column 0: the position itself. @type {{ position: number, column: number }} */
    this.active = { position: -1, column: 0 };
    this.top = 0;
    this.size = { width: 0, height: 0, rem: 16 };
  }

  connectedCallback() {
    super.connectedCallback();
    this.#resized.observe(this);
  }

  disconnectedCallback() {
    super.disconnectedCallback();
    this.#resized.disconnect();
    this.page.rows.see([]);
  }

  /** @override */
  watched(/** @type {import("app/core/state.js").State} */ state) {
    const { tree, shown, tokens, picks, remask, looked, marked, brush, weighings, margins, view, model, activity, connection } = state;
    return [tree, shown, tokens, picks, remask, looked, marked, brush, weighings, view.lens === "margin" && margins, view.rows, view.draft, view.lens, ...colouring(state), view.asks, model, activity, connection.state];
  }

  get #measures() {
    return this.size.width < 30 * this.size.rem ? NARROW : WIDE;
  }

  get #row() {
    return this.#measures.row * this.size.rem;
  }

  get #window() {
    return windowOf({ top: this.top, height: this.size.height, row: this.#row, count: this.#listed.length });
  }

  render() {
    const { view } = this.state;
    const all = (this.#listed = listed(this.state));
    return html`<div class="rows-head">
        ${segments({ label: "Positions listed", testid: "rows-filter", value: view.rows, options: FILTERS, choose: (rows) => this.#filter(rows) })}
        <span class="note">${plural(all.length, "position")}</span>
        <span class="grow"></span>
        <span class="note rows-key" aria-hidden="true">outline: model · filled: sampler</span>
      </div>
      ${all.length
        ? this.#list(all)
        : html`<div class="rows-empty">
            <p>${emptyList(this.state)}</p>
            <button class="button" @click=${() => this.#filter("all")}>Show all</button>
          </div>`}`;
  }

  #list(/** @type {readonly number[]} */ all) {
    const cells = cellsOf(this.state);
    const revision = shown(this.state);
    const blocks = revision && blocksAt(revision);
    const blockAt = (/** @type {number} */ index) => (blocks && index >= 0 ? blockOf(blocks, all[index]) : 0);
    // A block's first position may not be listed: the line is before the first that is.
    const begun = (/** @type {number} */ index) => (index && blockAt(index) > blockAt(index - 1) ? blockAt(index) : 0);
    const at = Math.max(0, all.indexOf(this.active.position));
    const { from, to } = this.#window;
    const indices = Array.from({ length: to - from }, (_, i) => from + i);
    // The row in the tab order is always there, so that Tab and the focus find it.
    if (at < from) indices.unshift(at);
    else if (at >= to) indices.push(at);
    return html`<div
      class="rows-box"
      ?data-narrow=${this.#measures === NARROW}
      data-testid="rows"
      @scroll=${(/** @type {any} */ e) => (this.top = e.target.scrollTop)}
      data-lens=${lensInUse(this.state)}
      ${cssVars({ "--row-height": `${this.#row}px` })}
    >
      <div class="rows" role="grid" aria-label="Positions and their candidates" aria-rowcount=${all.length} @keydown=${this.#key} @keyup=${this.#keyup} @focusin=${this.#focus} ${cssVars({ "--count": all.length })}>
        ${repeat(indices, (index) => all[index], (index) => this.#drawn(cells[all[index]], index, index === at, begun(index)))}
      </div>
    </div>`;
  }

  /** @param {import("app/core/selectors.js").Cell} cell  @param {number} index  @param {boolean} active  @param {number} block  the one that the rows from here on are of; 0: as those above */
  #drawn(cell, index, active, block) {
    const { position, state, token, looked } = cell;
    const column = active ? this.active.column : -1;
    const tab = (/** @type {number} */ at) => (at === column ? 0 : -1);
    return html`<div class="row" role="row" aria-rowindex=${index + 1} data-position=${position} data-state=${state} data-token=${token ?? nothing} ?data-looked=${looked} ?data-block=${block > 0} ${cssVars({ "--index": index })}>
      <div
        class="row-cell"
        role="rowheader"
        id="cell-${position}"
        data-column="0"
        tabindex=${tab(0)}
        aria-label="${labelOf(cell)}${block && !cell.block ? `, block ${block} from here` : ""}"
        aria-current=${looked ? "true" : nothing}
        title="Inspect the position"
        @click=${() => this.page.inspection.look(position)}
      >
        <span class="number">${position}</span>
        <span class="cell" ${looks({ ...cell, repeat: false, looked: false })}>${inside({ ...cell, block: 0 })}</span>
        <span class="row-state">${inWords(cell)}</span>
      </div>
      ${this.#strip(cell, tab)}
    </div>`;
  }

  /** @param {import("app/core/selectors.js").Cell} cell  @param {(column: number) => 0 | -1} tab */
  #strip(cell, tab) {
    const { position, state } = cell;
    const { target, weighing, failed, greedy, hindrance } = rowOf(this.state, position);
    const note = (/** @type {unknown} */ words) => html`<div class="row-note" role="gridcell">${words}</div>`;
    if (!target) return note(state === "given" ? "Given; the model weighed nothing here." : "What the model weighed here is not known.");
    if (failed) return note(html`<span data-problem>${failed}</span>`);
    const layout = `${this.state.tree?.id} ${this.state.tree?.revisions[target.revision].layout} ${state}`;
    if (weighing) this.#last.set(position, { layout, weighing });
    const last = this.#last.get(position);
    const drawn = weighing ?? (last?.layout === layout ? last.weighing : null);
    if (!drawn) return note(offline(this.state) || switchedOff(this.state, "see candidates") || (this.state.activity === "run" || this.state.activity === "step" ? "" : "…"));
    const most = this.#fitting;
    const cards = drawn.candidates.slice(0, most);
    const more = drawn.candidates.length - cards.length;
    const offer = { position, chosen: target.chosen, greedy, hindrance };
    return html`<div class="cards" ?data-stale=${!weighing}>
      ${cards.map((candidate, rank) => this.#card(offer, candidate, rank, tab(rank + 1)))}
      ${more
        ? html`<div class="more" role="gridcell">
            <button class="quiet text" data-column=${cards.length + 1} tabindex=${tab(cards.length + 1)} title="All of them, in the inspector" aria-label="${more} more candidates, in the inspector" @click=${() => this.page.inspection.look(position)}>+${more}</button>
          </div>`
        : nothing}
    </div>`;
  }

  /** @param {import("app/ui/candidate.js").Offer} offer  @param {import("app/core/state.js").Candidate} candidate  @param {number} rank  @param {0 | -1} tab */
  #card(offer, candidate, rank, tab) {
    const { token, pBase, pFinal, kept } = candidate;
    const told = offered(this.state, offer, candidate);
    const { face, isChosen, why, limit, title, invalid } = told;
    return html`<div class="candidate-card" role="gridcell" ?data-cut=${!kept} ?data-invalid=${invalid} ?data-chosen=${isChosen} data-token=${token}>
      <button class="choose" data-column=${rank + 1} data-rank=${rank} tabindex=${tab} aria-disabled=${why ? "true" : "false"} title=${title} @click=${() => !why && this.page.session.pick(offer.position, token)}>
        <span class="token" ?data-special=${face.special}>${tokenFace(face)}${face.body ? nothing : unseen(face.name)}${isChosen ? html`${icons.check}${unseen(", the token there")}` : nothing}</span>
        ${bar(pBase, pFinal)}
        <span class="numbers number">${unseen(kept ? ", model " : `, ${limit}Model `)}<span>${percent(pBase)}</span>${unseen(", sampler ")}<span>${invalid ? html`<span class="not-allowed">${icons.barred}</span>` : kept ? percent(pFinal) : greedyOrCut(offer.greedy)}</span></span>
      </button>
      ${offer.chosen === null ? addButton(this.page, offer.position, candidate, told, -1) : nothing}
    </div>`;
  }

  get #fitting() {
    const { head, card } = this.#measures;
    const room = this.size.width / this.size.rem - head - 2.75;
    return Math.min(Math.max(Math.floor(room / card), 1), MOST_CARDS);
  }

  updated() {
    const box = this.querySelector(".rows-box");
    if (box) this.#resized.observe(box);
    this.#measure();
    const { from, to } = windowOf({ top: this.top, height: this.size.height, row: this.#row, count: this.#listed.length, around: 0 });
    this.page.rows.see(this.size.height ? this.#listed.slice(from, to) : []);
  }

  #measure() {
    const box = this.querySelector(".rows-box");
    const rem = Number.parseFloat(getComputedStyle(document.documentElement).fontSize);
    const size = { width: box?.clientWidth ?? 0, height: box?.clientHeight ?? 0, rem };
    if (box && (size.width !== this.size.width || size.height !== this.size.height || rem !== this.size.rem)) this.size = size;
    if (box && box.scrollTop !== this.top) this.top = box.scrollTop;
  }

  #filter(/** @type {import("app/core/rows.js").Filter} */ rows) {
    this.dispatch({ type: "view.changed", view: { rows } });
  }

  /** @override */
  refocused() {
    this.#place?.focus({ preventScroll: true });
  }

  /** Gives the row of a position the focus, or the nearest that is listed. */
  async focusAt(/** @type {number} */ position) {
    await this.updateComplete;
    const away = this.#listed.map((at) => Math.abs(at - position));
    if (away.length) await this.#go(away.indexOf(Math.min(...away)), 0);
    else /** @type {HTMLElement | null} */ (this.querySelector(".rows-empty button"))?.focus();
  }

  get #place() {
    const at = /** @type {HTMLElement[]} */ ([...this.querySelectorAll("[data-column]")]);
    return at.find((one) => one.tabIndex === 0) ?? at[0];
  }

  #focus(/** @type {Event} */ event) {
    const place = placeOf(event.target);
    if (place && (place.position !== this.active.position || place.column !== this.active.column)) this.active = place;
  }

  #key(/** @type {KeyboardEvent} */ event) {
    const place = placeOf(event.target);
    if (!place || event.ctrlKey || event.metaKey || event.altKey) return;
    const at = this.#listed.indexOf(place.position);
    const page = Math.max(1, Math.floor(this.size.height / this.#row) - 1);
    const columns = /** @type {Element} */ (event.target).closest(".row")?.querySelectorAll("[data-column]").length ?? 1;
    switch (event.key) {
      case "ArrowDown": this.#go(at + 1, place.column); break;
      case "ArrowUp": this.#go(at - 1, place.column); break;
      case "PageDown": this.#go(at + page, place.column); break;
      case "PageUp": this.#go(at - page, place.column); break;
      case "Home": this.#go(0, place.column); break;
      case "End": this.#go(this.#listed.length - 1, place.column); break;
      case "ArrowRight": this.#go(at, Math.min(place.column + 1, columns - 1)); break;
      case "ArrowLeft": this.#go(at, Math.max(place.column - 1, 0)); break;
      case "Enter":
        // On a card the button's own click does it.
        if (place.column) return event.stopPropagation();
        this.page.inspection.look(place.position);
        break;
      case " ": this.#toTray(place, /** @type {Element} */ (event.target)); break;
      default: return undefined;
    }
    event.preventDefault();
    return event.stopPropagation();
  }

  /** Space fills the tray; a button would be pressed by its release. */
  #keyup(/** @type {KeyboardEvent} */ event) {
    if (event.key === " ") event.preventDefault();
  }

  #toTray(/** @type {{ position: number, column: number }} */ { position, column }, /** @type {Element} */ target) {
    const rank = /** @type {HTMLElement} */ (target).dataset.rank;
    const { target: place, weighing } = rowOf(this.state, position);
    const candidate = rank === undefined ? undefined : weighing?.candidates[Number(rank)];
    if (candidate?.invalid) this.dispatch({ type: "key.refused", why: `${NOT_ALLOWED}.` });
    else if (candidate && place?.chosen === null) toggle(this.page, position, candidate);
    else if (column || !this.page.session.togglePick(position)) this.dispatch({ type: "key.refused", why: "Only what is offered for an open position can be picked." });
  }

  /** Moves the focus to a row, wherever it is. */
  async #go(/** @type {number} */ index, /** @type {number} */ column) {
    const at = Math.min(Math.max(index, 0), this.#listed.length - 1);
    const box = this.querySelector(".rows-box");
    if (at < 0 || !box) return;
    const position = this.#listed[at];
    box.scrollTop = Math.min(Math.max(box.scrollTop, (at + 1) * this.#row - box.clientHeight), at * this.#row);
    this.top = box.scrollTop;
    this.active = { position, column };
    await this.updateComplete;
    const row = this.querySelector(`.row[data-position="${position}"]`);
    const places = /** @type {HTMLElement[]} */ ([...(row?.querySelectorAll("[data-column]") ?? [])]);
    // The row may have fewer cards, or none yet.
    places[Math.min(column, places.length - 1)]?.focus({ preventScroll: true });
  }
}

const greedyOrCut = (/** @type {boolean} */ greedy) => (greedy ? html`<s>0%</s>` : "cut");

/** A position's state in a word. @param {import("app/core/selectors.js").Cell} cell */
function inWords({ state, face, picked, reopening, deed, locked, marked }) {
  if (marked) return "marked";
  if (picked) return reopening ? "to open" : "picked";
  if (deed) return { committed: "new", reopened: "reopened", edited: "edited", inserted: "put in" }[deed];
  if (locked) return "locked";
  return state === "open" && face ? "draft" : state;
}

/** @returns {{ position: number, column: number } | null} */
function placeOf(/** @type {EventTarget | null} */ target) {
  const element = /** @type {HTMLElement | null} */ (target);
  const row = /** @type {HTMLElement | null} */ (element?.closest(".row"));
  const column = /** @type {HTMLElement | null} */ (element?.closest("[data-column]"))?.dataset.column;
  return row ? { position: Number(row.dataset.position), column: Number(column ?? 0) } : null;
}

customElements.define("um-rows", Rows);
