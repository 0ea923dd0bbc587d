// Where undo and redo go, and which branches there are; the rule is that of the
// service. A rewind is a revision too, but no place of its own: it stands where
// its parent stands. So the places are the revisions that are not rewinds, and
// the branches are the places that nobody went on from.
import { headOf } from "app/core/tree.js";

/**
 * @typedef {import("app/core/tree.js").Tree} Tree
 *
 * @typedef {object} Branch
 * @property {number} leaf  its newest place
 * @property {number} fork  where it left an older branch; 0 for the oldest
 * @property {number[]} own  its places behind the fork, newest first
 * @property {string} name  empty: it has none
 * @property {number} named  the revision that has the name; the leaf where there is none
 * @property {boolean} current  the newest revision is on it
 *
 * @typedef {object} Places
 * @property {number[]} place  of each revision; -1 where it is not known
 * @property {Map<number, number[]>} children  of a place, oldest first
 * @property {Map<number, number>} visited  the child of a place that was last come to
 */

const NONE = -1;

/** @type {WeakMap<readonly any[], Places>} */
const known = new WeakMap();

/** @returns {Places} */
function placesOf(/** @type {Tree} */ { revisions }) {
  const found = known.get(revisions);
  if (found) return found;
  /** @type {Places} */
  const places = { place: [], children: new Map(), visited: new Map() };
  const { place, children, visited } = places;
  for (let at = 0; at < revisions.length; at++) {
    const held = revisions[at];
    place.push(!held ? NONE : held.cause === "rewind" ? place[held.parent] : at);
    const above = held ? parentPlace(revisions, place, place[at]) : NONE;
    if (above === NONE) continue;
    if (place[at] === at) {
      if (!children.has(above)) children.set(above, []);
      children.get(above)?.push(at);
    }
    visited.set(above, place[at]);
  }
  known.set(revisions, places);
  return places;
}

function parentPlace(/** @type {Tree["revisions"]} */ revisions, /** @type {number[]} */ place, /** @type {number} */ at) {
  const parent = revisions[at].parent;
  return parent < 0 ? NONE : place[parent];
}

/** The revision that first had this one's canvas: a rewind has its target's. */
export const placeOf = (/** @type {Tree} */ tree, /** @type {number} */ revision) => placesOf(tree).place[revision];

/** Where an undo goes from the newest revision; null where there is nothing to undo. */
export function undoOf(/** @type {Tree} */ tree) {
  const { place } = placesOf(tree);
  const back = parentPlace(tree.revisions, place, place[headOf(tree)]);
  return back === NONE || back < tree.first ? null : back;
}

/** Where a redo goes; null where nothing was made from here. */
export function redoOf(/** @type {Tree} */ tree) {
  const { place, visited } = placesOf(tree);
  return visited.get(place[headOf(tree)]) ?? null;
}

/**
 * Every branch, the one with the newest leaf first.
 * @param {Tree} tree
 * @returns {Branch[]}
 */
export function branchesOf(tree) {
  const { place, children, visited } = placesOf(tree);
  let current = place[headOf(tree)];
  while (visited.has(current)) current = /** @type {number} */ (visited.get(current));
  const named = new Map([...tree.names].map(([name, revision]) => [revision, name]));
  const branches = [];
  for (let leaf = headOf(tree); leaf >= 0; leaf--) {
    if (place[leaf] !== leaf || children.has(leaf) || (leaf < tree.first && leaf !== current)) continue;
    const own = [leaf];
    let at = leaf;
    let above = parentPlace(tree.revisions, place, at);
    while (above !== NONE && children.get(above)?.[0] === at) {
      own.push(above);
      at = above;
      above = parentPlace(tree.revisions, place, at);
    }
    const bearer = own.find((revision) => named.has(revision)) ?? leaf;
    branches.push({ leaf, fork: Math.max(above, 0), own, name: named.get(bearer) ?? "", named: bearer, current: leaf === current });
  }
  return branches;
}
