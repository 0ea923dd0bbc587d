// How a token looks. Text is never changed for the reader's convenience: white
// space at its ends is set apart, to be marked, specials keep their names, and what
// nobody would see has signs.
import { spelled, visible } from "app/core/invisible.js";

/**
 * @typedef {object} Token
 * @property {number} id
 * @property {string} text
 * @property {boolean} special
 * @property {Uint8Array} [bytes]  what it stands for, where its text cannot say it: a part of a character
 * @property {number} [lead]  bytes at its start that fall away where a text begins with it
 * @property {number} [trail]  bytes at its end that fall away where a text ends with it
 *
 * @typedef {object} Face  a token as it is drawn
 * @property {string} lead  white space at its start
 * @property {string} body
 * @property {string} tail  white space at its end
 * @property {boolean} special
 * @property {number} breaks  line breaks that follow in the reading flow
 * @property {string} name  for a screen reader
 */

/** @type {Face} */
export const UNKNOWN = { lead: "", body: "…", tail: "", special: false, breaks: 0, name: "loading" };

const encoder = new TextEncoder();

/**
 * Tokens as one text, as the service would write it: specials left out, the parts of a character put together, but
 * never across an open position, null.
 */
export function textOf(/** @type {Iterable<Token | null>} */ tokens) {
  const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
  const written = [...tokens].filter((token) => !token?.special);
  let text = "";
  written.forEach((token, at) => {
    if (!token) return (text += decoder.decode());
    const bytes = token.bytes ?? encoder.encode(token.text);
    const end = bytes.length - (at === written.length - 1 ? (token.trail ?? 0) : 0);
    text += decoder.decode(bytes.subarray(at ? 0 : (token.lead ?? 0), Math.max(0, end)), { stream: true });
  });
  return text + decoder.decode();
}

/** Tokens as a text to be put into another one: specials by their names, and with the space before it. */
export const wordOf = (/** @type {readonly Token[]} */ tokens) => textOf(tokens.map(({ id, text, bytes }) => ({ id, text, bytes, special: false })));

/** Characters as they are, and the bytes of what is only a part of one each by a sign. */
function inParts(/** @type {Uint8Array} */ bytes, /** @type {(hex: string) => string} */ sign) {
  let shown = "";
  for (let at = 0; at < bytes.length; ) {
    const [character, size] = characterAt(bytes, at);
    shown += character || sign(bytes[at].toString(16).toUpperCase().padStart(2, "0"));
    at += size;
  }
  return shown;
}

/** The character that begins at a byte and how many it takes; an empty one where none does. @returns {[string, number]} */
function characterAt(/** @type {Uint8Array} */ bytes, /** @type {number} */ at) {
  const strict = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
  for (let size = 1; size <= 4 && at + size <= bytes.length; size++) {
    try {
      return [strict.decode(bytes.subarray(at, at + size)), size];
    } catch {
      // Perhaps with the next byte.
    }
  }
  return ["", 1];
}

/** @type {WeakMap<Token, Face>} */
const faces = new WeakMap();

/**
 * @param {Token | undefined} token
 * @returns {Face}
 */
export function faceOf(token) {
  if (!token) return UNKNOWN;
  let face = faces.get(token);
  if (!face) faces.set(token, (face = draw(token)));
  return face;
}

/**
 * @param {Token} token
 * @returns {Face}
 */
function draw({ text: own, special, bytes }) {
  const text = bytes ? inParts(bytes, (hex) => `‹${hex}›`) : own;
  if (special) {
    const named = trimmedName(text);
    return { lead: "", body: visible(named), tail: "", special: true, breaks: 0, name: `special ${spelled(named)}` };
  }
  if (text === "") return { lead: "", body: "∅", tail: "", special: false, breaks: 0, name: "empty" };
  const lead = /^[ \t\n\r]*/.exec(text)?.[0] ?? "";
  const rest = text.slice(lead.length);
  const tail = /[ \t\n\r]*$/.exec(rest)?.[0] ?? "";
  const body = rest.slice(0, rest.length - tail.length);
  return {
    lead,
    body: visible(body),
    tail,
    special: false,
    breaks: [...text].filter((c) => c === "\n").length,
    name: bytes ? inParts(bytes, (hex) => ` byte ${hex} `).trim() : spelled(body) || spoken(lead),
  };
}

/** "<|endoftext|>" -> "endoftext": the frame around a special's name says only that it is one. */
function trimmedName(/** @type {string} */ text) {
  return text.replace(/^<\|?|\|?>$/g, "").replace(/^\[|\]$/g, "") || text;
}

function spoken(/** @type {string} */ space) {
  if (space.includes("\n")) return "line break";
  if (space.includes("\t")) return "tab";
  return "space";
}

