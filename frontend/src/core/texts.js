// A list of texts as one types it: a text a line. What a line cannot hold is
// written with a backslash.

/** @type {Record<string, string>} */
const MEANT = { n: "\n", t: "\t", r: "\r", "\\": "\\" };

/** @returns {string[]}  a line with nothing in it is no text */
export const textsIn = (/** @type {string} */ typed) =>
  typed.split("\n").filter((line) => line !== "").map((line) => line.replace(/\\([ntr\\])/g, (_, sign) => MEANT[sign]));

/** The same the other way round. */
export const typedOf = (/** @type {readonly string[]} */ texts) =>
  texts.map((text) => text.replace(/[\\\n\t\r]/g, (sign) => `\\${{ "\n": "n", "\t": "t", "\r": "r", "\\": "\\" }[sign]}`)).join("\n");

/** A text as one sees it: what is no letter has a sign. */
export const shownAs = (/** @type {string} */ text) => text.replaceAll("\n", "⏎").replaceAll("\t", "⇥").replaceAll("\r", "␍").replaceAll(" ", "␣");
