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
 * @property {number | null} from  the same, as far as the history is kept; null: it has the oldest revision
 * @property {number[]} own  its places behind the fork, newest first
 * @property {string} name  empty: it has none
 * @property {number} named  the revision that has the name; the leaf where there is none
 * @property {boolean} current  the newest revision is on it
 *
 * @typedef {object} Places
 * @property {number} first  the oldest revision kept
 * @property {number[]} place  of each revision; -1 where it is not known
 * @property {Map<number, number[]>} children  of a place, oldest first
 * @property {Map<number, number>} visited  the child of a place that was last come to
 */

const NONE = -1;

/** @type {WeakMap<readonly any[], Places>} */
const known = new WeakMap();

/**
 * What is not kept counts as unknown, though it be held: a page that is loaded
 * again sees the same. Of it only what kept revisions were made from is a place.
 * @returns {Places}
 */
function placesOf(/** @type {Tree} */ { revisions, first }) {
  const found = known.get(revisions);
  if (found?.first === first) return found;
  /** @type {Places} */
  const places = { first, place: [], children: new Map(), visited: new Map() };
  const { place, children, visited } = places;
  const bases = new Set(revisions.slice(first + 1).map((held) => held.parent));
  for (let at = 0; at < revisions.length; at++) {
    const held = revisions[at];
    if (at <= first) place.push(held && (at === first || bases.has(at)) ? at : NONE);
    else place.push(held.cause === "rewind" ? place[held.parent] : at);
    const above = parentPlace(places, revisions, place[at]);
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

function parentPlace(/** @type {Places} */ { first, place }, /** @type {Tree["revisions"]} */ revisions, /** @type {number} */ at) {
  return at > first ? place[revisions[at].parent] : NONE;
}

/** The revision that first had this one's canvas: a rewind has its target's. */
export const placeOf = (/** @type {Tree} */ tree, /** @type {number} */ revision) => placesOf(tree).place[revision];

/** Where an undo goes from the newest revision; null where there is nothing to undo. */
export function undoOf(/** @type {Tree} */ tree) {
  const places = placesOf(tree);
  const back = parentPlace(places, tree.revisions, places.place[headOf(tree)]);
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
  const places = placesOf(tree);
  const { place, children, visited } = places;
  let current = place[headOf(tree)];
  while (visited.has(current)) current = /** @type {number} */ (visited.get(current));
  const named = new Map([...tree.names].map(([name, revision]) => [revision, name]));
  const branches = [];
  for (let leaf = headOf(tree); leaf >= 0; leaf--) {
    if (place[leaf] !== leaf || children.has(leaf) || (leaf < tree.first && leaf !== current)) continue;
    const own = [leaf];
    let at = leaf;
    let above = parentPlace(places, tree.revisions, at);
    while (above !== NONE && children.get(above)?.[0] === at) {
      own.push(above);
      at = above;
      above = parentPlace(places, tree.revisions, at);
    }
    const from = above !== NONE ? above : at < tree.first ? at : null;
    const bearer = own.find((revision) => named.has(revision)) ?? leaf;
    branches.push({ leaf, fork: Math.max(above, 0), from, own, name: named.get(bearer) ?? "", named: bearer, current: leaf === current });
  }
  return branches;
}

/** What a branch is called: by its name, or by where it comes from. */
export const titleOf = (/** @type {Branch} */ { name, from }) => name || (from === null ? "first" : `from ${from}`);

/** A branch stays the same while it grows: what it began with. */
export const startOf = (/** @type {Branch} */ { own }) => own[own.length - 1];

/**
 * The branch that a revision is on; after a rewind the one gone back to.
 * @param {Tree} tree
 * @param {number} revision
 */
export const branchAt = (tree, revision) => branchesOf(tree).find(({ own }) => own.includes(placeOf(tree, revision))) ?? null;

/**
 * The branches to list, oldest first, so that none moves while others grow; and
 * those of them that are folded away where there are too many: not the one at
 * `revision`, the current one, or one with a name.
 * @param {Tree} tree
 * @param {number} revision
 * @param {number} most
 * @returns {{ branches: Branch[], folded: Set<number> }}  folded: by startOf()
 */
export function listedBranches(tree, revision, most) {
  const all = branchesOf(tree);
  const here = branchAt(tree, revision);
  const needed = (/** @type {Branch} */ branch) => branch.leaf === here?.leaf || branch.current || branch.name !== "";
  const wanted = [...all.filter(needed), ...all.filter((branch) => !needed(branch))];
  return { branches: [...all].sort((a, b) => startOf(a) - startOf(b)), folded: new Set(wanted.slice(most).map(startOf)) };
}
