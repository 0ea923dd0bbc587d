// Rules about what is already decided, shown by made-up numbers: nobody asked the
// model about those positions yet.
import { EXAMPLE } from "app/core/plots/context.js";
import { bar, plot, row, traced } from "app/core/plots/plot.js";

/** @typedef {import("app/core/plots/plot.js").Plot} Plot */
/** @typedef {import("app/core/plots/context.js").Context} Context */

const DOUBTED = [0.97, 0.22, 0.88, 0.55, 0.99, 0.35, 0.74, 0.08];
const CHANCE = [0.31, 0.62, 0.95, 0.14, 0.48, 0.83, 0.07, 0.71];

/**
 * Bars of an example; those that hold are filled.
 * @param {number[]} heights
 * @param {(height: number, i: number) => boolean} holds
 * @param {Partial<Plot> & { words: string }} more
 */
const example = (heights, holds, more) => plot({ ...row(heights.map((height, i) => bar(height, holds(height, i)))), source: EXAMPLE, ...more });

const tokens = (/** @type {number} */ count) => `${count} ${count === 1 ? "token" : "tokens"}`;

/** @type {(context: Context) => Plot} */
export function doubtful({ values: { remask_threshold: least } }) {
  const opened = DOUBTED.filter((p) => p < least).length;
  return example(DOUBTED, (p) => p >= least, {
    levels: [least],
    x: "committed positions",
    y: "probability now; outline: opened",
    words: `Of ${tokens(DOUBTED.length)}, ${opened} would be open again.`,
  });
}

/** rho U + (1 - rho) (1 - p). @param {number} rho @param {number} chance @param {number} p */
export const doubt = (rho, chance, p) => rho * chance + (1 - rho) * (1 - p);

/** @type {(context: Context) => Plot} */
export function mixture({ values: { rho } }) {
  const scores = DOUBTED.map((p, i) => doubt(rho, CHANCE[i], p));
  const bar_ = [...scores].sort((a, b) => b - a)[2];
  const why = rho === 1 ? "chance alone decides" : rho === 0 ? "those with the least probable tokens" : "by a mixture of doubt and chance";
  return example(scores, (score) => score < bar_, {
    x: "committed positions",
    y: "score; outline: masked again",
    words: `The three of eight with the highest score are masked again: ${why}.`,
  });
}

const OTHERS = [0.12, 0.96, 0.55, 0.91, 0.3, 0.84, 0.08, 0.99];

/** @type {(context: Context) => Plot} */
export function edited({ values: { tau_edit: least } }) {
  const count = OTHERS.filter((p) => p > least).length;
  return example(OTHERS, (p) => p > least, {
    levels: [least],
    x: "committed positions",
    y: "probability of another token; filled: edited",
    words: `Of ${tokens(OTHERS.length)}, ${count} would be edited.`,
  });
}

const EDITS = [5, 3, 2, 1, 1, 0];

/** @type {(context: Context) => Plot} */
export function afterwards({ values: { max_post_steps: most } }) {
  const made = Math.min(most, EDITS.length);
  return example(EDITS, (_, i) => i < most, {
    up: [0, 5],
    x: "steps once nothing is open",
    y: "tokens edited; filled: done",
    words: made ? `${made === EDITS.length ? "They go on until one edits nothing" : `They end after ${made}`}: ${made} ${made === 1 ? "step" : "steps"} here.` : "There are no such steps.",
  });
}

const MOVES = [0.4, 0.09, 0.03, 0.008, 0.004, 0.02, 0.006, 0.003, 0.001];

/** For how many steps in a row each has stayed below. @param {number[]} moves @param {number} below */
export function stableFor(moves, below) {
  let count = 0;
  return moves.map((moved) => (count = moved < below ? count + 1 : 0));
}

/** @param {Context["values"]} values */
function settled({ kl_threshold: below, history_length: steps }) {
  const at = stableFor(MOVES, below).findIndex((count) => count >= steps);
  return at < 0 ? "it is not stable within these steps" : `it is stable at step ${at + 1}`;
}

