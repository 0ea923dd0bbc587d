// What the colours of the canvas say: a number for every position, the number
// that has the full colour, and the words for both.
import { heatOfAnswer, methodNamed, scoreInWords, signed } from "app/core/attribution.js";
import { COMMITTED, OPEN } from "app/core/canvas.js";
import { courseOf } from "app/core/course.js";
import { draftColumns } from "app/core/drafts.js";
import { decimal, plural } from "app/core/format.js";
import { readMargins } from "app/core/margins.js";
import { shownRevision } from "app/core/state.js";

/**
 * @typedef {import("app/core/state.js").State} State
 * @typedef {import("app/core/tree.js").Tree} Tree
 *
 * @typedef {"none" | "confidence" | "entropy" | "margin" | "order" | "flips"} Lens
 *
 * @typedef {object} Reading  what a lens reads off a revision
 * @property {ArrayLike<number>} values  one a position; NaN: not known, or nothing to say
 * @property {number} top  has the full colour; 0 has none
 * @property {(position: number) => string} words  of a value that there is
 * @property {string} low  the scale's ends
 * @property {string} high
 * @property {boolean} [diverges]  values have signs: for, and against
 * @property {number} [explained]  the position that the others have to do with
 */

/** In the order of the list, and of the key. @type {{ lens: Lens, label: string, unit: string }[]} */
export const LENSES = [
  { lens: "none", label: "No colours", unit: "" },
  { lens: "confidence", label: "Confidence", unit: "p_base: of a draft, or of a token when it was committed" },
  { lens: "entropy", label: "Entropy", unit: "of the prediction, divided by ln V; of a token, when it was committed" },
  { lens: "margin", label: "Margin", unit: "p_base of the likeliest candidate less that of the second" },
  { lens: "order", label: "Order", unit: "when a token was committed" },
  { lens: "flips", label: "Flips", unit: "how often the draft became another token on the way here" },
];

/** The lens in use; what an older visit left behind may be none of them. @returns {Lens} */
export const lensOf = (/** @type {State["view"]} */ { lens }) => (LENSES.some((known) => known.lens === lens) ? lens : "confidence");

/** What colours the canvas: for as long as it is asked why a token is there, the answer. @returns {Lens | "why"} */
export const lensInUse = (/** @type {State} */ state) => (heatOfAnswer(state) ? "why" : lensOf(state.view));

export const lensNamed = (/** @type {Lens} */ lens) => /** @type {typeof LENSES[number]} */ (LENSES.find((known) => known.lens === lens));

/** @returns {Lens} */
export function nextLens(/** @type {Lens} */ lens) {
  const at = LENSES.findIndex((known) => known.lens === lens);
  return LENSES[(at + 1) % LENSES.length].lens;
}

/** @type {WeakMap<State, Reading | null>} */
const known = new WeakMap();

/**
 * What the lens in use says of the revision shown; null where colours say nothing.
 * @param {State} state
 * @returns {Reading | null}
 */
export function readingOf(state) {
  let reading = known.get(state);
  if (reading === undefined) known.set(state, (reading = read(state)));
  return reading;
}

/** @returns {Reading | null} */
function read(/** @type {State} */ state) {
  const { tree } = state;
  if (!tree) return null;
  const heat = heatOfAnswer(state);
  if (heat) return parts(heat);
  const revision = shownRevision(state);
  switch (lensOf(state.view)) {
    case "none": return null;
    case "confidence": return confidences(tree, revision);
    case "entropy": return entropies(tree, revision, state.model?.vocabularySize ?? 0);
    case "margin": return margins(state, revision);
    case "order": return orders(tree, revision);
    case "flips": return flips(tree, revision);
  }
}

/**
 * What each source had to do with the token explained.
 * @returns {Reading}
 */
function parts(/** @type {import("app/core/attribution.js").Heat} */ { answer: { method, contrast }, values, top, explained }) {
  const { signed: diverges } = methodNamed(method);
  const [low, high] = diverges ? [signed(-top), signed(top)] : ["0", top.toPrecision(2)];
  const words = (/** @type {number} */ at) => scoreInWords(method, values[at], contrast !== null);
  return { values, top: top || 1, words, low, high, diverges, explained };
}

