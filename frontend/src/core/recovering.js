// Texts that are masked in part and restored: what was typed, what came back, and
// the same as a table.
import { readyModels, refusedBy } from "app/core/scoring.js";
import { settingsOf } from "app/core/settings.js";
import { readsLeftToRight } from "app/core/left-to-right.js";

/**
 * @typedef {import("app/core/state.js").State} State
 * @typedef {"random" | "sticky" | "fragment" | "mixed"} Corruption
 *
 * @typedef {object} RecoverForm  as typed; kept over a reload
 * @property {string} texts
 * @property {"line" | "block"} per  what makes a text: a line, or lines up to a blank one
 * @property {Corruption} corruption
 * @property {number} ratio  above 0 to 1
 * @property {string} rounds  of sticky spans; empty: 8
 * @property {readonly string[]} models  empty: the one in view
 *
 * @typedef {object} Wanted
 * @property {string[]} models
 * @property {string[]} texts
 * @property {Corruption} corruption
 * @property {number} ratio
 * @property {number} rounds
 * @property {any} settings
 *
 * @typedef {object} Restored  a text that is done
 * @property {string} model
 * @property {number} index
 * @property {number[]} original
 * @property {number[]} restored
 * @property {number[]} masked
 * @property {number} right
 * @property {number} accuracy
 * @property {number | null} meanProbability
 * @property {number} forwards
 * @property {Corruption} corruption
 *
 * @typedef {{ model: string, texts: number, masked: number, right: number, accuracy: number }} Total
 *
 * @typedef {object} Recovering
 * @property {RecoverForm} form
 * @property {{ done: number, total: number } | null} running
 * @property {boolean} stopped  before its end
 * @property {readonly Restored[]} restored  as they came
 * @property {readonly Total[]} totals
 * @property {Readonly<Record<string, string>>} problems  by field of the form; "" is of none
 * @property {Readonly<Record<string, ReadonlyMap<number, import("app/core/tokens.js").Token>>>} tokens  by model
 */

/** @type {Recovering} */
export const UNRECOVERED = {
  form: { texts: "", per: "line", corruption: "random", ratio: 0.4, rounds: "", models: [] },
  running: null,
  stopped: false,
  restored: [],
  totals: [],
  problems: {},
  tokens: {},
};

/** @type {readonly { value: Corruption, name: string, about: string }[]} */
export const CORRUPTIONS = [
  { value: "random", name: "Random", about: "Each position by itself." },
  { value: "sticky", name: "Sticky spans", about: "Spans that grow from random positions, in rounds." },
  { value: "fragment", name: "One fragment", about: "One run without a gap." },
  { value: "mixed", name: "Mixed", about: "For every text one of the others, drawn." },
];

/** The texts that were typed. @returns {string[]} */
export const textsOf = (/** @type {RecoverForm} */ { texts, per }) =>
  (per === "line" ? texts.split("\n") : texts.split(/\n(?:[ \t]*\n)+/).map((block) => block.replace(/^\n+|\n+$/g, ""))).filter((text) => text.trim() !== "");

/** Those chosen that are still there. */
export const recoveringModels = (/** @type {State} */ state) => {
  const ready = readyModels(state).filter((name) => canRestore(state, name));
  const chosen = ready.filter((name) => state.recovering.form.models.includes(name));
  const own = ready.find((name) => name === state.model?.name) ?? ready[0];
  return chosen.length || !own ? chosen : [own];
};

/** A model that reads from left to right cannot restore what lies between given tokens. */
export const canRestore = (/** @type {State} */ { models }, /** @type {string} */ name) => models.list?.find((model) => model.name === name)?.attention?.appendOnly !== true;

/** How it is restored: as the form says, where that is of a model that can. */
export function restoringSettings(/** @type {State} */ { model, form }) {
  const { sampler, parameters, seed } = settingsOf(model, form);
  return readsLeftToRight(model) ? { sampler: "", parameters: {}, seed } : { sampler, parameters, seed };
}

