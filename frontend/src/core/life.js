// The life of a position: what the model would have written there, prediction by
// prediction, and what was done to it, along the way of a revision.
import { COMMITTED, GIVEN, OPEN } from "app/core/canvas.js";
import { placesAlong } from "app/core/following.js";
import { percent, percentOfByte, plural } from "app/core/format.js";
import { wayOf } from "app/core/heat.js";

/**
 * @typedef {import("app/core/tree.js").Tree} Tree
 * @typedef {import("app/core/tree.js").Revision} Revision
 * @typedef {import("app/core/tree.js").Draft} Draft
 *
 * @typedef {object} Point  the draft of one prediction
 * @property {number} revision
 * @property {number} token
 * @property {number | null} probability  p_base, as coarse as one byte holds it; null where it is not known
 *
 * @typedef {"draft" | "committed" | "edited" | "confirmed" | "reopened" | "inserted" | "removed" | "given" | "locked" | "unlocked"} Kind
 *
 * @typedef {object} Passage  the same draft for a while, or something that was done
 * @property {Kind} kind
 * @property {number} revision  where it began, or was done
 * @property {number} place  the position there; of what was taken out, the one before
 * @property {number | null} token
 * @property {number} count  of predictions in a row with this draft; 1 for what was done
 * @property {boolean} flipped  a draft that is another than the one before
 * @property {"sampler" | "hand" | null} by
 * @property {number | null} probability  of the run's last prediction; of the committed token
 *
 * @typedef {object} Life
 * @property {Point[]} points
 * @property {Passage[]} passages  oldest first
 * @property {number} steps  on the way, as long as the position was there
 * @property {number} missing  revisions that something was made from while it was open, and that no draft is held of
 * @property {"given" | "committed" | "open" | "gone"} end  at the end of the way
 * @property {{ revision: number, first: boolean } | null} emerged  from where on the final token was
 *   the draft of every prediction; first: of all of them
 */

/**
 * @param {Tree} tree
 * @param {number} revision
 * @param {number} position  at that revision
 * @returns {Life}
 */
export function lifeOf(tree, revision, position) {
  const way = wayOf(tree, revision);
  const places = placesAlong(tree, way, revision, position);
  /** @type {Life} */
  const life = { points: [], passages: [], steps: 0, missing: 0, end: "gone", emerged: null };
  /** The prediction before was of the very same canvas: a rewind only repeats it. @type {Revision | null} */
  let said = null;
  for (let i = 0; i < way.length; i++) {
    const held = tree.revisions[way[i]];
    const place = places[i];
    const before = i > 0 ? { held: tree.revisions[way[i - 1]], place: places[i - 1] } : null;
    if (before) life.passages.push(...doneTo(held, place, before.held, before.place));
    if (place < 0) continue;
    life.steps += held.cause === "step" ? 1 : 0;
    if (held.canvas.states[place] !== OPEN || said?.canvas === held.canvas) continue;
    const point = pointAt(tree.predictions.get(held.revision)?.draft, held.revision, place);
    if (point) tell(life, point, place);
    else if (i < way.length - 1) life.missing += 1;
    said = point ? held : null;
  }
  const last = places[way.length - 1];
  const tip = tree.revisions[way[way.length - 1]].canvas;
  if (last >= 0) life.end = tip.states[last] === OPEN ? "open" : tip.states[last] === GIVEN ? "given" : "committed";
  if (life.end === "committed") life.emerged = emergence(life, tip.tokens[last]);
  return life;
}

/** @returns {Point | null} */
export function pointAt(/** @type {Draft | null | undefined} */ draft, /** @type {number} */ revision, /** @type {number} */ place) {
  const at = draft ? indexIn(draft.positions, place) : -1;
  if (!draft || at < 0) return null;
  const byte = draft.probabilities[at];
  return { revision, token: draft.tokens[at], probability: byte === undefined ? null : byte / 255 };
}

/** Positions of a draft are in ascending order. */
function indexIn(/** @type {ArrayLike<number>} */ positions, /** @type {number} */ wanted) {
  let low = 0;
  let high = positions.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (positions[middle] < wanted) low = middle + 1;
    else high = middle;
  }
  return positions[low] === wanted ? low : -1;
}

function tell(/** @type {Life} */ { points, passages }, /** @type {Point} */ point, /** @type {number} */ place) {
  points.push(point);
  const { revision, token, probability } = point;
  const before = passages.findLast(({ kind }) => kind !== "locked" && kind !== "unlocked");
  if (before?.kind === "draft" && before.token === token) {
    before.count += 1;
    before.probability = probability;
    return;
  }
  const flipped = points.length > 1 && points[points.length - 2].token !== token;
  passages.push({ kind: "draft", revision, place, token, count: 1, flipped, by: null, probability });
}

/**
 * What a revision did to one position.
 * @param {Revision} held
 * @param {number} place
 * @param {Revision} parent
 * @param {number} was  the position there; -1: it was not there
 * @returns {Passage[]}
 */
