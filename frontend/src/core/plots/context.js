// What the plots are drawn from: the values in the form, and the model's own
// numbers where it has said some; else made-up ones, which are called an example.
import { OPEN } from "app/core/canvas.js";
import { draftAt, draftColumns } from "app/core/drafts.js";
import { inspected, shown } from "app/core/selectors.js";
import { lengthOf, readParameter } from "app/core/settings.js";

/**
 * @typedef {import("app/core/settings.js").Parameter} Parameter
 *
 * @typedef {Record<string, any>} Values  every parameter's; null: it follows from the canvas
 *
 * @typedef {object} Drafted  one entry for each open position, in reading order
 * @property {number[]} positions
 * @property {number[]} confidences
 * @property {number[]} entropies  in nats
 * @property {string} source
 *
 * @typedef {object} Context
 * @property {Values} values
 * @property {number} length  positions to write
 * @property {{ logits: number[], source: string }} weighed
 * @property {Drafted} drafted  of the block at hand
 */

export const EXAMPLE = "example";

const EXAMPLE_LOGITS = [4, 3.2, 2.4, 1.8, 1, 0.4, -0.2, -1];

/** @type {Drafted} */
const EXAMPLE_DRAFT = {
  positions: [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11],
  confidences: [0.99, 0.97, 0.62, 0.35, 0.81, 0.93, 0.96, 0.5, 0.78, 0.91, 0.28, 0.44],
  entropies: [0.06, 0.15, 0.9, 1.8, 0.6, 0.3, 0.2, 1.3, 0.7, 0.4, 2.1, 1.5],
  source: EXAMPLE,
};

/**
 * The values in the form. Where what was typed does not fit, the last that did
 * stands in for it.
 * @param {Parameter[]} parameters
 * @param {Record<string, string | boolean>} typed
 * @param {Values} [last]
 * @returns {{ values: Values, unfit: Set<string> }}  unfit: names for which another value stands in
 */
export function valuesOf(parameters, typed, last = {}) {
  /** @type {Values} */
  const values = {};
  /** @type {Set<string>} */
  const unfit = new Set();
  for (const parameter of parameters) {
    const { name, default: fallback = null } = parameter;
    const { value, problem } = readParameter(parameter, typed[name]);
    if (problem) unfit.add(name);
    values[name] = problem ? (name in last ? last[name] : fallback) : (value ?? fallback);
  }
  return { values, unfit };
}

/**
 * @param {import("app/core/state.js").State} state
 * @param {Values} values
 * @returns {Context}
 */
export function contextOf(state, values) {
  return { values, length: lengthOf(state.form), weighed: weighed(state), drafted: drafted(state, values) };
}

/** @param {import("app/core/state.js").State} state */
function weighed(state) {
  const view = inspected(state);
  const weighing = view?.weighing;
  if (!view?.target || !weighing || weighing === "asked" || "failed" in weighing) return { logits: EXAMPLE_LOGITS, source: EXAMPLE };
  const candidates = weighing.candidates.filter(({ token, logit }) => token !== state.model?.maskToken && Number.isFinite(logit));
  if (!candidates.length) return { logits: EXAMPLE_LOGITS, source: EXAMPLE };
  return { logits: candidates.map(({ logit }) => logit), source: `position ${view.target.position} at revision ${view.target.revision}` };
}

/**
 * The drafts of the block that would be decided next.
 * @param {import("app/core/state.js").State} state
 * @param {Values} values
 * @returns {Drafted}
 */
function drafted(state, values) {
  const { tree, model } = state;
  const revision = shown(state);
  const columns = tree && revision ? draftColumns(tree, revision.revision) : null;
  if (!revision || !columns) return EXAMPLE_DRAFT;
  const { states, promptLength, length } = revision.canvas;
  const open = [...states.keys()].filter((position) => states[position] === OPEN);
  const block = values.block_length ?? length;
  const end = promptLength + (Math.floor(Math.max(0, (open[0] ?? 0) - promptLength) / block) + 1) * block;
  const positions = open.filter((position) => position < end && columns.tokens[position] >= 0);
  if (!positions.length) return EXAMPLE_DRAFT;
  const nats = Math.log(model?.vocabularySize || 2) / 255;
  return {
    positions,
    confidences: positions.map((position) => columns.probabilities[position] / 255),
    entropies: positions.map((position) => columns.entropies[position] * nats),
    source: `drafts of revision ${draftAt(/** @type {any} */ (tree), revision.revision)?.at}, to about half a percent`,
  };
}
