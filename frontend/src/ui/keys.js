// Keys that work anywhere but in a field. One table serves the handler and the
// sheet that lists them.
import { hindrance } from "app/core/possible-edits.js";
import { heatOfAnswer } from "app/core/attribution.js";
import { indexShown, lastIndex } from "app/core/comparing.js";
import { hindrances } from "app/core/selectors.js";
import { maximisedPanel } from "app/core/panels.js";
import { playHindrance, wholeStep } from "app/core/ways.js";
import { lensOf, nextLens } from "app/core/lenses.js";
import { brushHindrance, hindranceToAll } from "app/core/marking.js";
import { shownRevision } from "app/core/state.js";
import { headOf } from "app/core/tree.js";
import { modeAfter } from "app/core/modes.js";
import { plural } from "app/core/format.js";

/** @typedef {import("app/ui/page-element.js").Page} Page */

/** @typedef {{ act: (page: Page, target: HTMLElement) => void, why: (page: Page, target: HTMLElement) => string, edits?: boolean }} Deed  why: not; empty where it can be done */

/** A revision on or back; side by side, a step of both. @type {(by: 1 | -1) => Deed} */
const showBy = (by) => ({
  act({ store }) {
    const { state } = store;
    if (state.view.compare) store.dispatch({ type: "compare.moved", index: indexShown(state) + by });
    else store.dispatch({ type: "revision.shown", revision: shownRevision(state) + by });
  },
  why({ store }) {
    const { state } = store;
    if (state.view.compare) return stepHindrance(state, by);
    const { tree } = state;
    if (!tree) return "Start a session first.";
    const to = shownRevision(state) + by;
    return to < tree.first ? "There is no revision before this one." : to > headOf(tree) ? "This is the newest revision." : "";
  },
});

const stepHindrance = (/** @type {import("app/core/state.js").State} */ state, /** @type {1 | -1} */ by) =>
  by < 0 ? (indexShown(state) > 0 ? "" : "There is no step before this one.") : indexShown(state) < lastIndex(state) ? "" : "This is the last step.";

/** @type {(by: 1 | -1) => Deed} */
const wholeStepBy = (by) => ({
  act({ store }) {
    const { state } = store;
    if (state.view.compare) store.dispatch({ type: "compare.moved", index: indexShown(state) + by });
    else if (state.tree) store.dispatch({ type: "revision.shown", revision: wholeStep(state.tree, shownRevision(state), by) ?? shownRevision(state) });
  },
  why({ store }) {
    const { state } = store;
    if (state.view.compare) return stepHindrance(state, by);
    if (!state.tree) return "Start a session first.";
    return wholeStep(state.tree, shownRevision(state), by) === null ? (by < 0 ? "There is no step before this one." : "This is the last step on this way.") : "";
  },
});

/** What a control does, where it can. @type {(control: keyof ReturnType<typeof hindrances>, act: (page: Page) => void) => Deed} */
const control = (name, act) => ({ act, why: ({ store }) => hindrances(store.state)[name] });

const recorded = (/** @type {import("app/core/state.js").State} */ { connection }) => connection.state === "recorded";

/** The sheet is a dialog somewhere in the page. */
export const openSheet = () => /** @type {HTMLDialogElement | null} */ (document.querySelector("um-keys dialog"))?.showModal();

/** The cell that has the focus, or else the position looked at. */
function positionFor(/** @type {Page} */ { store }, /** @type {HTMLElement} */ target) {
  const cell = /** @type {HTMLElement | null} */ (target.closest("um-canvas [data-position]"));
  return cell ? Number(cell.dataset.position) : store.state.looked;
}

/** What is marked, or else that one position. */
function positionsFor(/** @type {Page} */ page, /** @type {HTMLElement} */ target) {
  const { marked } = page.store.state;
  const position = positionFor(page, target);
  return marked.size ? marked : position === null ? [] : [position];
}

/** What moves no positions is done to all that are marked. @type {(doing: import("app/core/possible-edits.js").Doing) => Deed} */
const edit = (doing) => {
  const one = doing === "insert" || doing === "delete";
  const positions = (/** @type {Page} */ page, /** @type {HTMLElement} */ target) => (one ? [positionFor(page, target)].filter((at) => at !== null) : positionsFor(page, target));
  return {
    act: (page, target) => page.editing.change(doing, positions(page, target)),
    why: (page, target) => hindranceToAll(page.store.state, doing, positions(page, target)),
    edits: true,
  };
};

/** The end of the canvas; null without one. */
const lastOf = (/** @type {import("app/core/state.js").State} */ state) => (state.tree ? state.tree.revisions[shownRevision(state)].canvas.length - 1 : null);

/** Takes a brush into the hand, or puts it away. @type {(kind: import("app/core/marking.js").BrushKind) => Deed} */
const brush = (kind) => ({
  act: ({ store }) => store.dispatch({ type: "brush.changed", fields: { kind: store.state.brush.kind === kind ? null : kind, passed: [] } }),
  why: ({ store }) => {
    if (store.state.brush.kind === kind) return "";
    return brushHindrance(store.state) || hindrances(store.state).change;
  },
});

