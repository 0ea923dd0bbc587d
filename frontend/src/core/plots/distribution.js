// From logits to p_final, as the service makes it, for the few candidates at hand.
import { plot, row, staircase, traced } from "app/core/plots/plot.js";

/** @typedef {import("app/core/plots/plot.js").Plot} Plot */
/** @typedef {import("app/core/plots/context.js").Context} Context */

/** @param {number[]} logits @returns {number[]} */
export function softmax(logits) {
  const most = Math.max(...logits);
  const weights = logits.map((logit) => Math.exp(logit - most));
  const sum = weights.reduce((a, b) => a + b, 0);
  return weights.map((weight) => weight / sum);
}

/** Each token by its place among the likeliest, from 0. @param {number[]} logits */
function ranks(logits) {
  const order = logits.map((_, i) => i).sort((a, b) => logits[b] - logits[a] || a - b);
  /** @type {number[]} */
  const places = [];
  order.forEach((token, place) => (places[token] = place));
  return { order, places };
}

/**
 * Temperature, then top-k and top-p; both look at the same distribution, and the
 * token that crosses top-p stays.
 * @param {number[]} logits
 * @param {{ temperature: number, top_k: number, top_p: number }} shaping
 * @returns {number[]}
 */
export function shaped(logits, { temperature, top_k, top_p }) {
  const { order, places } = ranks(logits);
  if (temperature === 0) return logits.map((_, i) => (places[i] === 0 ? 1 : 0));
  const p = softmax(logits.map((logit) => logit / temperature));
  let ahead = 0;
  const kept = new Set();
  for (const [place, token] of order.entries()) {
    const inNucleus = top_p >= 1 || place === 0 || ahead < top_p;
    if (inNucleus && (!top_k || place < top_k)) kept.add(token);
    ahead += p[token];
  }
  const sum = p.reduce((total, share, i) => total + (kept.has(i) ? share : 0), 0);
  return p.map((share, i) => (kept.has(i) ? share / sum : 0));
}

/** @param {Context} context @param {boolean} [summed]  with the sum that top-p looks at */
function drawn({ values, weighed }, summed = false) {
  const logits = [...weighed.logits].sort((a, b) => b - a);
  const base = softmax(logits);
  const final = shaped(logits, /** @type {any} */ (values));
  const kept = final.filter((share) => share > 0).length;
  const most = Math.max(...base, ...final);
  const cooled = values.temperature ? softmax(logits.map((logit) => logit / values.temperature)) : final;
  let sum = 0;
  const sums = cooled.map((share) => Math.min(1, (sum += share)));
  const { repetition_penalty: repetition, presence_penalty: presence, frequency_penalty: frequency, logits_eos_inf: endless } = values;
  const more = repetition !== 1 || presence || frequency || endless ? " Penalties and what is never generated are left out." : "";
  const likeliest = `The likeliest token goes from ${share(base[0])} to ${share(final[0])}; ${kept} of ${logits.length} can be drawn.`;
  return plot({
    ...row(base.map((outline, i) => ({ outline, fill: final[i] }))),
    up: [0, summed ? 1 : most],
    lines: summed ? [staircase(sums)] : [],
    levels: summed ? [values.top_p] : [],
    x: weighed.source === "example" ? "tokens" : `the ${logits.length} likeliest tokens alone`,
    y: "outline p_base, filled p_final",
    words: `${likeliest}${summed ? " The stairs are the sum so far, the line top p." : ""}${more}`,
    source: weighed.source,
  });
}

const share = (/** @type {number} */ p) => `${Math.round(p * 100)}%`;

/** @type {(context: Context) => Plot} */
export const distribution = (context) => drawn(context);
/** @type {(context: Context) => Plot} */
export const nucleus = (context) => drawn(context, true);

/** A logit by the repetition penalty. */
export const repeated = (/** @type {number} */ logit, /** @type {number} */ penalty) => (logit < 0 ? logit * penalty : logit / penalty);

