// Which revisions a moving picture of a run shows, and for how long each.
import { GIVEN } from "app/core/canvas.js";
import { endOfWay, wayTo } from "app/core/ways.js";

/** @typedef {import("app/core/tree.js").Tree} Tree */

/** Pictures at most, and pixels of all of them together: more takes a browser too long. */
const MOST = 120;
const MOST_PIXELS = 50_000_000;
const FEWEST = 8;

/** Milliseconds of a whole run, about; of one picture; of the last. */
const WHOLE = 12_000;
const [SHORTEST, LONGEST, LAST] = [60, 400, 2500];

/** How many pictures of a size there may be. */
export const mostOf = (/** @type {number} */ pixels) => Math.max(FEWEST, Math.min(MOST, Math.floor(MOST_PIXELS / pixels)));

/** The way that is pictured: to the end of the branch that is looked at. */
export const pictured = (/** @type {Tree} */ tree, /** @type {number} */ revision) => wayTo(tree, endOfWay(tree, revision));

/**
 * As many of a way as may be, evenly, its first and last among them.
 * @param {number[]} way
 * @param {number} most
 * @returns {{ revisions: number[], every: number }}  every: 1 where none is left out
 */
export function thinned(way, most) {
  const every = Math.ceil((way.length - 1) / Math.max(1, most - 1)) || 1;
  const kept = way.filter((_, i) => i % every === 0);
  const last = way[way.length - 1];
  return { revisions: kept.at(-1) === last ? kept : [...kept, last], every };
}

/**
 * Where the picture of each revision of a way begins: at the first answer, and
 * there it stays when turns follow. Where positions of the prompt were left to be
 * filled in, it is all there is to see.
 * @param {Tree} tree
 * @param {number[]} way
 * @returns {ReadonlyMap<number, number>}  by revision
 */
export function startsOf(tree, way) {
  /** @type {Map<number, number>} */
  const starts = new Map();
  let start = 0;
  let turned = false;
  for (const at of way) {
    const { canvas, splices, promptLength } = tree.revisions[at];
    if (promptLength !== null && starts.size) turned = true;
    if (!turned) start = canvas.promptLength;
    else for (const { position, removed, inserted } of splices) if (position < start) start += inserted - Math.min(removed, start - position);
    starts.set(at, start);
  }
  const holed = way.some((at) => tree.revisions[at].canvas.states.subarray(0, starts.get(at)).some((state) => state !== GIVEN));
  return holed ? new Map(way.map((at) => [at, 0])) : starts;
}

/** "3rd" */
export function ordinal(/** @type {number} */ n) {
  const ends = n % 100 > 10 && n % 100 < 14 ? "th" : (["th", "st", "nd", "rd"][n % 10] ?? "th");
  return `${n}${ends}`;
}

/**
 * What a moving picture shows, in words.
 * @param {Tree} tree
 * @param {number[]} revisions
 * @param {number} every
 */
export function shownInWords(tree, revisions, every) {
  if (every > 1) return `The run is long: it shows every ${ordinal(every)} revision and the last.`;
  const all = tree.revisions.filter((held, at) => held && at >= tree.first && held.cause !== "rewind").length;
  const [which, branch] = revisions.length === all ? ["all", ""] : ["the", " of this branch"];
  return revisions.length === 1 ? `It shows the one revision${branch || " there is"}.` : `It shows ${which} ${revisions.length} revisions${branch}.`;
}

/** Milliseconds of each of so many pictures. @returns {number[]} */
export function delaysOf(/** @type {number} */ count) {
  const each = Math.round(Math.min(LONGEST, Math.max(SHORTEST, WHOLE / count)) / 10) * 10;
  return Array.from({ length: count }, (_, i) => (i === count - 1 ? LAST : each));
}
