// A session as a tree of revisions. Frames are only ever added, so a state is
// its parent's state folded with the frame, and nothing computed for a revision
// is ever computed again.
import { cameFrom, canvasOf, carried, folded, OPEN, range } from "app/core/canvas.js";

/**
 * @typedef {"create" | "step" | "select" | "rewind" | "edit" | "trimmed"} Cause  trimmed: what made
 *   it is not kept any more
 * @typedef {import("app/core/canvas.js").Canvas} Canvas
 * @typedef {import("app/core/canvas.js").Splice} Splice
 *
 * @typedef {object} Change
 * @property {number} position
 * @property {number | null} token  null: the position is open again
 * @property {number | null} probability  the model's own (p_base)
 * @property {boolean} given
 *
 * @typedef {object} Draft  entry i of every list belongs to positions[i]
 * @property {ArrayLike<number>} positions
 * @property {ArrayLike<number>} tokens
 * @property {Uint8Array} probabilities  round(255 p)
 * @property {Uint8Array} entropies  round(255 H / ln V)
 * @property {number} predictedAt
 *
 * @typedef {object} Summary
 * @property {number} openCount
 * @property {number} forwardCount  passes that the step takes by itself
 * @property {number} totalForwardCount
 * @property {number} [reusedForwardCount]  of forwardCount, those that were at hand already
 * @property {number | null} meanProbability
 * @property {number | null} minProbability
 * @property {number | null} meanEntropy
 * @property {number | null} seconds  device time of the forward pass, then or before
 * @property {number | null} totalWallSeconds  of all steps on the way here, waiting included
 * @property {boolean} pending  the sampler has more to do, though perhaps nothing is open
 * @property {number | null} tokensBeforeEnd  set by the step after which it has not
 * @property {string[]} approximations
 * @property {"end" | "sequence" | "length" | "context" | "constraint" | null} stopReason  of a text
 *   written from left to right; null while it goes on
 * @property {import("app/core/constraints.js").Progress | null} constraint  null: there is none
 *
 * @typedef {object} Settings
 * @property {string} sampler
 * @property {Record<string, unknown>} parameters
 * @property {string | null} seed  decimal: it may be larger than a number holds
 * @property {import("app/core/constraints.js").Constraint | null} [constraint]  null: none; left out
 *   of what is sent, that in force
 * @property {CacheChoice | null} [cache]  null: what the model has by itself; left out of what is sent, that in force
 *
 * @typedef {object} CacheChoice
 * @property {string} name
 * @property {Record<string, unknown>} parameters
 *
 * @typedef {object} Frame
 * @property {number} revision
 * @property {number} parent
 * @property {Cause} cause
 * @property {string} substep  the part of a step that it is; empty where steps have no parts
 * @property {Splice[]} splices  done before the changes
 * @property {Change[]} changes
 * @property {number | null} promptLength  set where a turn was appended
 * @property {number[]} protected
 * @property {number[]} unprotected
 * @property {boolean} readOnly  a person may only open positions here
 * @property {Settings | null} settings
 * @property {Summary | null} summary
 * @property {Draft | null} draft
 * @property {number | null} time  milliseconds since 1970
 *
 * @typedef {Frame & { canvas: Canvas, settings: Settings | null, layout: number }} Revision
 *   layout: the last revision on the way here that moved positions; with the same one, a position
 *   is the same in both
 *
 * @typedef {object} Prediction
 * @property {number} revision
 * @property {Draft | null} draft
 * @property {boolean} cached
 * @property {boolean} asked  by a forward pass, not brought along by a step
 * @property {number | null} seconds
 * @property {number | null} meanEntropy
 *
 * @typedef {object} Tree
 * @property {string} id
 * @property {string} model
 * @property {string} weights  those of the model that its steps are computed with; "" where that is not known
 * @property {number} first  the oldest revision that the server keeps
 * @property {readonly Revision[]} revisions  revisions[i].revision === i; before `first` there may be none
 * @property {ReadonlyMap<string, number>} names  of branches: the revision that each was given to
 * @property {ReadonlyMap<number, Prediction>} predictions  by revision
 * @property {readonly Frame[]} waiting  frames that came before their parents
 * @property {number | null} looking  forward passes that looking took, as the service counts them; null: not known
 */

