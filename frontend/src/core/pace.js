// How fast the model went: of the passes and times that the frames carry, which
// the service counted and took, so that a recording tells the same as the run did.
import { COMMITTED } from "app/core/canvas.js";
import { stepEnds, wayTo } from "app/core/ways.js";

/** @typedef {import("app/core/tree.js").Tree} Tree */

/** What the numbers count, wherever they are shown. */
export const COUNTED = "Tokens that steps committed and that still stand, those that end the text included,";
export const BY_HAND = "Passes that looking took are not among them; a pass that a step found done counts as the step's.";
export const TIMED = "Steps that found their pass done have no time of their own and are left out.";

/** @typedef {{ tokensAPass: number, tokensASecond: number | null, secondsAStep: number | null, steps: number }} Pace */

/** Asked for in several places for every frame. @type {WeakMap<Tree, Map<number, Pace | null>>} */
const known = new WeakMap();

/**
 * The pace of the steps on the way to a revision, since the last turn where
 * there are several: waiting for the device counts, a person's pauses do not.
 * A step that used a pass that was done for somebody who looked is left out of
 * what is timed. Null where no step took a pass.
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
  /** What the steps counted made, and those of them that were timed. @type {[Set<number>, Set<number>]} */
  const [made, fresh] = [new Set(), new Set()];
  let [passes, seconds, steps] = [0, 0, 0];
  let before = wallOf(tree, way[0]);
  /** The parts of a step so far. @type {number[]} */
  let parts = [];
  for (const at of way.slice(1)) {
    parts.push(at);
    if (!ends.has(at)) continue;
    const after = wallOf(tree, at);
    const taken = parts.map((part) => (revisions[part].cause === "step" ? revisions[part].summary : null));
    const took = taken.reduce((sum, summary) => sum + (summary?.forwardCount ?? 0), 0);
    const reused = taken.some((summary) => (summary?.reusedForwardCount ?? 0) > 0);
    if (took > 0) {
      passes += took;
      for (const part of parts) made.add(part);
    }
    if (took > 0 && !reused) {
      seconds += after - before;
      steps += 1;
      for (const part of parts) fresh.add(part);
    }
    before = after;
    parts = [];
  }
  if (!passes) return null;
  const { canvas } = revisions[revision];
  const timed = seconds > 0;
  return { tokensAPass: written(canvas, made) / passes, tokensASecond: timed ? written(canvas, fresh) / seconds : null, secondsAStep: timed ? seconds / steps : null, steps };
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
