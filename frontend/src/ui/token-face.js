import { html, nothing } from "lit";

const MARKS = { "\n": "⏎", "\t": "⇥", "\r": "CR" };

/**
 * A token's text with its white space marked. A space stays a space, with a mark
 * drawn around it: not every font has a sign for it.
 * @param {import("app/core/tokens.js").Face} face
 */
export function tokenFace({ lead, body, tail }) {
  return html`${marked(lead)}${body}${marked(tail)}`;
}

function marked(/** @type {string} */ space) {
  if (!space) return nothing;
  return [...space].map((c) => html`<i class="space" ?data-blank=${c === " "}>${MARKS[/** @type {"\n"} */ (c)] ?? c}</i>`);
}
