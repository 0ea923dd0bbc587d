// Tokens that are watched: how likely the model found each at its position, over
// the revisions on the way. Where the draft was that token, its probability came
// with the frames; what is missing is asked for.
import { OPEN } from "app/core/canvas.js";
import { indexOf, placesAlong } from "app/core/following.js";
import { percentOfByte } from "app/core/format.js";
import { wayOf } from "app/core/heat.js";
import { pointAt } from "app/core/life.js";
import { busy, offline, switchedOff } from "app/core/readiness.js";
import { shownRevision, weighingKey } from "app/core/state.js";
import { headOf, pathTo } from "app/core/tree.js";
import { weighingOf } from "app/core/weighing.js";

/**
 * @typedef {import("app/core/state.js").State} State
 * @typedef {import("app/core/state.js").Watch} Watch
 * @typedef {import("app/core/tree.js").Tree} Tree
 *
 * @typedef {object} Point  what is known of the token at one revision
 * @property {number} revision
 * @property {number} probability  p_base; where it is below the rank, at most that
 * @property {number} rank  1: the likeliest. Below a rank: the last that was looked at
 * @property {"exact" | "rounded" | "below"} known  rounded: a draft's, in one byte
 *
 * @typedef {object} Trail
 * @property {Watch} watch
 * @property {Point[]} points  oldest first
 * @property {{ revision: number, of: number, place: number }[]} gaps  revisions where the position was open
 *   and nothing is known; of: the one to ask about, which has the same canvas
 * @property {{ state: "open" | "decided" | "absent", place: number, token: number | null, point: Point | null }} here
 *   at the revision shown
 */

/** So many tokens at once. */
export const MOST = 8;
/** So many candidates are asked for: as many as there are to be had. */
export const DEEP = 100;
/** Positions that one call answers for. */
const AT_ONCE = 64;
/** The log scale begins here. */
const LOWEST = 1e-4;

/** How far up a probability stands, 0 to 1. */
export const height = (/** @type {number} */ p, /** @type {boolean} */ log) =>
  Math.min(1, Math.max(0, log ? 1 - Math.log10(Math.max(p, LOWEST)) / Math.log10(LOWEST) : p));

/** All that is watched, in the order that it was taken up. @returns {Trail[]} */
export function trailsOf(/** @type {State} */ state) {
  const { tree, watched } = state;
  if (!tree || !watched.tokens.length) return [];
  const way = wayOf(tree, shownRevision(state));
  const index = indexOf(way);
  return watched.tokens.map((watch) => trailOf(state, watch, way, index));
}

/**
 * @param {State} state
 * @param {Watch} watch
 * @param {number[]} way
 * @param {ReadonlyMap<number, number>} index
 * @returns {Trail}
 */
function trailOf(state, watch, way, index) {
  const tree = /** @type {Tree} */ (state.tree);
  const shown = shownRevision(state);
  const places = placesAlong(tree, way, watch.revision, watch.position, index);
  /** @type {Trail} */
  const trail = { watch, points: [], gaps: [], here: { state: "absent", place: -1, token: null, point: null } };
  for (let i = 0; i < way.length; i++) {
    const place = places[i];
    if (place < 0) continue;
    const { canvas, revision } = tree.revisions[way[i]];
    const open = canvas.states[place] === OPEN;
    /** @type {Point | null} */
    let point = null;
    if (open) {
      const of = weighingOf(tree, revision, place)?.revision ?? revision;
      point = pointOf(state, watch.token, revision, of, place);
      if (point) trail.points.push(point);
      else trail.gaps.push({ revision, of, place });
    }
    if (revision === shown) trail.here = { state: open ? "open" : "decided", place, token: open ? null : canvas.tokens[place], point };
  }
  return trail;
}