/**
 * The tree of a session at its oldest kept revision, nearly always 0.
 * @param {any} session  as net/convert.js makes it
 * @returns {Tree}
 */
export function plant(session) {
  const root = rooted(session);
  const { id, model, weights = "" } = session;
  /** @type {Revision[]} */
  const revisions = [];
  revisions[root.revision] = root;
  return { id, model, weights, first: root.revision, revisions, names: new Map(), predictions: new Map(), waiting: [], looking: session.looking ?? null };
}

/**
 * The tree with the state of a revision that is not kept, but that kept frames
 * were made from.
 * @param {Tree} tree
 * @param {any} session
 * @returns {Tree}
 */
export function based(tree, session) {
  const root = rooted(session);
  if (root.revision >= tree.first) return tree;
  const revisions = [...tree.revisions];
  revisions[root.revision] = root;
  return { ...tree, revisions };
}

/** The tree of a session that has lost its oldest frames. What is here stays, but cannot be asked about. */
export function trimmed(/** @type {Tree} */ tree, /** @type {number} */ first) {
  return first > tree.first ? { ...tree, first } : tree;
}

/** @returns {Revision} */
function rooted(/** @type {any} */ session) {
  const revision = session.revision ?? 0;
  return {
    ...frameOf({ revision, parent: -1, cause: revision ? "trimmed" : "create" }),
    settings: session.settings,
    summary: session.summary ?? null,
    readOnly: session.readOnly ?? false,
    time: session.time ?? null,
    canvas: canvasOf(session),
    layout: revision,
  };
}

/**
 * A whole frame of what is said of it.
 * @param {Partial<Frame>} said
 * @returns {Frame}
 */
export function frameOf(said) {
  return /** @type {Frame} */ ({
    substep: "",
    splices: [],
    changes: [],
    promptLength: null,
    protected: [],
    unprotected: [],
    readOnly: false,
    settings: null,
    summary: null,
    draft: null,
    time: null,
    ...said,
  });
}

/** @param {Tree} tree */
export const headOf = (tree) => tree.revisions.length - 1;

/**
 * The tree with one more frame. A frame already held is dropped, so two streams
 * may tell of the same one; a frame from the future waits for those before it.
 * @param {Tree} tree
 * @param {Frame} frame
 * @returns {Tree}
 */
export function grow(tree, frame) {
  const next = tree.revisions.length;
  if (frame.revision < next) {
    return frame.draft && frame.revision > 0 ? remember(tree, fromDraft(frame.draft, frame.summary)) : tree;
  }
  if (frame.revision > next) {
    if (tree.waiting.some((held) => held.revision === frame.revision)) return tree;
    return { ...tree, waiting: [...tree.waiting, frame].sort((a, b) => a.revision - b.revision) };
  }
  const parent = tree.revisions[frame.parent];
  if (!parent) throw new RangeError(`revision ${frame.revision} names parent ${frame.parent}, which is not held`);
  const revision = {
    ...frame,
    settings: frame.settings ?? parent.settings,
    canvas: folded(parent.canvas, frame),
    layout: frame.splices.length ? frame.revision : parent.layout,
  };
  let grown = /** @type {Tree} */ ({ ...tree, revisions: [...tree.revisions, revision] });
  if (frame.draft) grown = remember(grown, fromDraft(frame.draft, frame.summary));
  const due = grown.waiting.find((held) => held.revision === next + 1);
  if (!due) return grown;
  return grow({ ...grown, waiting: grown.waiting.filter((held) => held !== due) }, due);
}

/**
 * @param {Draft} draft
 * @param {Summary | null} summary
 * @returns {Prediction}
 */
