// A preview of masking again: which positions would be opened, before any is.
import { GIVEN } from "app/core/canvas.js";
import { appendsOnly } from "app/core/left-to-right.js";
import { plural } from "app/core/format.js";
import { shownRevision } from "app/core/state.js";

/** @typedef {import("app/core/state.js").State} State */

/**
 * The ranking that the preview needs, by a key that says of what; null while
 * the preview is folded or there is nothing to rank.
 * @param {State} state
 */
export function rankingWanted({ tree, shown, remask, model }) {
  if (!tree || !remask.open || appendsOnly({ tree, model })) return null;
  const revision = shownRevision({ tree, shown });
  const { rho, share } = remask;
  // Chance is drawn anew with every revision of the session.
  const drawn = rho > 0 ? tree.revisions.length : 0;
  return { sessionId: tree.id, revision, rho, ratio: share, key: `${tree.id} ${revision} ${rho} ${drawn}` };
}

/**
 * The positions that would be opened, and what is said of them; null while
 * they are not known.
 * @param {State} state
 */
export function remasked(state) {
  const wanted = rankingWanted(state);
  const { tree, remask } = state;
  if (!wanted || !tree || remask.answer?.key !== wanted.key || !remask.answer.ranked) return null;
  const { ranked } = remask.answer;
  const { canvas } = tree.revisions[wanted.revision];
  const all = changeable(canvas);
  const count = Math.min(ranked.length, Math.max(0, Math.floor(all * remask.share + 1e-9) - canvas.openCount)); // 0.15 * 20 is 3
  // Where chance has a say, the scores are drawn and say nothing.
  const cutoff = count && !remask.rho ? ranked[count - 1].score : null;
  return { positions: ranked.slice(0, count).map(({ position }) => position), of: ranked.length, cutoff, rho: remask.rho, open: canvas.openCount, all };
}

/** How many positions samplers may change; the share is of them, and the open ones count towards it. */
function changeable(/** @type {import("app/core/canvas.js").Canvas} */ canvas) {
  let count = 0;
  for (let at = 0; at < canvas.length; at++) count += canvas.states[at] === GIVEN || canvas.protected[at] ? 0 : 1;
  return count;
}

/** "would open 12 of 60 positions, cut-off 0.41", or how they were drawn */
export function remaskedInWords(/** @type {NonNullable<ReturnType<typeof remasked>>} */ { positions, of, cutoff, rho, open, all }) {
  if (!of) return "nothing here can be masked again";
  if (!positions.length && open) return `${open} of ${all} are open already; this share opens no more`;
  const drawn = !rho || !positions.length ? "" : rho === 1 ? ", by chance" : ", by doubt and chance mixed";
  return `would open ${positions.length} of ${plural(of, "position")}${cutoff === null ? drawn : `, cut-off ${cutoff.toFixed(2)}`}`;
}
