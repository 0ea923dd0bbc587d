// A line of probabilities over revisions, small. It stands on the same scale
// from left to right as the slider.
import { html, nothing, svg } from "lit";
import { headOf } from "app/core/tree.js";

/**
 * @typedef {object} Spot
 * @property {number} x  0 to 1, left to right
 * @property {number} y  0 to 1, upwards
 * @property {boolean} joined  the spot before is that of the revision before
 * @property {string} [kind]  how it looks
 *
 * @typedef {object} Sign  something that happened
 * @property {number} x
 * @property {string} kind
 */

/** @returns {(revision: number) => number} where a revision is from left to right, as on the slider */
export function scaleOf(/** @type {import("app/core/tree.js").Tree} */ tree) {
  const last = headOf(tree);
  return (revision) => (last > tree.first ? Math.min(1, Math.max(0, (revision - tree.first) / (last - tree.first))) : 0);
}

const at = (/** @type {number} */ x, /** @type {number} */ y) => `${x.toFixed(5)},${(1 - y).toFixed(4)}`;

/**
 * @param {object} spark
 * @param {Spot[]} spark.spots
 * @param {Sign[]} [spark.signs]
 * @param {number} spark.here  the revision shown, as x
 * @param {string} spark.words  for those who do not see it
 * @param {string} spark.hint  for a pointer that rests on it
 * @param {string} spark.test
 * @param {(x: number) => void} spark.go  x: where it was clicked
 */
export function spark({ spots, signs = [], here, words, hint, test, go }) {
  const line = spots.map(({ x, y, joined }, i) => `${i && joined ? "L" : "M"}${at(x, y)}`).join("");
  // A line of no length with round ends is a dot, whatever the picture is stretched to.
  const dots = (/** @type {(spot: Spot) => boolean} */ which) => spots.filter(which).map(({ x, y }) => `M${at(x, y)}h0`).join("");
  const below = spots.filter(({ kind }) => kind === "below").map(({ x, y }) => `M${at(x, y)}V1`).join("");
  return html`<svg
    class="spark"
    viewBox="0 0 1 1"
    preserveAspectRatio="none"
    role="img"
    aria-label=${words}
    data-testid=${test}
    @click=${(/** @type {MouseEvent} */ event) => {
      const box = /** @type {Element} */ (event.currentTarget).getBoundingClientRect();
      go(Math.min(1, Math.max(0, (event.clientX - box.left) / box.width)));
    }}
  >
    <title>${hint}</title>
    <path class="spark-floor" d="M0,1H1"></path>
    ${signs.map(({ x, kind }) => svg`<path class="spark-sign" data-kind=${kind} d="M${x.toFixed(5)},0V1"></path>`)}
    <path class="spark-here" d="M${here.toFixed(5)},0V1"></path>
    ${line ? svg`<path class="spark-line" d=${line}></path>` : nothing}
    ${below ? svg`<path class="spark-below" d=${below}></path>` : nothing}
    <path class="spark-dots" d=${dots(({ kind }) => kind !== "flip") || "M0,0"}></path>
    <path class="spark-dots" data-kind="flip" d=${dots(({ kind }) => kind === "flip") || "M0,0"}></path>
  </svg>`;
}

/** The revision nearest to a place from left to right. @type {(scale: (revision: number) => number, revisions: number[], x: number) => number | null} */
export function nearest(scale, revisions, x) {
  let best = null;
  for (const revision of revisions) if (best === null || Math.abs(scale(revision) - x) < Math.abs(scale(best) - x)) best = revision;
  return best;
}