/** @returns {Point | null} */
function pointOf(/** @type {State} */ state, /** @type {number} */ token, /** @type {number} */ revision, /** @type {number} */ of, /** @type {number} */ place) {
  const { tree, watched, weighings } = state;
  const key = weighingKey(of, place);
  const deep = watched.weighed.get(key);
  if (deep) {
    const at = deep.tokens.indexOf(token);
    if (at >= 0) return { revision, probability: deep.probabilities[at], rank: at + 1, known: "exact" };
    return { revision, probability: deep.probabilities[deep.probabilities.length - 1], rank: deep.tokens.length, known: "below" };
  }
  const weighing = weighings.get(key);
  if (weighing && typeof weighing === "object" && "candidates" in weighing) {
    const at = weighing.candidates.findIndex((candidate) => candidate.token === token);
    if (at >= 0) return { revision, probability: weighing.candidates[at].pBase, rank: at + 1, known: "exact" };
  }
  const { predictions } = /** @type {Tree} */ (tree);
  const draft = pointAt(predictions.get(revision)?.draft ?? predictions.get(of)?.draft, revision, place);
  if (draft?.token !== token || draft.probability === null) return null;
  return { revision, probability: draft.probability, rank: 1, known: "rounded" };
}

/**
 * What to ask for to know all: for each revision its positions, newest first.
 * @param {Trail[]} trails
 * @returns {{ revision: number, positions: number[] }[]}
 */
export function gapsOf(trails) {
  /** @type {Map<number, Set<number>>} */
  const wanted = new Map();
  for (const { gaps } of trails) {
    for (const { of, place } of gaps) wanted.set(of, (wanted.get(of) ?? new Set()).add(place));
  }
  return [...wanted].sort(([a], [b]) => b - a).map(([revision, places]) => ({ revision, positions: [...places].sort((a, b) => a - b).slice(0, AT_ONCE) }));
}

/** What to ask for at the newest revision, the one shown; null where nothing is missing there. */
export function newestGaps(/** @type {State} */ state) {
  const { tree } = state;
  if (!tree || state.shown !== null || !state.watched.tokens.length) return null;
  const head = headOf(tree);
  const { states } = tree.revisions[head].canvas;
  const way = [...pathTo(tree, head)].reverse();
  const index = indexOf(way);
  /** @type {Set<number>} */
  const positions = new Set();
  let of = head;
  for (const { token, revision, position } of state.watched.tokens) {
    const place = placesAlong(tree, way, revision, position, index)[way.length - 1];
    if (place < 0 || states[place] !== OPEN) continue;
    of = weighingOf(tree, head, place)?.revision ?? head;
    if (!pointOf(state, token, head, of, place)) positions.add(place);
  }
  return positions.size ? { revision: of, positions: [...positions].sort((a, b) => a - b) } : null;
}

/**
 * The entry that watches a token at a position of a revision, if there is one.
 * @param {State} state
 * @param {number} revision
 * @param {number} position
 * @param {number} token
 */
export function watchOf({ tree, watched }, revision, position, token) {
  if (!tree) return undefined;
  const alike = watched.tokens.filter((watch) => watch.token === token);
  if (!alike.length) return undefined;
  const way = [...pathTo(tree, revision)].reverse();
  return alike.find((watch) => placesAlong(tree, way, watch.revision, watch.position)[way.length - 1] === position);
}

/** Why no other token can be watched now; empty where one can. */
export const watchHindrance = (/** @type {State} */ { watched }) =>
  watched.tokens.length < MOST ? "" : `${MOST} tokens are watched already. Take one out first.`;

/** Why the gaps cannot be filled in now. */
export const fillHindrance = (/** @type {State} */ state) =>
  state.connection.state === "recorded" ? "This is a recording: there is no model to ask." : offline(state) || switchedOff(state, "fill them in") || busy(state);

/** The number of a point: what is rounded or only a bound says so. */
export function pointInWords(/** @type {Point | null} */ point) {
  if (!point) return "not known";
  const { probability, rank, known } = point;
  if (known === "below") return `below rank ${rank}, p ≤ ${digits(probability)}`;
  return known === "rounded" ? `p ≈ ${percentOfByte(probability * 255)}, rank 1` : `p ${digits(probability)}, rank ${rank}`;
}

/** A probability with digits enough to tell small ones apart. */
export function digits(/** @type {number} */ p) {
  if (p > 0.9999 && p < 1) return ">0.9999";
  return p >= 0.001 || p === 0 ? p.toFixed(4) : p.toExponential(2);
}
