// How many positions are open after each step, as far as a sampler's schedule says.
import { plot, staircase, traced } from "app/core/plots/plot.js";

/** @typedef {import("app/core/plots/plot.js").Plot} Plot */
/** @typedef {import("app/core/plots/context.js").Context} Context */
/** @typedef {import("app/core/plots/context.js").Values} Values */

/**
 * LLaDA's even schedule, block after block.
 * @param {number} length
 * @param {number} block
 * @param {number} steps
 * @returns {number[]}  open before the first step and after each
 */
export function evenly(length, block, steps) {
  const left = [length];
  const each = (steps * block) / length;
  for (let start = 0; start < length; start += block) {
    let planned = block;
    for (let stepsLeft = each; stepsLeft > 0; stepsLeft--) {
      planned -= Math.ceil(planned / stepsLeft);
      left.push(length - start - block + planned);
    }
  }
  return left;
}

/**
 * Dream's: the times run from 1 to eps in equal parts, in single precision as in
 * the service.
 * @param {number} length
 * @param {number} steps
 * @param {number} eps
 */
export function byTime(length, steps, eps) {
  const { fround } = Math;
  const part = fround((fround(eps) - 1) / steps);
  const time = (/** @type {number} */ i) => (i < (steps + 1) / 2 ? fround(1 + fround(part * i)) : fround(fround(eps) - fround(part * (steps - i))));
  const left = [length];
  for (let step = 0; step < steps; step++) {
    const open = left[step];
    const due = step < steps - 1 ? Math.floor(fround(open * fround(1 - fround(time(step + 1) / time(step))))) : open;
    left.push(open - due);
  }
  return left;
}

/** P2's: what is masked after each step. @param {number} length @param {number} steps */
export const planned = (length, steps) =>
  Array.from({ length: steps + 1 }, (_, step) => Math.floor(length * (1 - step / steps) + 1e-9));

/** The share that is decided at a time of ReMDM, which runs from 1 to 0. @param {Values} values @param {number} t */
export function decidedAt({ strategy, t_on: on, t_off: off, alpha_on: top }, t) {
  if (strategy !== "loop") return 1 - t;
  if (t > on) return (top * (1 - t)) / (1 - on);
  if (t <= off) return off ? 1 - (t * (1 - top)) / off : 1;
  return top;
}

/** The chance of a decided position to be masked again in a step of ReMDM; by "conf" that of all together. @param {Values} values @param {number} steps @param {number} step */
export function maskedAgain(values, steps, step) {
  const { strategy, eta, t_on: on, t_off: off } = values;
  const t = 1 - step / steps;
  if (strategy === "loop" && !(off < t && t <= on)) return 0;
  const before = decidedAt(values, t);
  const after = decidedAt(values, 1 - (step + 1) / steps);
  const most = before ? Math.min(1, (1 - after) / before) : 1;
  if (strategy === "conf") return most;
  return strategy === "rescale" ? eta * most : Math.min(eta, most);
}

/** The share that is masked when an iteration, counted from 0, begins. @param {Values} values @param {number} iteration */
export function maskedShare({ iterations, start_ratio: start, end_ratio: end, schedule }, iteration) {
  const progress = iterations > 1 ? iteration / (iterations - 1) : 1;
  const left = schedule === "linear" ? 1 - progress : Math.cos((Math.PI / 2) * progress);
  return end + left * (start - end);
}

const positions = (/** @type {number} */ count) => `${count} ${count === 1 ? "position" : "positions"}`;
const stepsOf = (/** @type {number} */ count) => `${count} ${count === 1 ? "step" : "steps"}`;

/** @param {number[]} left @param {string} words @param {Partial<Plot>} [more] */
const falling = (left, words, more = {}) =>
  plot({
    across: [0, left.length],
    up: [0, left[0]],
    lines: [staircase(left)],
    x: stepsOf(left.length - 1),
    y: "open positions",
    source: `for a length of ${left[0]}`,
    words,
    ...more,
  });

