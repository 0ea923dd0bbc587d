// What the page of next-token-visualization kept in the same browser: thirteen
// keys, its settings among them. Those that mean the same here are taken over
// once; whatever does not read as that page wrote it is passed over.
import { SHARED } from "app/core/settings.js";
import { typedOf } from "app/core/texts.js";

/** Marks that it was done. */
export const TAKEN = "unmask.llmDemo";

/** The keys that have a counterpart. Folded panels and its bars' number have none. */
const KEYS = {
  model: "llmDemo.modelId", params: "llmDemo.params", on: "llmDemo.llmEnabled", speed: "llmDemo.stepSpeedMs",
  constrained: "llmDemo.constraintEnabled", kind: "llmDemo.constraintType", pattern: "llmDemo.constraintSchema",
  method: "llmDemo.attrMethod",
};

/** Its kinds of constraint, as they are called here. @type {Record<string, string>} */
const KINDS = { multiple_choice: "choice", regex: "regex", cfg: "grammar", json_schema: "json_schema" };
const METHODS = ["attention", "saliency", "input_x_gradient", "integrated_gradients"];

/**
 * Its ranges, as far as they are this page's too, and the value that does nothing.
 * @type {Record<string, { least: number, most: number, idle?: number }>}
 */
const PARAMETERS = {
  temperature: { least: 0, most: 2 },
  top_p: { least: 0.01, most: 1, idle: 1 },
  repetition_penalty: { least: 1, most: 2, idle: 1 },
  presence_penalty: { least: -2, most: 2, idle: 0 },
  frequency_penalty: { least: -2, most: 2, idle: 0 },
};

/** The pauses that there are to choose from here, in milliseconds. */
const DELAYS = [50, 100, 250, 500, 1000, 2000];

/** @typedef {{ form?: any, view?: any, wish?: any, [other: string]: any }} Kept  as this page keeps it */

/**
 * What this page kept, with what the other one did where nothing is set here.
 * @param {Kept} kept  empty: the first visit
 * @param {(key: string) => string | null} read
 * @returns {{ kept: Kept, taken: string[] }}  taken: the settings taken over, in words; empty: none
 */
export function takenOver(kept, read) {
  const first = Object.keys(kept).length === 0;
  const { parameters, seed } = paramsIn(read(KEYS.params));
  const held = kept.form?.typed?.[SHARED] ?? {};
  const wanted = Object.fromEntries(Object.entries(parameters).filter(([name]) => held[name] === undefined || held[name] === ""));
  /** @type {string[]} */
  const taken = Object.entries(wanted).map(([name, value]) => `${name.replace("_", " ")} ${value}`);
  const form = Object.keys(wanted).length ? { ...kept.form, typed: { ...kept.form?.typed, [SHARED]: { ...held, ...wanted } } } : kept.form;
  /** @type {Kept} */
  const both = form ? { ...kept, form } : kept;
  const model = read(KEYS.model)?.trim() ?? "";
  const isName = model.length > 0 && model.length < 200 && !/\s/.test(model);
  // Anything else has a value here already, after a visit; it may be one's own.
  if (!first) return { kept: both, taken };
  const delay = delayIn(read(KEYS.speed));
  const off = read(KEYS.on) === "0";
  const constraint = constraintIn(read);
  const method = METHODS.find((known) => known === read(KEYS.method)) ?? null;
  const stops = stopsIn(read(KEYS.params));
  if (constraint) taken.push(`a constraint${constraint.kind ? "" : ", not in force"}`);
  if (method) taken.push(`${method.replaceAll("_", " ")} as the method of why`);
  if (stops) taken.push("stop texts");
  if (seed !== null) taken.push(`seed ${seed}`);
  if (delay !== null) taken.push(`a pause of ${delay / 1000} s`);
  if (isName) taken.push(`the model ${model}, as one to load`);
  if (off) taken.push("the model switched off");
  const typed = stops ? { typed: { ...both.form?.typed, autoregressive: { stop: stops } } } : {};
  const more = { ...(seed === null ? {} : { seed }), ...typed, ...(constraint ? { constraint } : {}) };
  const view = { ...(delay === null ? {} : { delay }), ...(off ? { asks: false } : {}), ...(method ? { why: { method } } : {}) };
  return {
    kept: {
      ...both,
      ...(Object.keys(more).length ? { form: { ...both.form, ...more } } : {}),
      ...(Object.keys(view).length ? { view } : {}),
      ...(isName ? { wish: { name: model } } : {}),
    },
    taken,
  };
}

/** @returns {{ parameters: Record<string, string>, seed: string | null }} */
function paramsIn(/** @type {string | null} */ text) {
  const params = parsed(text)?.params;
  if (!params || typeof params !== "object") return { parameters: {}, seed: null };
  /** @type {Record<string, string>} */
  const parameters = {};
  for (const [name, { least, most, idle }] of Object.entries(PARAMETERS)) {
    const value = name === "temperature" && params.greedy === true ? 0 : params[name];
    if (typeof value === "number" && value >= least && value <= most && value !== idle) parameters[name] = String(value);
  }
  const { seed } = params;
  return { parameters, seed: Number.isSafeInteger(seed) && seed >= 0 ? String(seed) : null };
}

/** A constraint as the form holds it; one that was switched off waits with its pattern. */
function constraintIn(/** @type {(key: string) => string | null} */ read) {
  const kind = KINDS[read(KEYS.kind) ?? ""];
  const pattern = read(KEYS.pattern) ?? "";
  const on = read(KEYS.constrained) === "1";
  if (!kind || !pattern.trim() || pattern.length > 65_536) return null;
  return { kind: on ? kind : "", texts: { [kind]: pattern } };
}

/** Its stop sequences, one a line as this form has them; "" where there are none. */
function stopsIn(/** @type {string | null} */ text) {
  const stops = parsed(text)?.params?.stop_sequences;
  if (!Array.isArray(stops) || stops.length > 16 || !stops.every((stop) => typeof stop === "string" && stop && stop.length <= 256)) return "";
  return typedOf(stops);
}

function delayIn(/** @type {string | null} */ text) {
  const speed = text?.trim() ? Number(text) : NaN;
  if (!(speed > 0) || !Number.isFinite(speed)) return null;
  return DELAYS.reduce((best, delay) => (Math.abs(delay - speed) < Math.abs(best - speed) ? delay : best));
}

function parsed(/** @type {string | null} */ text) {
  try {
    return JSON.parse(text ?? "null");
  } catch {
    return null;
  }
}
