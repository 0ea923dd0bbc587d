// A session as a tree of revisions. Frames are only ever added, so a state is
// its parent's state with the frame's changes put in, and nothing computed for
// a revision is ever computed again.

/**
 * @typedef {"create" | "step" | "select" | "rewind"} Cause
 *
 * @typedef {object} Change
 * @property {number} position
 * @property {number | null} token  null: the position is open again
 * @property {number | null} probability  the model's own (p_base)
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
 * @property {number} forwardCount
 * @property {number} totalForwardCount
 * @property {number | null} meanProbability
 * @property {number | null} minProbability
 * @property {number | null} meanEntropy
 * @property {number | null} seconds  device time of the forward pass
 * @property {number | null} totalWallSeconds  of all steps on the way here, waiting included
 * @property {boolean} pending  the sampler has more to do, though perhaps nothing is open
 * @property {number | null} tokensBeforeEnd  set by the step after which it has not
 * @property {string[]} approximations
 *
 * @typedef {object} Settings
 * @property {string} sampler
 * @property {Record<string, unknown>} parameters
 * @property {string | null} seed  decimal: it may be larger than a number holds
 *
 * @typedef {object} Frame
 * @property {number} revision
 * @property {number} parent
 * @property {Cause} cause
 * @property {string} substep  the part of a step that it is; empty where steps have no parts
 * @property {Change[]} changes
 * @property {Settings | null} settings
 * @property {Summary | null} summary
 * @property {Draft | null} draft
 * @property {number | null} time  milliseconds since 1970
 *
 * @typedef {object} Canvas  four columns, one entry a position; never written to
 * @property {Uint32Array} tokens
 * @property {Uint8Array} states  OPEN, COMMITTED or GIVEN
 * @property {Float32Array} probabilities  of committed tokens; NaN where unknown
 * @property {Int32Array} origins  the revision that committed the token; -1: none
 * @property {number} openCount
 *
 * @typedef {Frame & { canvas: Canvas, settings: Settings | null }} Revision
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
 * @property {number} promptLength
 * @property {number} length
 * @property {readonly Revision[]} revisions  revisions[i].revision === i
 * @property {ReadonlyMap<number, Prediction>} predictions  by revision
 * @property {readonly Frame[]} waiting  frames that came before their parents
 */

/** The states of a position, numbered as in the API. */
export const OPEN = 1;
export const COMMITTED = 2;
export const GIVEN = 3;

/**
 * The tree of a session at revision 0.
 * @param {{ id: string, model: string, promptLength: number, settings: Settings | null,
 *           tokens: ArrayLike<number>, states: ArrayLike<number>, time?: number | null }} session
 * @returns {Tree}
 */
