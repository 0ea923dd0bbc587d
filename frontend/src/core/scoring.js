// How likely an answer is: what was typed, and the estimate as it becomes surer.
import { offline, switchedOff } from "app/core/readiness.js";

/**
 * @typedef {import("app/core/state.js").State} State
 *
 * @typedef {object} ScoreForm  as typed; kept over a reload
 * @property {string} model  empty: the one in view
 * @property {string} prompt
 * @property {boolean} chat  the prompt goes through the chat template, where the model has one
 * @property {string} answer
 * @property {string} samples  empty: 128
 * @property {boolean} exact  every choice of masked positions is counted
 * @property {string} cfg  empty: none
 * @property {string} seed  empty: 0
 *
 * @typedef {object} Wanted
 * @property {string} model
 * @property {string} prompt
 * @property {boolean} chat
 * @property {string} answer
 * @property {number} samples
 * @property {boolean} exact
 * @property {number} cfgScale
 * @property {string} seed
 *
 * @typedef {object} Estimate
 * @property {number} value  nats
 * @property {number | null} error  standard error; null where there is no chance in it
 * @property {number} done
 * @property {number} total
 * @property {boolean} exact
 * @property {number[]} tokens
 * @property {number[]} each  ln p of each token, for a model that reads from left to right
 * @property {string[]} notes
 *
 * @typedef {object} Scoring
 * @property {ScoreForm} form
 * @property {boolean} running
 * @property {boolean} stopped  before its end
 * @property {string} model  that was asked
 * @property {readonly Estimate[]} trail  as they came
 * @property {Readonly<Record<string, string>>} problems  by field of the form; "" is of none
 * @property {ReadonlyMap<number, import("app/core/tokens.js").Token>} tokens  of the answer
 */

/** @type {Scoring} */
export const UNSCORED = {
  form: { model: "", prompt: "", chat: true, answer: "", samples: "", exact: false, cfg: "", seed: "" },
  running: false,
  stopped: false,
  model: "",
  trail: [],
  problems: {},
  tokens: new Map(),
};

/** The longest answer that is counted out, in tokens; the server knows how many there are. */
export const LONGEST_EXACT = 12;

/** Models that can be asked: those in the server's memory. */
export const readyModels = (/** @type {State} */ { models, model }) => {
  const ready = (models.list ?? []).filter(({ state }) => state === "ready").map(({ name }) => name);
  return ready.length || !model ? ready : [model.name];
};

/** Nothing is drawn for a model that reads from left to right, and there is nothing to guide. */
export const isExact = (/** @type {State} */ { models, model }, /** @type {string} */ name) => (models.list?.find((known) => known.name === name) ?? model)?.attention?.appendOnly === true;

/** Whether a prompt may be read as a chat. */
export const takesChat = (/** @type {State} */ { models, model }, /** @type {string} */ name) => (models.list?.find((known) => known.name === name) ?? model)?.hasChatTemplate !== false;

/** The one chosen, where it is still there. */
export const scoredModel = (/** @type {State} */ state) => {
  const ready = readyModels(state);
  return ready.find((name) => name === state.scoring.form.model) ?? ready.find((name) => name === state.model?.name) ?? ready[0] ?? "";
};

/**
 * What the form asks for, or what is wrong with it by field.
 * @param {ScoreForm} form
 * @param {string} model
 * @param {boolean} [leftToRight]
 * @param {boolean} [template]  the model has a chat template
 * @returns {{ wanted: Wanted, problems: Record<string, string> }}
 */
export function readScore({ prompt, chat, answer, samples, exact, cfg, seed }, model, leftToRight = false, template = true) {
  /** @type {Record<string, string>} */
  const problems = {};
  if (!answer) problems.answer = "Write the answer that is to be scored.";
  const count = Number(samples || 128);
  if (!exact && !leftToRight && !(Number.isInteger(count) && count >= 1 && count <= 100_000)) problems.samples = "1 to 100,000, without a fraction.";
  const cfgScale = leftToRight ? 0 : Number(cfg || 0);
  if (!(cfgScale >= 0 && cfgScale <= 10)) problems.cfg = "0 to 10.";
  // Where nothing is drawn there is no field for it.
  const typed = exact || leftToRight ? "0" : seed.trim() || "0";
  const seeded = /^\d{1,20}$/.test(typed) && BigInt(typed) < 2n ** 64n;
  if (!seeded) problems.seed = "0 to 2⁶⁴ − 1.";
  return { wanted: { model, prompt, chat: chat && template && prompt !== "", answer, samples: exact || leftToRight ? 0 : count, exact: exact && !leftToRight, cfgScale, seed: typed }, problems };
}

/** The form's field that a field of the request comes from. @type {Record<string, string>} */
const FIELDS = { answer: "answer", text: "answer", samples: "samples", exact: "exact", cfg_scale: "cfg", seed: "seed", model: "model" };

/**
 * What the server found wrong, by field of the form; what is of none is under "".
 * @param {{ message: string, fields?: { field: string, description: string }[] }} error
 * @param {(field: string) => string | undefined} [own]
 */
export function refusedBy({ message, fields = [] }, own = (field) => (field.startsWith("prompt") ? "prompt" : FIELDS[field])) {
  /** @type {Record<string, string>} */
  const problems = {};
  for (const { field, description } of fields) problems[own(field) ?? ""] = own(field) ? sentence(description) : `${field}: ${description}.`;
  return fields.length ? problems : { "": message };
}

/** What is said of a field, under it: a switch is off, not false. */
const sentence = (/** @type {string} */ words) => `${words.charAt(0).toUpperCase()}${words.slice(1).replace("ust be false", "ust be off")}.`;

/** Why nothing can be asked now; empty where something can. */
export const inspectionHindrance = (/** @type {State} */ state, /** @type {string} */ to) => offline(state) || switchedOff(state, to) || (readyModels(state).length ? "" : "No model is loaded.");

/**
 * The estimates as a picture: places from 0 to 1, left to right by what is done,
 * upwards by the value. The first tenth is left out where there is more: it is
 * far off, and would flatten the rest.
 * @param {readonly Estimate[]} trail
 */
export function convergence(trail) {
  const last = trail.at(-1);
  if (!last || trail.length < 2) return null;
  const seen = trail.filter(({ done, error }) => error !== null && done >= last.done / 10);
  if (seen.length < 2) return null;
  const ends = seen.flatMap(({ value, error }) => [value - (error ?? 0), value + (error ?? 0)]);
  const low = Math.min(...ends);
  const high = Math.max(...ends);
  const x = (/** @type {Estimate} */ { done }) => done / last.total;
  const y = (/** @type {number} */ value) => (high > low ? (value - low) / (high - low) : 0.5);
  return { low, high, points: seen.map((each) => ({ x: x(each), y: y(each.value), from: y(each.value - (each.error ?? 0)), to: y(each.value + (each.error ?? 0)) })) };
}
