// What a person may do to positions by hand, and why not.
import { COMMITTED, GIVEN, OPEN } from "app/core/canvas.js";
import { appendsOnly, NOT_IN_THE_PROMPT, NOTHING_TO_LOCK, ONE_AT_THE_END } from "app/core/left-to-right.js";
import { switchedOff, unchangeable } from "app/core/readiness.js";
import { shownRevision } from "app/core/state.js";
import { earlierAt } from "app/core/weighing.js";

/**
 * @typedef {import("app/core/state.js").State} State
 *
 * @typedef {object} Edit  an operation of the API's Edit
 * @property {string} case
 * @property {any} value
 *
 * @typedef {"mask" | "draft" | "earlier" | "lock" | "insert" | "delete" | "last" | "write" | "replace"} Doing
 *   lock: or unlock, where it is locked. last: takes out what was decided last in reading order
 */

const FULL = "The model's context is full: there is no room for one more position.";
export const READ_ONLY = "This is the first part of a step: positions can be opened here, and nothing else. Take the next part first.";

/** UnmaskPositions.Source, numbered as in the API. */
const DRAFT = 1;
const EARLIER = 2;

/** What is done to positions, as the API takes it; what moves others is done at the first. @type {Record<Doing, (positions: number[], more: any) => Edit>} */
const EDITS = {
  mask: (positions) => ({ case: "mask", value: { positions } }),
  draft: (positions) => ({ case: "unmask", value: { positions, source: DRAFT } }),
  earlier: (positions) => ({ case: "unmask", value: { positions, source: EARLIER } }),
  lock: (positions, { locked }) => ({ case: locked ? "unprotect" : "protect", value: { positions } }),
  insert: ([position]) => ({ case: "insert", value: { position, count: 1 } }),
  delete: ([position]) => ({ case: "delete", value: { position, count: 1 } }),
  last: () => ({ case: "deleteLast", value: { count: 1 } }),
  write: ([position], { text }) => ({ case: "forceText", value: { position, text } }),
  replace: ([position], { text }) => ({ case: "replace", value: { position, count: 1, content: { case: "text", value: text } } }),
};

/** @returns {Edit} */
export const editOf = (/** @type {Doing} */ doing, /** @type {number[]} */ positions, /** @type {object} */ more) => EDITS[doing](positions, more);

/**
 * Why something cannot be done at a position of the revision shown; empty where
 * it can.
 * @param {State} state
 * @param {Doing} doing
 * @param {number | null} position
 * @returns {string}
 */
export function hindrance(state, doing, position) {
  const always = unchangeable(state);
  const revision = state.tree?.revisions[shownRevision(state)];
  const canvas = revision?.canvas;
  if (always || !state.tree || !revision || !canvas || position === null || position >= canvas.length) return always || "Look at a position first.";
  const open = canvas.states[position] === OPEN;
  const rightwards = appendsOnly(state);
  if (doing === "mask") return open ? "This position is open already." : rightwards && position < canvas.promptLength ? NOT_IN_THE_PROMPT : "";
  if (revision.readOnly) return READ_ONLY;
  if (rightwards && doing === "insert") return ONE_AT_THE_END;
  if (rightwards && doing === "lock" && !canvas.protected[position]) return NOTHING_TO_LOCK;
  if (rightwards && open && (doing === "delete" || doing === "replace")) return "The open position at the end stays: write there.";
  switch (doing) {
    case "draft": return open ? switchedOff(state, "have its draft") : "Only an open position can be filled with its draft.";
    case "earlier": return !open ? "This position is not open." : earlierAt(state.tree, revision.revision, position) ? "" : "Nothing has stood here yet.";
    case "lock": return open ? "Only what is decided can be locked." : canvas.states[position] === GIVEN ? "What was given is locked anyway." : "";
    case "last": return canvas.states.lastIndexOf(COMMITTED) < 0 ? "Nothing is written yet." : "";
    case "delete": return canvas.length === 1 ? "One position has to stay." : "";
  }
  const spelled = doing !== "insert" && state.model?.hasTokenizer === false ? "This model has no tokenizer." : "";
  const full = doing !== "write" && canvas.length >= (state.model?.contextLength || Infinity) ? FULL : "";
  return spelled || full;
}

/**
 * The same of everything that can be done.
 * @param {State} state
 * @param {number | null} position
 * @returns {Record<Doing, string>}
 */
export function editHindrances(state, position) {
  const doings = /** @type {Doing[]} */ (Object.keys(EDITS));
  return /** @type {Record<Doing, string>} */ (Object.fromEntries(doings.map((doing) => [doing, hindrance(state, doing, position)])));
}
