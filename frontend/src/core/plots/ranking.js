// Which of the open positions a rule would commit in a step, by their drafts.
import { bar, leftOut, MOST_BARS, plot, row, staircase } from "app/core/plots/plot.js";
import { evenly } from "app/core/plots/schedules.js";

/** @typedef {import("app/core/plots/plot.js").Plot} Plot */
/** @typedef {import("app/core/plots/context.js").Context} Context */
/** @typedef {import("app/core/plots/context.js").Drafted} Drafted */
/** @typedef {import("app/core/plots/context.js").Values} Values */

/** Row numbers, highest score first; of equal ones the first. @param {number[]} scores */
export const bestFirst = (scores) => scores.map((_, i) => i).sort((a, b) => scores[b] - scores[a] || a - b);

/** How many reach a threshold; one at least. @param {number[]} scores @param {number} threshold */
export const reaching = (scores, threshold) => Math.max(1, scores.filter((score) => score >= threshold).length);

/** How many exceed it; `least` at least. @param {number[]} scores @param {number} threshold */
export const exceeding = (scores, threshold, least = 0) => Math.min(scores.length, Math.max(least, scores.filter((score) => score > threshold).length));

/** What Fast-dLLM's factor rule asks of the token at a rank, counted from 1; of the surest nothing. @param {number} rank @param {number} factor */
export const risingDemand = (rank, factor) => (rank === 1 ? 0 : 1 - factor / (rank + 1));

/** What the ranking sampler's factor rule asks: less from rank to rank. @param {number} rank @param {number} factor */
export const fallingDemand = (rank, factor) => factor / rank;

/** How many of the ranked meet the demands one after the other; one at least. @param {number[]} ranked @param {(rank: number) => number} demand */
export function inTurn(ranked, demand) {
  const failing = ranked.findIndex((p, i) => p < demand(i + 1));
  return failing < 0 ? ranked.length : Math.max(1, failing);
}

/** How many positions of lowest entropy a bound on the sum of those before lets through. @param {number[]} entropies  lowest first @param {number} bound */
export function withinBound(entropies, bound) {
  let before = 0;
  return entropies.filter((entropy, i) => {
    const fits = i === 0 || before <= bound;
    before += entropy;
    return fits;
  }).length;
}

/**
 * LocalLeap: anchors, and near them what reaches less.
 * @param {Drafted} drafted
 * @param {Values} values
 * @param {number} least  how many are committed whatever they reach
 * @returns {boolean[]}
 */
export function leaping({ positions, confidences }, { threshold, relaxed_threshold: relaxed, radius }, least) {
  const anchors = positions.filter((_, i) => confidences[i] >= threshold);
  const order = bestFirst(confidences);
  return positions.map((position, i) =>
    confidences[i] >= threshold ||
    (confidences[i] >= relaxed && anchors.some((anchor) => Math.abs(anchor - position) <= radius)) ||
    order.indexOf(i) < least);
}

/**
 * Hierarchical decoding: what is sure, and the surest of each run of open ones.
 * @param {Drafted} drafted
 * @param {Values} values
 * @returns {boolean[]}
 */
export function dividing({ positions, confidences }, { threshold, low_threshold: low }) {
  const order = bestFirst(confidences);
  const led = new Set();
  const chosen = new Set();
  for (const i of order) {
    const run = positions[i] - i; // equal within a run
    if (confidences[i] > threshold || (confidences[i] > low && !led.has(run))) chosen.add(i);
    led.add(run);
  }
  if (!chosen.size) chosen.add(order[0]);
  return positions.map((_, i) => chosen.has(i));
}

/** @param {number} done @param {number} all @param {Values} values */
const told = (done, all, { temperature }) =>
  `The next step would commit ${done} of ${all} open positions${temperature ? ", were the likeliest tokens drawn" : ""}.`;

/**
 * Bars surest first, of which the first are filled.
 * @param {Context} context
 * @param {(ranked: number[]) => number} count
 * @param {Partial<Plot>} [more]
 */
function surest({ drafted, values }, count, more = {}) {
  const ranked = [...drafted.confidences].sort((a, b) => b - a);
  const done = count(ranked);
  return plot({
    ...row(ranked.map((p, i) => bar(p, i < done))),
    x: "open positions, surest first",
    y: "probability; filled: committed",
    words: told(done, ranked.length, values) + leftOut(ranked.length),
    source: drafted.source,
    ...more,
  });
}