/** @returns {Reading} */
function confidences(/** @type {Tree} */ tree, /** @type {number} */ revision) {
  const { states, probabilities, length } = tree.revisions[revision].canvas;
  const draft = draftColumns(tree, revision);
  const values = new Float32Array(length).fill(NaN);
  for (let at = 0; at < length; at++) {
    if (states[at] === COMMITTED) values[at] = probabilities[at];
    else if (states[at] === OPEN && draft && draft.tokens[at] >= 0) values[at] = draft.probabilities[at] / 255;
  }
  return { values, top: 1, words: (at) => `p_base ${decimal(values[at])}`, low: "0", high: "1" };
}

/** @returns {Reading} */
function entropies(/** @type {Tree} */ tree, /** @type {number} */ revision, /** @type {number} */ vocabulary) {
  const { states, length } = tree.revisions[revision].canvas;
  const draft = draftColumns(tree, revision);
  const course = courseOf(tree, revision);
  const values = new Float32Array(length).fill(NaN);
  for (let at = 0; at < length; at++) {
    const byte = states[at] === COMMITTED ? course.entropies[at] : states[at] === OPEN && draft && draft.tokens[at] >= 0 ? draft.entropies[at] : -1;
    if (byte >= 0) values[at] = byte / 255;
  }
  // Most are far below ln V: the scale ends at half of it or a quarter, where that holds them all.
  const most = values.reduce((largest, value) => (value > largest ? value : largest), 0);
  const top = [0.25, 0.5].find((end) => most <= end) ?? 1;
  const nats = vocabulary > 1 ? ` (${(top * Math.log(vocabulary)).toFixed(1)} nats)` : "";
  return { values, top, words: (at) => `entropy ${decimal(values[at])} of ln V`, low: "0", high: `${top === 1 ? "" : `${top} `}ln V${nats}` };
}

/** @returns {Reading} */
function margins(/** @type {State} */ state, /** @type {number} */ revision) {
  const values = readMargins(state, revision);
  return { values, top: 1, words: (at) => `margin ${decimal(values[at])}`, low: "0", high: "1" };
}

/**
 * The revisions that committed what stands here are ranked: equal steps of colour.
 * @returns {Reading}
 */
function orders(/** @type {Tree} */ tree, /** @type {number} */ revision) {
  const { states, origins, length } = tree.revisions[revision].canvas;
  const made = new Set();
  for (let at = 0; at < length; at++) if (states[at] === COMMITTED && origins[at] >= 0) made.add(origins[at]);
  const order = [...made].sort((a, b) => a - b);
  const rank = new Map(order.map((origin, i) => [origin, i + 1]));
  const values = new Float32Array(length).fill(NaN);
  for (let at = 0; at < length; at++) if (states[at] === COMMITTED) values[at] = rank.get(origins[at]) ?? NaN;
  const end = (/** @type {number | undefined} */ origin) => (origin === undefined ? "–" : `revision ${origin}`);
  return { values, top: Math.max(order.length, 1), words: (at) => `committed at revision ${origins[at]}`, low: end(order[0]), high: end(order.at(-1)) };
}

/** @returns {Reading} */
function flips(/** @type {Tree} */ tree, /** @type {number} */ revision) {
  const { states, length } = tree.revisions[revision].canvas;
  const course = courseOf(tree, revision);
  const values = new Float32Array(length).fill(NaN);
  let top = 1;
  for (let at = 0; at < length; at++) {
    if ((states[at] !== COMMITTED && states[at] !== OPEN) || course.drafts[at] < 0) continue;
    values[at] = course.flips[at];
    top = Math.max(top, course.flips[at]);
  }
  const words = (/** @type {number} */ at) =>
    values[at] ? `flipped ${plural(values[at], "time")}, last at revision ${course.flipped[at]}` : "never flipped";
  return { values, top, words, low: "0", high: plural(top, "flip") };
}
