// Where a position comes from: what the model weighed there, what stood there.
import { GIVEN, OPEN } from "app/core/canvas.js";
import { traced } from "app/core/tree.js";

/** @typedef {import("app/core/tree.js").Tree} Tree */

/**
 * Where the model's weighing of a position is to be seen, standing at a
 * revision: here, if the position is open; else where it was last open on the
 * way here, just before the token was committed.
 * @param {Tree} tree
 * @param {number} revision
 * @param {number} position
 * @returns {{ revision: number, position: number, chosen: number | null, origin: number, replaced: number | null } | null}
 *   position: what it was there. replaced: the token that `chosen` was put in the
 *   place of. Null where nobody weighed it, or it is not kept
 */
export function weighingOf(tree, revision, position) {
  const { canvas } = tree.revisions[revision];
  if (canvas.states[position] === OPEN) return { revision: source(tree, revision), position, chosen: null, origin: -1, replaced: null };
  const origin = canvas.origins[position];
  if (origin < 1) return null;
  /** @type {number | null} */
  let replaced = null;
  for (const { at, place, held } of traced(tree, revision, position)) {
    if (at >= origin) continue;
    // An edit of a decided position: on to where it was open.
    if (held.canvas.states[place] !== OPEN) {
      replaced ??= held.canvas.tokens[place];
      continue;
    }
    if (at < tree.first) return null;
    return { revision: source(tree, at), position: place, chosen: canvas.tokens[position], origin, replaced };
  }
  return null;
}

/** The revision a rewind came from has the same canvas, and its logits may still be at hand. */
function source(/** @type {Tree} */ tree, /** @type {number} */ revision) {
  let at = revision;
  for (;;) {
    const { cause, parent, settings } = tree.revisions[at];
    if (cause !== "rewind" || parent < tree.first || settings !== tree.revisions[parent].settings) return at;
    at = parent;
  }
}

/**
 * What last stood at a position that is open, on the way to a revision.
 * @param {Tree} tree
 * @param {number} revision
 * @param {number} position
 * @returns {{ token: number, given: boolean } | null}
 */
export function earlierAt(tree, revision, position) {
  for (const { at, place, held } of traced(tree, revision, position)) {
    const { states, tokens } = held.canvas;
    if (at < tree.first) return null;
    if (states[place] !== OPEN) return { token: tokens[place], given: states[place] === GIVEN };
  }
  return null;
}
