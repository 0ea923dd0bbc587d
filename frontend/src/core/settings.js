// The settings form: what a person typed, checked against what the model's
// samplers publish about themselves. Nothing here knows a sampler by name.
import { alike, NO_CONSTRAINT, readConstraint, typedOf as constraintTyped } from "app/core/constraints.js";
import { cacheOf, sameCache } from "app/core/caches.js";
import { NO_HOLES, readsLeftToRight } from "app/core/left-to-right.js";
import { promptProblem } from "app/core/prompting.js";
import { textsIn, typedOf as textsTyped } from "app/core/texts.js";

/**
 * @typedef {object} Parameter
 * @property {string} name
 * @property {"bool" | "integer" | "number" | "choice" | "texts"} kind
 * @property {number | null} minimum
 * @property {number | null} maximum
 * @property {string[]} choices
 * @property {unknown} default  null: it follows from the canvas
 * @property {string} summary
 *
 * @typedef {object} Sampler
 * @property {string} name
 * @property {string} summary
 * @property {string} source
 * @property {boolean} revises  it may open or edit what is committed
 * @property {Parameter[]} parameters
 *
 * @typedef {object} Cache
 * @property {string} name
 * @property {string} summary
 * @property {string} costs
 * @property {boolean} exact
 * @property {Parameter[]} parameters
 * @property {string[]} samplers  those that it can be used with
 *
 * @typedef {object} Model
 * @property {string} name
 * @property {"unloaded" | "loading" | "ready" | "unknown"} state
 * @property {string} family
 * @property {number} parameterCount
 * @property {string} dtype
 * @property {string} device
 * @property {number} contextLength
 * @property {number} vocabularySize
 * @property {number | null} maskToken
 * @property {number | null} eosToken
 * @property {number | null} eotToken
 * @property {number[]} endTokens  every id that ends a text or a turn
 * @property {boolean} hasTokenizer
 * @property {boolean} hasChatTemplate
 * @property {boolean} isDefault  sessions use it when they name none
 * @property {boolean} shifted  its raw logits at a position are those of the next one
 * @property {Attention} attention
 * @property {number[]} prefixTokens  put before raw text unless it says otherwise
 * @property {number[]} suffixTokens  put behind it
 * @property {string} cacheNote  why nothing is kept between passes, or not always; "" where it is
 * @property {string} weights  which ones are in memory, in which type
 * @property {string} weightsNote  which files were read where a folder holds the weights twice
 * @property {string} revision  the hub's commit
 * @property {boolean} changed  the files that it was read from are others by now
 * @property {Sampler[]} samplers
 * @property {Cache[]} caches  what may be kept between passes; the first where nobody asks
 *
 * What a position sees of the others.
 * @typedef {object} Attention
 * @property {string} name  the kind, such as "full", "causal" or "block_causal"
 * @property {string} summary  what sees what, in words
 * @property {boolean} appendOnly  one open position, at the end, that every token moves on
 * @property {number} blockSize  positions of a block, 0 where there are none
 * @property {boolean} blocksFromStart  blocks are counted from where the generated part starts, not from position 0
 * @property {boolean} settles  what a pass computed stays exact for the passes after it
 *
 * @typedef {object} Form
 * @property {string} model  of the next session; empty: that in view, or the server's default
 * @property {string} prompt
 * @property {boolean} chat  put the prompt through the chat template
 * @property {string} system  the system message of a chat
 * @property {import("app/core/prompting.js").Turn[]} turns  said and answered before the prompt
 * @property {boolean | null} specialTokens  names of control tokens in the prompt are
 *   these tokens; null: in raw text alone
 * @property {boolean} addSpecialTokens  raw text gets what the checkpoint adds to it
 * @property {string} length
 * @property {string} words  words at positions, as in "0:Once, 5:upon"
 * @property {string} sampler  empty: the model's first
 * @property {Record<string, Record<string, string | boolean>>} typed  what was
 *   typed, by sampler (or SHARED) and parameter; nothing typed means the default
 * @property {import("app/core/constraints.js").Typed} constraint
 * @property {string} cache  empty: the model's own
 * @property {Record<string, string | boolean>} cacheTyped  what was typed for its parameters
 * @property {string} seed  empty: the server draws one
 * @property {boolean} dirty  changed since it was last sent
 */

/**
 * @param {Model | null} model
 * @param {string} name
 * @returns {Sampler | null}
 */
export function samplerNamed(model, name) {
  return model?.samplers.find((sampler) => sampler.name === name) ?? (name ? null : (model?.samplers[0] ?? null));
}

/** The sampler in use; a name this model does not know falls back to its first. */
export function samplerOf(/** @type {Model | null} */ model, /** @type {Form} */ form) {
  return samplerNamed(model, form.sampler) ?? model?.samplers[0] ?? null;
}

