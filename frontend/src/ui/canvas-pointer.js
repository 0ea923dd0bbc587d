// Dragging over cells, of a text or of a grid: it marks the run between two, or
// paints with the brush, and at the edge of what scrolls it goes on. A finger
// scrolls the page; held still for a moment, it marks.
import { cellsOf, markable } from "app/core/selectors.js";
import { EdgeScroll } from "app/ui/edge-scroll.js";

/** Milliseconds until a finger held still begins to mark. */
const HELD = 450;
/** Pixels that a finger may move meanwhile. */
const STILL = 10;
/** Pixels between two looks at what a brush passes over: less than a cell is wide. */
const STRIDE = 6;

/**
 * @typedef {object} Drag
 * @property {number} id  the pointer's
 * @property {boolean} touch
 * @property {boolean} brush
 * @property {boolean} going  it is more than a press
 * @property {number} start  the position it began at
 * @property {number} last  the position it is over
 * @property {number} x
 * @property {number} y
 * @property {number} startY
 * @property {number} toX  where the pointer is
 * @property {number} toY
 * @property {ReadonlySet<number>} base  what was marked before, and stays so
 */

export class CanvasPointer {
  #host;
  #surface;
  #edge = new EdgeScroll(() => this.#over());
  /** @type {Drag | null} */
  #drag = null;
  #held = 0;
  #ended = false;

  /**
   * @param {import("app/ui/page-element.js").PageElement} host
   * @param {string} surface  selects what is dragged over
   */
  constructor(host, surface) {
    this.#host = host;
    this.#surface = surface;
  }

  get #store() {
    return this.#host.page.store;
  }

  /** Whether the click that follows belongs to a drag; asked once. */
  get wasDrag() {
    const was = this.#ended;
    this.#ended = false;
    return was;
  }

  down = (/** @type {PointerEvent} */ event) => {
    this.#ended = false;
    const position = positionOf(event.target);
    if (position === null || event.button || !event.isPrimary) return;
    this.#stop();
    const { brush, marked } = this.#store.state;
    const touch = event.pointerType === "touch";
    const base = event.ctrlKey || event.metaKey ? marked : new Set();
    this.#drag = { id: event.pointerId, touch, brush: brush.kind !== null, going: false, start: position, last: position, x: event.clientX, y: event.clientY, startY: event.clientY, toX: event.clientX, toY: event.clientY, base };
    if (brush.kind) {
      this.#begin();
      this.#pass([position]);
    } else if (touch) {
      this.#held = window.setTimeout(() => {
        this.#begin();
        this.#mark(position);
      }, HELD);
    }
  };

  move = (/** @type {PointerEvent} */ event) => {
    const drag = this.#drag;
    if (!drag || drag.id !== event.pointerId) return;
    const { clientX: x, clientY: y } = event;
    if (drag.touch && !drag.going) {
      if (Math.hypot(x - drag.x, y - drag.y) > STILL) this.#stop();
      return;
    }
    [drag.toX, drag.toY] = [x, y];
    this.#over();
    const surface = this.#box;
    if (drag.going && surface) this.#edge.at(surface, y, drag.startY);
  };

  /** What the pointer is over, wherever that came from: it has moved, or the page has under it. */
  #over() {
    const drag = this.#drag;
    if (!drag) return;
    const { toX: x, toY: y } = drag;
    if (drag.brush) {
      const steps = Math.max(1, Math.ceil(Math.hypot(x - drag.x, y - drag.y) / STRIDE));
      const passed = [];
      for (let i = 1; i <= steps; i++) passed.push(this.#at(drag.x + ((x - drag.x) * i) / steps, drag.y + ((y - drag.y) * i) / steps));
      [drag.x, drag.y] = [x, y];
      this.#pass(passed.filter((position) => position !== null));
      return;
    }
    const position = this.#at(x, y);
    if (position === null || position === drag.last) return;
    if (!drag.going) this.#begin();
    this.#mark(position);
  }

  up = (/** @type {PointerEvent} */ event) => {
    const drag = this.#drag;
    if (!drag || drag.id !== event.pointerId) return;
    this.#ended = drag.going;
    this.#stop();
    if (drag.going && drag.brush) this.#host.page.editing.paint();
  };

  /** The browser has taken the pointer for something else, or a person thinks better of it. */
  cancel = () => {
    const drag = this.#drag;
    if (!drag) return;
    this.#ended = drag.going;
    this.#stop();
    if (!drag.going) return;
    if (drag.brush) this.#host.dispatch({ type: "brush.changed", fields: { passed: [] } });
    else this.#host.dispatch({ type: "marks.changed", positions: drag.base });
  };

  /** A finger that marks does not scroll. */
  touchmove = {
    passive: false,
    handleEvent: (/** @type {TouchEvent} */ event) => {
      if (this.#drag?.going && event.cancelable) event.preventDefault();
    },
  };

  contextmenu = (/** @type {Event} */ event) => {
    if (this.#drag?.touch) event.preventDefault();
  };

  #begin() {
    const drag = /** @type {Drag} */ (this.#drag);
    drag.going = true;
    document.addEventListener("keydown", this.#key, { capture: true });
    if (this.#host.isConnected) this.#box?.setPointerCapture(drag.id);
  }

  #key = (/** @type {KeyboardEvent} */ event) => {
    if (event.key !== "Escape") return;
    event.preventDefault();
    event.stopPropagation();
    this.cancel();
  };

  #stop() {
    clearTimeout(this.#held);
    this.#edge.stop();
    document.removeEventListener("keydown", this.#key, { capture: true });
    this.#drag = null;
  }

  #mark(/** @type {number} */ position) {
    const drag = /** @type {Drag} */ (this.#drag);
    drag.last = position;
    this.#host.dispatch({ type: "marks.changed", positions: [...drag.base, ...markable(this.#store.state, drag.start, position)] });
  }

  #pass(/** @type {number[]} */ positions) {
    const { passed } = this.#store.state.brush;
    const fresh = positions.filter((position) => !passed.has(position));
    if (fresh.length) this.#host.dispatch({ type: "brush.changed", fields: { passed: [...passed, ...fresh] } });
  }

  get #box() {
    return this.#host.querySelector(this.#surface);
  }

  #at(/** @type {number} */ x, /** @type {number} */ y) {
    // A bar may float over the cells, where the page is scrolled.
    const found = document.elementsFromPoint(x, y).find((element) => this.#box?.contains(element));
    const position = found ? positionOf(found) : null;
    return position !== null && position < cellsOf(this.#store.state).length ? position : null;
  }
}

/** The position of the cell, or the square, that something is in. */
export function positionOf(/** @type {EventTarget | null} */ target) {
  const cell = /** @type {HTMLElement | null} */ (/** @type {Element} */ (target)?.closest(".cell, .square"));
  return cell ? Number(cell.dataset.position) : null;
}
