// Where a text that is written from left to right stops: nothing that a picture
// would say better than words.
import { plural } from "app/core/format.js";
import { shownAs } from "app/core/texts.js";

/** @typedef {import("app/core/plots/context.js").Context} Context */

/** @param {Context} context */
export const writtenAtMost = ({ values, length }) => `${plural(values.max_tokens ?? length, "token")} at most${values.max_tokens === null ? ", the length asked for" : ""}; an end that the model writes comes before.`;

/** @param {Context} context */
export function stopsAfter({ values }) {
  const texts = /** @type {string[]} */ (values.stop ?? []);
  return texts.length ? `Stops after ${texts.map((text) => `\u201c${shownAs(text)}\u201d`).join(", or ")}, which stays in the text.` : "No stop sequence: only an end of the model's own, or the length, stops it.";
}
