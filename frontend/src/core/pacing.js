// The way of a run by the tokens written: two runs that write different numbers
// of tokens a step are laid side by side by what they have written.
import { COMMITTED } from "app/core/canvas.js";

/**
 * @typedef {import("app/core/tree.js").Tree} Tree
 *
 * @typedef {object} Paced
 * @property {number} total  tokens written at the end
 * @property {(tokens: number) => number} stepAt  the last step at which no more were written
 */

/** By the last revision of a way, which says all of it. @type {WeakMap<import("app/core/tree.js").Revision, { first: number, counts: number[] }>} */
const known = new WeakMap();

/**
 * @param {Tree} tree
 * @param {readonly number[]} way
 * @returns {Paced}
 */
export function inTokens(tree, way) {
  const counts = countsOf(tree, way);
  const total = counts[counts.length - 1] ?? 0;
  return { total, stepAt: (tokens) => Math.max(0, tokens >= total ? counts.length - 1 : counts.findLastIndex((count) => count <= tokens)) };
}

function countsOf(/** @type {Tree} */ tree, /** @type {readonly number[]} */ way) {
  const last = tree.revisions[way[way.length - 1]];
  const held = known.get(last);
  if (held?.first === way[0]) return held.counts;
  const counts = way.map((at) => tree.revisions[at].canvas.states.reduce((n, state) => n + (state === COMMITTED ? 1 : 0), 0));
  known.set(last, { first: way[0], counts });
  return counts;
}
