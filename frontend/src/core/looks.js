// How a cell shows what it is: every sign of it as an attribute, which the styles
// read. What each means is in core/selectors.js, how it looks in the styles.

/**
 * @param {import("app/core/selectors.js").Cell} cell
 * @returns {Record<string, string | number | boolean | null>} by attribute; what is false or null is not there
 */
export function looksOf({ state, token, face, deed, byHand, locked, picked, reopening, previewed, locking, marked, looked, level, share, side, explained, repeat }) {
  return {
    "data-state": state,
    "data-token": token,
    "data-ghost": state === "open" && !picked && face !== null,
    "data-new": deed,
    "data-hand": byHand,
    "data-locked": locked,
    "data-picked": picked,
    "data-reopening": reopening,
    "data-preview": previewed,
    "data-locking": locking,
    "data-marked": marked,
    "data-looked": looked,
    "data-special": face?.special ?? false,
    "data-repeat": repeat,
    "data-unknown": state === "committed" && level === null,
    "data-share": share || null,
    "data-side": (share && side) || null,
    "data-explained": explained,
  };
}
