import { html, nothing } from "lit";
import { tokenFace } from "app/ui/token-face.js";
import { labelOf } from "app/core/selectors.js";
import * as icons from "app/ui/icons.js";

/**
 * A cell of a canvas that is only looked at.
 * @param {import("app/core/selectors.js").Cell} cell
 * @param {boolean} differs  from the one that it is paired with
 */
export function stillCell(cell, differs) {
  const { position, state, token, face, level, share, deed, byHand, locked, hidden, repeat } = cell;
  return html`<span
      class="cell"
      role="listitem"
      aria-label="${differs ? "differs: " : ""}${labelOf(cell)}"
      data-position=${position}
      data-state=${state}
      data-token=${token ?? nothing}
      ?hidden=${hidden && !differs}
      ?data-ghost=${state === "open" && face !== null}
      ?data-differs=${differs}
      ?data-unknown=${state === "committed" && level === null}
      ?data-locked=${locked}
      data-new=${deed ?? nothing}
      ?data-hand=${byHand}
      ?data-special=${face?.special}
      ?data-repeat=${repeat && !differs}
      data-share=${share || nothing}
      >${locked ? icons.locked : nothing}${face ? tokenFace(face) : html`<i class="blank"></i>`}</span
    >${face?.breaks ? html`<span class="break" aria-hidden="true"></span>` : nothing}`;
}
