import { html, nothing } from "lit";
import { labelOf } from "app/core/selectors.js";
import { inside, looks } from "app/ui/looks.js";

/** What it says of a cell before all else, beside the one that it is paired with. */
const WORDS = { "": "", differs: "differs: ", alone: "decided on one side only: " };

/**
 * A cell of a canvas that is only looked at.
 * @param {import("app/core/selectors.js").Cell} cell
 * @param {"" | "differs" | "alone"} sign  of its pair
 */
export function stillCell(cell, sign) {
  const { position, face, hidden, repeat } = cell;
  return html`<span
      class="cell"
      role="listitem"
      aria-label="${WORDS[sign]}${labelOf(cell)}"
      data-position=${position}
      ?hidden=${hidden && !sign}
      ?data-differs=${sign === "differs"}
      ?data-alone=${sign === "alone"}
      ${looks({ ...cell, repeat: repeat && !sign })}
      >${inside(cell)}</span
    >${face?.breaks ? html`<span class="break" aria-hidden="true"></span>` : nothing}`;
}