export function plant(session) {
  const length = session.tokens.length;
  const states = Uint8Array.from(session.states);
  const canvas = {
    tokens: Uint32Array.from(session.tokens),
    states,
    probabilities: new Float32Array(length).fill(NaN),
    origins: new Int32Array(length).fill(-1),
    openCount: states.reduce((n, state) => n + (state === OPEN ? 1 : 0), 0),
  };
  const root = {
    revision: 0,
    parent: -1,
    cause: /** @type {Cause} */ ("create"),
    substep: "",
    changes: [],
    settings: session.settings,
    summary: null,
    draft: null,
    time: session.time ?? null,
    canvas,
  };
  const { id, model, promptLength } = session;
  return { id, model, promptLength, length, revisions: [root], predictions: new Map(), waiting: [] };
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
    canvas: applied(parent.canvas, frame),
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

/**
 * @param {Canvas} canvas
 * @param {Frame} frame
 * @returns {Canvas}
 */
function applied(canvas, frame) {
  if (frame.changes.length === 0) return canvas;
  const tokens = canvas.tokens.slice();
  const states = canvas.states.slice();
  const probabilities = canvas.probabilities.slice();
  const origins = canvas.origins.slice();
  let { openCount } = canvas;
  for (const { position, token, probability } of frame.changes) {
    if (position >= tokens.length) continue;
    openCount -= states[position] === OPEN ? 1 : 0;
    if (token === null) {
      states[position] = OPEN;
      probabilities[position] = NaN;
      origins[position] = -1;
      openCount += 1;
    } else {
      tokens[position] = token;
      states[position] = COMMITTED;
      probabilities[position] = probability ?? NaN;
      origins[position] = frame.revision;
    }
  }
  return { tokens, states, probabilities, origins, openCount };
}

/** Nothing is open, and the sampler has no more to do. */
export const isComplete = (/** @type {Revision} */ { canvas, summary }) => canvas.openCount === 0 && !summary?.pending;

/**
 * What a revision did to each position that it changed. A rewind did nothing.
 * @typedef {"committed" | "reopened" | "edited"} Deed  edited: another token in a committed one's place
 * @param {Tree} tree
 * @param {number} revision
 * @returns {Map<number, Deed>}
 */
export function deedsOf(tree, revision) {
  const { parent, changes } = tree.revisions[revision];
  /** @type {Map<number, Deed>} */
  const deeds = new Map();
  const before = tree.revisions[parent]?.canvas;
  for (const { position, token } of before ? changes : []) {
    const wasOpen = before.states[position] === OPEN;
    if (token === null ? wasOpen : !wasOpen && before.tokens[position] === token) continue;
    deeds.set(position, token === null ? "reopened" : wasOpen ? "committed" : "edited");
  }
  return deeds;
}

/**
 * The revisions on the way from 0 to `revision`.
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
 * @typedef {object} DraftColumns  one entry a position
 * @property {Int32Array} tokens  -1: no draft there
 * @property {Uint8Array} probabilities
 * @property {Uint8Array} entropies
 */

/** @type {WeakMap<Draft, DraftColumns>} */
const columns = new WeakMap();

/**
 * A draft spread over the whole canvas.
 * @param {Draft} draft
 * @param {number} length
 * @returns {DraftColumns}
 */
export function spread(draft, length) {
  const known = columns.get(draft);
  if (known) return known;
  const made = {
    tokens: new Int32Array(length).fill(-1),
    probabilities: new Uint8Array(length),
    entropies: new Uint8Array(length),
  };
  for (let i = 0; i < draft.positions.length; i++) {
    const position = draft.positions[i];
    made.tokens[position] = draft.tokens[i];
    made.probabilities[position] = draft.probabilities[i] ?? 0;
    made.entropies[position] = draft.entropies[i] ?? 0;
  }
  columns.set(draft, made);
  return made;
}

/**
 * Where the model's weighing of a position is to be seen, standing at a
 * revision: here, if the position is open; else where it was last open on the
 * way here, just before the token was committed.
 * @param {Tree} tree
 * @param {number} revision
 * @param {number} position
 * @returns {{ revision: number, position: number, chosen: number | null, origin: number, replaced: number | null } | null}
 *   replaced: the token that `chosen` was put in the place of. Null for a given
 *   position: nobody weighed it
 */
export function weighingOf(tree, revision, position) {
  const { canvas } = tree.revisions[revision];
  if (canvas.states[position] === OPEN) return { revision: source(tree, revision), position, chosen: null, origin: -1, replaced: null };
  const origin = canvas.origins[position];
  if (origin < 1) return null;
  let at = tree.revisions[origin].parent;
  const before = tree.revisions[at].canvas;
  const replaced = before.states[position] === OPEN ? null : before.tokens[position];
  // An edit of a committed position: go on to where it was open.
  while (at >= 0 && tree.revisions[at].canvas.states[position] !== OPEN) at = tree.revisions[at].parent;
  if (at < 0) return null;
  return { revision: source(tree, at), position, chosen: canvas.tokens[position], origin, replaced };
}

/** The revision a rewind came from has the same canvas, and its logits may still be at hand. */
function source(/** @type {Tree} */ tree, /** @type {number} */ revision) {
  let at = revision;
  while (tree.revisions[at].cause === "rewind" && tree.revisions[at].settings === tree.revisions[tree.revisions[at].parent].settings) {
    at = tree.revisions[at].parent;
  }
  return at;
}
