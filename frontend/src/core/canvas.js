// A canvas, and how a frame makes the next one of it: first splices, then
// changes. The rules are those of the proto's comments on Frame and Splice.

/**
 * @typedef {object} Splice  positions taken out and open ones put in
 * @property {number} position  in the canvas that the splices before it have left
 * @property {number} removed
 * @property {number} inserted
 *
 * @typedef {object} Canvas  columns with one entry a position; never written to
 * @property {number} length
 * @property {number} promptLength
 * @property {Uint32Array} tokens
 * @property {Uint8Array} states  OPEN, COMMITTED or GIVEN
 * @property {Float32Array} probabilities  of committed tokens; NaN where unknown
 * @property {Int32Array} origins  the revision that committed the token; -1: none
 * @property {Uint8Array} byHand  1: a person chose the token
 * @property {Uint8Array} protected  1: no sampler touches it; given positions are so without it
 * @property {number} openCount
 *
 * @typedef {import("app/core/tree.js").Frame} Frame
 */

/** The states of a position, numbered as in the API. */
export const OPEN = 1;
export const COMMITTED = 2;
export const GIVEN = 3;

/**
 * @param {{ promptLength: number, tokens: ArrayLike<number>, states: ArrayLike<number>,
 *           byHand?: number[], protected?: number[] }} session
 * @returns {Canvas}
 */
export function canvasOf({ promptLength, tokens, states, byHand = [], protected: kept = [] }) {
  const length = tokens.length;
  const held = Uint8Array.from(states);
  return {
    length,
    promptLength,
    tokens: Uint32Array.from(tokens),
    states: held,
    probabilities: new Float32Array(length).fill(NaN),
    origins: new Int32Array(length).fill(-1),
    byHand: marked(length, byHand),
    protected: marked(length, kept),
    openCount: counted(held),
  };
}

/** The canvas after a frame, from its parent's; the very same where the frame changes nothing. */
export function folded(/** @type {Canvas} */ canvas, /** @type {Frame} */ frame) {
  const { changes, splices, promptLength, unprotected } = frame;
  if (!changes.length && !splices.length && !frame.protected.length && !unprotected.length && promptLength === null) return canvas;
  return new Folded(canvas, frame);
}

/**
 * What a position holds: of a canvas the larger part by far, and asked for of few
 * of thousands.
 * @typedef {Pick<Canvas, "tokens" | "probabilities" | "origins">} Contents
 */

/** How many canvases folded one from another until one keeps its contents for good. */
const STRIDE = 32;
/** How many others keep theirs: those folded last, the newest last. Weak, for a session that is closed. @type {WeakRef<Folded>[]} */
const recent = [];
const RECENT = 64;

/** A canvas made of another one and a frame. Its contents are folded when they are asked for. @implements {Canvas} */
class Folded {
  #before;
  #frame;
  /** @type {number} */
  #depth;
  /** @type {Contents | null} */
  #kept = null;

  constructor(/** @type {Canvas} */ before, /** @type {Frame} */ frame) {
    this.#before = before;
    this.#frame = frame;
    this.#depth = before instanceof Folded ? before.#depth + 1 : 0;
    const sources = sourcesOf(before, frame);
    this.length = sources ? sources.length : before.length;
    this.promptLength = promptAfter(before, frame);
    this.states = columnOf(before.states, sources, OPEN);
    this.byHand = before.byHand;
    this.protected = before.protected;
    if (sources || isMarked(before, frame)) {
      this.byHand = columnOf(before.byHand, sources, 0);
      this.protected = columnOf(before.protected, sources, 0);
    }
    change(this, frame);
    this.openCount = counted(this.states);
  }

  get tokens() {
    return this.#contents().tokens;
  }

  get probabilities() {
    return this.#contents().probabilities;
  }

  get origins() {
    return this.#contents().origins;
  }