/** The sampler that selects by a ranking, for auto-select. */
export const RANKING_SAMPLER = "ranked";

/** Where Form.typed holds what was typed for the parameters that every sampler has. */
export const SHARED = "";

/**
 * The names of the parameters that every sampler of the model has; with one
 * sampler alone there is nothing to share.
 * @param {Model | null} model
 * @returns {Set<string>}
 */
export function sharedNames(model) {
  const [first, ...others] = model?.samplers ?? [];
  if (!others.length) return new Set();
  const names = first.parameters.map(({ name }) => name);
  return new Set(names.filter((name) => others.every(({ parameters }) => parameters.some((other) => other.name === name))));
}

/**
 * What was typed for a sampler, what it shares with all others included.
 * @param {Model | null} model
 * @param {Form} form
 * @param {Sampler} sampler
 */
export function typedOf(model, form, sampler) {
  const names = sharedNames(model);
  const shared = Object.entries(form.typed[SHARED] ?? {}).filter(([name]) => names.has(name));
  return { ...form.typed[sampler.name], ...Object.fromEntries(shared) };
}

/** A word for a parameter's range, as in "1 to 512"; empty where there is none. */
export function rangeOf(/** @type {Parameter} */ { kind, minimum, maximum, choices }) {
  if (kind === "choice") return `one of ${choices.join(", ")}`;
  if (kind === "bool") return "yes or no";
  if (kind === "texts") return "texts, one a line";
  const whole = kind === "integer" ? "a whole number" : "a number";
  if (minimum !== null && maximum !== null) return `${minimum} to ${maximum}`;
  if (minimum !== null) return `${whole}, ${minimum} or more`;
  if (maximum !== null) return `${whole}, at most ${maximum}`;
  return whole;
}

/** Numbers as people write them; a program would take 0x10 and a space too. */
const WHOLE = /^-?\d+$/;
const DECIMAL = /^-?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i;

/**
 * @param {Parameter} parameter
 * @param {string | boolean | undefined} typed
 * @returns {{ value?: unknown, problem?: string }}  neither: nothing was typed
 */
export function readParameter(parameter, typed) {
  if (typed === undefined || typed === "") return {};
  if (parameter.kind === "bool") return { value: typed === true || typed === "true" };
  if (parameter.kind === "choice") {
    return parameter.choices.includes(String(typed)) ? { value: String(typed) } : { problem: rangeOf(parameter) };
  }
  if (parameter.kind === "texts") {
    const texts = textsIn(String(typed));
    return texts.length ? { value: texts } : {};
  }
  const value = Number(typed);
  const fits =
    (parameter.kind === "integer" ? WHOLE : DECIMAL).test(String(typed)) &&
    Number.isFinite(value) &&
    (parameter.minimum === null || value >= parameter.minimum) &&
    (parameter.maximum === null || value <= parameter.maximum);
  return fits ? { value } : { problem: rangeOf(parameter) };
}

/**
 * @param {Pick<Sampler, "parameters">} sampler  or anything else that has parameters
 * @param {Record<string, string | boolean>} [typed]
 * @returns {{ parameters: Record<string, unknown>, problems: Record<string, string> }}
 */
export function readParameters(sampler, typed = {}) {
  /** @type {Record<string, unknown>} */
  const parameters = {};
  /** @type {Record<string, string>} */
  const problems = {};
  for (const parameter of sampler.parameters) {
    const { value, problem } = readParameter(parameter, typed[parameter.name]);
    if (problem) problems[parameter.name] = problem;
    else if (value !== undefined) parameters[parameter.name] = value;
  }
  return { parameters, problems };
}

/**
 * Parameters worth showing. By convention of the API's own names, a parameter
 * called like one of the words of another's choice matters under that word only.
 * @param {Sampler} sampler
 * @param {Record<string, string | boolean>} [typed]
 */
export function relevantParameters(sampler, typed = {}) {
  return sampler.parameters.filter(({ name }) => {
    const owner = sampler.parameters.find((other) => other.kind === "choice" && other.choices.includes(name));
    return !owner || (typed[owner.name] || owner.default) === name;
  });
}

/** One entry of the words at positions: an offset, a colon, a word. */
const WORD = /^\s*(\d{1,6})\s*:\s*(\S(?:.*\S)?)\s*$/;

/**
 * Words at positions, as the API takes them: within a text a word begins with a
 * space.
 * @param {string} typed
 * @returns {{ words: { offset: number, text: string }[], problem?: string }}
 */
