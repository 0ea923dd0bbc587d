// Which revisions a moving picture of a run shows, and for how long each.
import { endOfWay, wayTo } from "app/core/ways.js";

/** @typedef {import("app/core/tree.js").Tree} Tree */

/** Pictures at most, and pixels of all of them together: more takes a browser too long. */
const MOST = 120;
const MOST_PIXELS = 50_000_000;
const FEWEST = 8;

/** Milliseconds of a whole run, about; of one picture; of the last. */
const WHOLE = 12_000;
const [SHORTEST, LONGEST, LAST] = [60, 400, 2500];

/** How many pictures of a size there may be. */
export const mostOf = (/** @type {number} */ pixels) => Math.max(FEWEST, Math.min(MOST, Math.floor(MOST_PIXELS / pixels)));

/** The way that is pictured: to the end of the branch that is looked at. */
export const pictured = (/** @type {Tree} */ tree, /** @type {number} */ revision) => wayTo(tree, endOfWay(tree, revision));

/**
 * As many of a way as may be, evenly, its first and last among them.
 * @param {number[]} way
 * @param {number} most
 * @returns {{ revisions: number[], every: number }}  every: 1 where none is left out
 */
export function thinned(way, most) {
  const every = Math.ceil((way.length - 1) / Math.max(1, most - 1)) || 1;
  const kept = way.filter((_, i) => i % every === 0);
  const last = way[way.length - 1];
  return { revisions: kept.at(-1) === last ? kept : [...kept, last], every };
}

/** Milliseconds of each of so many pictures. @returns {number[]} */
export function delaysOf(/** @type {number} */ count) {
  const each = Math.round(Math.min(LONGEST, Math.max(SHORTEST, WHOLE / count)) / 10) * 10;
  return Array.from({ length: count }, (_, i) => (i === count - 1 ? LAST : each));
}