/** @type {(context: Context) => Plot} */
export function repetition({ values }) {
  const penalty = values.repetition_penalty;
  const after = [10, -10].map((logit) => repeated(logit, penalty));
  return plot({
    across: [-10, 10],
    up: [-20, 10],
    lines: [traced(-10, 10, (logit) => repeated(logit, penalty))],
    faint: [[[-10, -10], [10, 10]]],
    x: "logit of a token in the canvas, −10 to 10",
    y: "its logit then; faint: without",
    words: `A logit of 10 becomes ${short(after[0])}, one of −10 becomes ${short(after[1])}.`,
  });
}

/** What presence and frequency penalty take off the logit of a token that stands n times in the canvas. */
export const takenOff = (/** @type {number} */ n, /** @type {number} */ presence, /** @type {number} */ frequency) => (n > 0 ? presence : 0) + frequency * n;

/** @type {(context: Context) => Plot} */
export function counted({ values: { presence_penalty: presence, frequency_penalty: frequency } }) {
  const off = [0, 1, 2, 3, 4, 5].map((n) => takenOff(n, presence, frequency));
  const reach = Math.max(1, ...off.map(Math.abs));
  return plot({
    across: [0, 6],
    up: [-reach, reach],
    lines: [staircase(off)],
    faint: [[[0, 0], [6, 0]]],
    x: "times in the canvas, 0 to 5",
    y: "taken off the logit",
    words: `Once in the canvas takes ${short(off[1])} off a token's logit, five times ${short(off[5])}.`,
  });
}

const short = (/** @type {number} */ x) => String(Number(x.toFixed(2))).replace("-", "−");

/** Guided logits. @param {number[]} conditional @param {number[]} unconditional @param {number} scale */
export const guided = (conditional, unconditional, scale) => unconditional.map((u, i) => u + (scale + 1) * (conditional[i] - u));

const WITH_PROMPT = [3, 2.6, 1.4, 0.6, 0];
const WITHOUT_PROMPT = [2, 2.8, 1.6, 1, 0.6];

/** @type {(context: Context) => Plot} */
export function guidance({ values }) {
  const before = softmax(WITH_PROMPT);
  const after = softmax(guided(WITH_PROMPT, WITHOUT_PROMPT, values.cfg_scale));
  return plot({
    ...row(before.map((outline, i) => ({ outline, fill: after[i] }))),
    x: "tokens",
    y: "outline without guidance, filled with",
    words: `The token that the prompt speaks for most goes from ${share(before[0])} to ${share(after[0])}.`,
    source: "example",
  });
}

/** @type {(context: Context) => Plot} */
export function namedOnly({ values }) {
  const logits = [2, 1.6, 1, 0.4, -0.4];
  const before = softmax(logits);
  const after = values.unnamed_ids ? before : softmax([...logits.slice(0, -1), -Infinity]);
  return plot({
    ...row(before.map((outline, i) => ({ outline, fill: after[i] }))),
    up: [0, Math.max(...before, ...after)],
    x: "ids, one without a token last",
    y: "outline p_base, filled p_final",
    words: `The id without a token goes from ${share(before[4])} to ${share(after[4])}.`,
    source: "example",
  });
}

/** @type {(context: Context) => Plot} */
export function noEnd({ values }) {
  const logits = [2, 1.6, 1, 0.4, -0.4];
  const before = softmax(logits);
  const after = values.logits_eos_inf ? softmax([-Infinity, ...logits.slice(1)]) : before;
  return plot({
    ...row(before.map((outline, i) => ({ outline, fill: after[i] }))),
    up: [0, Math.max(...before, ...after)],
    x: "tokens, end of text first",
    y: "outline p_base, filled p_final",
    words: `End of text goes from ${share(before[0])} to ${share(after[0])}.`,
    source: "example",
  });
}
