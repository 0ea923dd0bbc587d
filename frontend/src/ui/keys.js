// Keys that work anywhere but in a field. One table serves the handler and the
// sheet that lists them.
import { hindrances } from "app/core/selectors.js";
import { editHindrances } from "app/core/edits.js";
import { shownRevision } from "app/core/state.js";
import { headOf } from "app/core/tree.js";

/** @typedef {import("app/ui/page-element.js").Page} Page */

/** @typedef {{ act: (page: Page, target: HTMLElement) => void, why: (page: Page, target: HTMLElement) => string, edits?: boolean }} Deed  why: not; empty where it can be done */

/** @type {(by: number) => Deed} */
const showBy = (by) => ({
  act: ({ store }) => store.dispatch({ type: "revision.shown", revision: shownRevision(store.state) + by }),
  why({ store }) {
    const { tree } = store.state;
    if (!tree) return "Start a session first.";
    const to = shownRevision(store.state) + by;
    return to < tree.first ? "There is no revision before this one." : to > headOf(tree) ? "This is the newest revision." : "";
  },
});

/** What a control does, where it can. @type {(control: keyof ReturnType<typeof hindrances>, act: (page: Page) => void) => Deed} */
const control = (name, act) => ({ act, why: ({ store }) => hindrances(store.state)[name] });

/** The sheet is a dialog somewhere in the page. */
export const openSheet = () => /** @type {HTMLDialogElement | null} */ (document.querySelector("um-keys dialog"))?.showModal();

/** The cell that has the focus, or else the position looked at. */
function positionFor(/** @type {Page} */ { store }, /** @type {HTMLElement} */ target) {
  const cell = /** @type {HTMLElement | null} */ (target.closest("um-canvas .cell"));
  return cell ? Number(cell.dataset.position) : store.state.looked;
}

/** @type {(doing: import("app/core/edits.js").Doing) => Deed} */
const edit = (doing) => ({
  act: (page, target) => page.editing.change(doing, positionFor(page, target)),
  why: (page, target) => editHindrances(page.store.state, positionFor(page, target))[doing],
  edits: true,
});

/** shift: with or without the shift key; left out where it does not matter. @type {{ keys: string[], shift?: boolean, does: string, act?: Deed["act"], why?: Deed["why"], edits?: boolean }[]} */
export const KEYS = [
  { keys: ["F"], does: "Forward pass", ...control("forward", ({ session }) => session.forward()) },
  { keys: ["S"], does: "Step", ...control("step", ({ session }) => session.step()) },
  {
    keys: ["P"],
    does: "Run or stop",
    act: ({ store, session }) => {
      if (store.state.activity) session.stop();
      else session.run();
    },
    why: ({ store }) => (store.state.activity ? "" : hindrances(store.state).run),
  },
  { keys: ["["], does: "Show the revision before", ...showBy(-1) },
  { keys: ["]"], does: "Show the revision after", ...showBy(1) },
  {
    keys: ["D"],
    does: "Show or hide the drafts",
    act: ({ store }) => store.dispatch({ type: "view.changed", view: { draft: !store.state.view.draft } }),
  },
  { keys: ["A"], does: "Auto-select", ...control("propose", ({ session }) => session.propose()) },
  { keys: ["M"], does: "Mask: open the position again", ...edit("mask") },
  { keys: ["U"], shift: false, does: "Unmask: fill the position in with its draft", ...edit("draft") },
  { keys: ["U"], shift: true, does: "Fill it in with what stood there before", ...edit("earlier") },
  { keys: ["L"], does: "Lock or unlock: no step changes what is locked", ...edit("lock") },
  { keys: ["I"], does: "Insert an open position before it", ...edit("insert") },
  { keys: ["Delete"], does: "Delete the position", ...edit("delete") },
  { keys: ["Z"], shift: false, does: "Undo", ...control("undo", ({ session }) => session.rewind("undo")) },
  { keys: ["Z"], shift: true, does: "Redo", ...control("redo", ({ session }) => session.rewind("redo")) },
  { keys: ["?"], does: "This sheet", act: openSheet },
  { keys: ["←", "→"], does: "Next position, in the canvas" },
  { keys: ["↑", "↓"], does: "Line above or below, in the canvas" },
  { keys: ["Home", "End"], does: "First or last position, in the canvas" },
  { keys: ["Enter"], does: "Inspect the position" },
  { keys: ["Space"], does: "Pick the draft at the position, or drop the pick" },
  { keys: ["Esc"], does: "Close the inspector" },
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
    page.inspection.look(null);
    return;
  }
  const pressed = event.key.length === 1 ? event.key.toUpperCase() : event.key;
  const entry = KEYS.find(({ keys, shift, act }) => act && keys.includes(pressed) && (shift ?? event.shiftKey) === event.shiftKey);
  if (!entry?.act) return;
  // A slider is no place to edit from.
  if (entry.edits && target.closest("input")) return;
  event.preventDefault();
  inTurn(event, page, () => {
    const why = entry.why?.(page, target);
    if (why) page.store.dispatch({ type: "key.refused", why });
    else entry.act?.(page, target);
  });
}

/** What is over by itself in a moment: a key pressed meanwhile waits for it. A run is not; there one presses stop. */
const BRIEF = new Set(["edit", "select", "propose", "forward"]);

/** Keys that wait, oldest first. @type {(() => void)[]} */
const waiting = [];

/** Keys may come faster than they are done. One held down does not count as many. */
function inTurn(/** @type {KeyboardEvent} */ event, /** @type {Page} */ { store }, /** @type {() => void} */ act) {
  const brief = () => BRIEF.has(store.state.activity ?? "");
  if (event.repeat || !(waiting.length || brief())) return act();
  if (waiting.push(act) > 1) return undefined;
  const next = () => {
    while (waiting.length && !brief()) waiting.shift()?.();
    if (!waiting.length) store.removeEventListener("change", next);
  };
  return store.addEventListener("change", next);
}
