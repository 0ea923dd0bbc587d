import { html, nothing } from "lit";
import { live } from "lit/directives/live.js";
import { PageElement } from "app/ui/page-element.js";
import { cssVars } from "app/ui/css-vars.js";
import { cellInWords, heatOfWay, MARKS, positionIn, rowInWords } from "app/core/heat.js";
import { decimal } from "app/core/format.js";
import { shownRevision } from "app/core/state.js";
import "app/ui/um-maximise.js";

/** Rows of the table at once. */
const PAGE = 64;
/** The canvas grows by so many rows, so that a frame draws its own and no other. */
const SPARE = 128;

/** Which position was filled in when: a row for each revision, a column for each position. */
class Heatmap extends PageElement {
  static properties = { pointed: { state: true }, cursor: { state: true }, table: { state: true }, width: { state: true } };

  /** What is drawn in each row of the canvas. @type {import("app/core/heat.js").Row[]} */
  #drawn = [];
  /** The colours of the codes, as the bytes of ImageData. @type {Uint32Array | null} */
  #palette = null;
  /** The revision that was scrolled to. */
  #followed = -1;
  #size = new ResizeObserver(([{ contentRect }]) => (this.width = contentRect.width));
  #scheme = matchMedia("(prefers-color-scheme: dark)");
  #recolour = () => {
    this.#palette = null;
    this.requestUpdate();
  };
  #theme = new MutationObserver(this.#recolour);

  constructor() {
    super();
    /** @type {{ row: number, column: number } | null} */
    this.pointed = null;
    /** The cell in the tab order. @type {{ revision: number, column: number } | null} */
    this.cursor = null;
    /** The cell that a key went to, for a screen reader: it hears of no label that changes. */
    this.said = "";
    /** The first row of the table; null: there is none. @type {number | null} */
    this.table = null;
    this.width = 0;
  }

  connectedCallback() {
    super.connectedCallback();
    this.#size.observe(this);
    this.#scheme.addEventListener("change", this.#recolour);
    this.#theme.observe(document.documentElement, { attributeFilter: ["data-theme"] });
  }

  disconnectedCallback() {
    super.disconnectedCallback();
    this.#size.disconnect();
    this.#scheme.removeEventListener("change", this.#recolour);
    this.#theme.disconnect();
  }

  /** @override */
  watched(/** @type {any} */ { tree, shown, tokens, model, view }) {
    return view.heat ? [tree, shown, tokens, model] : [tree === null];
  }

  get #open() {
    return Boolean(/** @type {any} */ (this.state.view).heat);
  }

  #unfold(/** @type {boolean} */ heat) {
    if (heat !== this.#open) this.dispatch({ type: "view.changed", view: { heat } });
  }

  render() {
    const { tree } = this.state;
    if (!tree) return nothing;
    return html`<details class="card heat" data-testid="heat" .open=${live(this.#open)} @toggle=${(/** @type {any} */ e) => this.#unfold(e.target.open)}>
      <summary @click=${(/** @type {Event} */ e) => (e.preventDefault(), this.#unfold(!this.#open))}>Order of unmasking</summary>
      ${this.#open ? html`<um-maximise .page=${this.page} panel="heat" name="the heatmap"></um-maximise>${this.#body(tree)}` : nothing}
    </details>`;
  }

  #body(/** @type {import("app/core/tree.js").Tree} */ tree) {
    const heat = heatOfWay(tree, shownRevision(this.state));
    const { rows, start, columns, left } = heat;
    if (!columns) return html`<p class="note">There is no position to fill in.</p>`;
    const here = this.#rowShown(heat);
    const cursor = this.#cursorIn(heat);
    const told = this.pointed && this.pointed.row < rows.length && this.pointed.column < columns ? this.pointed : cursor;
    return html`<div
        class="heat-box"
        ${cssVars({ "--rows": rows.length, "--columns": columns, ...this.#cellSize(rows.length, columns) })}
      >
        <div
          class="heat-plot"
          role="grid"
          aria-label="Order of unmasking: revisions down, positions across"
          aria-rowcount=${rows.length}
          aria-colcount=${columns}
          @pointermove=${(/** @type {PointerEvent} */ e) => this.#point(this.#cellUnder(e, heat))}
          @pointerleave=${() => this.#point(null)}
          @click=${(/** @type {MouseEvent} */ e) => this.#click(this.#cellUnder(e, heat), heat)}
          @keydown=${this.#key}
        >
          <div class="heat-pixels" aria-hidden="true"><canvas data-testid="heat-canvas"></canvas></div>
          <i class="heat-here" aria-hidden="true" data-testid="heat-here" data-revision=${rows[here].revision} ${cssVars({ "--row": here })}></i>
          <div role="row" aria-rowindex=${cursor.row + 1}>
            <div
              class="heat-cell"
              role="gridcell"
              tabindex="0"
              data-testid="heat-cell"
              aria-colindex=${cursor.column + 1}
              aria-label=${cellInWords(this.state, heat, cursor.row, cursor.column)}
              ${cssVars({ "--row": cursor.row, "--column": cursor.column })}
            ></div>
          </div>
        </div>
      </div>
      <p class="heat-words" data-testid="heat-words">${cellInWords(this.state, heat, told.row, told.column)}</p>
      <p class="unseen" role="status" data-testid="heat-said">${this.said}</p>
      ${legend()}
      <p class="note">
        Down: revisions ${rows[0].revision} to ${rows[rows.length - 1].revision}${left ? `, ${left} older ones left out` : ""}. Across: positions ${start} to ${start + columns - 1}. A click goes there.
      </p>
      <button class="quiet text" data-testid="heat-table-switch" aria-expanded=${this.table === null ? "false" : "true"} @click=${() => (this.table = this.table === null ? here - (here % PAGE) : null)}>
        ${this.table === null ? "Show as table" : "Hide the table"}
      </button>
      ${this.table === null ? nothing : this.#table(rows, Math.min(this.table, rows.length - 1))}`;
  }

  #table(/** @type {import("app/core/heat.js").Row[]} */ rows, /** @type {number} */ from) {
    const to = Math.min(from + PAGE, rows.length);
    const move = (/** @type {number} */ by, /** @type {string} */ label) => {
      const target = from + by * PAGE;
      const none = target < 0 || target >= rows.length;
      return html`<button class="quiet text" aria-disabled=${none ? "true" : "false"} title=${none ? "There are no steps further that way." : nothing} @click=${() => !none && (this.table = target)}>${label}</button>`;
    };
    return html`<div class="heat-table" tabindex="0" role="region" aria-label="Order of unmasking, as a table">
        <table data-testid="heat-table">
          <thead>
            <tr>
              ${["Revision", "Committed", "Changed", "Open", "Mean p", "Gate"].map((name) => html`<th scope="col">${name}</th>`)}
            </tr>
          </thead>
          <tbody>
            ${rows.slice(from, to).map(({ revision }) => {
              const told = rowInWords(this.state, revision);
              return html`<tr>
                <th scope="row">${revision}</th>
                <td>${told.committed.join("; ") || "–"}</td>
                <td>${told.changed.join("; ") || "–"}</td>
                <td>${told.open}</td>
                <td>${decimal(told.mean)}</td>
                <td>${decimal(told.gate)}</td>
              </tr>`;
            })}
          </tbody>
        </table>
      </div>
      ${rows.length > PAGE ? html`<p class="heat-pages">${move(-1, "Earlier")} ${move(1, "Later")}</p>` : nothing}`;
  }

  updated() {
    const { tree } = this.state;
    this.toggleAttribute("hidden", tree === null);
    const canvas = /** @type {HTMLCanvasElement | null} */ (this.querySelector("canvas"));
    if (!tree || !canvas) {
      this.#drawn = [];
      this.#followed = -1;
      return;
    }
    const heat = heatOfWay(tree, shownRevision(this.state));
    this.#draw(canvas, heat);
    this.#follow(heat);
  }

  /** One pixel a cell; the style sheet makes the pixels larger, and keeps them sharp. */
  #draw(/** @type {HTMLCanvasElement} */ canvas, /** @type {import("app/core/heat.js").Heat} */ { rows, columns }) {
    const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d", { willReadFrequently: true }));
    if (canvas.width !== columns || canvas.height < rows.length || !this.#drawn.length) {
      canvas.width = columns;
      canvas.height = Math.ceil((rows.length + 1) / SPARE) * SPARE;
      this.#drawn = [];
    }
    if (!this.#palette) {
      this.#palette = paletteOf(this);
      this.#drawn = [];
    }
    canvas.style.setProperty("--drawn-rows", String(canvas.height));
    const drawn = this.#drawn;
    const first = rows.findIndex((row, i) => row !== drawn[i]);
    const last = rows.findLastIndex((row, i) => row !== drawn[i]);
    if (first >= 0) {
      const image = new ImageData(columns, last - first + 1);
      const pixels = new Uint32Array(image.data.buffer);
      for (let row = first, at = 0; row <= last; row++) {
        const { codes } = rows[row];
        for (let column = 0; column < columns; column++) pixels[at++] = this.#palette[codes[column]];
      }
      context.putImageData(image, 0, first);
    }
    this.#drawn = [...rows];
  }

  /** Keeps the row of the slider in view. */
  #follow(/** @type {import("app/core/heat.js").Heat} */ heat) {
    const { revision } = heat.rows[this.#rowShown(heat)];
    if (revision === this.#followed) return;
    this.#followed = revision;
    // After the layout that is due, not before it.
    requestAnimationFrame(() => this.#uncover(".heat-here", false));
  }

  /** Scrolls the plot alone: the page stays where it is. */
  #uncover(/** @type {string} */ selector, /** @type {boolean} */ across) {
    const box = this.querySelector(".heat-box");
    const mark = this.querySelector(selector);
    if (!box || !mark) return;
    const outer = box.getBoundingClientRect();
    const inner = mark.getBoundingClientRect();
    box.scrollTop += Math.min(0, inner.top - outer.top - 4) + Math.max(0, inner.bottom - outer.bottom + 4);
    if (across) box.scrollLeft += Math.min(0, inner.left - outer.left - 4) + Math.max(0, inner.right - outer.right + 4);
  }

  /** Whole pixels of the screen, so that every cell has the same size; 64: the frame and a scroll bar. */
  #cellSize(/** @type {number} */ rows, /** @type {number} */ columns) {
    const ratio = window.devicePixelRatio || 1;
    const across = Math.min(Math.max(Math.floor(((this.width - 64) * ratio) / columns), Math.ceil(ratio)), Math.round(16 * ratio));
    const down = Math.round((rows <= 40 ? 8 : rows <= 80 ? 5 : 3) * ratio);
    return { "--cell-width": `${across / ratio}px`, "--cell-height": `${down / ratio}px` };
  }

  #rowShown(/** @type {import("app/core/heat.js").Heat} */ { rows }) {
    const shown = shownRevision(this.state);
    return Math.max(0, rows.findIndex(({ revision }) => revision === shown));
  }

  /** @param {import("app/core/heat.js").Heat} heat */
  #cursorIn(heat) {
    const row = this.cursor ? heat.rows.findIndex(({ revision }) => revision === this.cursor?.revision) : -1;
    return { row: row < 0 ? this.#rowShown(heat) : row, column: Math.min(this.cursor?.column ?? 0, heat.columns - 1) };
  }

  #cellUnder(/** @type {MouseEvent} */ { clientX, clientY }, /** @type {import("app/core/heat.js").Heat} */ { rows, columns }) {
    const box = /** @type {Element} */ (this.querySelector(".heat-plot")).getBoundingClientRect();
    const row = Math.floor(((clientY - box.top) / box.height) * rows.length);
    const column = Math.floor(((clientX - box.left) / box.width) * columns);
    return row >= 0 && row < rows.length && column >= 0 && column < columns ? { row, column } : null;
  }

  #point(/** @type {{ row: number, column: number } | null} */ cell) {
    if (cell?.row !== this.pointed?.row || cell?.column !== this.pointed?.column) this.pointed = cell;
  }

  #click(/** @type {{ row: number, column: number } | null} */ cell, /** @type {import("app/core/heat.js").Heat} */ heat) {
    if (!cell) return;
    this.cursor = { revision: heat.rows[cell.row].revision, column: cell.column };
    /** @type {HTMLElement | null} */ (this.querySelector(".heat-cell"))?.focus({ preventScroll: true });
    this.#go(cell, heat);
  }

  #go(/** @type {{ row: number, column: number }} */ { row, column }, /** @type {import("app/core/heat.js").Heat} */ heat) {
    const { tree } = this.state;
    if (!tree) return;
    const { revision } = heat.rows[row];
    const position = positionIn(tree, heat, row, column);
    this.dispatch({ type: "revision.shown", revision });
    if (position >= 0) this.page.inspection.look(position);
  }

  #key(/** @type {KeyboardEvent} */ event) {
    const { tree } = this.state;
    if (!tree || event.metaKey || event.altKey) return;
    // Of now: a frame may have come since the grid was drawn.
    const heat = heatOfWay(tree, shownRevision(this.state));
    const { row, column } = this.#cursorIn(heat);
    const last = { row: heat.rows.length - 1, column: heat.columns - 1 };
    const move = (/** @type {number} */ toRow, /** @type {number} */ toColumn) => {
      this.pointed = null;
      const to = { row: Math.min(Math.max(toRow, 0), last.row), column: Math.min(Math.max(toColumn, 0), last.column) };
      this.cursor = { revision: heat.rows[to.row].revision, column: to.column };
      this.said = cellInWords(this.state, heat, to.row, to.column);
      this.updateComplete.then(() => this.#uncover(".heat-cell", true));
    };
    switch (event.key) {
      case "ArrowRight": move(row, column + 1); break;
      case "ArrowLeft": move(row, column - 1); break;
      case "ArrowDown": move(row + 1, column); break;
      case "ArrowUp": move(row - 1, column); break;
      case "PageDown": move(row + 10, column); break;
      case "PageUp": move(row - 10, column); break;
      case "Home": move(event.ctrlKey ? 0 : row, 0); break;
      case "End": move(event.ctrlKey ? last.row : row, last.column); break;
      case "Enter": this.#go({ row, column }, heat); break;
      default: return;
    }
    event.preventDefault();
    event.stopPropagation();
  }
}

/** The looks of cells, in the colours that they are drawn with. */
function legend() {
  const sample = (/** @type {string} */ kind) => html`<i class="heat-sample" data-kind=${kind}></i>`;
  return html`<ul class="heat-legend" aria-label="Legend of the order">
    <li>${sample("bare")}open</li>
    <li>${sample("low")}${sample("high")}draft, less to more probable</li>
    <li>${sample("new")}committed in this step</li>
    <li>${sample("committed")}before it</li>
    <li>${sample("changed")}opened again or edited</li>
  </ul>`;
}

/** The bytes of every code's colour, read from the legend's samples: the style sheet alone knows colours. */
function paletteOf(/** @type {Element} */ element) {
  const scratch = document.createElement("canvas");
  scratch.width = scratch.height = 1;
  const context = /** @type {CanvasRenderingContext2D} */ (scratch.getContext("2d", { willReadFrequently: true }));
  const bytes = (/** @type {string} */ kind) => {
    const sample = /** @type {Element} */ (element.querySelector(`.heat-sample[data-kind="${kind}"]`));
    context.fillStyle = getComputedStyle(sample).backgroundColor;
    context.fillRect(0, 0, 1, 1);
    return context.getImageData(0, 0, 1, 1).data;
  };
  const palette = new Uint8ClampedArray(4 * 262);
  const [low, high] = [bytes("low"), bytes("high")];
  for (let p = 0; p < 256; p++) palette.set([0, 1, 2, 3].map((i) => low[i] + ((high[i] - low[i]) * p) / 255), 4 * p);
  for (const kind of /** @type {const} */ (["bare", "committed", "new", "changed"])) palette.set(bytes(kind), 4 * MARKS[kind]);
  return new Uint32Array(palette.buffer);
}

customElements.define("um-heatmap", Heatmap);