/** @type {(context: Context) => Plot} */
export function moved({ values }) {
  const below = values.kl_threshold;
  const top = Math.min(0.4, Math.max(0.05, below * 2.5));
  return example(MOVES.map((move) => Math.min(move, top)), (_, i) => MOVES[i] < below, {
    up: [0, top],
    levels: below <= top ? [below] : [],
    x: "steps of one position",
    y: "divergence, in nats; filled: below",
    words: `The position must stay below for ${values.history_length} in a row: ${settled(values)}.`,
  });
}

/** @type {(context: Context) => Plot} */
export function stable({ values }) {
  const counts = stableFor(MOVES, values.kl_threshold);
  return example(counts, (count) => count >= values.history_length, {
    up: [0, Math.max(...counts, Math.min(values.history_length, 10), 1)],
    levels: values.history_length <= 10 ? [values.history_length] : [],
    x: "steps of one position",
    y: "steps in a row below; filled: stable",
    words: `By the divergences of the example ${settled(values)}.`,
  });
}

/** @type {(context: Context) => Plot} */
export function keptByHand({ values: { protect_edits: kept } }) {
  const byHand = 2;
  return example([0.9, 0.8, 0.3, 0.95, 0.7], (p, i) => p > 0.5 || (kept && i === byHand), {
    x: "committed positions, the third by hand",
    y: "probability; outline: masked again",
    words: kept ? "The token picked by hand stays, however doubtful it is." : "The token picked by hand is masked again like any other doubtful one.",
  });
}

/** @type {(context: Context) => Plot} */
export function endedEarly({ values: { early_stop: early } }) {
  return example(Array(12).fill(1), (_, i) => i < 7, {
    x: "positions, the text ends at the seventh",
    y: early ? "filled: text; outline: filled up" : "filled: text; outline: still to decide",
    words: early ? "The five positions after the end are filled up without a forward pass." : "The five positions after the end are decided step by step.",
  });
}

/** @type {(context: Context) => Plot} */
export function endsLast({ values: { confidence_eos_eot_inf: last } }) {
  const sure = [0.99, 0.97, 0.9, 0.7, 0.6, 0.4];
  const order = last ? [0.9, 0.7, 0.6, 0.4, 0.99, 0.97] : sure;
  const ends = new Set([0.99, 0.97]);
  return example(order, (p) => !ends.has(p), {
    x: "open positions in the order they come",
    y: "probability; outline: an end",
    words: last ? "The ends come last, however sure the model is of them." : "The ends come first where the model is surest of them.",
  });
}

/** What a credit adds to a logit. @param {number} credit @param {number} alpha */
export const bonus = (credit, alpha) => alpha * Math.log1p(credit);

/** @type {(context: Context) => Plot} */
export function creditCounts({ values: { credit_alpha: alpha } }) {
  return plot({
    across: [0, 5],
    up: [0, Math.max(0.1, bonus(5, alpha))],
    lines: [traced(0, 5, (credit) => bonus(credit, alpha))],
    x: "credit, 0 to 5",
    y: "added to the logit",
    words: `A credit of 1 adds ${bonus(1, alpha).toFixed(2)} to a token's logit, one of 5 adds ${bonus(5, alpha).toFixed(2)}.`,
  });
}

/** @type {(context: Context) => Plot} */
export function creditGained({ values: { boost_gamma: gamma } }) {
  return plot({
    lines: [traced(0, 1, (p) => p ** gamma)],
    faint: [[[0, 0], [1, 1]]],
    x: "probability of the likeliest token",
    y: "credit it gains in a step",
    words: `A token of probability 20% gains ${(0.2 ** gamma).toFixed(2)}, one of 90% gains ${(0.9 ** gamma).toFixed(2)}.`,
  });
}

/** @type {(context: Context) => Plot} */
export function creditKept({ values: { decay_beta: beta } }) {
  return example(Array.from({ length: 11 }, (_, i) => beta ** i), () => true, {
    x: "steps since it was gained, 0 to 10",
    y: "what is left of a credit of 1",
    source: "",
    words: `Of a credit of 1, ${(beta ** 2).toFixed(2)} is left after two steps and ${(beta ** 10).toFixed(2)} after ten.`,
  });
}
