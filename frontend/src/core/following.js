// Where a position is in another revision.
import { pathTo, sourcesIn } from "app/core/tree.js";

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
