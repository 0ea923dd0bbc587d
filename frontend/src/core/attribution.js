// Why a token: what is asked of the model, what it answered, and what of that the
// canvas shown can bear. Pure; asked by actions/attribution.js.
import { OPEN } from "app/core/canvas.js";
import { decimal, withMinus } from "app/core/format.js";
import { offline, switchedOff } from "app/core/readiness.js";
import { shownRevision, weighingKey } from "app/core/state.js";
import { sourcesIn } from "app/core/tree.js";
import { weighingOf } from "app/core/weighing.js";

/**
 * @typedef {import("app/core/state.js").State} State
 * @typedef {"ablation" | "occlusion" | "attention" | "saliency" | "input_x_gradient" | "integrated_gradients"} Method
 *
 * @typedef {object} Choice  how it is asked; kept over a reload
 * @property {boolean} open  the question is unfolded; folded, nothing is asked
 * @property {Method} method
 * @property {number} window  neighbours taken away together, by occlusion
 * @property {boolean} live  asked of whatever is pointed at
 *
 * @typedef {object} Question
 * @property {string} session
 * @property {number} revision  whose canvas is looked at: the position is open there
 * @property {number} position  in that canvas
 * @property {number | null} token  null: the likeliest
 * @property {number | null} contrast  why not this one; null: no such question
 * @property {Method} method
 * @property {number} window
 *
 * @typedef {object} Attribution  the answer
 * @property {number} revision
 * @property {number} position
 * @property {number} token
 * @property {number | null} contrast
 * @property {Method} method
 * @property {{ position: number, count: number, score: number }[]} scores
 * @property {number} target  nats
 * @property {number | null} baseline
 * @property {number | null} gap  by which integrated gradients miss, as a share
 * @property {string} device
 * @property {string} fallback
 * @property {string[]} notes
 * @property {boolean} cached  the server had answered it before
 * @property {number | null} seconds
 *
 * @typedef {object} Why
 * @property {boolean} on  the answer colours the canvas
 * @property {{ key: string, token: number | null, contrast: number | null }} pair  the tokens chosen for a weighing; of another one it is void
 * @property {{ position: number, token: number | null } | null} pointed  at, with pointer or focus
 * @property {ReadonlyMap<string, Attribution | { failed: string }>} answers  by questionKey()
 * @property {{ key: string, done: number, total: number } | null} asking
 * @property {Readonly<Record<string, number>>} took  seconds of the last answer, by method and model
 */

/** @type {Choice} */
export const METHOD_CHOICE = { open: false, method: "ablation", window: 4, live: false };

/** @type {Why} */
export const UNASKED = { on: false, pair: { key: "", token: null, contrast: null }, pointed: null, answers: new Map(), asking: null, took: {} };

/** What each does, in words. signed: it tells for from against. passes: more than one. @type {readonly { method: Method, name: string, about: string, signed: boolean, contrasts: boolean, passes: boolean }[]} */
export const METHODS = [
  { method: "ablation", name: "Ablation", about: "Takes each token away by itself and measures how ln p changes.", signed: true, contrasts: true, passes: true },
  { method: "occlusion", name: "Occlusion by span", about: "Takes neighbouring tokens away together and measures how ln p changes.", signed: true, contrasts: true, passes: true },
  { method: "attention", name: "Attention", about: "Shows where the model looked, not why it chose.", signed: false, contrasts: false, passes: false },
  { method: "saliency", name: "Saliency", about: "How strongly ln p reacts to each token: the length of the gradient. It has no sign.", signed: false, contrasts: true, passes: false },
  { method: "input_x_gradient", name: "Input × gradient", about: "Gradient times embedding: a first guess at each token's share.", signed: true, contrasts: true, passes: false },
  { method: "integrated_gradients", name: "Integrated gradients", about: "Gradients gathered on the way from masked to written. The shares add up to the change of ln p.", signed: true, contrasts: true, passes: true },
];

export const methodNamed = (/** @type {Method} */ method) => METHODS.find((known) => known.method === method) ?? METHODS[0];

/** The choice as it is kept; what an older visit left may lack some of it. @returns {Choice} */
export function choiceOf(/** @type {State["view"]} */ { why }) {
  const choice = { ...METHOD_CHOICE, ...why };
  return { ...choice, method: methodNamed(choice.method).method, window: choice.window >= 1 && choice.window <= 64 ? Math.round(choice.window) : METHOD_CHOICE.window };
}

export const questionKey = (/** @type {Question} */ { session, revision, position, token, contrast, method, window }) =>
  [session, revision, position, token ?? "likeliest", contrast ?? "", method, method === "occlusion" ? window : ""].join(" ");