export function readWords(typed) {
  const entries = typed.split(",").filter((entry) => entry.trim());
  const words = [];
  for (const entry of entries) {
    const [, offset, word] = WORD.exec(entry) ?? [];
    if (word === undefined) return { words: [], problem: "position:word, with commas between, such as 0:Once, 5:upon" };
    words.push({ offset: Number(offset), text: Number(offset) ? ` ${word}` : word });
  }
  return { words };
}

/** The length of an answer to come; 0 is for prompts with holes alone. */
export const lengthOf = (/** @type {Form} */ { length }) => Number(length) || 64;

/** [[mask:3]] in a prompt leaves a hole of three positions; the server reads it. */
const HOLE = /\[\[mask(?::\d+)?\]\]/;

/**
 * Why the form's length does not do for an answer behind `taken` positions and
 * one more turn; empty where it does, or none is asked for.
 * @param {Model | null} model
 * @param {Form} form
 * @param {number} taken
 */
export function answerProblem(model, form, taken) {
  const room = (model?.contextLength || Infinity) - taken - 1; // a turn has a token
  if (room < 1) return "The model's context is full: there is no room for another turn.";
  const problem = problemsOf(model, form).length;
  if (problem || Number(form.length) > room) return `length: ${Number.isFinite(room) ? `1 to ${room}` : "1 or more"}.`;
  return "";
}

/**
 * Everything wrong with the form, by field.
 * @param {Model | null} model
 * @param {Form} form
 * @returns {Record<string, string>}
 */
export function problemsOf(model, form) {
  /** @type {Record<string, string>} */
  const problems = {};
  const length = Number(form.length);
  const longest = model?.contextLength || Infinity;
  const holed = HOLE.test(form.prompt);
  const leftToRight = readsLeftToRight(model);
  if (holed && leftToRight) problems.prompt = NO_HOLES;
  // A prompt with a hole has something to write without any more.
  const least = holed && !leftToRight ? 0 : 1;
  if (form.length !== "" && !(WHOLE.test(form.length) && length >= least && length <= longest)) {
    problems.length = Number.isFinite(longest) ? `${least} to ${longest}` : `${least} or more`;
  }
  const seed = form.seed.trim();
  if (seed !== "" && !(/^\d{1,20}$/.test(seed) && BigInt(seed) < 2n ** 64n)) {
    problems.seed = "a whole number, 0 to 18446744073709551615";
  }
  const { problem } = readWords(wordsOf(model, form));
  if (problem) problems.words = problem;
  const pattern = readConstraint(form.constraint).problem;
  if (pattern) problems.constraint = pattern;
  const unsaid = promptProblem(model, form);
  if (unsaid) problems.turns = unsaid;
  const sampler = samplerOf(model, form);
  if (sampler) Object.assign(problems, readParameters(sampler, typedOf(model, form, sampler)).problems);
  const cache = cacheOf(model, form, sampler?.name ?? "");
  if (cache) for (const [name, problem] of Object.entries(readParameters(cache, form.cacheTyped).problems)) problems[`cache.${name}`] = problem;
  return problems;
}

/** Words need a tokenizer, and positions that are there from the beginning; else they are not sent. */
export const wordsOf = (/** @type {Model | null} */ model, /** @type {Form} */ form) =>
  model?.hasTokenizer === false || readsLeftToRight(model) ? "" : form.words;

/**
 * The settings that the form stands for.
 * @param {Model | null} model
 * @param {Form} form
 * @returns {import("app/core/tree.js").Settings}
 */
export function settingsOf(model, form) {
  const sampler = samplerOf(model, form);
  const cache = cacheOf(model, form, sampler?.name ?? "");
  return {
    sampler: sampler?.name ?? form.sampler,
    parameters: sampler ? readParameters(sampler, typedOf(model, form, sampler)).parameters : {},
    seed: form.seed.trim() || null,
    constraint: readConstraint(form.constraint).constraint,
    ...(cache ? { cache: { name: cache.name, parameters: readParameters(cache, form.cacheTyped).parameters } } : {}),
  };
}

/** A parameter's value as one would type it. @param {unknown} value @returns {string | boolean} */
export const valueTyped = (value) => (typeof value === "boolean" ? value : Array.isArray(value) ? textsTyped(value) : String(value ?? ""));

/**
 * The form as it would stand for settings in force: with nothing to send.
 * @param {Form} form
 * @param {import("app/core/tree.js").Settings} inForce
 * @returns {Form}
 */
export function formInForce(form, { sampler, parameters, seed, constraint, cache }) {
  const allTyped = (/** @type {Record<string, unknown>} */ values) => Object.fromEntries(Object.entries(values).map(([name, value]) => [name, valueTyped(value)]));
  const typed = allTyped(parameters);
  // What all samplers share is the sampler's own here.
  return { ...form, sampler, typed: { [sampler]: typed, [SHARED]: {} }, seed: seed ?? "", constraint: constraint ? constraintTyped(constraint) : NO_CONSTRAINT, cache: cache?.name ?? "", cacheTyped: allTyped(cache?.parameters ?? {}), dirty: false };
}

