// Margins do not come with drafts: they are asked for, revision by revision, and
// kept for as long as the session is.
import { COMMITTED, OPEN } from "app/core/canvas.js";
import { shownRevision } from "app/core/state.js";
import { sourcesIn } from "app/core/tree.js";
import { weighingOf } from "app/core/weighing.js";

/**
 * @typedef {import("app/core/state.js").State} State
 *
 * @typedef {object} Margins  those of a revision
 * @property {ReadonlyMap<number, number>} known  by position
 * @property {string} failed  why the others could not be had; empty: nothing failed
 */

/** As many positions as one call may ask about. */
const AT_ONCE = 64;

/** How many revisions' margins are kept. */
const KEPT = 64;

/**
 * The margins to ask for next: those of open positions of the revision shown.
 * Null where none are missing or none are wanted.
 * @param {State} state
 */
export function marginsWanted(state) {
  const { tree } = state;
  if (!tree || state.view.lens !== "margin") return null;
  const revision = shownRevision(state);
  const { canvas } = tree.revisions[revision];
  const first = canvas.states.indexOf(OPEN);
  const at = first < 0 ? null : weighingOf(tree, revision, first);
  if (!at) return null;
  const held = state.margins.get(at.revision);
  if (held?.failed) return null;
  const positions = [];
  for (let position = first; position < canvas.length && positions.length < AT_ONCE; position++) {
    if (canvas.states[position] === OPEN && !held?.known.has(position)) positions.push(position);
  }
  return positions.length ? { sessionId: tree.id, revision: at.revision, positions } : null;
}

/** Why the margins of the revision shown could not be had; empty where they can. */
export function marginsFailed(/** @type {State} */ state) {
  const { tree } = state;
  if (!tree || state.view.lens !== "margin") return "";
  const revision = shownRevision(state);
  const first = tree.revisions[revision].canvas.states.indexOf(OPEN);
  const at = first < 0 ? null : weighingOf(tree, revision, first);
  return (at && state.margins.get(at.revision)?.failed) || "";
}

/**
 * @param {State["margins"]} margins
 * @param {number} revision
 * @param {Iterable<[number, number]>} came
 * @param {string} failed
 * @returns {State["margins"]}
 */
export function withMargins(margins, revision, came, failed) {
  const next = new Map(margins);
  const known = new Map([...(margins.get(revision)?.known ?? []), ...came]);
  next.delete(revision); // to be the newest
  next.set(revision, { known, failed });
  for (const oldest of [...next.keys()].slice(0, Math.max(0, next.size - KEPT))) next.delete(oldest);
  return next;
}

/**
 * What is known: of open positions what was asked for; of committed ones what
 * was asked for while they were open, or what the inspector was told.
 * @param {State} state
 * @param {number} revision
 */
export function readMargins(state, revision) {
  const tree = /** @type {import("app/core/tree.js").Tree} */ (state.tree);
  const { canvas, layout } = tree.revisions[revision];
  const { states, origins, length } = canvas;
  const values = new Float32Array(length).fill(NaN);
  const first = states.indexOf(OPEN);
  const open = first < 0 ? undefined : state.margins.get(weighingOf(tree, revision, first)?.revision ?? -1)?.known;
  for (let at = 0; at < length; at++) {
    if (states[at] === OPEN) values[at] = open?.get(at) ?? NaN;
    else if (states[at] === COMMITTED && origins[at] > 0) {
      const before = tree.revisions[tree.revisions[origins[at]].parent];
      if (before?.layout === layout) values[at] = state.margins.get(before.revision)?.known.get(at) ?? NaN;
    }
  }
  for (const [key, weighing] of state.weighings) {
    if (weighing === "asked" || "failed" in weighing) continue;
    const [then, place] = key.split(":").map(Number);
    const now = placeNow(tree, revision, then, place);
    if (now < 0 || states[now] !== COMMITTED) continue;
    const target = weighingOf(tree, revision, now);
    if (target?.revision === then && target.position === place) values[now] = weighing.margin;
  }
  return values;
}

/** Where a position of an earlier revision on the way is now; -1: nowhere. */
function placeNow(/** @type {import("app/core/tree.js").Tree} */ tree, /** @type {number} */ revision, /** @type {number} */ then, /** @type {number} */ place) {
  if (!tree.revisions[then] || then >= revision) return -1;
  if (tree.revisions[then].layout === tree.revisions[revision].layout) return place;
  let at = revision;
  while (at > then) at = tree.revisions[at].parent;
  return at === then ? (sourcesIn(tree, revision, then)?.indexOf(place) ?? place) : -1;
}