/**
 * What can be asked of a position of the revision shown.
 * @param {State} state
 * @param {number | null} position
 * @param {number | null} [candidate]  of the position; null: what stands there, or is likeliest
 * @returns {Question | null}
 */
export function questionAt(state, position, candidate = null) {
  const { tree, why, view } = state;
  if (!tree || position === null) return null;
  const revision = shownRevision(state);
  if (position >= tree.revisions[revision].canvas.length) return null;
  const target = weighingOf(tree, revision, position);
  if (!target) return null;
  const { method, window } = choiceOf(view);
  const key = weighingKey(target.revision, target.position);
  const weighing = state.weighings.get(key);
  const likeliest = weighing && weighing !== "asked" && !("failed" in weighing) ? (weighing.candidates[0]?.token ?? null) : null;
  const pair = why.pair.key === key ? why.pair : UNASKED.pair;
  const token = candidate ?? pair.token ?? target.chosen ?? likeliest;
  const contrast = methodNamed(method).contrasts && pair.contrast !== token ? pair.contrast : null;
  return { session: tree.id, revision: target.revision, position: target.position, token, contrast, method, window };
}

/** What is asked now: of what is pointed at, or else of the position looked at. @returns {Question | null} */
export function questionOf(/** @type {State} */ state) {
  const { why, looked, view } = state;
  if (!choiceOf(view).open) return null;
  return (why.pointed && questionAt(state, why.pointed.position, why.pointed.token)) ?? questionAt(state, looked);
}

/** The answer to it, where it is there. @returns {Attribution | { failed: string } | null} */
export function answerOf(/** @type {State} */ state) {
  const question = questionOf(state);
  return (question && state.why.answers.get(questionKey(question))) ?? null;
}

/** Why nothing can be asked; empty where something can. */
export const whyNotAsk = (/** @type {State} */ state) =>
  state.connection.state === "recorded" ? "This is a recording: asking why needs a model." : offline(state) || switchedOff(state, "ask why") || unloadedModel(state);

/** A session can be looked at without its model. */
const unloadedModel = (/** @type {State} */ { tree, model }) =>
  tree && model?.name === tree.model && (model.state === "unloaded" || model.state === "unknown") ? "The session's model is not loaded." : "";

/** Seconds within which an answer is quick enough to be asked for at every glance. */
const QUICK = 1;

const pace = (/** @type {State} */ { model }, /** @type {Method} */ method) => `${method} ${model?.name}`;

/** Why "as I look" is not offered with a method; empty where it is. */
export function whyNotLive(/** @type {State} */ state) {
  const { method } = choiceOf(state.view);
  const { name, passes } = methodNamed(method);
  if (!passes) return "";
  const took = state.why.took[pace(state, method)];
  if (took === undefined) return `${name} takes many passes. Ask once: if that takes less than a second, this is offered.`;
  return took < QUICK ? "" : `The last answer by this method took ${decimal(took, 1)} s: too long to be asked at every glance.`;
}

/** As I look is on, and may be. */
export const asksAhead = (/** @type {State} */ state) => {
  const { open, live } = choiceOf(state.view);
  const still = state.activity !== "run" && state.activity !== "step";
  return open && live && still && !whyNotLive(state) && !whyNotAsk(state);
};

/** How many answers are kept. */
const KEPT = 256;

/** @returns {Why} */
export function whyChanged(/** @type {Why} */ why, /** @type {any} */ event, /** @type {State} */ state) {
  switch (event.type) {
    case "why.shown":
      return why.on === event.on ? why : { ...why, on: event.on };
    case "why.paired":
      return { ...why, pair: event.pair };
    case "why.pointed":
      return { ...why, pointed: event.at };
    case "why.asking":
      return { ...why, asking: event.asking };
    case "why.answered": {
      const answers = new Map(why.answers);
      answers.delete(event.key); // to be the newest
      answers.set(event.key, event.answer);
      for (const oldest of [...answers.keys()].slice(0, Math.max(0, answers.size - KEPT))) answers.delete(oldest);
      const { method, seconds, cached } = event.answer;
      const took = seconds && !cached ? { ...why.took, [pace(state, method)]: seconds } : why.took;
      return { ...why, answers, took, asking: why.asking?.key === event.key ? null : why.asking };
    }
    case "why.forgotten": {
      const answers = new Map(why.answers);
      answers.delete(event.key);
      return { ...why, answers };
    }
    default:
      throw new TypeError(`no such event: ${event.type}`);
  }
}

