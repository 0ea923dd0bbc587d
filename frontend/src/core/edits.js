// What a person may do to the position looked at, by hand, and why not.
import { GIVEN, OPEN } from "app/core/canvas.js";
import { unchangeable } from "app/core/readiness.js";
import { shownRevision } from "app/core/state.js";
import { earlierAt } from "app/core/weighing.js";

/**
 * @typedef {import("app/core/state.js").State} State
 *
 * @typedef {object} Edit  an operation of the API's Edit
 * @property {string} case
 * @property {any} value
 *
 * @typedef {"mask" | "draft" | "earlier" | "lock" | "insert" | "delete" | "write" | "replace"} Doing
 */

export const FULL = "The model's context is full: there is no room for one more position.";
export const READ_ONLY = "This is the first part of a step: positions can be opened here, and nothing else. Take the next part first.";

/** UnmaskPositions.Source, numbered as in the API. */
const DRAFT = 1;
const EARLIER = 2;

/** What is done to a position, as the API takes it. @type {Record<Doing, (position: number, more: any) => Edit>} */
const EDITS = {
  mask: (position) => ({ case: "mask", value: { positions: [position] } }),
  draft: (position) => ({ case: "unmask", value: { positions: [position], source: DRAFT } }),
  earlier: (position) => ({ case: "unmask", value: { positions: [position], source: EARLIER } }),
  lock: (position, { locked }) => ({ case: locked ? "unprotect" : "protect", value: { positions: [position] } }),
  insert: (position) => ({ case: "insert", value: { position, count: 1 } }),
  delete: (position) => ({ case: "delete", value: { position, count: 1 } }),
  write: (position, { text }) => ({ case: "forceText", value: { position, text } }),
  replace: (position, { text }) => ({ case: "replace", value: { position, count: 1, content: { case: "text", value: text } } }),
};

/** @returns {Edit} */
export const editOf = (/** @type {Doing} */ doing, /** @type {number} */ position, /** @type {object} */ more) => EDITS[doing](position, more);

/**
 * Why something cannot be done at a position of the revision shown; empty
 * strings where it can.
 * @param {State} state
 * @param {number | null} position
 * @returns {Record<Doing, string>}
 */
export function editHindrances(state, position) {
  const always = unchangeable(state);
  const revision = state.tree?.revisions[shownRevision(state)];
  const canvas = revision?.canvas;
  if (always || !state.tree || !revision || !canvas || position === null || position >= canvas.length) {
    return all(always || "Look at a position first.");
  }
  const { readOnly } = revision;
  const open = canvas.states[position] === OPEN;
  const spelled = state.model?.hasTokenizer === false ? "This model has no tokenizer." : "";
  const only = readOnly ? READ_ONLY : "";
  const full = canvas.length >= (state.model?.contextLength || Infinity) ? FULL : "";
  return {
    mask: open ? "This position is open already." : "",
    draft: only || (open ? "" : "Only an open position can be filled with its draft."),
    earlier: only || (!open ? "This position is not open." : earlierAt(state.tree, revision.revision, position) ? "" : "Nothing has stood here yet."),
    lock: only || (open ? "Only what is decided can be locked." : canvas.states[position] === GIVEN ? "What was given is locked anyway." : ""),
    insert: only || full,
    delete: only || (canvas.length === 1 ? "One position has to stay." : ""),
    write: only || spelled,
    replace: only || spelled || full,
  };
}

const all = (/** @type {string} */ why) => /** @type {Record<Doing, string>} */ (Object.fromEntries(Object.keys(EDITS).map((doing) => [doing, why])));
