// Whether the session can be changed at all now; an empty string where it can.

/** @typedef {import("app/core/state.js").State} State */

export const offline = (/** @type {State} */ { connection }) =>
  ({ ready: "", loading: "The model is still loading.", connecting: "Not connected yet.", lost: "Not connected." })[connection.state];

export const busy = (/** @type {State} */ { activity }) => (activity === null ? "" : "Wait for the present call to end, or stop it.");

export const unchangeable = (/** @type {State} */ state) =>
  offline(state) || (state.tree ? "" : "Start a session first.") || busy(state);