/** What the colours hang on, while they are those of an answer: for what draws the canvas. @returns {unknown[]} */
export const colouring = (/** @type {State} */ { why, view, weighings }) => (why.on ? [why.answers, why.pointed, why.pair, view.why, weighings] : [null, null, null, null, null]);

/**
 * @typedef {object} Heat  an answer, laid over the canvas shown
 * @property {Attribution} answer
 * @property {Float32Array} values  one a position of the canvas shown; NaN: not asked
 * @property {number} top  the largest, without its sign
 * @property {number} explained  where the position explained is now; -1: nowhere
 * @property {{ position: number, count: number, score: number }[]} sources  as they are on the canvas shown,
 *   those with the most to do with it first
 */

/** @type {WeakMap<State, Heat | null>} */
const known = new WeakMap();

/** What colours the canvas; null where nothing was asked, or the answer is not there. @returns {Heat | null} */
export function heatOfAnswer(/** @type {State} */ state) {
  let heat = known.get(state);
  if (heat === undefined) known.set(state, (heat = laid(state)));
  return heat;
}

/** @returns {Heat | null} */
function laid(/** @type {State} */ state) {
  const { tree, why } = state;
  if (!tree || !why.on) return null;
  const answer = answerOf(state);
  if (!answer || "failed" in answer) return null;
  const revision = shownRevision(state);
  const question = /** @type {Question} */ (questionOf(state));
  const { length } = tree.revisions[revision].canvas;
  const came = tree.revisions[revision].layout === tree.revisions[question.revision].layout ? null : sourcesIn(tree, revision, question.revision);
  const { values: before, top } = spread(answer, tree.revisions[question.revision].canvas.length);
  const values = new Float32Array(length).fill(NaN);
  /** @type {Map<number, number>} */
  const now = new Map();
  for (let at = 0; at < length; at++) {
    const then = came ? came[at] : at;
    if (then === undefined || then < 0) continue;
    now.set(then, at);
    if (then < before.length) values[at] = before[then];
  }
  const sources = [];
  for (const { position, count, score } of answer.scores) {
    const places = Array.from({ length: count }, (_, i) => now.get(position + i)).filter((place) => place !== undefined);
    if (places.length) sources.push({ position: places[0], count: places.length, score });
  }
  sources.sort((a, b) => Math.abs(b.score) - Math.abs(a.score) || a.position - b.position);
  return { answer, values, top, explained: now.get(question.position) ?? -1, sources };
}

/**
 * Scores, one a position: of spans that overlap, their mean.
 * @param {Attribution} answer
 * @param {number} length
 */
export function spread({ scores }, length) {
  const sums = new Float64Array(length);
  const counts = new Uint16Array(length);
  for (const { position, count, score } of scores) {
    for (let at = position; at < Math.min(position + count, length); at++) {
      sums[at] += score;
      counts[at] += 1;
    }
  }
  const values = Float32Array.from(sums, (sum, at) => (counts[at] ? sum / counts[at] : NaN));
  const top = values.reduce((most, value) => Math.max(most, Math.abs(value) || 0), 0);
  return { values, top };
}

/** "+0.52", "−0.07": with as many digits as tell it from nothing. */
export function signed(/** @type {number} */ score) {
  const size = Math.abs(score);
  const digits = size >= 0.01 || size === 0 ? size.toFixed(2) : size.toPrecision(1);
  return `${score < 0 ? "−" : "+"}${digits}`;
}

/** A score in words, as its method means it. */
export function scoreInWords(/** @type {Method} */ method, /** @type {number} */ score, contrasted = false) {
  if (method === "attention") return `looked at with ${decimal(score, 3)}`;
  if (method === "saliency") return `gradient ${decimal(score, 3)}`;
  if (contrasted) return `spoke for ${score < 0 ? "the other" : "it"}, ${signed(score)}`;
  return `spoke ${score < 0 ? "against" : "for"} it, ${signed(score)}`;
}

/** The target, as what it is: "ln p −0.31 (73%)" or how far one is ahead of the other. */
export function targetInWords(/** @type {Attribution} */ { target, contrast }) {
  const number = withMinus(target);
  if (contrast === null) return `ln p ${number}, p ${(100 * Math.exp(target)).toPrecision(3)}%`;
  return `ln p apart by ${signed(target)}`;
}

/** Whether the position is one that can be asked about; else why not. */
export function whyNoQuestion(/** @type {State} */ state) {
  const { tree, looked } = state;
  if (!tree || looked === null) return "Look at a position first.";
  if (questionAt(state, looked)) return "";
  const { canvas } = tree.revisions[shownRevision(state)];
  return canvas.states[looked] === OPEN ? "What the model weighed here is not known." : "The model did not write this token.";
}
