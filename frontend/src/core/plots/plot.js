// What the small picture on a parameter's card shows, in its own units. How it is
// drawn is the page's affair.

/**
 * @typedef {[number, number]} Point
 *
 * @typedef {object} Box  a bar from 0 up
 * @property {number} from
 * @property {number} to
 * @property {number} outline  how high its outline stands
 * @property {number} fill  how far it is filled
 *
 * @typedef {object} Plot
 * @property {[number, number]} across  from the left edge to the right
 * @property {[number, number]} up  from the bottom to the top
 * @property {string} x  what runs across
 * @property {string} y  what runs up
 * @property {Box[]} boxes
 * @property {Point[][]} lines
 * @property {Point[][]} faint  lines to compare with
 * @property {number[]} levels  lines across, at a threshold
 * @property {number[]} uprights  lines from bottom to top, at a border
 * @property {string} words  one sentence that says what is to be seen
 * @property {string} source  what the numbers are of; "example" where they are made up
 */

/**
 * @param {Partial<Plot> & Pick<Plot, "words">} parts
 * @returns {Plot}
 */
export const plot = (parts) => ({
  across: [0, 1], up: [0, 1], x: "", y: "", boxes: [], lines: [], faint: [], levels: [], uprights: [], source: "", ...parts,
});

/** A picture has room for so many bars; of more, the first are drawn. */
export const MOST_BARS = 48;

/**
 * Bars side by side.
 * @param {{ outline: number, fill: number }[]} bars
 * @returns {Pick<Plot, "boxes" | "across">}
 */
export function row(bars) {
  const drawn = bars.slice(0, MOST_BARS);
  return { boxes: drawn.map((bar, i) => ({ from: i, to: i + 1, ...bar })), across: [0, Math.max(1, drawn.length)] };
}

/** A bar that is full where something is done, and an outline where not. */
export const bar = (/** @type {number} */ height, /** @type {boolean} */ done) => ({ outline: height, fill: done ? height : 0 });

/** What a sentence adds where bars are left out. */
export const leftOut = (/** @type {number} */ count) => (count > MOST_BARS ? ` The first ${MOST_BARS} of ${count} are drawn.` : "");

/**
 * Points of a curve.
 * @param {number} from
 * @param {number} to
 * @param {(x: number) => number} curve
 * @returns {Point[]}
 */
export function traced(from, to, curve, parts = 48) {
  return Array.from({ length: parts + 1 }, (_, i) => {
    const x = from + ((to - from) * i) / parts;
    return [x, curve(x)];
  });
}

/**
 * A staircase: values[i] holds from i to i + 1.
 * @param {number[]} values
 * @returns {Point[]}
 */
export const staircase = (values) => values.flatMap((value, i) => /** @type {Point[]} */ ([[i, value], [i + 1, value]]));
