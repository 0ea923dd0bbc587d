// Why a text that is written from left to right has stopped.
import { appendsOnly } from "app/core/left-to-right.js";
import { shownRevision } from "app/core/state.js";

/** @typedef {import("app/core/state.js").State} State */

/** @type {Record<NonNullable<import("app/core/tree.js").Summary["stopReason"]>, string>} */
const STOPPED = {
  end: "the end of the turn",
  sequence: "a stop sequence",
  length: "as many tokens as asked for",
  context: "the context is full",
  constraint: "the constraint is met",
};

/** What made the canvas of a revision: going back to a finished one finds it finished. */
export function makerOf(/** @type {import("app/core/tree.js").Tree} */ tree, /** @type {number} */ revision) {
  let made = tree.revisions[revision];
  while (made.cause === "rewind" && tree.revisions[made.parent]) made = tree.revisions[made.parent];
  return made;
}

/** Why the text shown has stopped; null where it goes on, or nobody says why. */
function stopOf(/** @type {State} */ state) {
  const { tree } = state;
  if (!tree) return null;
  const { canvas, summary } = makerOf(tree, shownRevision(state));
  return canvas.openCount ? null : (summary?.stopReason ?? null);
}

/** "Stopped: a stop sequence"; empty where there is nothing to say. */
export function stopInWords(/** @type {State} */ state) {
  const stop = stopOf(state);
  return stop ? `Stopped: ${STOPPED[stop]}` : "";
}

/** Whether the text shown would go on, had it not been told to stop. */
export const couldGoOn = (/** @type {State} */ state) => appendsOnly(state) && ["length", "sequence"].includes(stopOf(state) ?? "");
