// The canvas as a list: which positions it has, which of them are in view, and
// what has to be asked for those.
import { OPEN } from "app/core/canvas.js";
import { READ_ONLY } from "app/core/possible-edits.js";
import { unchangeable } from "app/core/readiness.js";
import { shownRevision, weighingKey } from "app/core/state.js";
import { deedsOf, isComplete } from "app/core/tree.js";
import { weighingOf } from "app/core/weighing.js";

/**
 * @typedef {import("app/core/state.js").State} State
 * @typedef {import("app/core/state.js").Weighing} Weighing
 * @typedef {"open" | "all" | "changed"} Filter
 */

/** What the server takes in one call. */
const MOST_AT_ONCE = 64;

/**
 * The positions listed, in order.
 * @param {State} state
 * @returns {number[]}
 */
export function listed({ tree, shown, view }) {
  if (!tree) return [];
  const revision = tree.revisions[shownRevision({ tree, shown })];
  const { states, length } = revision.canvas;
  if (view.rows === "changed") return [...deedsOf(tree, revision.revision).keys()].sort((a, b) => a - b);
  const all = Array.from({ length }, (_, position) => position);
  return view.rows === "all" ? all : all.filter((position) => states[position] === OPEN);
}

/** Why the list is empty, in words. */
export function emptyList(/** @type {State} */ { tree, shown, view }) {
  if (!tree) return "";
  const revision = tree.revisions[shownRevision({ tree, shown })];
  if (view.rows === "changed") return "This revision changed no position.";
  return isComplete(revision) ? "The canvas is complete: no position is open." : "No position is open at this revision.";
}

/**
 * The rows to be drawn: those in view and some around them.
 * @param {{ top: number, height: number, row: number, count: number, around?: number }} seen
 *   top: how far the list is scrolled; row: the height of one
 * @returns {{ from: number, to: number }}
 */
export function windowOf({ top, height, row, count, around = 4 }) {
  const first = Math.max(0, Math.min(Math.floor(top / row), count - 1));
  const last = Math.ceil((top + height) / row);
  return { from: Math.max(0, first - around), to: Math.min(count, Math.max(last, first + 1) + around) };
}

/**
 * The calls that would bring what is not known yet of some positions, by the
 * revision at which each was last open. None while steps are made: the drafts
 * have to do.
 * @param {State} state
 * @param {readonly number[]} positions
 * @returns {{ revision: number, positions: number[] }[]}
 */
export function callsFor(state, positions) {
  const { tree, activity, weighings } = state;
  if (!tree || activity === "run" || activity === "step") return [];
  const at = shownRevision(state);
  const { length } = tree.revisions[at].canvas;
  /** @type {Map<number, Set<number>>} */
  const wanted = new Map();
  for (const position of positions) {
    const target = position < length ? weighingOf(tree, at, position) : null;
    if (!target || weighings.has(weighingKey(target.revision, target.position))) continue;
    wanted.set(target.revision, (wanted.get(target.revision) ?? new Set()).add(target.position));
  }
  return [...wanted].flatMap(([revision, set]) => {
    const all = [...set];
    return Array.from({ length: Math.ceil(all.length / MOST_AT_ONCE) }, (_, i) => ({ revision, positions: all.slice(i * MOST_AT_ONCE, (i + 1) * MOST_AT_ONCE) }));
  });
}

/**
 * What a row shows beside its cell.
 * @param {State} state
 * @param {number} position
 */
export function rowOf(state, position) {
  const { tree } = state;
  const at = shownRevision(state);
  const target = tree ? weighingOf(tree, at, position) : null;
  const held = target ? state.weighings.get(weighingKey(target.revision, target.position)) : undefined;
  const settings = tree && target ? tree.revisions[target.revision].settings : null;
  return {
    target,
    weighing: held && held !== "asked" && !("failed" in held) ? held : null,
    failed: held && held !== "asked" && "failed" in held ? held.failed : "",
    greedy: settings?.parameters.temperature === 0,
    hindrance: unchangeable(state) || (tree && target && tree.revisions[target.revision].readOnly ? READ_ONLY : ""),
  };
}