  /** @returns {Contents} */
  #contents() {
    if (this.#kept) return this.#kept;
    /** @type {Folded[]} */
    const due = [];
    /** @type {Canvas} */
    let at = this;
    while (at instanceof Folded && !at.#kept) {
      due.push(at);
      at = at.#before;
    }
    let contents = at instanceof Folded ? at.#contents() : at;
    for (const next of due.reverse()) {
      contents = contentsAfter(contents, next.#frame, sourcesOf(next.#before, next.#frame));
      next.#kept = contents;
      if (next.#depth % STRIDE) recent.push(new WeakRef(next));
    }
    for (const old of recent.splice(0, recent.length - RECENT)) {
      const folded = old.deref();
      if (folded) folded.#kept = null;
    }
    return contents;
  }
}

const sourcesOf = (/** @type {Canvas} */ { length }, /** @type {Frame} */ { splices }) => (splices.length ? carried(range(length), splices) : null);

/** Whether a frame writes to the marks of a hand and of protection; a step hardly ever does. */
function isMarked(/** @type {Canvas} */ { byHand }, /** @type {Frame} */ { cause, promptLength, changes, unprotected, protected: kept }) {
  return cause !== "step" || promptLength !== null || kept.length > 0 || unprotected.length > 0 || changes.some(({ position }) => byHand[position]);
}

/**
 * A column of the next canvas, to be written to.
 * @template {Uint8Array | Uint32Array | Int32Array | Float32Array} T
 * @param {T} column
 * @param {number[] | null} sources
 * @param {number} put  where a position was put in
 * @returns {T}
 */
function columnOf(column, sources, put) {
  if (!sources) return /** @type {T} */ (column.slice());
  const next = new /** @type {new (length: number) => T} */ (column.constructor)(sources.length);
  sources.forEach((source, position) => (next[position] = source < 0 ? put : column[source]));
  return next;
}

/** @returns {Contents} */
function contentsAfter(/** @type {Contents} */ before, /** @type {Frame} */ { revision, changes }, /** @type {number[] | null} */ sources) {
  const tokens = columnOf(before.tokens, sources, 0);
  const probabilities = columnOf(before.probabilities, sources, NaN);
  const origins = columnOf(before.origins, sources, -1);
  for (const { position, token, probability, given } of changes) {
    if (position >= tokens.length) continue;
    if (token !== null) tokens[position] = token;
    probabilities[position] = token === null ? NaN : (probability ?? NaN);
    origins[position] = token === null || given ? -1 : revision;
  }
  return { tokens, probabilities, origins };
}

/** The prompt loses what is taken out before its end, and gains what is put in before it; or a turn was appended. */
function promptAfter(/** @type {Canvas} */ { promptLength: before }, /** @type {Frame} */ { splices, promptLength }) {
  if (promptLength !== null) return promptLength;
  return splices.reduce((length, { position, removed, inserted }) => (position < length ? length + inserted - Math.min(removed, length - position) : length), before);
}

/** What a frame writes to the states and marks. */
function change(/** @type {Folded} */ canvas, /** @type {Frame} */ { cause, changes, promptLength, protected: kept, unprotected }) {
  const { length, states, byHand } = canvas;
  const chosen = cause === "select" || cause === "edit";
  for (const { position, token, given } of changes) {
    if (position >= length) continue;
    const by = chosen && token !== null && !given ? 1 : 0;
    if (byHand[position] !== by) byHand[position] = by;
    // Only a person takes a protection away; a sampler never gets there.
    if (chosen && token === null) canvas.protected[position] = 0;
    const stays = !chosen && states[position] === GIVEN;
    states[position] = token === null ? OPEN : given || stays ? GIVEN : COMMITTED;
  }
  if (promptLength !== null) append(canvas, promptLength);
  for (const position of unprotected) canvas.protected[position] = byHand[position] = 0;
  for (const position of kept) canvas.protected[position] = 1;
}

/** A turn was appended: what is decided before it is given from now on. */
function append(/** @type {Folded} */ { length, states, byHand }, /** @type {number} */ promptLength) {
  for (let position = 0; position < promptLength; position++) if (states[position] !== OPEN) states[position] = GIVEN;
  for (let position = 0; position < length; position++) if (states[position] === GIVEN) byHand[position] = 0;
}

/**
 * Where each position of a spliced canvas comes from, given that of the canvas
 * before; -1: put in since.
 * @param {number[]} sources
 * @param {Splice[]} splices
 */
export function carried(sources, splices) {
  const next = [...sources];
  for (const { position, removed, inserted } of splices) next.splice(position, removed, ...new Array(inserted).fill(-1));
  return next;
}

/**
 * Where one position of a spliced canvas was before; -1: it was put in.
 * @param {number} position
 * @param {Splice[]} splices
 */
export function cameFrom(position, splices) {
  let at = position;
  for (const { position: place, removed, inserted } of [...splices].reverse()) {
    if (at < place) continue;
    if (at < place + inserted) return -1;
    at += removed - inserted;
  }
  return at;
}

export const range = (/** @type {number} */ length) => Array.from({ length }, (_, i) => i);

const counted = (/** @type {Uint8Array} */ states) => states.reduce((n, state) => n + (state === OPEN ? 1 : 0), 0);

function marked(/** @type {number} */ length, /** @type {number[]} */ positions) {
  const column = new Uint8Array(length);
  for (const position of positions) column[position] = 1;
  return column;
}
