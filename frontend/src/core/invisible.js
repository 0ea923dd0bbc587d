// Characters that nobody sees, or that move others about: a model can write them
// like any other. What is drawn shows them; the text itself is never changed.

// Controls, formats such as the marks that turn the direction of writing, spaces
// other than the plain one, lone surrogates, and what is for private use or means nothing.
// The joiners inside a word or a picture are seen by what they do, and the Arabic number signs are seen.
const INVISIBLE = /(?![\u200c\u200d\u0600-\u0605\u06dd\u070f\u0890\u0891\u08e2])[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Cn}\p{Zl}\p{Zp}]|(?! )\p{Zs}|^[\u200c\u200d\ufe00-\ufe0f]|[\u200c\u200d]$/gu;

/** Accents with no letter before them. */
const BARE = /^\p{M}+/u;

/** Such as U+202E. */
const numbered = (/** @type {string} */ character) => `U+${Number(character.codePointAt(0)).toString(16).toUpperCase().padStart(4, "0")}`;

/** A sign for each: controls have their own, others their numbers. */
function sign(/** @type {string} */ character) {
  const code = Number(character.codePointAt(0));
  if (code < 0x20) return String.fromCodePoint(0x2400 + code);
  return code === 0x7f ? "\u2421" : `\u27e8${numbered(character)}\u27e9`;
}

/** A text in which everything is seen. */
export const visible = (/** @type {string} */ text) => text.replace(INVISIBLE, sign).replace(BARE, "\u25cc$&");

/** The same as a screen reader is to say it. */
export const spelled = (/** @type {string} */ text) => text.replace(INVISIBLE, (character) => ` ${numbered(character)} `).trim();
