// Marking as in any list, in whatever way the canvas is drawn: Ctrl adds, Shift
// goes from here to there. With a brush in the hand Shift and an arrow paint.
import { markable } from "app/core/selectors.js";

export class CanvasMarks {
  #host;
  /** Where extending began, and what was marked then. @type {{ position: number, base: ReadonlySet<number> } | null} */
  #anchor = null;

  /** @param {import("app/ui/page-element.js").PageElement} host */
  constructor(host) {
    this.#host = host;
  }

  get #state() {
    return this.#host.page.store.state;
  }

  /** The next extending begins where it begins. */
  forget() {
    this.#anchor = null;
  }

  mark(/** @type {Iterable<number>} */ positions) {
    this.#host.dispatch({ type: "marks.changed", positions });
  }

  /**
   * What a click with a key held down does.
   * @param {MouseEvent} event
   * @param {number} position
   * @param {number | null} active  the position in the tab order
   * @returns {boolean} whether one was
   */
  click(event, position, active) {
    const { marked, looked } = this.#state;
    this.forget();
    if (event.ctrlKey || event.metaKey) {
      const next = new Set(marked);
      if (!next.delete(position)) next.add(position);
      this.mark(next);
      return true;
    }
    if (event.shiftKey) this.mark(markable(this.#state, looked ?? active ?? position, position));
    return event.shiftKey;
  }

  /** What the Shift key and a movement do: more is marked, or painted. */
  extend(/** @type {number} */ from, /** @type {number} */ to) {
    const { marked, brush } = this.#state;
    if (brush.kind) {
      this.#host.dispatch({ type: "brush.changed", fields: { passed: [...brush.passed, ...markable(this.#state, from, to)] } });
      return;
    }
    this.#anchor ??= { position: from, base: marked };
    this.mark([...this.#anchor.base, ...markable(this.#state, this.#anchor.position, to)]);
  }
}
