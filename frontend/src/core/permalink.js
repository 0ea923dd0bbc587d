// The form as the end of an address: compact JSON in base64url. A link is from
// anybody, so nothing of it is believed before it was looked at.
import { cacheOf, ownCache } from "app/core/caches.js";
import { KINDS, patternOf } from "app/core/constraints.js";
import { readParameter, samplerNamed, samplerOf, sharedNames, SHARED, typedOf } from "app/core/settings.js";

/**
 * @typedef {import("app/core/settings.js").Form} Form
 * @typedef {import("app/core/settings.js").Model} Model
 */

/** The name under which the address carries it. */
export const LINK = "form";
const VERSION = 1;
const LONGEST = 200_000;

/**
 * What stands behind `form=` in the address: everything that makes a run.
 * @param {Model | null} model
 * @param {Form} form
 */
export function linkOf(model, form) {
  const sampler = samplerOf(model, form);
  const typed = Object.entries(sampler ? typedOf(model, form, sampler) : {}).filter(([, value]) => value !== "");
  const { prompt: p, chat, system: y, turns, specialTokens: k, addSpecialTokens: a, length: l, words: w, seed: d, constraint } = form;
  const cache = cacheOf(model, form, sampler?.name ?? "");
  const g = cache && cache !== ownCache(model) ? [cache.name, form.cacheTyped] : null;
  const h = turns.map(({ user, assistant }) => [user, assistant]);
  const link = { v: VERSION, m: model?.name ?? "", p, c: chat ? 1 : 0, ...(y ? { y } : {}), ...(h.length ? { h } : {}), ...(k === null ? {} : { k: Number(k) }), ...(a ? {} : { a: 0 }), l, w, s: sampler?.name ?? form.sampler, t: Object.fromEntries(typed), d, ...(constraint.kind ? { x: [constraint.kind, patternOf(constraint)] } : {}), ...(g ? { g } : {}) };
  return packed(JSON.stringify(link));
}

/**
 * The record that a link carries; null where it is none, or one of a later version.
 * @param {string} text
 * @returns {Record<string, unknown> | null}
 */
export function unpackedLink(text) {
  try {
    const link = JSON.parse(unpacked(text));
    return text.length <= LONGEST && isRecord(link) && link.v === VERSION ? link : null;
  } catch {
    return null;
  }
}

/**
 * The fields of the form that a link sets, and in words what of it was left out.
 * What it does not name stays.
 * @param {Model | null} model
 * @param {Form} form
 * @param {Record<string, unknown>} link
 * @returns {{ fields: Partial<Form>, left: string[] }}
 */
