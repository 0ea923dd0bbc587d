// The order of unmasking: a row for each revision on the way, a column for each
// position. Frames are only ever added, so a row is made once: what is drawn of
// it stays drawn until its draft comes or positions move.
import { carried, COMMITTED, GIVEN, OPEN, range } from "app/core/canvas.js";
import { draftAt, draftColumns } from "app/core/drafts.js";
import { deedsOf, headOf, pathTo } from "app/core/tree.js";
import { faceOfId, labelOf } from "app/core/selectors.js";

/**
 * @typedef {import("app/core/tree.js").Tree} Tree
 * @typedef {import("app/core/tree.js").Revision} Revision
 * @typedef {import("app/core/state.js").State} State
 *
 * @typedef {object} Row  the very same object for as long as it looks the same
 * @property {number} revision
 * @property {Uint16Array} codes  one a column: round(255 p) of an open position's draft, or one of MARKS
 *
 * @typedef {object} Heat
 * @property {Row[]} rows  oldest first
 * @property {number} start  the position of the first column, in the canvas of the last row
 * @property {number} columns
 * @property {number} left  older revisions on the way that are left out
 */

/** What a cell is, where it is not open with a draft. */
export const MARKS = { absent: 256, given: 257, bare: 258, committed: 259, new: 260, changed: 261 };

/** A browser draws no picture of any height. */
const MOST_ROWS = 4096;

/** Of each step there is to be seen something. */
const FEWEST_STEPS = 3;

/** @type {WeakMap<Revision, { layout: number, where: ArrayLike<number> | null, free: number, start: number, draft: unknown, row: Row | null }>} */
const made = new WeakMap();

/**
 * The revisions on the way to the newest one on the branch of `revision`, oldest
 * first: looking back along it leaves none out.
 * @param {Tree} tree
 * @param {number} revision
 */
export function wayOf(tree, revision) {
  let tip = headOf(tree);
  let path = pathTo(tree, tip);
  if (!path.has(revision)) {
    const after = new Set([(tip = revision)]);
    for (let at = revision + 1; at <= headOf(tree); at++) {
      if (tree.revisions[at] && after.has(tree.revisions[at].parent)) after.add((tip = at));
    }
    path = pathTo(tree, tip);
  }
  return [...path].filter((at) => at >= tree.first).reverse();
}

/**
 * The rows and columns of a way. The columns are the positions of its last
 * canvas, from the first that was ever to be filled in; positions that are gone
 * by then have none.
 * @param {Tree} tree
 * @param {number} revision
 * @returns {Heat}
 */
export function heatOfWay(tree, revision) {
  const whole = wayOf(tree, revision);
  const way = whole.slice(-MOST_ROWS);
  const { layout, canvas } = tree.revisions[way[way.length - 1]];
  let start = canvas.promptLength;
  /** Where each position of the last canvas was; null: at the same place. @type {number[] | null} */
  let where = null;
  for (let i = way.length - 1; i >= 0; i--) {
    const held = tree.revisions[way[i]];
    let entry = made.get(held);
    if (entry?.layout !== layout) {
      entry = { layout, where, free: firstFree(held.canvas, where), start: -1, draft: null, row: null };
      made.set(held, entry);
    }
    start = Math.min(start, entry.free);
    if (i > 0 && held.splices.length) where = before(where, held, tree.revisions[held.parent]);
  }
  const columns = canvas.length - start;
  const rows = way.map((at) => rowOf(tree, at, start, columns));
  return { rows, start, columns, left: whole.length - way.length };
}

/** One revision further back. @returns {number[]} */
function before(/** @type {number[] | null} */ where, /** @type {Revision} */ { splices, canvas }, /** @type {Revision} */ parent) {
  const sources = carried(range(parent.canvas.length), splices);
  return (where ?? range(canvas.length)).map((at) => (at < 0 ? -1 : sources[at]));
}

/** The first position in the prompt that is not given. */
function firstFree(/** @type {import("app/core/canvas.js").Canvas} */ { states, length }, /** @type {number[] | null} */ where) {
  const count = where ? where.length : length;
  for (let position = 0; position < count; position++) {
    const at = where ? where[position] : position;
    if (at >= 0 && states[at] !== GIVEN) return position;
  }
  return count;
}

