import { html, nothing } from "lit";
import { guard } from "lit/directives/guard.js";
import { CanvasMarks } from "app/ui/canvas-marks.js";
import { CanvasPointer, positionOf } from "app/ui/canvas-pointer.js";
import { focusIsLost } from "app/ui/focus.js";
import { PageElement } from "app/ui/page-element.js";
import { cssVars } from "app/ui/css-vars.js";
import { looks } from "app/ui/looks.js";
import { squaresIn, towards } from "app/core/grid.js";
import { colouring } from "app/core/attribution.js";
import { lensInUse } from "app/core/lenses.js";
import { cellsOf, labelOf } from "app/core/selectors.js";
import { plural } from "app/core/format.js";

/** What is above and below the squares on a page, in pixels; the rest is theirs. */
const AROUND = 400;

/** Every position as a square: the whole canvas at a glance. */
export class Grid extends PageElement {
  static properties = { active: { state: true }, told: { state: true }, room: { state: true } };

  #size = new ResizeObserver(() => this.#measure());
  #coarse = matchMedia("(pointer: coarse)");
  #measured = () => this.#measure();
  /** The position to give the focus to, once the squares are there. @type {number | null} */
  #wanted = null;
  #pointer = new CanvasPointer(this, ".squares");
  #marks = new CanvasMarks(this);

  constructor() {
    super();
    /** The position in the tab order. @type {number | null} */
    this.active = null;
    /** The position pointed at. @type {number | null} */
    this.told = null;
    this.room = { width: 0, height: 0 };
  }

  connectedCallback() {
    super.connectedCallback();
    this.#size.observe(this);
    window.addEventListener("resize", this.#measured);
  }

  disconnectedCallback() {
    super.disconnectedCallback();
    this.#size.disconnect();
    window.removeEventListener("resize", this.#measured);
  }

  /** @override */
  watched(/** @type {import("app/core/state.js").State} */ state) {
    const { tree, shown, tokens, picks, remask, looked, marked, brush, margins, weighings, view, model } = state;
    const asked = view.lens === "margin" ? [margins, weighings] : [null, null];
    return [tree, shown, tokens, picks, remask, looked, marked, brush, ...asked, ...colouring(state), view, model];
  }

  get #cells() {
    return cellsOf(this.state);
  }

  #measure() {
    const width = this.clientWidth;
    const height = Math.max(240, window.innerHeight - AROUND);
    if (width && (width !== this.room.width || height !== this.room.height)) this.room = { width, height };
  }

  get #shape() {
    // A finger needs more room than a pointer.
    const least = this.#coarse.matches ? 24 : 14;
    return squaresIn({ count: this.#cells.length, ...this.room, least });
  }

  render() {
    const cells = this.#cells;
    if (!this.room.width || !cells.length) return nothing;
    const { size, columns } = this.#shape;
    const start = cells.findIndex(({ state }) => state !== "given");
    const active = Math.min(this.active ?? Math.max(0, start), cells.length - 1);
    const told = cells[this.told ?? active] ?? cells[active];
    const rows = Array.from({ length: Math.ceil(cells.length / columns) }, (_, i) => i);
    return html`<div
        class="squares"
        role="grid"
        data-testid="grid"
        aria-label="Canvas as squares, ${plural(cells.length, "position")}"
        aria-rowcount=${rows.length}
        aria-colcount=${columns}
        aria-multiselectable="true"
        data-lens=${lensInUse(this.state)}
        data-brush=${this.state.brush.kind ?? nothing}
        @click=${this.#click}
        @keydown=${this.#key}
        @focusin=${this.#focus}
        @pointerover=${this.#point}
        @pointerleave=${() => (this.told = null)}
        @pointerdown=${this.#pointer.down}
        @pointermove=${this.#pointer.move}
        @pointerup=${this.#pointer.up}
        @pointercancel=${this.#pointer.cancel}
        @touchmove=${this.#pointer.touchmove}
        @contextmenu=${this.#pointer.contextmenu}
        ${cssVars({ "--square": `${size}px` })}
      >
        ${rows.map((row) => {
          const from = row * columns;
          const to = Math.min(from + columns, cells.length);
          const here = active >= from && active < to ? active : -1;
          const these = cells.slice(from, to);
          return html`<div class="squares-row" role="row" aria-rowindex=${row + 1}>
            ${guard([...these, here], () => [these.map((cell) => square(cell, here)), these.map(({ block }, column) => (block ? blockStart(column) : nothing))])}
          </div>`;
        })}
      </div>
      <p class="squares-words" data-testid="grid-words">${labelOf(told)}</p>`;
  }

  /** Gives a position the focus, as soon as there is room to draw it. */
  focusAt(/** @type {number} */ position) {
    this.#wanted = position;
    this.active = position;
    this.requestUpdate();
  }

  updated() {
    if (this.#wanted === null) return;
    const square = /** @type {HTMLElement | null} */ (this.querySelector(`#cell-${this.#wanted}`));
    if (!square) return;
    this.#wanted = null;
    if (focusIsLost()) square.focus();
  }

  /** @override */
  refocused() {
    /** @type {HTMLElement | null} */ (this.querySelector(".square[tabindex='0']"))?.focus();
  }

  #click(/** @type {MouseEvent} */ event) {
    const position = positionOf(event.target);
    if (this.#pointer.wasDrag || position === null) return;
    const before = this.active;
    this.active = position;
    if (!this.#marks.click(event, position, before)) this.page.inspection.look(position);
  }

  #focus(/** @type {Event} */ event) {
    const position = positionOf(event.target);
    if (position !== null) this.active = this.told = position;
  }

  #point(/** @type {Event} */ event) {
    const position = positionOf(event.target);
    if (position !== null) this.told = position;
  }

  #key(/** @type {KeyboardEvent} */ event) {
    const position = positionOf(event.target);
    if (position === null || event.metaKey || event.altKey) return;
    const count = this.#cells.length;
    const to = towards(event.key, { position, columns: this.#shape.columns, count, whole: event.ctrlKey });
    if (!event.shiftKey) this.#marks.forget();
    if (to !== null) {
      if (event.shiftKey) this.#marks.extend(position, to);
      /** @type {HTMLElement | null} */ (this.querySelector(`#cell-${to}`))?.focus();
    } else if (event.ctrlKey) return;
    else if (event.key === "Enter") {
      if (this.state.brush.passed.size) this.page.editing.paint();
      else this.page.inspection.look(position);
    } else if (event.key === " ") {
      if (!this.page.session.togglePick(position)) this.dispatch({ type: "key.refused", why: "Only an open position that has a draft can be picked." });
    } else return;
    event.preventDefault();
    event.stopPropagation();
  }
}

function square(/** @type {import("app/core/selectors.js").Cell} */ cell, /** @type {number} */ active) {
  const { position, picked, marked, looked } = cell;
  return html`<span
    class="square"
    role="gridcell"
    id="cell-${position}"
    tabindex=${position === active ? 0 : -1}
    aria-label=${labelOf(cell)}
    aria-selected=${picked || marked ? "true" : "false"}
    aria-current=${looked ? "true" : nothing}
    data-position=${position}
    ${looks(cell)}
  ></span>`;
}

/** A tick before a square that begins a block. */
const blockStart = (/** @type {number} */ column) => html`<i class="block-start" aria-hidden="true" ${cssVars({ "--column": column })}></i>`;

customElements.define("um-grid", Grid);
