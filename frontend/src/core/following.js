// Where a position is in another revision.
import { pathTo, sourcesIn, traced } from "app/core/tree.js";

/** @typedef {import("app/core/tree.js").Tree} Tree */

/**
 * Where a position looked at at one revision is at another: it moves with what
 * is put in or taken out before it. What is put in right at its place is looked
 * at instead; where it was taken out, what stands there now.
 * @param {Tree} tree
 * @param {number} from
 * @param {number} to
 * @param {number} position
 */
export function followed(tree, from, to, position) {
  if (tree.revisions[from].layout === tree.revisions[to].layout) return position;
  const back = pathTo(tree, from);
  const on = [];
  let common = to;
  for (; common >= 0 && !back.has(common); common = tree.revisions[common].parent) on.push(tree.revisions[common].splices);
  if (common < 0) return position; // not kept
  const before = sourcesIn(tree, from, common)?.[position] ?? position;
  const at = on.reverse().flat().reduce(moved, before < 0 ? position : before);
  return Math.min(at, tree.revisions[to].canvas.length - 1);
}

function moved(/** @type {number} */ at, /** @type {import("app/core/canvas.js").Splice} */ { position, removed, inserted }) {
  if (at <= position) return at;
  return at < position + removed ? position : at + inserted - removed;
}

/**
 * Where one position is in every revision of a way; -1: it is not there.
 * @param {Tree} tree
 * @param {readonly number[]} way  oldest first, each made from the one before
 * @param {number} from  the revision that the position is of, on the way or not
 * @param {number} position
 * @param {ReadonlyMap<number, number>} [index]  where each revision is on the way, if it is at hand
 */
export function placesAlong(tree, way, from, position, index = indexOf(way)) {
  const places = new Int32Array(way.length).fill(-1);
  if (!tree.revisions[from]) return places;
  let last = -1;
  for (const { at, place } of traced(tree, from, position)) {
    const i = index.get(at);
    if (i === undefined) continue;
    places[i] = place;
    last = Math.max(last, i);
  }
  for (let i = last + 1; last >= 0 && i < way.length && places[i - 1] >= 0; i++) {
    places[i] = tree.revisions[way[i]].splices.reduce(wentTo, places[i - 1]);
  }
  return places;
}

/** Where each revision is on a way. */
export const indexOf = (/** @type {readonly number[]} */ way) => new Map(way.map((at, i) => [at, i]));

/** The very same position once a splice is done; -1: it was taken out. */
function wentTo(/** @type {number} */ at, /** @type {import("app/core/canvas.js").Splice} */ { position, removed, inserted }) {
  if (at < position) return at;
  return at < position + removed ? -1 : at + inserted - removed;
}
