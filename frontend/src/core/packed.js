// Columns of numbers as text: base64 of their bytes, the lowest first, behind
// a character that says how many bytes a number has, or "f" for a float of four.

/** @type {Record<string, Uint8ArrayConstructor | Uint16ArrayConstructor | Uint32ArrayConstructor | Float32ArrayConstructor>} */
const KINDS = { 1: Uint8Array, 2: Uint16Array, 4: Uint32Array, f: Float32Array };

/** Whole numbers from 0 on, as narrow as they fit. */
export function packed(/** @type {ArrayLike<number>} */ values) {
  let most = 0;
  for (let i = 0; i < values.length; i++) most = Math.max(most, values[i]);
  return written(most < 0x100 ? "1" : most < 0x10000 ? "2" : "4", values);
}

export const packedFloats = (/** @type {ArrayLike<number>} */ values) => written("f", values);

function written(/** @type {string} */ kind, /** @type {ArrayLike<number>} */ values) {
  const bytes = new Uint8Array(KINDS[kind].from(values).buffer);
  let text = "";
  for (let at = 0; at < bytes.length; at += 4096) text += String.fromCharCode(...bytes.subarray(at, at + 4096));
  return kind + btoa(text);
}

/**
 * The numbers again. Throws where the text is not one of those above.
 * @param {unknown} text
 * @returns {Uint8Array | Uint16Array | Uint32Array | Float32Array}
 */
export function unpacked(text) {
  const Kind = typeof text === "string" ? KINDS[text[0]] : undefined;
  if (!Kind) throw new TypeError("not a packed column");
  const bytes = Uint8Array.from(atob(/** @type {string} */ (text).slice(1)), (character) => character.charCodeAt(0));
  return new Kind(bytes.buffer);
}

/** A float of four bytes with no more digits than it takes to read it back. */
export function shortFloat(/** @type {number | null} */ value) {
  if (value === null || !Number.isFinite(value)) return null;
  const exact = Math.fround(value);
  for (let digits = 3; digits < 9; digits++) {
    const short = Number(exact.toPrecision(digits));
    if (Math.fround(short) === exact) return short;
  }
  return exact;
}
