// How a token looks. Text is never changed for the reader's convenience: white
// space at its ends is set apart, to be marked, specials keep their names, and what
// nobody would see has signs.
import { spelled, visible } from "app/core/invisible.js";

/**
 * @typedef {object} Token
 * @property {number} id
 * @property {string} text
 * @property {boolean} special
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
function draw({ text, special }) {
  if (special) {
    const own = trimmedName(text);
    return { lead: "", body: visible(own), tail: "", special: true, breaks: 0, name: `special ${spelled(own)}` };
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
    name: spelled(body) || spoken(lead),
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

