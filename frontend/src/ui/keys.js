// Keys that work anywhere but in a field. One table serves the handler and the
// sheet that lists them.
import { hindrances } from "app/core/selectors.js";
import { shownRevision } from "app/core/state.js";

/** @typedef {import("app/ui/page-element.js").Page} Page */

const showBy = (/** @type {number} */ by) => (/** @type {Page} */ { store }) =>
  store.dispatch({ type: "revision.shown", revision: shownRevision(store.state) + by });

/** The sheet is a dialog somewhere in the page. */
export const openSheet = () => /** @type {HTMLDialogElement | null} */ (document.querySelector("um-keys dialog"))?.showModal();

/** Does something to the cell that has the focus, or else to the position looked at. @param {import("app/core/edits.js").Doing} doing */
const edit = (doing) => (/** @type {Page} */ { store, editing }, /** @type {HTMLElement} */ target) => {
  const cell = /** @type {HTMLElement | null} */ (target.closest("um-canvas .cell"));
  editing.change(doing, cell ? Number(cell.dataset.position) : store.state.looked);
};

/** shift: with or without the shift key; left out where it does not matter. @type {{ keys: string[], shift?: boolean, does: string, act?: (page: Page, target: HTMLElement) => void }[]} */
export const KEYS = [
  { keys: ["F"], does: "Forward pass", act: ({ store, session }) => !hindrances(store.state).forward && session.forward() },
  { keys: ["S"], does: "Step", act: ({ store, session }) => !hindrances(store.state).step && session.step() },
  {
    keys: ["P"],
    does: "Run or stop",
    act: ({ store, session }) => {
      if (store.state.activity) session.stop();
      else if (!hindrances(store.state).run) session.run();
    },
  },
  { keys: ["["], does: "Show the revision before", act: showBy(-1) },
  { keys: ["]"], does: "Show the revision after", act: showBy(1) },
  {
    keys: ["D"],
    does: "Show or hide the drafts",
    act: ({ store }) => store.dispatch({ type: "view.changed", view: { draft: !store.state.view.draft } }),
  },
  { keys: ["A"], does: "Auto-select", act: ({ store, session }) => !hindrances(store.state).propose && session.propose() },
  { keys: ["M"], does: "Mask: open the position again", act: edit("mask") },
  { keys: ["U"], shift: false, does: "Unmask: fill the position in with its draft", act: edit("draft") },
  { keys: ["U"], shift: true, does: "Fill it in with what stood there before", act: edit("earlier") },
  { keys: ["L"], does: "Lock or unlock: no step changes what is locked", act: edit("lock") },
  { keys: ["I"], does: "Insert an open position before it", act: edit("insert") },
  { keys: ["Delete"], does: "Delete the position", act: edit("delete") },
  { keys: ["Z"], shift: false, does: "Undo", act: ({ store, session }) => !hindrances(store.state).undo && session.rewind("undo") },
  { keys: ["Z"], shift: true, does: "Redo", act: ({ store, session }) => !hindrances(store.state).redo && session.rewind("redo") },
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
  event.preventDefault();
  entry.act(page, target);
}
