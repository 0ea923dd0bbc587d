// An error as a person needs it: what happened, why, what to do.

import { fieldInWords, formProblems } from "app/core/fields.js";

/**
 * @typedef {object} Failure  a call that ended badly
 * @property {number} code  a gRPC status code
 * @property {string} message
 * @property {string} reason  of ErrorInfo, such as SESSION_BUSY
 * @property {Record<string, string>} metadata
 * @property {{ field: string, description: string }[]} fields
 * @property {number | null} retryAfter  seconds
 * @property {string} method
 *
 * @typedef {object} Notice
 * @property {number} id
 * @property {string} what
 * @property {string} why
 * @property {string} advice
 * @property {string} details  for a bug report
 * @property {"info"} [kind]  news, and no error
 * @property {boolean} [passing]  it says that something was done, and goes by itself
 * @property {Record<string, string>} [refused]  what is wrong with the form, by its fields
 * @property {{ label: string, event: any }} [action]  what can be done about it: once, by an event
 */

export const CANCELLED = 1;
export const INVALID_ARGUMENT = 3;
export const DEADLINE_EXCEEDED = 4;
export const NOT_FOUND = 5;
export const OUT_OF_RANGE = 11;
const UNIMPLEMENTED = 12;
export const UNAVAILABLE = 14;

const NAMES = [
  "OK", "CANCELLED", "UNKNOWN", "INVALID_ARGUMENT", "DEADLINE_EXCEEDED", "NOT_FOUND", "ALREADY_EXISTS",
  "PERMISSION_DENIED", "RESOURCE_EXHAUSTED", "FAILED_PRECONDITION", "ABORTED", "OUT_OF_RANGE", "UNIMPLEMENTED",
  "INTERNAL", "UNAVAILABLE", "DATA_LOSS", "UNAUTHENTICATED",
];

/** @type {Record<string, string>} */
const ADVICE_BY_REASON = {
  SESSION_BUSY: "Another call is changing this session. Stop it, or wait for it to end.",
  CANVAS_COMPLETE: "Go back on the timeline, open positions again, or take a sampler that revises.",
  CANVAS_OPEN: "Finish the answer first: Run, or fill the open positions.",
  HISTORY_TRIMMED: "The server keeps later revisions only. Choose one that is still on the timeline.",
  READ_ONLY_REVISION: "Take one more step and edit there, or edit the revision before.",
  INVALID_CONSTRAINT: "Correct it in the settings, under Constraint, where it points at the place. Nothing was changed.",
  CONSTRAINT_INFEASIBLE: "Change the constraint, give the text more room, or take out what does not fit. Nothing was changed.",
  CONSTRAINT_STUCK: "Open some positions again, or take the constraint away.",
  NOTHING_TO_UNDO: "The session stands at its beginning.",
  NOTHING_TO_REDO: "Nothing was made from here yet.",
  UNREADABLE_FILE: "Choose another file. What is shown is as it was.",
  MODEL_NOT_FOUND: "Check how it is written: a folder on the server's machine, or a hub id such as org/name.",
  MODEL_NOT_LOADED: "Press its row under Model, at the top of the settings.",
  MODEL_NOT_ALLOWED: "Choose one of the models listed, or ask who runs the server to add it to its catalog.",
  MODEL_LOADING: "One model loads at a time. Wait for that one, or cancel it.",
  MODEL_LOADED: "Take it as it is, or unload it first: both under Model.",
  MODEL_CHANGED: "Reload it under Model, at the top of the settings.",
  MODEL_REPLACED: "The session can be looked at and taken along. Load the model as it was, or start a new session.",
  HUB_UNREACHABLE: "Give a folder on the server's machine, or try again once the hub can be reached.",
  HUB_OFFLINE: "Give a folder on the server's machine.",
  REVISION_MISMATCH: "The session moved on meanwhile. Look at its newest revision, then try again.",
};

/** @type {Record<string, string>} */
const ADVICE = {
  INVALID_ARGUMENT: "Correct the field and try again. Nothing was changed.",
  OUT_OF_RANGE: "Choose a value within the range. Nothing was changed.",
  DEADLINE_EXCEEDED: "Try again, or ask for less at once.",
  NOT_FOUND: "It may have expired or been deleted. Start a new session.",
  PERMISSION_DENIED: "The server's policy does not allow it.",
  RESOURCE_EXHAUSTED: "The server is busy. Try again in a moment.",
  FAILED_PRECONDITION: "It is not possible in the session's present state.",
  ABORTED: "Try again.",
  UNIMPLEMENTED: "This server is older than the page, or cannot do it.",
  UNAVAILABLE: "The page connects again by itself; then try once more. Every revision that was shown is kept.",
  INTERNAL: "The server's log says more. The session keeps its last revision.",
};

/** "The step did not work." */
export const failed = (/** @type {string} */ what) => `${what} did not work.`;

/** What does not work of a model is no matter of a session. */
const ADVICE_FOR_MODELS = "Choose a folder with a checkpoint (config.json and safetensors).";

function adviceFor(/** @type {Failure} */ { reason, method }, /** @type {string} */ name) {
  if (ADVICE_BY_REASON[reason]) return ADVICE_BY_REASON[reason];
  if (name === "FAILED_PRECONDITION" && /ModelService/.test(method)) return ADVICE_FOR_MODELS;
  return ADVICE[name] ?? "Try again.";
}

/**
 * @param {string} what  what was being done, such as "The step"
 * @param {Failure} failure
 * @returns {Omit<Notice, "id">}
 */
export function explain(what, failure) {
  const name = NAMES[failure.code] ?? `code ${failure.code}`;
  const fields = failure.fields.map(({ field, description }) => `${field}: ${description}`);
  // The message often says the same as its only field.
  let why = [failure.message, ...fields.filter((text) => !failure.message.includes(text))].filter(Boolean).join(" ");
  failure.fields.forEach(({ field, description }, i) => (why = why.replace(fields[i], () => fieldInWords(field, description))));
  const wait = failure.retryAfter ? ` Best in ${Math.ceil(failure.retryAfter)} s.` : "";
  const metadata = Object.entries(failure.metadata).map(([key, value]) => `${key}=${value}`);
  return {
    what: failed(what),
    why,
    advice: adviceFor(failure, name) + wait,
    refused: formProblems(failure.method.endsWith("/CreateSession") ? failure.fields : failure.fields.filter(({ field }) => field.startsWith("settings.constraint"))),
    details: [failure.method, name, failure.reason, ...metadata, ...fields].filter(Boolean).join(" · "),
  };
}
