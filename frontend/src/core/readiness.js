// Whether the session can be changed at all now; an empty string where it can.

import { replaced, shortName } from "app/core/models.js";

/** @typedef {import("app/core/state.js").State} State */

export const offline = (/** @type {State} */ { connection }) =>
  ({ ready: "", loading: "The model is still loading.", connecting: "Not connected yet.", lost: "Not connected.", recorded: "This is a recording: nothing can be changed here." })[connection.state];

export const busy = (/** @type {State} */ { activity }) => (activity === null ? "" : "Wait for the present call to end, or stop it.");

export const unchangeable = (/** @type {State} */ state) =>
  offline(state) || (state.tree ? "" : "Start a session first.") || unloaded(state) || replaced(state) || busy(state);

/** The person has switched the model off: nothing is asked of it until it is on again. */
export const switchedOff = (/** @type {State} */ { view }, /** @type {string} */ to) =>
  view.asks ? "" : `The model is off: switch it on to ${to} (O).`;

/** A session can be looked at without its model, and no more. */
function unloaded(/** @type {State} */ { tree, model }) {
  if (!tree || !model || model.name !== tree.model || model.state === "ready") return "";
  if (model.state === "loading") return `The session's model, ${shortName(model.name)}, is loading.`;
  return model.state === "unloaded" ? `The session's model, ${shortName(model.name)}, is not loaded. Press its row under Model.` : `The session's model, ${shortName(model.name)}, is not loaded. Load it under Model.`;
}