/** Whether two values of a parameter are the same; some are lists. */
export const sameValue = (/** @type {unknown} */ one, /** @type {unknown} */ other) => one === other || (Array.isArray(one) && JSON.stringify(one) === JSON.stringify(other));

/**
 * The settings of auto-select: the ranking sampler with what was typed for it. A
 * parameter that the sampler of the steps has too is set once, there; what most
 * samplers have says nothing about the ranking and keeps its default.
 * @param {Model | null} model
 * @param {Form} form
 * @param {Sampler} ranking
 * @param {Record<string, string | boolean>} typed
 */
export function rankingOf(model, form, ranking, typed) {
  const sampler = samplerOf(model, form);
  const names = new Set(sampler?.parameters.map(({ name }) => name));
  const above = sampler ? typedOf(model, form, sampler) : {};
  const samplers = model?.samplers ?? [];
  const usual = (/** @type {string} */ name) =>
    2 * samplers.filter(({ parameters }) => parameters.some((parameter) => parameter.name === name)).length > samplers.length;
  const own = relevantParameters(ranking, typed).filter(({ name }) => !names.has(name) && !usual(name));
  const shared = ranking.parameters.filter(({ name }) => names.has(name));
  const kept = Object.fromEntries(Object.entries(typed).filter(([name]) => !usual(name)));
  const all = { ...kept, ...Object.fromEntries(shared.map(({ name }) => [name, above[name] ?? ""])) };
  return { own, shared, ...readParameters(ranking, all) };
}

/**
 * What to send along with the next step: null when the session already has it.
 * @param {Model | null} model
 * @param {Form} form
 * @param {import("app/core/tree.js").Settings | null} inForce  every parameter filled in
 */
export function settingsToSend(model, form, inForce) {
  const sampler = samplerOf(model, form);
  const wanted = restored(settingsOf(model, form), sampler, inForce);
  if (form.dirty || !inForce) return wanted;
  const differs =
    wanted.sampler !== inForce.sampler ||
    (wanted.seed !== null && inForce.seed !== null && wanted.seed !== inForce.seed) ||
    !alike(wanted.constraint, inForce.constraint) ||
    !sameCache(model, wanted.cache, inForce.cache) ||
    (sampler?.parameters ?? []).some((parameter) => {
      const value = wanted.parameters[parameter.name] ?? parameter.default;
      return value !== null && value !== undefined && !sameValue(inForce.parameters[parameter.name], value);
    });
  return differs ? wanted : null;
}

/**
 * Settings with the defaults of what was set before and is not typed any more:
 * what a later call leaves out stays as it is.
 * @param {import("app/core/tree.js").Settings} wanted
 * @param {Sampler | null} sampler
 * @param {import("app/core/tree.js").Settings | null} inForce
 */
function restored(wanted, sampler, inForce) {
  if (!sampler || wanted.sampler !== inForce?.sampler) return wanted;
  const emptied = sampler.parameters.filter(({ name, default: fallback }) => !(name in wanted.parameters) && name in inForce.parameters && fallback !== null && !sameValue(inForce.parameters[name], fallback));
  return { ...wanted, parameters: { ...Object.fromEntries(emptied.map(({ name, default: fallback }) => [name, fallback])), ...wanted.parameters } };
}

/** The parameters that make p_final of the logits, as the API names them. */
const SHAPING = ["temperature", "top_k", "top_p", "repetition_penalty", "presence_penalty", "frequency_penalty"];

/**
 * The settings in force with the form's way from the logits to p_final, to be
 * tried; null where it is the same.
 * @param {Model | null} model
 * @param {Form} form
 * @param {import("app/core/tree.js").Settings | null} inForce
 * @returns {import("app/core/tree.js").Settings | null}
 */
export function trialOf(model, form, inForce) {
  const sampler = samplerOf(model, form);
  if (!sampler || !inForce) return null;
  const { parameters, problems } = readParameters(sampler, typedOf(model, form, sampler));
  const shaping = sampler.parameters.filter(({ name }) => SHAPING.includes(name) && name in inForce.parameters);
  if (shaping.some(({ name }) => problems[name])) return null;
  const wanted = Object.fromEntries(shaping.map(({ name, default: fallback }) => [name, parameters[name] ?? fallback]));
  if (Object.entries(wanted).every(([name, value]) => inForce.parameters[name] === value)) return null;
  return { sampler: inForce.sampler, parameters: wanted, seed: null };
}
