// Positions marked, to do something to all of them at once, and positions that a
// brush has passed over.
import { GIVEN, OPEN } from "app/core/canvas.js";
import { plural } from "app/core/format.js";
import { appendsOnly, NO_MASKING_AGAIN } from "app/core/left-to-right.js";
import { hindrance } from "app/core/possible-edits.js";
import { unchangeable } from "app/core/readiness.js";
import { shownRevision } from "app/core/state.js";
import { pathTo, sourcesIn } from "app/core/tree.js";

/**
 * @typedef {import("app/core/state.js").State} State
 * @typedef {import("app/core/tree.js").Tree} Tree
 * @typedef {import("app/core/possible-edits.js").Doing} Doing
 *
 * @typedef {"mask" | "lock"} BrushKind
 *
 * @typedef {object} Brush
 * @property {BrushKind | null} kind  null: put away
 * @property {ReadonlySet<number>} passed  the positions it went over and has not changed yet
 */

/** @type {Brush} */
export const NO_BRUSH = { kind: null, passed: new Set() };

/** Why there are none among rows. */
const NO_BRUSHES = "Brushes paint where the canvas is a text or a grid.";

/** Why no brush can be taken into the hand; empty where one can. */
export function brushHindrance(/** @type {State} */ state) {
  if (state.view.mode === "rows") return NO_BRUSHES;
  return appendsOnly(state) ? NO_MASKING_AGAIN : "";
}

/** @type {ReadonlySet<number>} */
export const NOTHING = new Set();

/** All from one position to another, in reading order. */
export function runOf(/** @type {number} */ from, /** @type {number} */ to) {
  const [first, last] = from < to ? [from, to] : [to, from];
  return Array.from({ length: last - first + 1 }, (_, i) => first + i);
}

/**
 * Where marked positions are at another revision: they move with what is put in
 * or taken out before them, and are gone where they were taken out.
 * @param {ReadonlySet<number>} marked
 * @param {Tree} tree
 * @param {number} from
 * @param {number} to
 * @returns {ReadonlySet<number>}
 */
export function stillMarked(marked, tree, from, to) {
  if (!marked.size || tree.revisions[from].layout === tree.revisions[to].layout) return marked;
  const back = pathTo(tree, from);
  let common = to;
  while (common >= 0 && !back.has(common)) common = tree.revisions[common].parent;
  if (common < 0 || !tree.revisions[common]) return NOTHING; // not kept
  const before = sourcesIn(tree, from, common);
  const after = sourcesIn(tree, to, common);
  const place = new Map(after?.map((source, position) => [source, position]));
  const kept = new Set();
  for (const position of marked) {
    const source = before ? before[position] : position;
    const now = source < 0 ? undefined : after ? place.get(source) : source;
    if (now !== undefined) kept.add(now);
  }
  return kept;
}

/**
 * Of some positions, those that something can be done to; where there are none,
 * why.
 * @param {State} state
 * @param {Doing} doing
 * @param {Iterable<number>} positions
 */
export function fitting(state, doing, positions) {
  const fit = [];
  let why = "";
  for (const position of positions) {
    const reason = hindrance(state, doing, position);
    if (!reason) fit.push(position);
    why ||= reason;
  }
  return { positions: fit.sort((a, b) => a - b), why: fit.length ? "" : why || "Look at a position first." };
}

/** Why something cannot be done to any of the positions; empty where it can to one. */
export function hindranceToAll(/** @type {State} */ state, /** @type {Doing} */ doing, /** @type {Iterable<number>} */ positions) {
  let why = "";
  for (const position of positions) {
    const reason = hindrance(state, doing, position);
    if (!reason) return "";
    why ||= reason;
  }
  return why || unchangeable(state) || "Look at a position first.";
}

/** The open positions among some that have a draft to pick. */
export function draftsAmong(/** @type {readonly import("app/core/selectors.js").Cell[]} */ cells, /** @type {Iterable<number>} */ positions) {
  return [...positions].map((position) => cells[position]).filter((cell) => cell?.state === "open" && !cell.picked && cell.token !== null);
}

/** Why a brush would leave a position as it is; empty where it would not. */
function spared(/** @type {import("app/core/canvas.js").Canvas} */ { states, protected: kept }, /** @type {BrushKind} */ kind, /** @type {number} */ position) {
  if (states[position] === OPEN) return "open already";
  if (kind === "mask") return "";
  return states[position] === GIVEN ? "given" : kept[position] ? "locked already" : "";
}

/**
 * What the brush has passed over: the positions that it will change, and how
 * many it will not.
 * @param {State} state
 */
export function painted(state) {
  const { tree, brush } = state;
  const { kind, passed } = brush;
  if (!tree || !kind) return null;
  const { canvas } = tree.revisions[shownRevision(state)];
  const inside = [...passed].filter((position) => position < canvas.length);
  const positions = inside.filter((position) => !spared(canvas, kind, position)).sort((a, b) => a - b);
  const why = inside.map((position) => spared(canvas, kind, position));
  const reasons = [...new Set(why)].filter(Boolean).map((reason) => `${why.filter((other) => other === reason).length} ${reason}`);
  return { kind, positions, passed: inside.length, reasons };
}

/** "would open 7; 2 open already" */
export function paintedInWords(/** @type {NonNullable<ReturnType<typeof painted>>} */ { kind, positions, passed, reasons }) {
  if (!passed) return kind === "mask" ? "drag over what is to be open again" : "drag over what no step may change";
  const would = `would ${kind === "mask" ? "open" : "lock"} ${positions.length ? plural(positions.length, "position") : "nothing"}`;
  return [would, ...reasons].join("; ");
}
