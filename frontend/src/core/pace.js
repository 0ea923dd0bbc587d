// How fast the model went: of the times that the frames carry, which the service
// took, so that a recording tells the same as the run did.
import { COMMITTED } from "app/core/canvas.js";
import { stepEnds, wayTo } from "app/core/ways.js";

/** @typedef {import("app/core/tree.js").Tree} Tree */

/**
 * The pace of the steps on the way to a revision, since the last turn where
 * there are several: waiting for the device counts, a person's pauses do not.
 * Null where no step was timed.
 * @param {Tree} tree
 * @param {number} revision
 * @returns {{ secondsAStep: number, tokensASecond: number, steps: number } | null}
 */
export function paceOf(tree, revision) {
  const whole = wayTo(tree, revision);
  const turn = whole.findLastIndex((at) => tree.revisions[at].promptLength !== null);
  const way = whole.slice(Math.max(0, turn));
  const [base] = way;
  const steps = stepEnds(tree, way).filter((at) => at !== base && tree.revisions[at].cause === "step").length;
  const seconds = wallOf(tree, revision) - wallOf(tree, base);
  if (!steps || !(seconds > 0)) return null;
  return { secondsAStep: seconds / steps, tokensASecond: written(tree.revisions[revision].canvas, base) / seconds, steps };
}

/** Wall time of all steps on the way to a revision; what was done by hand has none of its own. */
function wallOf(/** @type {Tree} */ { revisions }, /** @type {number} */ revision) {
  for (let at = revision; at >= 0 && revisions[at]; at = revisions[at].parent) {
    const seconds = revisions[at].summary?.totalWallSeconds;
    if (seconds !== null && seconds !== undefined) return seconds;
  }
  return 0;
}

/** Positions that steps after a revision have filled, and that still stand. */
function written(/** @type {import("app/core/canvas.js").Canvas} */ { states, byHand, origins }, /** @type {number} */ base) {
  let count = 0;
  for (let at = 0; at < states.length; at++) if (states[at] === COMMITTED && !byHand[at] && origins[at] > base) count++;
  return count;
}
