// How fast the model went: of the passes and times that the frames carry, which
// the service counted and took, so that a recording tells the same as the run did.
import { COMMITTED } from "app/core/canvas.js";
import { stepEnds, wayTo } from "app/core/ways.js";

/** @typedef {import("app/core/tree.js").Tree} Tree */

/** What the numbers count, wherever they are shown. */
export const COUNTED = "Tokens that steps committed and that still stand, those that end the text included,";
export const BY_HAND = "Passes asked for by hand are not counted, nor the steps that used them.";

/** @typedef {{ tokensAPass: number, tokensASecond: number | null, secondsAStep: number | null, steps: number }} Pace */

/** Asked for in several places for every frame. @type {WeakMap<Tree, Map<number, Pace | null>>} */
const known = new WeakMap();

/**
 * The pace of the steps on the way to a revision, since the last turn where
 * there are several: waiting for the device counts, a person's pauses do not.
 * A step that took no pass itself (it used one that was asked for by hand, which
 * no frame counts) is left out, with its tokens and its time. Null where no step
 * is left.
 * @param {Tree} tree
 * @param {number} revision
 * @returns {Pace | null}
 */
export function paceOf(tree, revision) {
  const paces = known.get(tree) ?? new Map();
  known.set(tree, paces);
  if (!paces.has(revision)) paces.set(revision, reckoned(tree, revision));
  return paces.get(revision) ?? null;
}

/** @returns {Pace | null} */
function reckoned(/** @type {Tree} */ tree, /** @type {number} */ revision) {
  const { revisions } = tree;
  const whole = wayTo(tree, revision);
  const turn = whole.findLastIndex((at) => revisions[at].promptLength !== null);
  const way = whole.slice(Math.max(0, turn));
  const ends = new Set(stepEnds(tree, way));
  /** What the steps counted made. @type {Set<number>} */
  const made = new Set();
  let [passes, seconds, steps] = [0, 0, 0];
  let before = wallOf(tree, way[0]);
  /** The parts of a step so far. @type {number[]} */
  let parts = [];
  for (const at of way.slice(1)) {
    parts.push(at);
    if (!ends.has(at)) continue;
    const after = wallOf(tree, at);
    const took = parts.reduce((sum, part) => sum + (revisions[part].cause === "step" ? (revisions[part].summary?.forwardCount ?? 0) : 0), 0);
    if (took > 0) {
      passes += took;
      seconds += after - before;
      steps += 1;
      for (const part of parts) made.add(part);
    }
    before = after;
    parts = [];
  }
  if (!passes) return null;
  const tokens = written(revisions[revision].canvas, made);
  const timed = seconds > 0;
  return { tokensAPass: tokens / passes, tokensASecond: timed ? tokens / seconds : null, secondsAStep: timed ? seconds / steps : null, steps };
}

/** Wall time of all steps on the way to a revision; what was done by hand has none of its own. */
function wallOf(/** @type {Tree} */ { revisions }, /** @type {number} */ revision) {
  for (let at = revision; at >= 0 && revisions[at]; at = revisions[at].parent) {
    const seconds = revisions[at].summary?.totalWallSeconds;
    if (seconds !== null && seconds !== undefined) return seconds;
  }
  return 0;
}

/** Tokens that some revisions have committed, and that still stand; those that end the text are among them. */
function written(/** @type {import("app/core/canvas.js").Canvas} */ { states, byHand, origins }, /** @type {ReadonlySet<number>} */ made) {
  let count = 0;
  for (let at = 0; at < states.length; at++) if (states[at] === COMMITTED && !byHand[at] && made.has(origins[at])) count++;
  return count;
}
