// The numbers behind the plots of the parameter cards. Those of the schedules and
// of p_final are what the service's own functions give for the same values.
import { test } from "node:test";
import assert from "node:assert/strict";
import { CARDS, cardOf } from "app/core/parameter-cards.js";
import { contextOf, valuesOf } from "app/core/plots/context.js";
import { distribution, guided, nucleus, repeated, shaped, takenOff } from "app/core/plots/distribution.js";
import { bestFirst, bounded, chances, dividing, exceeding, fallingDemand, fastRule, inTurn, leaping, quota, rankedRule, ranking, reaching, risingDemand, withinBound } from "app/core/plots/ranking.js";
import { bonus, doubt, stableFor } from "app/core/plots/revising.js";
import { blocks, byTime, decidedAt, evenly, evenSteps, firstOnes, maskedAgain, maskedShare, planned, suffix } from "app/core/plots/schedules.js";
import { initialState } from "app/core/state.js";

const near = (got, wanted, message) => {
  assert.equal(got.length, wanted.length, message);
  got.forEach((value, i) => assert.ok(Math.abs(value - wanted[i]) < 1e-6, `${message ?? ""} ${i}: ${value}, not ${wanted[i]}`));
};
const PLAIN = { temperature: 1, top_k: 0, top_p: 1, repetition_penalty: 1, presence_penalty: 0, frequency_penalty: 0, logits_eos_inf: false };
const LOGITS = [2, 1, 0, -1];
const DRAFT = { positions: [4, 5, 8, 9, 10], confidences: [0.95, 0.8, 0.7, 0.5, 0.92], entropies: [0.2, 0.5, 0.6, 1, 0.1], source: "example" };
const context = (values, more = {}) => ({ values: { ...PLAIN, ...values }, length: 8, weighed: { logits: LOGITS, source: "example" }, drafted: DRAFT, ...more });
const filled = ({ boxes }) => boxes.map(({ fill }) => fill > 0);

test("p_final is made as the service makes it", () => {
  near(shaped(LOGITS, PLAIN), [0.643914, 0.236883, 0.087144, 0.032059]);
  near(shaped(LOGITS, { temperature: 2, top_k: 3, top_p: 1 }), [0.50648, 0.307196, 0.186324, 0]);
  near(shaped(LOGITS, { temperature: 0, top_k: 3, top_p: 0.5 }), [1, 0, 0, 0]);
  near(shaped([0, 3, 1], { temperature: 0, top_k: 0, top_p: 1 }), [0, 1, 0]);
});

test("the token that crosses top-p stays, and the next one goes", () => {
  near(shaped(LOGITS, { temperature: 1, top_k: 0, top_p: 0.7 }), [0.731059, 0.268941, 0, 0]);
  near(shaped(LOGITS, { temperature: 1, top_k: 0, top_p: 0.64 }), [1, 0, 0, 0]);
});

test("bars of a distribution are p_base in outline and p_final filled", () => {
  const plot = distribution(context({ temperature: 2, top_k: 3 }));
  near(plot.boxes.map(({ outline }) => outline), [0.643914, 0.236883, 0.087144, 0.032059]);
  near(plot.boxes.map(({ fill }) => fill), [0.50648, 0.307196, 0.186324, 0]);
  assert.equal(plot.words, "The likeliest token goes from 64% to 51%; 3 of 4 can be drawn.");
  const { lines, levels } = nucleus(context({ top_p: 0.7 }));
  near([lines[0][1][1], lines[0][3][1], levels[0]], [0.643914, 0.880797, 0.7]);
  assert.match(distribution(context({ presence_penalty: 1 })).words, /Penalties .* left out/);
});

test("penalties and guidance change logits by their formulas", () => {
  assert.deepEqual([repeated(3, 1.5), repeated(-3, 1.5), repeated(0, 2)], [2, -4.5, 0]);
  assert.deepEqual([takenOff(0, 0.5, 0.25), takenOff(1, 0.5, 0.25), takenOff(4, 0.5, 0.25)], [0, 0.75, 1.5]);
  assert.deepEqual(guided([1, 2], [0, 3], 0), [1, 2]);
  assert.deepEqual(guided([1, 2], [0, 3], 1), [2, 1]);
});

test("the even schedule shares out what is open, the remainder first, block after block", () => {
  assert.deepEqual(evenly(10, 10, 4), [10, 7, 4, 2, 0]);
  assert.deepEqual(evenly(8, 4, 4), [8, 6, 4, 2, 0]);
  assert.deepEqual(evenly(6, 3, 4), [6, 4, 3, 1, 0]);
  assert.equal(evenly(64, 64, 64)[63], 1);
});

