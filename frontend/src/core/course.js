// What happened to every position on the way to a revision: how often its draft
// became another token, and how sure the model was when it was committed. Each
// revision's columns are made of its parent's, so a run costs what its frames
// bring; only some are kept, and the others are made again from those.
import { carried, range } from "app/core/canvas.js";
import { sourcesIn } from "app/core/tree.js";

/**
 * @typedef {import("app/core/tree.js").Tree} Tree
 * @typedef {import("app/core/tree.js").Draft} Draft
 * @typedef {import("app/core/tree.js").Revision} Revision
 *
 * @typedef {object} Course  one entry a position
 * @property {Int32Array} drafts  the token drafted last; -1: none yet
 * @property {Uint16Array} flips  how many times the draft became another token
 * @property {Int32Array} flipped  the revision whose prediction flipped it last; -1: none
 * @property {Int16Array} entropies  of committed tokens, what they were committed from: round(255 H / ln V); -1: not known
 *
 * @typedef {object} Link  a revision on a way, as long as the drafts before it are those it was made with
 * @property {Link | null} before
 * @property {Revision} held
 * @property {Draft | null} draft  predicted from the revision before
 * @property {number} depth
 * @property {Course | null} course  null: not kept
 */

/** One in so many is kept for good. */
const STRIDE = 64;
/** How many more of those asked for last. */
const RECENT = 8;

/** @type {WeakMap<Revision, Link>} */
const links = new WeakMap();
/** @type {Link[]} */
let recent = [];

/**
 * @param {Tree} tree
 * @param {number} revision
 * @returns {Course}
 */
export function courseOf(tree, revision) {
  const before = courseAt(tree, linkOf(tree, revision));
  const own = tree.predictions.get(revision)?.draft;
  return own ? predicted(copied(before), own, revision) : before;
}

/** The chain of revisions up to one. Drafts may come late: what stands behind such a one is another chain. */
function linkOf(/** @type {Tree} */ tree, /** @type {number} */ revision) {
  const way = [];
  for (let at = revision; at >= 0 && tree.revisions[at]; at = tree.revisions[at].parent) way.push(tree.revisions[at]);
  /** @type {Link | null} */
  let link = null;
  for (const held of way.reverse()) {
    const draft = tree.predictions.get(held.parent)?.draft ?? null;
    const known = links.get(held);
    if (known && known.before === link && known.draft === draft) {
      link = known;
      continue;
    }
    link = { before: link, held, draft, depth: link ? link.depth + 1 : 0, course: null };
    links.set(held, link);
  }
  return /** @type {Link} */ (link);
}

function courseAt(/** @type {Tree} */ tree, /** @type {Link} */ wanted) {
  const due = [];
  /** @type {Link | null} */
  let link = wanted;
  for (; link && !link.course; link = link.before) due.push(link);
  let course = link?.course ?? null;
  for (const next of due.reverse()) {
    course = next.before && course ? folded(tree, course, next) : begun(next.held.canvas.length);
    if (next.depth % STRIDE === 0) next.course = course;
  }
  if (!course) throw new RangeError("a way has a beginning");
  wanted.course = course;
  recent = [...recent.filter((other) => other !== wanted), wanted];
  for (const old of recent.splice(0, recent.length - RECENT)) if (old.depth % STRIDE) old.course = null;
  return course;
}

/** @returns {Course} */
function begun(/** @type {number} */ length) {
  return {
    drafts: new Int32Array(length).fill(-1),
    flips: new Uint16Array(length),
    flipped: new Int32Array(length).fill(-1),
    entropies: new Int16Array(length).fill(-1),
  };
}

function folded(/** @type {Tree} */ tree, /** @type {Course} */ before, /** @type {Link} */ { held, draft }) {
  let course = copied(before);
  if (draft) predicted(course, draft, held.parent);
  if (held.splices.length) course = moved(course, carried(range(before.drafts.length), held.splices));
  const { entropies } = course;
  const sure = weighed(tree, held, draft);
  for (const { position, token } of held.changes) {
    if (position < entropies.length) entropies[position] = token === null ? -1 : (sure?.(position) ?? -1);
  }
  return course;
}

/** The entropy that a position had in the prediction that a frame was made from. */
function weighed(/** @type {Tree} */ tree, /** @type {Revision} */ held, /** @type {Draft | null} */ draft) {
  const from = held.draft ?? draft;
  if (!from || !held.changes.length || !tree.revisions[from.predictedAt]) return null;
  const entry = new Map(Array.from(from.positions, (position, i) => [position, i]));
  const sources = sourcesIn(tree, held.revision, from.predictedAt);
  return (/** @type {number} */ position) => {
    const i = entry.get(sources ? sources[position] : position);
    return i === undefined ? -1 : (from.entropies[i] ?? -1);
  };
}

function predicted(/** @type {Course} */ course, /** @type {Draft} */ { positions, tokens }, /** @type {number} */ revision) {
  const { drafts, flips, flipped } = course;
  for (let i = 0; i < positions.length; i++) {
    const at = positions[i];
    if (drafts[at] >= 0 && drafts[at] !== tokens[i]) {
      flips[at]++;
      flipped[at] = revision;
    }
    drafts[at] = tokens[i];
  }
  return course;
}

/** @returns {Course} */
const copied = (/** @type {Course} */ { drafts, flips, flipped, entropies }) => ({
  drafts: drafts.slice(),
  flips: flips.slice(),
  flipped: flipped.slice(),
  entropies: entropies.slice(),
});

/** @returns {Course} */
function moved(/** @type {Course} */ course, /** @type {number[]} */ sources) {
  const next = begun(sources.length);
  sources.forEach((source, position) => {
    if (source < 0) return;
    next.drafts[position] = course.drafts[source];
    next.flips[position] = course.flips[source];
    next.flipped[position] = course.flipped[source];
    next.entropies[position] = course.entropies[source];
  });
  return next;
}
