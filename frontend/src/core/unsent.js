/** What is left of a field once `sent` has been done: what was typed on meanwhile. */
export const unsent = (/** @type {string} */ text, /** @type {string} */ sent) => (text.startsWith(sent) ? text.slice(sent.length) : text);