test("Dream's schedule is the service's, rounding included", () => {
  assert.deepEqual(byTime(10, 4, 1e-3), [10, 8, 6, 4, 0]);
  assert.deepEqual(byTime(64, 10, 1e-3), [64, 58, 52, 46, 40, 34, 28, 22, 15, 8, 0]);
  assert.deepEqual(byTime(7, 20, 0.5), [...Array(20).fill(7), 0]);
  const sum = (left) => left.reduce((all, open, i) => all + i * open, 0);
  assert.deepEqual([sum(byTime(100, 37, 1e-3)), sum(byTime(256, 100, 0.1)), sum(byTime(129, 300, 1e-6))], [25688, 589171, 3696409]);
});

test("P2 masks ever fewer, and predict-remask by its ratio", () => {
  assert.deepEqual(planned(10, 4), [10, 7, 5, 2, 0]);
  const values = { iterations: 5, start_ratio: 0.99, end_ratio: 0.15, schedule: "linear" };
  near([0, 1, 2, 3, 4].map((i) => maskedShare(values, i)), [0.99, 0.78, 0.57, 0.36, 0.15]);
  near([0, 1, 2, 3, 4].map((i) => maskedShare({ ...values, schedule: "cosine" }, i)), [0.99, 0.926059, 0.74397, 0.471454, 0.15]);
  near([maskedShare({ ...values, iterations: 1 }, 0)], [0.15]);
});

test("ReMDM's chance to be masked again follows its strategy", () => {
  const all = (strategy) => Array.from({ length: 10 }, (_, step) => maskedAgain({ strategy, eta: 0.04, t_on: 0.55, t_off: 0.05, alpha_on: 0.9 }, 10, step));
  near(all("cap"), [...Array(9).fill(0.04), 0], "cap");
  near(all("rescale"), [0.04, 0.04, 0.04, 0.04, 0.04, 0.032, 0.02, 0.0114286, 0.005, 0], "rescale");
  near(all("conf"), [1, 1, 1, 1, 1, 0.8, 0.5, 0.2857143, 0.125, 0], "conf");
  near(all("loop"), [0, 0, 0, 0, 0, 0.04, 0.04, 0.04, 0.04, 0], "loop");
  near([decidedAt({ strategy: "loop", t_on: 0.55, t_off: 0.05, alpha_on: 0.9 }, 0.775)], [0.45]);
});

test("a plot of steps says why there is none where steps and blocks do not fit", () => {
  assert.match(String(evenSteps(context({ steps: 3, block_length: 4 }))), /multiple of the 2 blocks/);
  assert.match(String(blocks(context({ block_length: 3 }))), /must divide the length, 8/);
  assert.deepEqual(/** @type {any} */ (evenSteps(context({ steps: 2, block_length: null }))).lines[0], [[0, 8], [1, 8], [1, 4], [2, 4], [2, 0], [3, 0]]);
  assert.equal(firstOnes(context({ count: 3 })).words, "Each step commits 3 positions: 3 steps in all.");
  assert.deepEqual(/** @type {any} */ (suffix(context({ block_length: 4, suffix_window: 2 }))).boxes.map(({ from, to }) => [from, to]), [[0, 4], [4, 6]]);
});

test("thresholds count what reaches them, one at least where the rule says so", () => {
  assert.deepEqual([reaching([0.9, 0.5], 0.9), reaching([0.3, 0.5], 0.9)], [1, 1]);
  assert.deepEqual([exceeding([0.9, 0.95, 0.5], 0.9), exceeding([0.1, 0.2], 0.9, 1), exceeding([0.1], 0.9, 3)], [1, 1, 1]);
  assert.deepEqual(filled(fastRule(context({ rule: "threshold", threshold: 0.9 }))), [true, true, false, false, false]);
  assert.match(fastRule(context({ rule: "threshold", threshold: 0.9 })).words, /commit 2 of 5 open positions, were the likeliest/);
  assert.match(fastRule(context({ rule: "threshold", threshold: 0.9, temperature: 0 })).words, /commit 2 of 5 open positions\./);
});

test("factor rules: one rises with the rank, the other falls", () => {
  const rising = (ranked, factor) => inTurn(ranked, (rank) => risingDemand(rank, factor));
  assert.deepEqual([rising([0.95, 0.8, 0.7, 0.5], 1), rising([0.95, 0.8, 0.76, 0.81], 1), rising([0.2, 0.2], 0)], [2, 4, 1]);
  near([risingDemand(2, 1), risingDemand(3, 1), fallingDemand(2, 0.9)], [2 / 3, 0.75, 0.45]);
  assert.equal(inTurn([0.95, 0.4, 0.3], (rank) => fallingDemand(rank, 0.9)), 1);
});

