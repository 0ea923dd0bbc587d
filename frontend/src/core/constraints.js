// What the generated text must match: as it is typed, and as it stands.
import { readsLeftToRight } from "app/core/left-to-right.js";
import { plural } from "app/core/format.js";

/**
 * @typedef {"choice" | "regex" | "grammar" | "json_schema"} Kind
 *
 * @typedef {object} Constraint
 * @property {Kind} kind
 * @property {string | string[]} value  of a choice, its texts
 *
 * @typedef {"incomplete" | "matched" | "complete" | "violated"} Progress
 *
 * @typedef {object} Typed  what the form holds; what was typed for another kind waits
 * @property {Kind | ""} kind  empty: no constraint
 * @property {Partial<Record<Kind, string>>} texts  one that is left out is its kind's example
 */

/** @type {{ kind: Kind, label: string, hint: string, example: string }[]} */
export const KINDS = [
  { kind: "choice", label: "One of some texts", hint: "One text a line, or a JSON list of texts.", example: "yes\nno" },
  { kind: "regex", label: "Regular expression", hint: "The whole text matches it. Rust's syntax, without look-around and back references.", example: "[0-9]+" },
  { kind: "grammar", label: "Grammar", hint: "Context-free, in Lark's syntax, with a rule start.", example: 'start: NUMBER ("+" NUMBER)*\nNUMBER: /[0-9]+/' },
  { kind: "json_schema", label: "JSON schema", hint: 'The text is JSON with ", " and ": " between its parts and no other white space.', example: '{"type": "integer"}' },
];

/** @type {Typed} */
export const NO_CONSTRAINT = { kind: "", texts: {} };

const kindNamed = (/** @type {string} */ kind) => /** @type {typeof KINDS[number]} */ (KINDS.find((known) => known.kind === kind));

/** What stands in the editor. */
export const patternOf = (/** @type {Typed} */ { kind, texts }) => (kind ? (texts[kind] ?? kindNamed(kind).example) : "");

/** @returns {{ value?: string[], problem?: string }} */
function choiceIn(/** @type {string} */ pattern) {
  if (!pattern.trimStart().startsWith("[")) return { value: pattern.split("\n").filter((line) => line !== "") };
  try {
    const list = JSON.parse(pattern);
    if (Array.isArray(list) && list.every((text) => typeof text === "string")) return { value: list };
  } catch {
    // Said below.
  }
  return { problem: 'a list in JSON is ["yes", "no"], texts in double quotes' };
}

/**
 * The constraint that was typed, or what can be seen to be wrong with it here.
 * The rest is for the server to say.
 * @param {Typed} typed
 * @returns {{ constraint: Constraint | null, problem?: string }}
 */
export function readConstraint(typed) {
  const { kind } = typed;
  if (!kind) return { constraint: null };
  const pattern = patternOf(typed);
  if (kind !== "choice") return pattern.trim() || kind === "regex" ? { constraint: { kind, value: pattern } } : { constraint: null, problem: `write the ${kindNamed(kind).label.toLowerCase().replace("json", "JSON")} first` };
  const { value, problem } = choiceIn(pattern);
  if (!value?.length) return { constraint: null, problem: problem ?? "write at least one text" };
  return { constraint: { kind, value } };
}

/** "No constraint", "Regular expression [0-9]+" */
export function constraintInWords(/** @type {Typed} */ typed) {
  if (!typed.kind) return "No constraint";
  const { label } = kindNamed(typed.kind);
  const line = patternOf(typed).replace(/\s+/g, " ").trim();
  return `${label}: ${line.length > 40 ? `${line.slice(0, 39)}…` : line}`;
}

/**
 * One in force, as one would type it.
 * @returns {Typed}
 */
export function typedOf(/** @type {Constraint} */ { kind, value }) {
  const plain = typeof value === "string" ? value : value.some((text) => text.includes("\n")) || value[0]?.trimStart().startsWith("[") ? JSON.stringify(value) : value.join("\n");
  return { kind, texts: { [kind]: plain } };
}

/** How far the rule is to be relied on, with a model. */
export function exactness(/** @type {Kind} */ kind, /** @type {import("app/core/settings.js").Model | null} */ model) {
  if (readsLeftToRight(model) || kind === "choice" || kind === "regex") return "Exact: every token that can still end in a match may stand, and no other.";
  const sound = "never a dead end, but it may refuse a token that would fit";
  return kind === "grammar" ? `Sound: ${sound}.` : `Exact where nothing in the schema refers to itself; else sound: ${sound}.`;
}

/** @type {Record<Progress, { sign: string, words: string }>} */
export const STANDS = {
  incomplete: { sign: "…", words: "not yet a match" },
  matched: { sign: "=", words: "a match; more may follow" },
  complete: { sign: "✓", words: "a complete match" },
  violated: { sign: "✗", words: "no match any more" },
};

/** "12 of 768 tokens may stand here" */
export const validInWords = (/** @type {number} */ count, /** @type {number} */ of) => `${count} of ${plural(of, "token")} may stand here`;

/** Why a candidate is not to be had. */
export const NOT_ALLOWED = "The constraint does not let this token stand here";

/**
 * What the server said of a pattern, with the place it points at.
 * @param {string} said
 * @param {string} pattern
 * @returns {{ words: string, line: string, caret: number | null, number: number | null }}  line: of the
 *   pattern; empty where it points at none. caret: how many characters stand before it
 */
export function pointed(said, pattern) {
  const lines = pattern.split("\n");
  const [, at, column, words] = /^line (\d+), column (\d+): ([\s\S]*)$/.exec(said) ?? [];
  if (words !== undefined) return { words, line: lines[Number(at) - 1] ?? "", caret: Number(column) - 1, number: Number(at) };
  const [, number, of] = /^text (\d+): ([\s\S]*)$/.exec(said) ?? [];
  if (of !== undefined) {
    // Lines with nothing in them are no texts.
    const [index, line] = [...lines.entries()].filter(([, text]) => text !== "")[Number(number) - 1] ?? [0, ""];
    return { words: of, line: pattern.trimStart().startsWith("[") ? "" : line, caret: null, number: index + 1 };
  }
  return { words: said, line: "", caret: null, number: null };
}

/**
 * What the next step makes of the constraint in force; empty where it stays.
 * @param {Constraint | null} wanted
 * @param {Constraint | null} inForce
 */
export function changeInWords(wanted, inForce) {
  if (alike(wanted, inForce)) return "";
  if (!wanted) return "The next step takes away the constraint in force.";
  return inForce ? "The next step puts it in the place of the one in force." : "In force from the next step on.";
}

/** Whether two constraints are the same. */
export const alike = (/** @type {Constraint | null | undefined} */ one, /** @type {Constraint | null | undefined} */ other) => JSON.stringify(one ?? null) === JSON.stringify(other ?? null);
