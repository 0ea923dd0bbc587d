// What the model would write at the open positions of a revision.
import { sourcesIn } from "app/core/tree.js";

/**
 * @typedef {import("app/core/tree.js").Tree} Tree
 * @typedef {import("app/core/tree.js").Draft} Draft
 *
 * @typedef {object} DraftColumns  one entry a position
 * @property {Int32Array} tokens  -1: no draft there
 * @property {Uint8Array} probabilities
 * @property {Uint8Array} entropies
 */

/**
 * The draft to show at a revision: its own prediction, or else that of the
 * nearest ancestor that has one. A step that only weighed what is committed has
 * none: what it opened again shows what was written there before.
 * @param {Tree} tree
 * @param {number} revision
 * @returns {{ draft: Draft, at: number, exact: boolean } | null}  exact: it was
 *   predicted from this very canvas
 */
export function draftAt(tree, revision) {
  const { canvas } = tree.revisions[revision];
  for (let at = revision; at >= 0; at = tree.revisions[at].parent) {
    const draft = tree.predictions.get(at)?.draft;
    if (draft?.positions.length) return { draft, at, exact: tree.revisions[at].canvas === canvas };
  }
  return null;
}

/**
 * Drafts spread over canvases, by the layout of their positions: on the way from
 * a draft, the same layout means the same places. The few used last: a session
 * has thousands, each as long as its canvas.
 * @type {Map<Draft, Map<number, DraftColumns>>}
 */
const columns = new Map();
const KEPT = 16;

/**
 * The draft shown at a revision, spread over its canvas. Where positions were
 * put in since, there is none.
 * @param {Tree} tree
 * @param {number} revision
 * @returns {DraftColumns | null}
 */
export function draftColumns(tree, revision) {
  const found = draftAt(tree, revision);
  if (!found) return null;
  const { layout } = tree.revisions[revision];
  const known = columns.get(found.draft) ?? new Map();
  if (!known.has(layout)) known.set(layout, spread(found.draft, tree.revisions[revision].canvas.length, sourcesIn(tree, revision, found.at)));
  columns.delete(found.draft); // to be the newest
  columns.set(found.draft, known);
  if (columns.size > KEPT) columns.delete(/** @type {Draft} */ (columns.keys().next().value));
  return known.get(layout) ?? null;
}

function spread(/** @type {Draft} */ draft, /** @type {number} */ length, /** @type {number[] | null} */ sources) {
  const entry = new Map(Array.from(draft.positions, (position, i) => [position, i]));
  const made = { tokens: new Int32Array(length).fill(-1), probabilities: new Uint8Array(length), entropies: new Uint8Array(length) };
  for (let position = 0; position < length; position++) {
    const i = entry.get(sources ? sources[position] : position);
    if (i === undefined) continue;
    made.tokens[position] = draft.tokens[i];
    made.probabilities[position] = draft.probabilities[i] ?? 0;
    made.entropies[position] = draft.entropies[i] ?? 0;
  }
  return made;
}
