// Named settings: a sampler and what differs from its defaults. Which of them the
// form stands for is found by comparing, so it is never out of date.
import { readsLeftToRight } from "app/core/left-to-right.js";
import { readParameter, sameValue, samplerOf, SHARED, sharedNames, typedOf } from "app/core/settings.js";

/**
 * @typedef {import("app/core/settings.js").Model} Model
 * @typedef {import("app/core/settings.js").Form} Form
 * @typedef {import("app/core/settings.js").Sampler} Sampler
 *
 * @typedef {object} Preset
 * @property {string} name
 * @property {string} sampler  empty: the model's first
 * @property {Record<string, string | boolean>} parameters  as one would type them; all others at their default
 * @property {string} note
 */

/** Of what the numbers in the notes are. */
export const MEASURED = "Means over five tasks of the embedded model, each at its own temperature, 0 or 1: docs/samplers.md. A larger model may rank samplers otherwise.";

/**
 * The numbers are those of docs/samplers.md; a test compares them.
 * @type {Preset[]}
 */
export const PRESETS = [
  { name: "Default", sampler: "", parameters: {}, note: "The model's own sampler with nothing changed." },
  { name: "Fast", sampler: "fast_dllm", parameters: { rule: "factor", factor: "2" }, note: "Several positions a step where the model is sure. On the embedded model 0.84 right in 7.0 forward passes." },
  { name: "Careful", sampler: "p2", parameters: {}, note: "Looks again at all that is decided, a step a position. On the embedded model 0.86 right in 33.6 forward passes." },
  { name: "Creative", sampler: "remdm", parameters: { temperature: "1" }, note: "Draws by chance and masks some again: every seed another text. On the embedded model 0.66 of its sums right in 28.7 forward passes." },
  { name: "LLaDA paper", sampler: "llada", parameters: {}, note: "The surest position first, one a step. On the embedded model 0.82 right in 33.6 forward passes." },
  { name: "Left to right", sampler: "left_to_right", parameters: {}, note: "As autoregressive models write, a position a step. On the embedded model 0.85 right in 33.6 forward passes." },
];

/** The same for models that read from left to right; customary, not measured. @type {Preset[]} */
const LEFT_TO_RIGHT = [
  { name: "Greedy", sampler: "autoregressive", parameters: {}, note: "Always the likeliest token: the same text every time." },
  { name: "Reliable", sampler: "autoregressive", parameters: { temperature: "0.25", top_p: "0.7", repetition_penalty: "1.1" }, note: "Close to the likeliest, and shy of repeating itself." },
  { name: "Balanced", sampler: "autoregressive", parameters: { temperature: "0.7", top_p: "0.8", repetition_penalty: "1.05" }, note: "Some chance, the unlikely left out." },
  { name: "Creative", sampler: "autoregressive", parameters: { temperature: "1.05", top_p: "0.95", repetition_penalty: "1.02", presence_penalty: "0.2", frequency_penalty: "0.1" }, note: "Much chance, and words not used yet: every seed another text." },
];

/** The select's word for settings that no preset has. */
export const CUSTOM = "Custom";

/** @param {Model} model @param {Preset} preset @returns {Sampler | null} */
const samplerFor = (model, { sampler }) => model.samplers.find(({ name }) => name === sampler) ?? (sampler ? null : (model.samplers[0] ?? null));

/**
 * Every parameter's value; undefined for one that does not fit.
 * @param {Sampler} sampler
 * @param {Record<string, string | boolean>} typed
 */
function effective(sampler, typed) {
  return sampler.parameters.map((parameter) => {
    const { value, problem } = readParameter(parameter, typed[parameter.name]);
    return problem ? undefined : (value ?? parameter.default ?? null);
  });
}

/** @param {Sampler} sampler @param {Record<string, string | boolean>} one @param {Record<string, string | boolean>} other */
function alike(sampler, one, other) {
  const values = effective(sampler, other);
  return effective(sampler, one).every((value, i) => value !== undefined && sameValue(value, values[i]));
}

/** @param {Model} model @param {Preset} preset */
function fits(model, preset) {
  const sampler = samplerFor(model, preset);
  if (!sampler) return false;
  const names = new Set(sampler.parameters.map(({ name }) => name));
  return Object.keys(preset.parameters).every((name) => names.has(name)) && !effective(sampler, preset.parameters).includes(undefined);
}

/**
 * The presets that a model can follow. Of two that say the same the first is
 * offered, with what the other says of it.
 * @param {Model | null} model
 * @returns {Preset[]}
 */
export function presetsOf(model) {
  if (!model) return [];
  /** @type {Preset[]} */
  const offered = [];
  for (const preset of readsLeftToRight(model) ? LEFT_TO_RIGHT : PRESETS) {
    if (!fits(model, preset)) continue;
    const sampler = /** @type {Sampler} */ (samplerFor(model, preset));
    const same = offered.findIndex((other) => samplerFor(model, other) === sampler && alike(sampler, other.parameters, preset.parameters));
    if (same < 0) offered.push(preset);
    else offered[same] = { ...offered[same], note: preset.note };
  }
  return offered;
}

/**
 * The preset that the form stands for; null: none.
 * @param {Model | null} model
 * @param {Form} form
 */
export function presetIn(model, form) {
  const sampler = samplerOf(model, form);
  if (!model || !sampler) return null;
  const typed = typedOf(model, form, sampler);
  return presetsOf(model).find((preset) => samplerFor(model, preset) === sampler && alike(sampler, typed, preset.parameters)) ?? null;
}

/**
 * The form's fields with a sampler's parameters as given and no others; what was
 * typed for other samplers stays.
 * @param {Model} model
 * @param {Form} form
 * @param {Sampler} sampler
 * @param {Record<string, string | boolean>} parameters
 * @returns {Pick<Form, "sampler" | "typed">}
 */
function withParameters(model, form, sampler, parameters) {
  const shared = sharedNames(model);
  const of = (/** @type {boolean} */ all) => Object.fromEntries(Object.entries(parameters).filter(([name]) => shared.has(name) === all));
  return { sampler: sampler.name, typed: { ...form.typed, [sampler.name]: of(false), [SHARED]: of(true) } };
}

/**
 * What choosing a preset makes of the form: its sampler and parameters, nothing else.
 * @param {Model} model
 * @param {Form} form
 * @param {Preset} preset
 */
export const following = (model, form, preset) => withParameters(model, form, /** @type {Sampler} */ (samplerFor(model, preset)), preset.parameters);

/** The form with the sampler's defaults. @param {Model} model @param {Form} form @param {Sampler} sampler */
export const atDefaults = (model, form, sampler) => withParameters(model, form, sampler, {});

/**
 * Whether anything was typed for the sampler in use. A switch or a choice put
 * back to its default was not.
 * @param {Model | null} model
 * @param {Form} form
 * @param {Sampler} sampler
 */
export function isTouched(model, form, sampler) {
  const typed = typedOf(model, form, sampler);
  return sampler.parameters.some(({ name, kind, default: fallback }) => {
    const value = typed[name];
    if (value === undefined || value === "") return false;
    return kind === "bool" || kind === "choice" ? value !== fallback : true;
  });
}