function doneTo({ revision, cause, changes, canvas, promptLength, protected: locked, unprotected }, place, parent, was) {
  /** @type {Passage[]} */
  const done = [];
  const by = cause === "step" ? "sampler" : "hand";
  const add = (/** @type {Kind} */ kind, /** @type {number | null} */ token = null, /** @type {number | null} */ probability = null) =>
    done.push({ kind, revision, place: place < 0 ? was : place, token, count: 1, flipped: false, by, probability });
  if (place < 0) {
    if (was >= 0) add("removed");
    return done;
  }
  // Where a text is written token by token every position is put in by the step before its own.
  if (was < 0 && !(cause === "step" && place === canvas.length - 1)) add("inserted");
  const open = was < 0 || parent.canvas.states[was] === OPEN;
  const change = changes.find(({ position }) => position === place);
  if (change && change.token === null) {
    if (!open) add("reopened");
  } else if (change) {
    const same = !open && parent.canvas.tokens[was] === change.token;
    const kind = change.given ? "given" : open ? "committed" : same ? "confirmed" : "edited";
    if (!same || cause === "select") add(kind, change.token, change.probability);
  } else if (promptLength !== null && !open && canvas.states[place] === GIVEN && parent.canvas.states[was] === COMMITTED) {
    add("given", canvas.tokens[place]);
  }
  if (locked.includes(place)) add("locked");
  else if (unprotected.includes(place)) add("unlocked");
  return done;
}

/** Only where every prediction from there to the end had the token that stands there now. */
function emergence(/** @type {Life} */ { passages }, /** @type {number} */ token) {
  const decided = passages.filter(({ kind }) => kind === "draft" || kind === "committed" || kind === "edited" || kind === "reopened" || kind === "inserted");
  const last = decided.pop();
  const run = decided.pop();
  if (last?.kind !== "committed" || run?.kind !== "draft" || run.token !== token || run.count < 2) return null;
  return { revision: run.revision, first: passages.find(({ kind }) => kind === "draft") === run };
}

/**
 * A life as a sentence or a few.
 * @param {Life} life
 * @param {(token: number) => string} nameOf
 */
export function lifeInWords({ points, passages, emerged, end, missing }, nameOf) {
  const words = [];
  if (points.length) {
    const flips = passages.filter(({ flipped }) => flipped).map(({ revision }) => revision);
    const where = flips.length > 4 ? `last at revision ${flips[flips.length - 1]}` : `at revision${flips.length > 1 ? "s" : ""} ${listed(flips)}`;
    const steady = points.length > 1 ? "the draft never changed" : `the draft was ${nameOf(points[0].token)}`;
    const changed = flips.length ? `the draft flipped ${flips.length === 1 ? "once" : `${flips.length} times`}, ${where}` : steady;
    words.push(`${plural(points.length, "prediction")}: ${changed}.`);
  } else if (end === "given" && !passages.length) words.push("Given from the beginning: nothing was predicted here.");
  else words.push("No drafts came with these revisions.");
  const done = passages.filter(({ kind }) => kind !== "draft").slice(-3);
  if (done.length) words.push(`${capital(done.map((passage) => deedInWords(passage)).join("; then "))}.`);
  if (emerged) words.push(emerged.first ? "The final token was the draft from the first prediction on." : `The final token was the draft from revision ${emerged.revision} on.`);
  if (missing && points.length) words.push(`${plural(missing, "revision")} came without drafts.`);
  return words.join(" ");
}

/** @type {Record<Kind, string>} */
const DONE = {
  draft: "draft",
  committed: "committed",
  edited: "edited",
  confirmed: "confirmed",
  reopened: "opened again",
  inserted: "put in",
  removed: "taken out",
  given: "given",
  locked: "locked",
  unlocked: "unlocked",
};

/** What was done, where and by whom: "committed at 14 by the sampler, p 93%". */
export function deedInWords(/** @type {Passage} */ { kind, revision, by, probability }) {
  const who = by === "sampler" ? "by the sampler" : "by hand";
  const sure = probability === null || Number.isNaN(probability) ? "" : `, p ${percent(probability)}`;
  return `${DONE[kind]} at ${revision} ${who}${sure}`;
}

/** A passage in words that need nothing beside them. */
export function passageInWords(/** @type {Passage} */ passage, /** @type {(token: number) => string} */ nameOf) {
  const { kind, revision, token, count, probability } = passage;
  const name = token === null ? "" : `${nameOf(token)}, `;
  if (kind !== "draft") return name + deedInWords(passage);
  const sure = probability === null ? "" : `, p ${percentOfByte(probability * 255)}${count > 1 ? " at last" : ""}`;
  return `${name}draft of ${plural(count, "prediction")} from revision ${revision} on${sure}`;
}

const capital = (/** @type {string} */ words) => words.charAt(0).toUpperCase() + words.slice(1);

const listed = (/** @type {number[]} */ numbers) =>
  numbers.length < 2 ? String(numbers[0] ?? "") : `${numbers.slice(0, -1).join(", ")} and ${numbers[numbers.length - 1]}`;
