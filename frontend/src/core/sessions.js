// Sessions made earlier, as a person tells them apart.
import { plural } from "app/core/format.js";
import { textOf } from "app/core/tokens.js";

/**
 * @typedef {object} Session  what the list knows of one
 * @property {string} id
 * @property {string} model
 * @property {number | null} time  when it was made
 * @property {number} head
 * @property {number} promptLength
 * @property {import("app/core/tree.js").Summary | null} summary
 *
 * @typedef {object} Sessions
 * @property {readonly Session[] | null} list  the latest changed first; null: not read yet
 * @property {string} next  asks for the rest; empty where this is all
 * @property {Readonly<Record<string, string>>} texts  by id, how the prompts begin, where it could be read
 * @property {string} failed  why the list could not be read
 */

/** @type {Sessions} */
export const NO_SESSIONS = { list: null, next: "", texts: {}, failed: "" };

/** Sessions on a page: as many as one looks through. */
export const PAGE = 12;

/** Positions of a prompt that are enough to know it by. */
export const BEGINNING = 40;

const day = new Intl.DateTimeFormat("en", { day: "numeric", month: "short" });
const clock = new Intl.DateTimeFormat("en", { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });

/** "today 14:03", "3 Nov 09:15" @param {number | null} time  @param {number} now */
export function whenMade(time, now) {
  if (time === null) return "";
  const same = new Date(time).toDateString() === new Date(now).toDateString();
  return `${same ? "today" : day.format(time)} ${clock.format(time)}`;
}

/** How far it is, as in "33 revisions, complete". @param {Session} session */
export function extentOf({ head, summary }) {
  const open = summary?.openCount ?? 0;
  return [plural(head + 1, "revision"), summary && (open ? `${open} open` : "complete")].filter(Boolean).join(", ");
}

/** Who speaks, as templates write it before what is said. */
const ROLE = /^\s*(system|user|assistant)(\n|$)/;

/** Stands for an open position. */
const HOLE = { id: -1, text: "\u2026", special: false };

/** The first part of a character whose others are not among the tokens. */
const CUT = /\ufffd+$/;

/**
 * How a prompt begins, without what its template puts around it; null stands for an open position.
 * @param {readonly (import("app/core/tokens.js").Token | null)[]} tokens
 */
export function beginningOf(tokens) {
  /** @type {import("app/core/tokens.js").Token[][]} */
  const parts = [[]];
  for (const token of tokens) {
    if (token?.special) parts.push([]);
    else parts[parts.length - 1].push(token ?? HOLE);
  }
  return parts.map((part) => textOf(part).replace(ROLE, "").replace(/\u2026+/g, "\u2026").trim()).filter(Boolean).join(" \u00b7 ").replace(CUT, "");
}

/** What it is called: how its prompt begins, or how long that is. @param {Session} session  @param {string} [text] */
export function titleOf({ promptLength }, text) {
  const line = text?.replace(/\s+/g, " ").trim();
  return line || `A prompt of ${plural(promptLength, "position")}`;
}

/** What a deletion takes away. */
export const lossOf = (/** @type {Session} */ { head }) =>
  `Its canvas and ${head ? `all ${head + 1} revisions` : "its one revision"} are lost, here and for everybody who has its address. Nothing brings them back.`;
