import { test } from "node:test";
import assert from "node:assert/strict";
import { atDefaults, following, isTouched, presetIn, PRESETS, presetsOf } from "app/core/presets.js";
import { SHARED } from "app/core/settings.js";
import { EMPTY_FORM } from "app/core/state.js";

const parameter = (name, kind, fallback, more = {}) => ({ name, kind, default: fallback, minimum: null, maximum: null, choices: [], summary: "", ...more });
const temperature = parameter("temperature", "number", 0, { minimum: 0, maximum: 10 });
const sampler = (name, ...parameters) => ({ name, summary: "", source: "", revises: false, parameters: [...parameters, temperature] });
const LLADA = sampler("llada", parameter("steps", "integer", null));
const FAST = sampler(
  "fast_dllm",
  parameter("rule", "choice", "threshold", { choices: ["threshold", "factor"] }),
  parameter("factor", "number", 1, { minimum: 0, maximum: 10 }),
);
const REMDM = sampler("remdm", parameter("eta", "number", 0.04));
/** What is asked of a model here. @type {any} */
const MODEL = { name: "m", contextLength: 256, samplers: [LLADA, FAST, REMDM] };
const form = (fields = {}) => ({ ...EMPTY_FORM, ...fields });
const names = (model) => presetsOf(model).map(({ name }) => name);
const named = (name) => PRESETS.find((preset) => preset.name === name);

test("only presets whose sampler and parameters a model has are offered", () => {
  assert.deepEqual(names(MODEL), ["Default", "Fast", "Creative"]);
  assert.deepEqual(names({ ...MODEL, samplers: [LLADA] }), ["Default"]);
  assert.deepEqual(names(null), []);
  const narrow = { ...FAST, parameters: [FAST.parameters[0], { ...FAST.parameters[1], maximum: 1.5 }, temperature] };
  assert.deepEqual(names({ ...MODEL, samplers: [LLADA, narrow] }), ["Default"]);
});

test("a preset that is the default is offered once, with what is measured of it", () => {
  assert.match(presetsOf(MODEL)[0].note, /0\.82 right/);
  assert.deepEqual(names({ ...MODEL, samplers: [REMDM, LLADA] }), ["Default", "Creative", "LLaDA paper"]);
});

test("the form stands for the preset whose values it has, however they came there", () => {
  assert.equal(presetIn(MODEL, form())?.name, "Default");
  assert.equal(presetIn(MODEL, form({ sampler: "llada", typed: { [SHARED]: { temperature: "0.0" } } }))?.name, "Default");
  assert.equal(presetIn(MODEL, form({ typed: { [SHARED]: { temperature: "0.5" } } })), null);
  assert.equal(presetIn(MODEL, form({ typed: { llada: { steps: "8" } } })), null);
  assert.equal(presetIn(MODEL, form({ sampler: "fast_dllm", typed: { fast_dllm: { rule: "factor", factor: "2.0" } } }))?.name, "Fast");
  assert.equal(presetIn(MODEL, form({ sampler: "fast_dllm", typed: { fast_dllm: { rule: "factor" } } })), null);
});

test("what does not fit its range is no preset's value", () => {
  assert.equal(presetIn(MODEL, form({ typed: { [SHARED]: { temperature: "hot" } } })), null);
});

test("choosing a preset sets its sampler and parameters and leaves what others have", () => {
  const before = form({ sampler: "llada", prompt: "Hi", seed: "3", typed: { llada: { steps: "8" }, remdm: { eta: "0.5" }, [SHARED]: { temperature: "0.7" } } });
  const fields = following(MODEL, before, named("Creative"));
  assert.deepEqual(Object.keys(fields).sort(), ["sampler", "typed"]);
  assert.equal(fields.sampler, "remdm");
  assert.deepEqual(fields.typed, { llada: { steps: "8" }, remdm: {}, [SHARED]: { temperature: "1" } });
  assert.equal(presetIn(MODEL, { ...before, ...fields })?.name, "Creative");
});

test("back to defaults empties the sampler's fields and those that all share", () => {
  const before = form({ sampler: "llada", typed: { llada: { steps: "8" }, remdm: { eta: "0.5" }, [SHARED]: { temperature: "0.7" } } });
  assert.ok(isTouched(MODEL, before, LLADA));
  const after = { ...before, ...atDefaults(MODEL, before, LLADA) };
  assert.ok(!isTouched(MODEL, after, LLADA));
  assert.deepEqual(after.typed.remdm, { eta: "0.5" });
  assert.equal(presetIn(MODEL, after)?.name, "Default");
});

test("a choice put back to its default was not touched, a number typed was", () => {
  assert.ok(!isTouched(MODEL, form({ typed: { fast_dllm: { rule: "threshold", factor: "" } } }), FAST));
  assert.ok(isTouched(MODEL, form({ typed: { fast_dllm: { factor: "1" } } }), FAST));
});
