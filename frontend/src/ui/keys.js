// Keys that work anywhere but in a field. One table serves the handler and the
// sheet that lists them.
import { hindrances } from "app/core/selectors.js";
import { shownRevision } from "app/core/state.js";

/** @typedef {import("app/ui/page-element.js").Page} Page */

const showBy = (/** @type {number} */ by) => (/** @type {Page} */ { store }) =>
  store.dispatch({ type: "revision.shown", revision: shownRevision(store.state) + by });

/** The sheet is a dialog somewhere in the page. */
export const openSheet = () => /** @type {HTMLDialogElement | null} */ (document.querySelector("um-keys dialog"))?.showModal();

/** @type {{ keys: string[], does: string, act?: (page: Page) => void }[]} */
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
  const entry = KEYS.find(({ keys, act }) => act && keys.includes(event.key.length === 1 ? event.key.toUpperCase() : event.key));
  if (!entry?.act) return;
  event.preventDefault();
  entry.act(page);
}