/** @returns {Row} */
function rowOf(/** @type {Tree} */ tree, /** @type {number} */ revision, /** @type {number} */ start, /** @type {number} */ columns) {
  const held = tree.revisions[revision];
  const entry = /** @type {NonNullable<ReturnType<typeof made.get>>} */ (made.get(held));
  const { states, openCount } = held.canvas;
  const source = openCount ? (draftAt(tree, revision)?.draft ?? null) : null;
  if (entry.row && entry.start === start && entry.draft === source && entry.row.codes.length === columns) return entry.row;
  const draft = source && draftColumns(tree, revision);
  const deeds = deedsOf(tree, revision);
  const codes = new Uint16Array(columns);
  for (let column = 0; column < columns; column++) {
    const at = entry.where ? entry.where[start + column] : start + column;
    if (at < 0) codes[column] = MARKS.absent;
    else if (states[at] === GIVEN) codes[column] = MARKS.given;
    else codes[column] = states[at] === COMMITTED ? MARKS.committed : draft && draft.tokens[at] >= 0 ? draft.probabilities[at] : MARKS.bare;
    const deed = at < 0 ? undefined : deeds.get(at);
    if (deed === "committed") codes[column] = MARKS.new;
    else if (deed === "reopened" || deed === "edited") codes[column] = MARKS.changed;
  }
  entry.start = start;
  entry.draft = source;
  return (entry.row = { revision, codes });
}

/**
 * The position that a column is in the canvas of a row; -1: it was not there yet.
 * @param {Tree} tree
 * @param {Heat} heat
 * @param {number} row
 * @param {number} column
 */
export function positionIn(tree, { rows, start }, row, column) {
  const entry = made.get(tree.revisions[rows[row].revision]);
  return entry?.where ? entry.where[start + column] : start + column;
}

/**
 * A cell in words: its revision, token, probability and position.
 * @param {State} state
 * @param {Heat} heat
 * @param {number} row
 * @param {number} column
 */
export function cellInWords(state, heat, row, column) {
  const tree = /** @type {Tree} */ (state.tree);
  const { revision } = heat.rows[row];
  const position = positionIn(tree, heat, row, column);
  if (position < 0) return `Revision ${revision}: put in later, position ${heat.start + column} now`;
  return `Revision ${revision}: ${labelOf(cellAt(state, revision, position))}`;
}

/** @returns {Parameters<typeof labelOf>[0]} */
function cellAt(/** @type {State} */ state, /** @type {number} */ revision, /** @type {number} */ position) {
  const tree = /** @type {Tree} */ (state.tree);
  const { canvas } = tree.revisions[revision];
  const open = canvas.states[position] === OPEN;
  const draft = open ? draftColumns(tree, revision) : null;
  const drafted = draft && draft.tokens[position] >= 0 ? draft : null;
  const token = open ? (drafted ? drafted.tokens[position] : null) : canvas.tokens[position];
  const probability = open ? (drafted ? drafted.probabilities[position] / 255 : NaN) : canvas.probabilities[position];
  return {
    position,
    state: open ? "open" : canvas.states[position] === GIVEN ? "given" : "committed",
    token,
    face: token === null ? null : faceOfId(state, token),
    probability: Number.isNaN(probability) ? null : probability,
    deed: deedsOf(tree, revision).get(position) ?? null,
    byHand: canvas.byHand[position] === 1,
    locked: canvas.protected[position] === 1,
    picked: false,
    reopening: false,
    previewed: false,
    repeat: false,
  };
}

/**
 * What a row did, for a table: its cells in words, and what was left.
 * @param {State} state
 * @param {number} revision
 */
export function rowInWords(state, revision) {
  const tree = /** @type {Tree} */ (state.tree);
  const { canvas, summary } = tree.revisions[revision];
  /** @type {string[]} */
  const committed = [];
  /** @type {string[]} */
  const changed = [];
  for (const [position, deed] of [...deedsOf(tree, revision)].sort(([a], [b]) => a - b)) {
    (deed === "committed" ? committed : changed).push(labelOf({ ...cellAt(state, revision, position), deed: deed === "committed" ? null : deed }));
  }
  return { revision, committed, changed, open: canvas.openCount, mean: summary?.meanProbability ?? null, gate: summary?.minProbability ?? null };
}

/**
 * How sure the steps on the way were, from left to right as on the slider; null
 * where there are too few to show. Every point is [x, y], both 0 to 1, y upwards.
 * @param {Tree} tree
 * @param {number} revision
 * @returns {{ mean: number[][], gate: number[][], open: number[][], at: number } | null}
 */
export function confidenceOf(tree, revision) {
  const way = wayOf(tree, revision).map((at) => tree.revisions[at]);
  const steps = way.filter(({ cause, summary }) => cause === "step" && summary !== null);
  if (steps.length < FEWEST_STEPS) return null;
  const last = headOf(tree);
  const x = (/** @type {number} */ at) => (at - tree.first) / (last - tree.first);
  const points = (/** @type {"meanProbability" | "minProbability"} */ name) =>
    steps.flatMap(({ revision: at, summary }) => (summary?.[name] == null ? [] : [[x(at), summary[name]]]));
  const most = way.reduce((largest, { canvas }) => Math.max(largest, canvas.openCount), 1);
  const open = way.map(({ revision: at, canvas }) => [x(at), canvas.openCount / most]);
  return { mean: points("meanProbability"), gate: points("minProbability"), open, at: x(revision) };
}