test("the ranking sampler goes by its strategy, up to its count", () => {
  assert.deepEqual(ranking(DRAFT, "high_confidence"), [0, 4, 1, 2, 3]);
  assert.deepEqual(ranking(DRAFT, "low_entropy"), [4, 0, 1, 2, 3]);
  assert.equal(ranking(DRAFT, "random"), null);
  const rule = (values) => rankedRule(context({ strategy: "low_confidence", rule: "constant", threshold: 0.9, factor: 1, count: null, ...values }));
  assert.deepEqual(filled(rule({})), [true, false, false, false, false]);
  assert.deepEqual(filled(rule({ count: 3 })), [true, true, true, false, false]);
  assert.deepEqual(filled(rule({ strategy: "high_confidence", rule: "threshold" })), [true, true, false, false, false]);
  assert.match(rule({ strategy: "margin" }).words, /do not tell this order/);
});

test("LocalLeap takes what is near an anchor, hierarchical decoding the surest of each run", () => {
  const values = { threshold: 0.9, relaxed_threshold: 0.6, radius: 1 };
  assert.deepEqual(leaping(DRAFT, values, 1), [true, true, false, false, true]);
  assert.deepEqual(leaping(DRAFT, { ...values, radius: 2 }, 1), [true, true, true, false, true]);
  assert.deepEqual(leaping(DRAFT, { ...values, threshold: 1, relaxed_threshold: 1 }, 2), [true, false, false, false, true]);
  assert.deepEqual(dividing(DRAFT, { threshold: 0.99, low_threshold: 0.4 }), [true, false, false, false, true]);
  assert.deepEqual(dividing(DRAFT, { threshold: 0.75, low_threshold: 0.99 }), [true, true, false, false, true]);
  assert.deepEqual(dividing(DRAFT, { threshold: 1, low_threshold: 1 }), [true, false, false, false, false]);
});

test("the entropy bound looks at the sum of those before", () => {
  assert.deepEqual([withinBound([0.1, 0.2, 0.5], 0.31), withinBound([0.1, 0.2, 0.5], 0.05), withinBound([2], 0)], [3, 1, 1]);
  assert.equal(filled(bounded(context({ gamma: 0.25 }))).filter(Boolean).length, 1); // the first of the two has nothing before it, so no height
  assert.match(bounded(context({ gamma: 0.25 })).words, /commit 2 of 5/);
});

test("LLaDA's quota takes the surest, or any with the same chance", () => {
  const values = { steps: 4, block_length: null };
  assert.deepEqual(filled(quota(context({ ...values, remasking: "low_confidence" }))), [true, true, false, false, false]);
  near(quota(context({ ...values, remasking: "random" })).boxes.map(({ outline }) => outline), Array(5).fill(0.4));
});

test("chances, credit, doubt and stability by hand", () => {
  near(chances([0, Math.log(3)], 1), [0.25, 0.75]);
  assert.deepEqual(chances([0.2, 0.9], 0), [0, 1]);
  near([bonus(1, 0.7), doubt(0.25, 0.4, 0.9)], [0.485203, 0.175]);
  assert.deepEqual(stableFor([0.5, 0.001, 0.002, 0.3, 0.001], 0.01), [0, 1, 2, 0, 1]);
  assert.deepEqual(bestFirst([0.2, 0.9, 0.2]), [1, 0, 2]);
});

test("where what is typed does not fit, the last value that did stands in", () => {
  /** @type {import("app/core/settings.js").Parameter[]} */
  const parameters = [
    { name: "threshold", kind: "number", minimum: 0, maximum: 1, choices: [], default: 0.9, summary: "" },
    { name: "steps", kind: "integer", minimum: 1, maximum: 9, choices: [], default: null, summary: "" },
  ];
  assert.deepEqual(valuesOf(parameters, { threshold: "0.5" }), { values: { threshold: 0.5, steps: null }, unfit: new Set() });
  assert.deepEqual(valuesOf(parameters, { threshold: "5", steps: "x" }, { threshold: 0.5 }), { values: { threshold: 0.5, steps: null }, unfit: new Set(["threshold", "steps"]) });
});

test("without a session every number is an example's, and is called one", () => {
  const { weighed, drafted, length } = contextOf(initialState(), {});
  assert.equal(weighed.source, "example");
  assert.equal(drafted.source, "example");
  assert.equal(length, 64);
});

test("a card is found by its sampler first, then by its name", () => {
  assert.equal(cardOf("p2", "eta"), CARDS["p2.eta"]);
  assert.equal(cardOf("p2", "temperature"), CARDS.temperature);
  assert.equal(cardOf("p2", "unheard_of"), null);
});
