import { svg, html } from "lit";

/** @typedef {import("app/core/plots/plot.js").Plot} Plot */
/** @typedef {import("app/core/plots/plot.js").Point} Point */

const WIDTH = 240;
const HEIGHT = 84;
/** Room for a line at the very edge. */
const EDGE = 1.5;
/** What is filled is seen, however little it is. */
const LEAST = 1.5;

/**
 * A plot, drawn. Its sentence is the caption that `labelledBy` names.
 * @param {Plot} plot
 * @param {string} labelledBy
 */
export function parameterPlot(plot, labelledBy) {
  const x = scale(plot.across, 0, WIDTH);
  const y = scale(plot.up, HEIGHT - EDGE, EDGE);
  const ground = y(Math.max(plot.up[0], Math.min(0, plot.up[1])));
  const path = (/** @type {Point[]} */ points) => points.map(([px, py], i) => `${i ? "L" : "M"}${short(x(px))} ${short(y(py))}`).join("");
  const gap = plot.boxes.length > 1 ? Math.min(2, (WIDTH / plot.boxes.length) * 0.15) : 0;
  const box = (/** @type {Plot["boxes"][0]} */ { from, to, outline, fill }) => {
    const left = x(from) + gap / 2;
    const width = Math.max(0.5, x(to) - x(from) - gap);
    const rect = (/** @type {string} */ kind, /** @type {number} */ height) => {
      const tall = height > 0 ? Math.max(LEAST, ground - y(height)) : 0;
      return svg`<rect class=${kind} x=${short(left)} y=${short(ground - tall)} width=${short(width)} height=${short(tall)} />`;
    };
    return svg`${rect("full", fill)}${rect("outline", outline)}`;
  };
  return html`<svg class="plot" viewBox="0 0 ${WIDTH} ${HEIGHT}" preserveAspectRatio="none" role="img" aria-labelledby=${labelledBy}>
    ${plot.uprights.map((at) => svg`<path class="upright" d="M${short(x(at))} 0V${HEIGHT}" />`)}
    ${plot.boxes.map(box)}
    <path class="ground" d="M0 ${short(ground)}H${WIDTH}" />
    ${plot.faint.map((points) => svg`<path class="faint" d=${path(points)} />`)}
    ${plot.lines.map((points) => svg`<path class="line" d=${path(points)} />`)}
    ${plot.levels.map((at) => svg`<path class="level" d="M0 ${short(y(at))}H${WIDTH}" />`)}
  </svg>`;
}

/**
 * @param {[number, number]} range
 * @param {number} from
 * @param {number} to
 */
function scale([low, high], from, to) {
  const span = high - low || 1;
  return (/** @type {number} */ value) => from + (Math.min(Math.max((value - low) / span, 0), 1) || 0) * (to - from);
}

const short = (/** @type {number} */ n) => Number(n.toFixed(2));
