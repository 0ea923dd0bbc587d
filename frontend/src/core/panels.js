// Which panel has the page to itself.

/** @typedef {"canvas" | "inspector" | "heat" | "compare"} Panel */

/**
 * The panel that is maximised; empty where none is, or where it is not there.
 * @param {import("app/core/state.js").State} state
 * @returns {Panel | ""}
 */
export function maximisedPanel({ view, tree, looked }) {
  const { maximised, compare } = view;
  if (maximised === "compare") return compare ? "compare" : "";
  if (compare || !tree) return "";
  if (maximised === "canvas") return "canvas";
  if (maximised === "heat") return view.heat ? "heat" : "";
  return maximised === "inspector" && looked !== null ? "inspector" : "";
}