/** @returns {{ wanted: Wanted, problems: Record<string, string> }} */
export function readRecover(/** @type {State} */ state) {
  const { form } = state.recovering;
  const texts = textsOf(form);
  /** @type {Record<string, string>} */
  const problems = {};
  if (!texts.length) problems.texts = "Write at least one text.";
  else if (texts.length > 100) problems.texts = `At most 100 texts at once; there are ${texts.length}.`;
  const rounds = Number(form.rounds || 8);
  if (form.corruption === "sticky" && !(Number.isInteger(rounds) && rounds >= 1 && rounds <= 64)) problems.rounds = "1 to 64, without a fraction.";
  const models = recoveringModels(state);
  if (!models.length) problems.models = "Choose a model that is loaded and sees every position.";
  return { wanted: { models, texts, corruption: form.corruption, ratio: form.ratio, rounds: form.corruption === "sticky" ? rounds : 0, settings: restoringSettings(state) }, problems };
}

/** What the server found wrong, by field of the form. @param {{ message: string, fields?: { field: string, description: string }[] }} error */
export function recoverRefused({ message, fields = [] }) {
  const told = fields.map(({ field, description }) => {
    const at = /^texts\[(\d+)\]/.exec(field);
    return { field, description: at ? `text ${Number(at[1]) + 1}: ${description}` : description };
  });
  return refusedBy({ message, fields: told }, (field) => ["texts", "models", "ratio", "rounds", "corruption"].find((own) => field === own || field.startsWith(`${own}[`)));
}

/** @typedef {{ token: number, was: number, kind: "kept" | "right" | "wrong" }} Piece */

/** A restored text, token by token. @returns {Piece[]} */
export function piecesOf(/** @type {Restored} */ { original, restored, masked }) {
  const hidden = new Set(masked);
  return restored.map((token, at) => ({ token, was: original[at], kind: !hidden.has(at) ? "kept" : token === original[at] ? "right" : "wrong" }));
}

/** By text, then in the models' order. @returns {Restored[]} */
export function inOrder(/** @type {readonly Restored[]} */ restored, /** @type {readonly string[]} */ models) {
  return [...restored].sort((a, b) => a.index - b.index || models.indexOf(a.model) - models.indexOf(b.model));
}

/** What a model did in all, with what the totals leave out. */
export function summed(/** @type {readonly Restored[]} */ restored, /** @type {string} */ model) {
  const own = restored.filter((each) => each.model === model);
  const masked = own.reduce((sum, each) => sum + each.masked.length, 0);
  const right = own.reduce((sum, each) => sum + each.right, 0);
  return { texts: own.length, masked, right, accuracy: masked ? right / masked : null, forwards: own.reduce((sum, each) => sum + each.forwards, 0) };
}

const COLUMNS = ["model", "index", "corruption", "ratio", "tokens", "masked", "right", "accuracy", "mean_probability", "forward_count"];

/** Comma-separated values, a text of a model a row: the columns that the command line writes too. */
export function csvOf(/** @type {readonly Restored[]} */ restored, /** @type {readonly string[]} */ models) {
  const rows = [...restored]
    .sort((a, b) => models.indexOf(a.model) - models.indexOf(b.model) || a.index - b.index)
    .map((each) => [
      // What a spreadsheet would run as a formula is text.
      /^[=+\-@]/.test(each.model) ? `'${each.model}` : each.model,
      each.index, each.corruption, each.masked.length / each.original.length, each.original.length, each.masked.length, each.right, each.accuracy, each.meanProbability ?? "", each.forwards,
    ]);
  return [COLUMNS, ...rows].map((row) => `${row.map(quoted).join(",")}\n`).join("");
}

const quoted = (/** @type {unknown} */ value) => (/[",\n]/.test(String(value)) ? `"${String(value).replaceAll('"', '""')}"` : String(value));
