// The way from the beginning to a revision: what is played, and walked in steps.
import { headOf, pathTo } from "app/core/tree.js";
import { branchAt, placeOf } from "app/core/places.js";

/** @typedef {import("app/core/tree.js").Tree} Tree */

/**
 * The revisions on the way to a revision, oldest first. Going back is no part of
 * it: a rewind stands where its parent stands.
 * @param {Tree} tree
 * @param {number} leaf
 * @returns {number[]}
 */
export function wayTo(tree, leaf) {
  return [...pathTo(tree, leaf)].reverse().filter((at) => at >= tree.first && tree.revisions[at].cause !== "rewind");
}

/**
 * Where a replay from a revision ends: at the newest, where it leads there, or
 * else at the end of the revision's branch.
 * @param {Tree} tree
 * @param {number} revision
 */
export function endOfWay(tree, revision) {
  const head = headOf(tree);
  const at = placeOf(tree, revision);
  return pathTo(tree, head).has(at) ? placeOf(tree, head) : (branchAt(tree, revision)?.leaf ?? revision);
}

/**
 * What a replay shows after a revision; null at the end of its way. Where the
 * newest stands on a rewind, that is where it ends.
 * @param {Tree} tree
 * @param {number} revision
 * @returns {number | null}
 */
export function nextOnWay(tree, revision) {
  const way = wayTo(tree, endOfWay(tree, revision));
  return way[way.indexOf(placeOf(tree, revision)) + 1] ?? null;
}

/** Where a replay from a revision begins: there, or at the beginning where there is no more to come. */
export const playStart = (/** @type {Tree} */ tree, /** @type {number} */ revision) =>
  nextOnWay(tree, revision) === null ? wayTo(tree, endOfWay(tree, revision))[0] : revision;

/** Why nothing can be replayed; empty where something can. */
export function playHindrance(/** @type {import("app/core/state.js").State} */ { tree, view }) {
  if (view.compare) return "";
  if (!tree) return "Start a session first.";
  return headOf(tree) > tree.first ? "" : "There are no steps yet.";
}

/** The parts of a step that come after its first, as the samplers name them. */
const LATER_PARTS = new Set(["remasking"]);

/**
 * The revision at the end of each whole step on a way; the beginning and what
 * was done by hand count as steps.
 * @param {Tree} tree
 * @param {number[]} way
 */
export function stepEnds(tree, way) {
  return way.filter((_, i) => {
    const after = tree.revisions[way[i + 1]];
    return !(after?.cause === "step" && LATER_PARTS.has(after.substep) && tree.revisions[way[i]].cause === "step");
  });
}

/** Whether the steps on a way have parts. */
export const hasParts = (/** @type {Tree} */ tree, /** @type {number[]} */ way) => way.some((at) => LATER_PARTS.has(tree.revisions[at].substep));

/**
 * The revision one whole step before or after; null where there is none.
 * @param {Tree} tree
 * @param {number} revision
 * @param {1 | -1} by
 * @returns {number | null}
 */
export function wholeStep(tree, revision, by) {
  const way = wayTo(tree, endOfWay(tree, revision));
  const ends = stepEnds(tree, way);
  const here = placeOf(tree, revision);
  if (by > 0) return ends.find((end) => end > here) ?? null;
  return ends.findLast((end) => end < here) ?? null;
}
