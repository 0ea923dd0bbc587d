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
  return counted({
    length,
    promptLength,
    tokens: Uint32Array.from(tokens),
    states: Uint8Array.from(states),
    probabilities: new Float32Array(length).fill(NaN),
    origins: new Int32Array(length).fill(-1),
    byHand: marked(length, byHand),
    protected: marked(length, kept),
    openCount: 0,
  });
}

/** The canvas after a frame, from its parent's; the very same where the frame changes nothing. */
export function folded(/** @type {Canvas} */ canvas, /** @type {Frame} */ frame) {
  const { changes, splices, promptLength, unprotected } = frame;
  if (!changes.length && !splices.length && !frame.protected.length && !unprotected.length && promptLength === null) return canvas;
  const next = splices.length ? spliced(canvas, splices) : copied(canvas);
  change(next, frame);
  if (promptLength !== null) append(next, promptLength);
  for (const position of unprotected) next.protected[position] = next.byHand[position] = 0;
  for (const position of frame.protected) next.protected[position] = 1;
  return counted(next);
}

function change(/** @type {Canvas} */ canvas, /** @type {Frame} */ { revision, cause, changes }) {
  const { length, tokens, states, probabilities, origins, byHand } = canvas;
  const chosen = cause === "select" || cause === "edit";
  for (const { position, token, probability, given } of changes) {
    if (position >= length) continue;
    byHand[position] = chosen && token !== null && !given ? 1 : 0;
    // Only a person takes a protection away; a sampler never gets there.
    if (chosen && token === null) canvas.protected[position] = 0;
    if (token !== null) tokens[position] = token;
    const kept = !chosen && states[position] === GIVEN;
    states[position] = token === null ? OPEN : given || kept ? GIVEN : COMMITTED;
    probabilities[position] = token === null ? NaN : (probability ?? NaN);
    origins[position] = token === null || given ? -1 : revision;
  }
}

/** A turn was appended: what is decided before it is given from now on. */
function append(/** @type {Canvas} */ canvas, /** @type {number} */ promptLength) {
  canvas.promptLength = promptLength;
  for (let position = 0; position < promptLength; position++) if (canvas.states[position] !== OPEN) canvas.states[position] = GIVEN;
  for (let position = 0; position < canvas.length; position++) if (canvas.states[position] === GIVEN) canvas.byHand[position] = 0;
}

/** The prompt loses what is taken out before its end, and gains what is put in before it. */
function spliced(/** @type {Canvas} */ canvas, /** @type {Splice[]} */ splices) {
  let { promptLength } = canvas;
  for (const { position, removed, inserted } of splices) {
    if (position < promptLength) promptLength += inserted - Math.min(removed, promptLength - position);
  }
  const sources = carried(range(canvas.length), splices);
  const length = sources.length;
  const moved = (/** @type {any} */ column, /** @type {number} */ put) => {
    const next = new column.constructor(length);
    sources.forEach((source, position) => (next[position] = source < 0 ? put : column[source]));
    return next;
  };
  return {
    length,
    promptLength,
    tokens: moved(canvas.tokens, 0),
    states: moved(canvas.states, OPEN),
    probabilities: moved(canvas.probabilities, NaN),
    origins: moved(canvas.origins, -1),
    byHand: moved(canvas.byHand, 0),
    protected: moved(canvas.protected, 0),
    openCount: 0,
  };
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

function copied(/** @type {Canvas} */ canvas) {
  const { tokens, states, probabilities, origins, byHand } = canvas;
  return {
    ...canvas,
    tokens: tokens.slice(),
    states: states.slice(),
    probabilities: probabilities.slice(),
    origins: origins.slice(),
    byHand: byHand.slice(),
    protected: canvas.protected.slice(),
  };
}

function counted(/** @type {Canvas} */ canvas) {
  return { ...canvas, openCount: canvas.states.reduce((n, state) => n + (state === OPEN ? 1 : 0), 0) };
}

function marked(/** @type {number} */ length, /** @type {number[]} */ positions) {
  const column = new Uint8Array(length);
  for (const position of positions) column[position] = 1;
  return column;
}
