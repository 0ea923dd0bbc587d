// The tour of a recorded run: what each of its steps shows, points at and says.
import { OPEN } from "app/core/canvas.js";
import { headOf } from "app/core/tree.js";
import { wayTo } from "app/core/ways.js";
import { weighingOf } from "app/core/weighing.js";
import { weighingKey } from "app/core/state.js";

/**
 * @typedef {import("app/core/state.js").State} State
 *
 * @typedef {object} Stop
 * @property {string} title
 * @property {string} text
 * @property {string} target  a selector of what is pointed at
 * @property {(state: State) => any[]} scene  the events that show it
 * @property {number} [plays]  revisions that are played then
 */

const at = (/** @type {number | null} */ revision) => ({ type: "revision.shown", revision });
const look = (/** @type {number | null} */ position) => ({ type: "position.looked", position });
const view = (/** @type {Partial<State["view"]>} */ fields) => ({ type: "view.changed", view: { mode: "reading", maximised: "", compare: false, ...fields } });

/** A revision on the way of the first branch, counted from its beginning. */
function early(/** @type {State} */ { tree }, /** @type {number} */ steps) {
  return tree ? Math.min(tree.first + steps, headOf(tree)) : null;
}

/** @type {readonly Stop[]} */
export const TOUR = [
  {
    title: "Everything begins open",
    text: "The prompt is given. Every dotted cell after it is an open position. A diffusion model may fill them in any order, not only from left to right.",
    target: "um-canvas .answer",
    scene: (state) => [view({ draft: false }), look(null), at(early(state, 0))],
  },
  {
    title: "Drafts: what it would write now",
    text: "Each forward pass predicts all open positions at once. The slanted tokens are the likeliest ones so far, darker where the model is surer. Only the surest are committed; the rest may still change.",
    target: "um-canvas .answer",
    scene: (state) => [view({ draft: true }), look(null), at(early(state, 3))],
  },
  {
    title: "The slider goes through time",
    text: "Every step is a revision, and none is ever lost. Drag the slider, or press [ and ]. With a server you can go on from any of them, on a branch of its own.",
    target: "um-transport .timeline",
    scene: (state) => [view({ draft: true }), look(null), at(early(state, 4))],
    plays: 8,
  },
  {
    title: "It could have been another token",
    text: "Click any token to see what the model weighed there. Here the second candidate came close. With a server you can pick it and see how the rest would have turned out.",
    target: "um-inspector .inspector",
    scene(state) {
      const found = closeCall(state);
      return found ? [view({ draft: true }), at(found.revision), look(found.position)] : [];
    },
  },
  {
    title: "The order, at a glance",
    text: "Down the steps, across the positions: where it was sure early and what it left for last. Take away, at the top, saves a run as a page like this one, as a GIF or as code.",
    target: "um-heatmap .heat",
    scene: (state) => [view({ draft: true, heat: true }), look(null), at(early(state, state.tree ? lastOfFirst(state.tree) - state.tree.first : 0))],
  },
];

/** The end of the run that was made first: the leaf before the first branching off. */
function lastOfFirst(/** @type {import("app/core/tree.js").Tree} */ tree) {
  const next = tree.revisions.findIndex((held, revision) => revision > tree.first && held && held.parent !== revision - 1);
  return next < 0 ? headOf(tree) : next - 1;
}

/**
 * Of the positions committed on the way to the newest revision, the one whose
 * second candidate came closest, just before it was committed; words only.
 * @param {State} state
 * @returns {{ revision: number, position: number } | null}
 */
function closeCall(state) {
  const { tree, tokens, weighings } = state;
  if (!tree) return null;
  const word = (/** @type {number} */ id) => /^\s?\p{L}{2,}$/u.test(tokens.get(id)?.text ?? "") && !tokens.get(id)?.special;
  let best = null;
  let closest = Infinity;
  for (const at of wayTo(tree, lastOfFirst(tree))) {
    const { canvas, parent, changes } = tree.revisions[at];
    for (const { position, token } of changes) {
      if (token === null || parent < tree.first || canvas.states[position] === OPEN) continue;
      const target = weighingOf(tree, at, position);
      const weighing = target && weighings.get(weighingKey(target.revision, target.position));
      if (!weighing || weighing === "asked" || "failed" in weighing) continue;
      const [first, second] = weighing.candidates;
      if (!second || !word(first.token) || !word(second.token)) continue;
      const gap = first.pBase - second.pBase;
      if (gap < closest) [closest, best] = [gap, { revision: at, position }];
    }
  }
  return best;
}