/** @param {Context} context @returns {{ block: number, steps: number } | string}  a string: why they do not fit */
function evenPlan({ values, length }) {
  const block = values.block_length ?? length;
  if (block > length || length % block) return `The block length must divide the length, ${length}: there is nothing to draw.`;
  const blocks = length / block;
  const steps = values.steps ?? length;
  if (steps % blocks) return `The steps must be a multiple of the ${blocks} blocks: there is nothing to draw.`;
  return { block, steps };
}

/** @param {(left: number[]) => string} say @returns {(context: Context) => Plot | string} */
const evenPlot = (say) => (context) => {
  const plan = evenPlan(context);
  if (typeof plan === "string") return plan;
  const left = evenly(context.length, plan.block, plan.steps);
  return falling(left, say(left));
};

export const evenSteps = evenPlot((left) => `The first step commits ${positions(left[0] - left[1])}; after ${stepsOf(left.length - 1)} none is open.`);
export const evenStepsAtMost = evenPlot((left) => `A step commits ${positions(left[0] - left[1])} or more; after ${stepsOf(left.length - 1)} at most none is open.`);

/** @type {(context: Context) => Plot} */
export function timedSteps({ values, length }) {
  const steps = values.steps ?? length;
  const left = byTime(length, steps, values.eps);
  const last = left[steps - 1];
  const idle = left.filter((open, i) => i && open === left[i - 1]).length;
  const chance = values.alg === "origin" ? " By the algorithm origin it is so on average." : "";
  return falling(left, `The first step commits ${left[0] - left[1]}, the last one ${last}; ${stepsOf(idle)} with nothing due ${idle === 1 ? "is" : "are"} passed over.${chance}`);
}

/** @type {(context: Context) => Plot} */
export function plannedSteps({ values, length }) {
  const left = planned(length, values.steps ?? length);
  return falling(left, `After the first of ${stepsOf(left.length - 1)} ${left[1]} are masked, whichever score worst; after the last none.`);
}

const NO_LOOP = "t off must be less than t on: there is nothing to draw.";

/** @type {(context: Context) => Plot | string} */
export function decidedShare({ values, length }) {
  if (values.strategy === "loop" && values.t_off >= values.t_on) return NO_LOOP;
  const steps = values.steps ?? length;
  const share = Array.from({ length: steps + 1 }, (_, step) => Math.max(0, 1 - decidedAt(values, 1 - step / steps)));
  const looped = values.strategy === "loop" ? [steps * (1 - values.t_on), steps * (1 - values.t_off)] : [];
  const plateau = looped.length ? `, with ${Math.round((1 - values.alpha_on) * 100)}% of them during the loop` : "";
  return plot({
    across: [0, steps],
    lines: [share.map((open, step) => [step, open])],
    uprights: looped,
    x: stepsOf(steps),
    y: "share open, on average",
    source: `for a length of ${length}`,
    words: `The share of open positions falls from all to none in ${stepsOf(steps)}${plateau}.`,
  });
}

/** @type {(context: Context) => Plot | string} */
export function chanceToReturn({ values, length }) {
  if (values.strategy === "loop" && values.t_off >= values.t_on) return NO_LOOP;
  const steps = values.steps ?? length;
  const sigma = Array.from({ length: steps }, (_, step) => maskedAgain(values, steps, step));
  const most = Math.max(...sigma);
  const together = values.strategy === "conf" ? "All decided positions together have up to" : "A decided position has at most";
  return plot({
    across: [0, steps],
    up: [0, most || 1],
    lines: [staircase(sigma)],
    x: stepsOf(steps),
    y: "chance to be masked again",
    source: `for a length of ${length}`,
    words: `${together} a chance of ${Number((most * 100).toFixed(1))}% in a step to be masked again${values.strategy === "conf" ? ", the doubtful more than the sure" : ""}.`,
  });
}