/** What Escape leaves: the nearest thing first. */
function leave(/** @type {Page} */ { store, inspection, playing, attribution }) {
  const { brush, marked } = store.state;
  if (store.state.playing) playing.pause();
  else if (brush.passed.size) store.dispatch({ type: "brush.changed", fields: { passed: [] } });
  else if (brush.kind) store.dispatch({ type: "brush.changed", fields: { kind: null } });
  else if (marked.size) store.dispatch({ type: "marks.changed", positions: [] });
  else if (maximisedPanel(store.state)) store.dispatch({ type: "view.changed", view: { maximised: "" } });
  else if (heatOfAnswer(store.state) || store.state.why.asking) attribution.leave();
  else inspection.look(null);
}

/**
 * What a key does. in: its part of the sheet. shift: with or without the shift
 * key; left out where it does not matter. Without `act` a part of the page hears
 * the key itself, where it has the focus.
 * @typedef {{ in: string, keys: string[], shift?: boolean, does: string, act?: Deed["act"], why?: Deed["why"], edits?: boolean }} Key
 *
 * @type {Key[]}
 */
export const KEYS = [
  { in: "Run", keys: ["F"], does: "Forward pass", ...control("forward", ({ session }) => session.forward()) },
  { in: "Run", keys: ["S"], does: "Step", ...control("step", ({ session }) => session.step()) },
  {
    in: "Run",
    keys: ["P"],
    does: "Run or stop; in a recording, replay or pause",
    act: ({ store, session, playing }) => {
      if (recorded(store.state)) playing.toggle();
      else if (store.state.activity) session.stop();
      else session.run();
    },
    why: ({ store }) => (recorded(store.state) ? playHindrance(store.state) : store.state.activity ? "" : hindrances(store.state).run),
  },
  { in: "Run", keys: ["Z"], shift: false, does: "Undo", ...control("undo", ({ session }) => session.rewind("undo")) },
  { in: "Run", keys: ["Z"], shift: true, does: "Redo", ...control("redo", ({ session }) => session.rewind("redo")) },

  { in: "Go", keys: ["["], does: "Revision before", ...showBy(-1) },
  { in: "Go", keys: ["]"], does: "Revision after", ...showBy(1) },
  { in: "Go", keys: ["{"], does: "A whole step back, where steps have parts", ...wholeStepBy(-1) },
  { in: "Go", keys: ["}"], does: "A whole step on", ...wholeStepBy(1) },
  {
    in: "Go",
    keys: ["R"],
    does: "Replay what is there, or pause",
    act: ({ playing }) => playing.toggle(),
    why: ({ store }) => playHindrance(store.state),
  },

  { in: "Change", keys: ["A"], does: "Auto-select", ...control("propose", ({ session }) => session.propose()) },
  { in: "Change", keys: ["M"], does: "Mask: open the position again, or all that are marked", ...edit("mask") },
  { in: "Change", keys: ["U"], shift: false, does: "Unmask: fill the position, or the marked ones, in with drafts", ...edit("draft") },
  { in: "Change", keys: ["U"], shift: true, does: "Fill it in with what stood there before", ...edit("earlier") },
  { in: "Change", keys: ["L"], does: "Lock or unlock: no step changes what is locked", ...edit("lock") },
  { in: "Change", keys: ["X"], shift: false, does: "Mask brush", ...brush("mask") },
  { in: "Change", keys: ["X"], shift: true, does: "Lock brush", ...brush("lock") },
  { in: "Change", keys: ["I"], does: "Insert an open position before it", ...edit("insert") },
  { in: "Change", keys: ["Delete"], does: "Delete the position", ...edit("delete") },
  {
    in: "Change",
    keys: ["Backspace"],
    does: "Take back the last token written",
    act: ({ store, editing }) => editing.change("last", lastOf(store.state)),
    why: ({ store }) => hindrance(store.state, "last", lastOf(store.state)),
    edits: true,
  },

  {
    in: "View",
    keys: ["D"],
    does: "Show or hide the drafts",
    act: ({ store }) => store.dispatch({ type: "view.changed", view: { draft: !store.state.view.draft } }),
  },
  {
    in: "View",
    keys: ["V"],
    does: "The canvas as a text, as rows, as a grid",
    act: ({ store }) => store.dispatch({ type: "view.changed", view: { mode: modeAfter(store.state.view.mode) } }),
  },
  {
    in: "View",
    keys: ["C"],
    does: "Other colours",
    act: ({ store, lens, attribution }) => {
      if (heatOfAnswer(store.state)) attribution.leave();
      else lens.use(nextLens(lensOf(store.state.view)));
    },
  },
  { in: "View", keys: ["="], does: "Compare side by side, or back", act: ({ comparing }) => comparing.toggle(), why: ({ store }) => (recorded(store.state) ? "This is a recording: comparing needs a server." : "") },
  { in: "View", keys: ["O"], does: "The model on or off: off, nothing is asked of it", act: ({ asking }) => asking.toggle(), why: ({ store }) => (recorded(store.state) ? "This is a recording: there is no model to switch." : "") },
  { in: "View", keys: ["?"], does: "This sheet", act: openSheet },
  { in: "View", keys: ["Esc"], does: "Bring the other panels back, pause, cancel the brush, clear the marks, leave the colours of “why”, close the inspector" },

  { in: "In the canvas", keys: ["←", "→"], does: "Next position" },
  { in: "In the canvas", keys: ["↑", "↓"], does: "Line above or below" },
  { in: "In the canvas", keys: ["Home", "End"], does: "First or last position" },
  { in: "In the canvas", keys: ["⇧"], does: "With an arrow or a click: mark from here to there, or paint with the brush" },
  { in: "In the canvas", keys: ["Ctrl A"], does: "Mark the whole answer" },
  { in: "In the canvas", keys: ["Enter"], does: "Inspect the position, or do what the brush painted" },
  { in: "In the canvas", keys: ["Space"], does: "Pick the draft at the position, or drop the pick" },

  { in: "On a slider", keys: ["←", "→"], does: "Revision or step before or after" },
  { in: "On a slider", keys: ["PgUp", "PgDn"], does: "A whole step on or back" },
  { in: "On a slider", keys: ["Home", "End"], does: "First or last" },
  { in: "On a slider", keys: ["Space"], does: "Replay or pause" },

  { in: "In the heatmap", keys: ["←", "→"], does: "Position before or after" },
  { in: "In the heatmap", keys: ["↑", "↓"], does: "Revision before or after" },
  { in: "In the heatmap", keys: ["PgUp", "PgDn"], does: "Ten revisions up or down" },
  { in: "In the heatmap", keys: ["Home", "End"], does: "First or last position of the row, with Ctrl of all" },
  { in: "In the heatmap", keys: ["Enter"], does: "Show the revision and inspect the position" },
];

