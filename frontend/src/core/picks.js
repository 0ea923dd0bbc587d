// Changes chosen and not yet applied: where they still fit, and those that wait at
// revisions that are not shown.
import { OPEN } from "app/core/canvas.js";
import { followed } from "app/core/following.js";
import { headOf, sourcesIn } from "app/core/tree.js";

/**
 * @typedef {import("app/core/tree.js").Tree} Tree
 * @typedef {import("app/core/state.js").Pick} Pick
 * @typedef {ReadonlyMap<number, Pick>} Picks  by position
 * @typedef {ReadonlyMap<number, Picks>} Aside  by revision
 * @typedef {[number, [number, Pick][]][]} Written  all of them, as they are kept over a reload
 */

/** @type {Aside} */
export const NONE_ASIDE = new Map();

/** Those that wait, with the picks of one more revision. @param {Aside} aside  @param {number} revision  @param {Picks} picks  @returns {Aside} */
export function setAside(aside, revision, picks) {
  if (!picks.size && !aside.has(revision)) return aside;
  const next = new Map(aside);
  if (picks.size) next.set(revision, picks);
  else next.delete(revision);
  return next;
}

/** The picks whose positions are as they were when they were picked. @param {Picks} picks  @param {import("app/core/canvas.js").Canvas} canvas  @returns {Picks} */
export function fitting(picks, { states, tokens }) {
  const kept = [...picks].filter(([at, { replaces }]) => at >= 0 && at < states.length && (states[at] === OPEN ? replaces === null : replaces === tokens[at]));
  return kept.length === picks.size ? picks : new Map(kept);
}

/**
 * The same at the newest revision; they move with their positions.
 * @param {Picks} picks
 * @param {Tree} tree
 * @param {number} before  the head that they were picked at
 */
export function stillFitting(picks, tree, before) {
  if (!picks.size) return picks;
  const { canvas, parent, layout } = tree.revisions[headOf(tree)];
  if (layout === tree.revisions[before].layout) return fitting(picks, canvas);
  const sources = (parent === before && sourcesIn(tree, headOf(tree), before)) || [];
  return fitting(new Map([...picks].map(([at, pick]) => [sources.indexOf(at), pick])), canvas);
}

/** All picks, to be kept over a reload. @param {Aside} aside  @param {number} revision  the one shown  @param {Picks} picks  @returns {Written} */
export const written = (aside, revision, picks) => [...setAside(aside, revision, picks)].map(([at, waiting]) => [at, [...waiting]]);

/**
 * The same once they are back; those of the revision that was shown go with it.
 * @param {Written} kept
 * @param {Tree} tree
 * @param {number} at  the revision that was shown
 * @param {number} shown  the one shown now, made from it
 */
export function returned(kept, tree, at, shown) {
  const aside = new Map(kept.map(([revision, picks]) => [revision, new Map(picks)]));
  const own = aside.get(at) ?? new Map();
  const moved = at === shown ? own : new Map([...own].map(([position, pick]) => [followed(tree, at, shown, position), pick]));
  return { picks: fitting(moved, tree.revisions[shown].canvas), aside: setAside(aside, at, new Map()) };
}

/** @param {any} kept  @returns {kept is Written} */
export function isWritten(kept) {
  const number = (/** @type {unknown} */ value) => Number.isInteger(value) && Number(value) >= 0;
  const token = (/** @type {unknown} */ value) => value === null || number(value);
  const pick = (/** @type {any} */ one) => token(one?.token) && token(one.replaces) && (one.probability === null || Number.isFinite(one.probability)) && ["hand", "auto"].includes(one.by);
  const list = (/** @type {any} */ all, /** @type {(value: any) => boolean} */ good) => Array.isArray(all) && all.every((entry) => Array.isArray(entry) && entry.length === 2 && number(entry[0]) && good(entry[1]));
  return list(kept, (picks) => list(picks, pick));
}