/** @type {(context: Context) => Plot} */
export function ratios({ values }) {
  const shares = Array.from({ length: values.iterations }, (_, i) => maskedShare(values, i));
  const at = (/** @type {number} */ i) => `${Math.round(shares[i] * 100)}%`;
  return plot({
    across: [0, shares.length],
    lines: [staircase(shares)],
    x: `${shares.length} ${shares.length === 1 ? "iteration" : "iterations"}`,
    y: "share masked",
    words: `${at(0)} of the positions are masked before the first prediction, ${at(shares.length - 1)} before the last; a fresh answer begins with all of them.`,
  });
}

/** @type {(context: Context) => Plot} */
export function firstOnes({ values, length }) {
  const each = values.count;
  const left = [length];
  while (left[left.length - 1] > 0) left.push(Math.max(0, left[left.length - 1] - each));
  return falling(left, `Each step commits ${positions(each)}: ${stepsOf(left.length - 1)} in all.`);
}

/** @type {(context: Context) => Plot | string} */
export function blocks({ values, length }) {
  const block = values.block_length ?? length;
  if (block > length || length % block) return `The block length must divide the length, ${length}: there is nothing to draw.`;
  const count = length / block;
  /** @type {import("app/core/plots/plot.js").Point[]} */
  const stairs = Array.from({ length: count }, (_, i) => i).flatMap((i) => /** @type {any} */ ([[i * block, i + 1], [(i + 1) * block, i + 1]]));
  return plot({
    across: [0, length],
    up: [0, count],
    lines: [stairs],
    uprights: count > 1 && count <= 64 ? Array.from({ length: count - 1 }, (_, i) => (i + 1) * block) : [],
    x: positions(length),
    y: "decided as block number",
    source: `for a length of ${length}`,
    words: count === 1 ? "One block: any position may come first." : `${count} blocks of ${block}, one after the other from left to right.`,
  });
}

/** @type {(context: Context) => Plot | string} */
export function suffix({ values, length }) {
  const block = values.block_length ?? length;
  if (block > length || length % block) return `The block length must divide the length, ${length}: there is nothing to draw.`;
  const seen = Math.min(length, block + (values.suffix_window ?? length));
  const unseen = length - seen;
  const boxes = [{ from: 0, to: block, outline: 1, fill: 1 }];
  if (seen > block) boxes.push({ from: block, to: seen, outline: 1, fill: 0 });
  return plot({
    across: [0, length],
    boxes,
    x: positions(length),
    y: "filled: the block; outline: seen",
    source: `for a length of ${length}`,
    words: unseen ? `While the first block is decided the model does not see the last ${positions(unseen)}.` : "The model sees every position after the block.",
  });
}

/** @type {(context: Context) => Plot | string} */
export function editedBlocks({ values, length }) {
  const block = values.block_length ?? length;
  if (block > length || length % block) return `The block length must divide the length, ${length}: there is nothing to draw.`;
  const count = length / block;
  const at = Math.min(2, count - 1);
  const edited = values.multi_block ? at + 1 : 1;
  return plot({
    across: [0, length],
    boxes: Array.from({ length: at + 1 }, (_, i) => ({ from: i * block, to: (i + 1) * block, outline: 1, fill: values.multi_block || i === at ? 1 : 0 })),
    x: positions(length),
    y: "filled: may be edited",
    source: `for a length of ${length}`,
    words: `At work on block ${at + 1} of ${count}, the committed tokens of ${edited} ${edited === 1 ? "block" : "blocks"} may be edited.`,
  });
}

/** The score of a decided position of P2, beside that of an open one. @type {(context: Context) => Plot} */
export function plannedScores({ values: { eta } }) {
  const least = 0.05;
  const half = eta * Math.log(0.5);
  return plot({
    across: [least, 1],
    up: [Math.log(least) * Math.max(1, eta), 0],
    lines: [traced(least, 1, (p) => eta * Math.log(p))],
    faint: [traced(least, 1, Math.log)],
    x: "probability of the token",
    y: "score, decided; faint: open",
    words: `At a probability of 50% a decided position scores ${half ? half.toFixed(2).replace("-", "−") : "0"}, an open one −0.69; the lowest scores are masked.`,
  });
}