/**
 * @param {KeyboardEvent} event
 * @param {Page} page
 */
export function onKey(event, page) {
  if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
  const target = /** @type {HTMLElement} */ (event.target);
  if (target.closest("input:not([type=range]), textarea, select, dialog[open]")) return;
  if (event.key === "Escape") {
    if (!drop(page.store, "Dropped")) leave(page);
    return;
  }
  const pressed = event.key.length === 1 ? event.key.toUpperCase() : event.key;
  // Single letters are said by chance where a voice types: they can be turned off.
  if (pressed.length === 1 && !page.store.state.view.keys) return;
  const entry = KEYS.find(({ keys, shift, act }) => act && keys.includes(pressed) && (shift ?? event.shiftKey) === event.shiftKey);
  if (!entry?.act) return;
  // A slider is no place to edit from.
  if (entry.edits && target.closest("input")) return;
  event.preventDefault();
  inTurn(event, page, () => {
    const why = notWhileComparing(entry, page) || entry.why?.(page, target);
    if (why) page.store.dispatch({ type: "key.refused", why });
    else entry.act?.(page, target);
  });
}

/** The canvas that it would change is not in sight. */
const notWhileComparing = (/** @type {Key} */ key, /** @type {Page} */ { store }) =>
  store.state.view.compare && (key.in === "Run" || key.in === "Change") ? "Close the comparison first (=)." : "";

/** What is over by itself in a moment: a key pressed meanwhile waits for it. A run is not; there one presses stop. */
const BRIEF = new Set(["edit", "select", "propose", "forward"]);

/** Keys that wait, oldest first. @type {(() => void)[]} */
let waiting = [];
const MOST_WAITING = 8;

/**
 * Keys may come faster than they are done. One held down does not count as many,
 * and those that wait are for the place that they were pressed at.
 */
function inTurn(/** @type {KeyboardEvent} */ event, /** @type {Page} */ { store }, /** @type {() => void} */ act) {
  const brief = () => BRIEF.has(store.state.activity ?? "");
  if (event.repeat || !(waiting.length || brief())) return act();
  if (waiting.length >= MOST_WAITING) return store.dispatch({ type: "key.refused", why: `${MOST_WAITING} keys are still to be done. Wait for them, or press Esc to drop them.` });
  if (waiting.push(act) > 1) return undefined;
  const session = store.state.tree?.id;
  let { shown } = store.state;
  const next = () => {
    while (waiting.length && !brief()) {
      const { state } = store;
      if (state.tree?.id !== session || (state.shown !== null && state.shown !== shown)) drop(store, "You have gone elsewhere");
      else waiting.shift()?.();
      ({ shown } = store.state);
    }
    if (!waiting.length) store.removeEventListener("change", next);
  };
  return store.addEventListener("change", next);
}

/** Forgets the keys that wait; whether there were any. */
function drop(/** @type {Page["store"]} */ store, /** @type {string} */ why) {
  const count = waiting.length;
  waiting = [];
  if (count) store.dispatch({ type: "key.refused", why: `${why}: ${plural(count, "key was", "keys were")} not done.` });
  return count > 0;
}
