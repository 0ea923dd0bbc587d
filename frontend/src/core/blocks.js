// The blocks of positions that some samplers decide one after the other, as the
// service counts them: they tile the generated part from its start, and holes of
// the prompt belong to the first.

/**
 * @typedef {object} Blocks
 * @property {number} start  of the first
 * @property {number} length  of each
 */

/**
 * The blocks at a revision.
 * @param {import("app/core/tree.js").Revision} revision
 * @returns {Blocks | null}  null: there is one alone, or, where positions were put in or taken out, none that fit
 */
export function blocksAt({ canvas, settings }) {
  const start = canvas.promptLength;
  const length = Number(settings?.parameters.block_length);
  const generated = canvas.length - start;
  return Number.isInteger(length) && length > 0 && length < generated && generated % length === 0 ? { start, length } : null;
}

/** The number of the block that a position belongs to, from 1 on. */
export const blockOf = (/** @type {Blocks} */ { start, length }, /** @type {number} */ position) => Math.floor(Math.max(0, position - start) / length) + 1;

/** The number of the block that begins at a position; 0: none does, or the first, before which there is nothing to part it from. */
export function blockFrom(/** @type {Blocks | null} */ blocks, /** @type {number} */ position) {
  if (!blocks || position <= blocks.start || (position - blocks.start) % blocks.length) return 0;
  return blockOf(blocks, position);
}