export function readLink(model, form, link) {
  /** @type {Partial<Form>} */
  const fields = {};
  /** @type {string[]} */
  const left = [];
  const { m, p, c, l, w, s, t, d } = link;
  // A prompt comes with what is said before it, or with nothing.
  const { y, h } = typeof p !== "string" ? link : { y: "", h: [], ...link };
  if (typeof p === "string") fields.prompt = p;
  if (c === 0 || c === 1) fields.chat = c === 1;
  if (typeof y === "string") fields.system = y;
  else if (y !== undefined) left.push("the system message, which is not text");
  // So is how it is read.
  const { k, a } = link;
  if (k === 0 || k === 1) fields.specialTokens = k === 1;
  else if (typeof p === "string" && k === undefined) fields.specialTokens = null;
  if (a === 0 || (typeof p === "string" && a === undefined)) fields.addSpecialTokens = a === undefined;
  const turns = turnsOf(h);
  if (turns) fields.turns = turns;
  else if (h !== undefined) left.push("the turns before the prompt, which cannot be read");
  if (typeof w === "string") fields.words = w;
  if (typeof l === "string" && /^\d{0,7}$/.test(l)) fields.length = l;
  else if (l !== undefined) left.push(`the length ${quoted(l)}`);
  if (typeof d === "string" && (d === "" || (/^\d{1,20}$/.test(d) && BigInt(d) < 2n ** 64n))) fields.seed = d;
  else if (d !== undefined) left.push(`the seed ${quoted(d)}`);
  if (typeof m === "string" && m && model && m !== model.name) left.push(`the model ${quoted(m)}; this is ${model.name}`);

  // As what is said before it: a prompt comes with its constraint, or with none.
  const constraint = link.x === undefined && typeof p !== "string" ? undefined : constraintOf(form, link.x);
  if (constraint) fields.constraint = constraint;
  else if (constraint === null) left.push("the constraint, which cannot be read");

  // As is its cache.
  const [cache, cacheTyped] = Array.isArray(link.g) ? link.g : [];
  const known = model?.caches?.find(({ name }) => name === cache);
  /** @type {Record<string, string | boolean>} */
  const readable = {};
  for (const [name, value] of known && isRecord(cacheTyped) ? Object.entries(cacheTyped) : []) {
    if (isReadable(known?.parameters ?? [], name, value)) readable[name] = value;
    else left.push(`${quoted(name)} = ${quoted(value)} of the cache, which is out of its range`);
  }
  if (known || (typeof p === "string" && link.g === undefined)) Object.assign(fields, { cache: known?.name ?? "", cacheTyped: readable });
  if (link.g !== undefined && !known) left.push(`the cache ${quoted(cache)}, which this model does not have`);

  const sampler = typeof s === "string" ? samplerNamed(model, s) : null;
  if (!sampler) {
    if (s !== undefined) left.push(`the sampler ${quoted(s)}, which this model does not have, with its parameters`);
    return { fields, left };
  }
  fields.sampler = sampler.name;
  const shared = sharedNames(model);
  /** @type {Record<string, string | boolean>} */
  const own = {};
  /** @type {Record<string, string | boolean>} */
  const common = {};
  for (const [name, value] of Object.entries(isRecord(t) ? t : {})) {
    const parameter = sampler.parameters.find((known) => known.name === name);
    if (!parameter) left.push(`the parameter ${quoted(name)}, which ${sampler.name} does not have`);
    else if (!isReadable(sampler.parameters, name, value)) left.push(`${name} = ${quoted(value)}, which is out of its range`);
    else (shared.has(name) ? common : own)[name] = value;
  }
  fields.typed = { ...form.typed, [sampler.name]: own, [SHARED]: common };
  return { fields, left };
}

/** @param {unknown} value  @returns {value is Record<string, unknown>} */
function isRecord(value) {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Whether a parameter's value in a link is one that the field would take. @returns {value is string | boolean} */
function isReadable(/** @type {import("app/core/settings.js").Parameter[]} */ parameters, /** @type {string} */ name, /** @type {unknown} */ value) {
  const parameter = parameters.find((known) => known.name === name);
  return parameter !== undefined && (typeof value === "string" || typeof value === "boolean") && !readParameter(parameter, value).problem;
}

/** A constraint as a link has it: its kind and how it was typed. @returns {import("app/core/constraints.js").Typed | null} */
function constraintOf(/** @type {Form} */ { constraint }, /** @type {unknown} */ said) {
  if (said === undefined) return { ...constraint, kind: "" };
  const [kind, text] = Array.isArray(said) ? said : [];
  const known = KINDS.find((one) => one.kind === kind);
  return known && typeof text === "string" ? { kind: known.kind, texts: { ...constraint.texts, [known.kind]: text } } : null;
}

/** Turns as a link has them: pairs of what was said and answered. @returns {import("app/core/prompting.js").Turn[] | null} */
function turnsOf(/** @type {unknown} */ pairs) {
  if (!Array.isArray(pairs)) return null;
  const texts = (/** @type {unknown} */ pair) => Array.isArray(pair) && pair.length === 2 && pair.every((text) => typeof text === "string");
  return pairs.every(texts) ? pairs.map(([user, assistant]) => ({ user, assistant })) : null;
}

/** What somebody else wrote, cut short. */
function quoted(/** @type {unknown} */ value) {
  const text = typeof value === "string" ? value : (JSON.stringify(value) ?? "");
  return `“${text.length > 40 ? `${text.slice(0, 39)}…` : text}”`;
}

function packed(/** @type {string} */ text) {
  let bytes = "";
  for (const byte of new TextEncoder().encode(text)) bytes += String.fromCharCode(byte);
  return btoa(bytes).replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");
}

function unpacked(/** @type {string} */ text) {
  const bytes = atob(text.replaceAll("-", "+").replaceAll("_", "/"));
  return new TextDecoder("utf-8", { fatal: true }).decode(Uint8Array.from(bytes, (c) => c.charCodeAt(0)));
}