/** Bars in reading order. @param {Context} context @param {boolean[]} done @param {Partial<Plot>} [more] */
const reading = ({ drafted, values }, done, more = {}) =>
  plot({
    ...row(drafted.confidences.map((p, i) => bar(p, done[i]))),
    x: "open positions in reading order",
    y: "probability; filled: committed",
    words: told(done.filter(Boolean).length, done.length, values) + leftOut(done.length),
    source: drafted.source,
    ...more,
  });

/** The demands as stairs over the bars. @param {Context} context @param {(rank: number) => number} demand */
const demands = ({ drafted }, demand) => staircase(Array.from({ length: Math.min(MOST_BARS, drafted.confidences.length) }, (_, i) => Math.min(1, Math.max(0, demand(i + 1)))));

/** @type {(context: Context) => Plot} */
const sureEnough = (context) => surest(context, (ranked) => reaching(ranked, context.values.threshold), { levels: [context.values.threshold] });

/** @type {(context: Context) => Plot} */
export function credited(context) {
  const drawn = sureEnough(context);
  return { ...drawn, words: `${drawn.words} Credit is left out.` };
}

/** @type {(context: Context) => Plot} */
export function fastRule(context) {
  const { rule, factor } = context.values;
  if (rule === "threshold") return sureEnough(context);
  const demand = (/** @type {number} */ rank) => risingDemand(rank, factor);
  return surest(context, (ranked) => inTurn(ranked, demand), { lines: [demands(context, demand)] });
}

/**
 * The order of the ranking sampler; null where the drafts do not tell.
 * @param {Drafted} drafted
 * @param {string} strategy
 */
export function ranking({ confidences, entropies }, strategy) {
  if (strategy === "high_confidence") return bestFirst(confidences);
  if (strategy === "low_confidence") return bestFirst(confidences.map((p) => -p));
  if (strategy === "high_entropy") return bestFirst(entropies);
  if (strategy === "low_entropy") return bestFirst(entropies.map((entropy) => -entropy));
  return strategy === "left_to_right" ? confidences.map((_, i) => i) : null;
}

/** Dream's scores are those of the distribution after temperature. @param {Values} values */
const uncooled = ({ temperature }) => (temperature && temperature !== 1 ? " Temperature is left out." : "");

const UNTOLD = " The drafts do not tell this order: drawn surest first.";

/** @type {(context: Context) => Plot} */
export function rankedRule(context) {
  const { drafted, values } = context;
  const { strategy, rule, threshold, factor } = values;
  const order = ranking(drafted, strategy);
  const ordered = (order ?? bestFirst(drafted.confidences)).map((i) => drafted.confidences[i]);
  const most = Math.min(ordered.length, values.count || (rule === "constant" ? 1 : ordered.length));
  const demand = rule === "constant" ? () => 0 : rule === "threshold" ? () => threshold : (/** @type {number} */ rank) => fallingDemand(rank, factor);
  const done = inTurn(ordered.slice(0, most), demand);
  return plot({
    ...row(ordered.map((p, i) => bar(p, i < done))),
    lines: rule === "factor" ? [demands(context, demand)] : [],
    levels: rule === "threshold" ? [threshold] : [],
    x: "open positions in the order of the strategy",
    y: "probability; filled: committed",
    words: told(done, ordered.length, values) + (order ? "" : UNTOLD) + leftOut(ordered.length),
    source: drafted.source,
  });
}

/** How many LLaDA's even schedule asks of a fresh block's first step. @param {Context} context */
function firstShare({ values, length }) {
  const block = values.block_length ?? length;
  const steps = values.steps ?? length;
  if (block > length || length % block || steps % (length / block)) return 1;
  const [before, after] = evenly(length, block, steps);
  return before - after;
}

/** @type {(context: Context) => Plot} */
export function quota(context) {
  const all = context.drafted.confidences.length;
  const count = Math.min(all, firstShare(context));
  if (context.values.remasking !== "random") return surest(context, () => count);
  return plot({
    ...row(context.drafted.confidences.map(() => ({ outline: count / all, fill: 0 }))),
    x: "open positions in reading order",
    y: "chance to be committed",
    words: `The next step would commit ${count} of ${all} open positions, each with the same chance.${leftOut(all)}`,
    source: context.drafted.source,
  });
}

/** @type {(context: Context) => Plot} */
export const leaps = (context) => reading(context, leaping(context.drafted, context.values, firstShare(context)), { levels: [context.values.threshold, context.values.relaxed_threshold] });

/** @type {(context: Context) => Plot} */
export const divided = (context) => reading(context, dividing(context.drafted, context.values), { levels: [context.values.threshold, context.values.low_threshold] });