function fromDraft(draft, summary) {
  return {
    revision: draft.predictedAt,
    draft,
    cached: false,
    asked: false,
    seconds: summary?.seconds ?? null,
    meanEntropy: summary?.meanEntropy ?? null,
  };
}

/**
 * The tree with a prediction kept. What a forward pass said replaces what came
 * along with a step: both are the same numbers, but only the first was asked for.
 * @param {Tree} tree
 * @param {Prediction} prediction
 * @returns {Tree}
 */
export function remember(tree, prediction) {
  const held = tree.predictions.get(prediction.revision);
  if (held && (held.asked || !prediction.asked)) {
    if (!prediction.asked || held.cached === prediction.cached) return tree;
  }
  return { ...tree, predictions: new Map(tree.predictions).set(prediction.revision, prediction) };
}

/** Nothing is open, and the sampler has no more to do. */
export const isComplete = (/** @type {Revision} */ { canvas, summary }) => canvas.openCount === 0 && !summary?.pending;

/**
 * What a revision did to each position that it changed. A rewind did nothing.
 * @typedef {"committed" | "reopened" | "edited" | "inserted"} Deed  edited: another token in a
 *   decided one's place. inserted: an open position was put in
 * @param {Tree} tree
 * @param {number} revision
 * @returns {Map<number, Deed>}
 */
export function deedsOf(tree, revision) {
  const { parent, changes, splices, promptLength, canvas, settings } = tree.revisions[revision];
  /** @type {Map<number, Deed>} */
  const deeds = new Map();
  const before = tree.revisions[parent]?.canvas;
  // A turn is a new beginning: all behind the old answer is new.
  if (!before || promptLength !== null) return deeds;
  const sources = splices.length ? carried(range(before.length), splices) : null;
  // Where a text is written token by token, the next position is no news beside what was done.
  const done = changes.length > 0 || splices.some(({ removed }) => removed > 0);
  const next = done && settings && "max_tokens" in settings.parameters ? canvas.length - 1 : -1;
  sources?.forEach((source, position) => source < 0 && position !== next && canvas.states[position] === OPEN && deeds.set(position, "inserted"));
  for (const { position, token } of changes) {
    const source = sources ? sources[position] : position;
    const wasOpen = source < 0 || before.states[source] === OPEN;
    if (token === null ? wasOpen : !wasOpen && before.tokens[source] === token) continue;
    deeds.set(position, token === null ? "reopened" : wasOpen ? "committed" : "edited");
  }
  return deeds;
}

/**
 * The revisions on the way from the beginning to `revision`.
 * @param {Tree} tree
 * @param {number} revision
 * @returns {Set<number>}
 */
export function pathTo(tree, revision) {
  const path = new Set();
  for (let at = revision; at >= 0; at = tree.revisions[at].parent) path.add(at);
  return path;
}

/**
 * A position on its way back to the beginning: the revision and the position
 * that it was there, as long as it was there.
 * @param {Tree} tree
 * @param {number} revision
 * @param {number} position
 */
export function* traced(tree, revision, position) {
  for (let at = revision, place = position; ; ) {
    yield { at, place, held: tree.revisions[at] };
    const { parent, splices } = tree.revisions[at];
    if (splices.length) place = cameFrom(place, splices);
    if (parent < 0 || place < 0) return;
    at = parent;
  }
}

/**
 * Where each position of a revision comes from in an ancestor's canvas; -1: put
 * in since. Null where all are the same.
 * @param {Tree} tree
 * @param {number} revision
 * @param {number} ancestor
 */
export function sourcesIn(tree, revision, ancestor) {
  if (tree.revisions[revision].layout === tree.revisions[ancestor].layout) return null;
  const way = [];
  for (let at = revision; at !== ancestor; at = tree.revisions[at].parent) way.push(tree.revisions[at].splices);
  return way.reverse().reduce(carried, range(tree.revisions[ancestor].canvas.length));
}