/** @type {(context: Context) => Plot} */
export function bounded({ values, drafted }) {
  const { gamma } = values;
  const ranked = [...drafted.entropies].sort((a, b) => a - b);
  const done = withinBound(ranked, gamma);
  let sum = 0;
  const before = ranked.map((entropy) => {
    const so = sum;
    sum += entropy;
    return so;
  });
  const top = Math.min(Math.max(sum, 0.01), Math.max(0.2, gamma * 2.5, before[Math.min(done, before.length - 1)] * 1.2));
  return plot({
    ...row(before.map((so, i) => bar(Math.min(so, top), i < done))),
    up: [0, top],
    levels: [Math.min(gamma, top)],
    x: "open positions, lowest entropy first",
    y: "entropy of those before, in nats",
    words: told(done, ranked.length, values) + leftOut(ranked.length),
    source: drafted.source,
  });
}

/** @type {(context: Context) => Plot} */
export const sureAndStable = (context) => {
  const { conf_threshold: threshold } = context.values;
  const drawn = surest(context, (ranked) => exceeding(ranked, threshold), { levels: [threshold], y: "probability; filled: sure" });
  const sure = context.drafted.confidences.filter((p) => p > threshold).length;
  return { ...drawn, words: `${sure} of ${context.drafted.confidences.length} open positions are sure enough; they must be stable too.` };
};

/** @type {(context: Context) => Plot} */
export const masked = (context) =>
  surest(context, (ranked) => exceeding(ranked, context.values.tau_mask, context.values.num_to_transfer), { levels: [context.values.tau_mask] });

/** @type {(context: Context) => Plot} */
export function dreamOrder(context) {
  const { drafted, values, length } = context;
  const all = drafted.confidences.length;
  const steps = values.steps ?? length;
  if (values.alg === "origin") {
    const chance = steps > 1 ? (1 - values.eps) / steps : 1;
    return plot({
      ...row(drafted.confidences.map(() => ({ outline: chance, fill: 0 }))),
      x: "open positions in reading order",
      y: "chance to be committed",
      words: `In the first step each open position is committed with a chance of ${Number((chance * 100).toFixed(1))}%.${leftOut(all)}`,
      source: drafted.source,
    });
  }
  const strategy = { maskgit_plus: "high_confidence", entropy: "low_entropy" }[/** @type {string} */ (values.alg)] ?? "";
  const order = ranking(drafted, strategy);
  const next = (order ?? bestFirst(drafted.confidences))[0];
  return plot({
    ...row(drafted.confidences.map((p, i) => bar(p, i === next))),
    x: "open positions in reading order",
    y: "probability; filled: the first to come",
    words: `The position that comes first has a draft of ${Math.round(drafted.confidences[next] * 100)}%.${order ? "" : " The drafts do not tell the lead over the second token: drawn is the surest."}${uncooled(values)}${leftOut(all)}`,
    source: drafted.source,
  });
}

/** Chances of a draw with Gumbel noise: softmax(score / temperature). @param {number[]} scores @param {number} temperature */
export function chances(scores, temperature) {
  if (!temperature) return scores.map((_, i) => (i === bestFirst(scores)[0] ? 1 : 0));
  const most = Math.max(...scores);
  const weights = scores.map((score) => Math.exp((score - most) / temperature));
  const sum = weights.reduce((a, b) => a + b, 0);
  return weights.map((weight) => weight / sum);
}

/** @param {Context} context @param {number[]} scores  of the positions in reading order @param {string} first */
function drawnFirst({ drafted, values }, scores, first) {
  const ranked = bestFirst(scores);
  const all = chances(scores, values.alg_temp);
  const shares = ranked.map((i) => all[i]);
  return plot({
    ...row(shares.map((share) => bar(share, true))),
    up: [0, Math.max(...shares)],
    x: "open positions, best score first",
    y: first,
    words: `The best position comes first with a chance of ${Math.round(shares[0] * 100)}%, the last with ${Number((shares[shares.length - 1] * 100).toFixed(1))}%.${uncooled(values)}${leftOut(shares.length)}`,
    source: drafted.source,
  });
}

/** @type {(context: Context) => Plot} */
export const dreamChances = (context) =>
  drawnFirst(context, context.values.alg === "entropy" ? context.drafted.entropies.map((entropy) => -entropy) : context.drafted.confidences, "chance to be the first committed");

/** @type {(context: Context) => Plot} */
export const plannedChances = (context) =>
  drawnFirst(context, context.drafted.confidences.map((p) => Math.log(Math.max(p, 0.002))), "chance to be the first kept");
