import { test } from "node:test";
import assert from "node:assert/strict";
import { problemsOf, rangeOf, rankingOf, readParameter, readParameters, readWords, relevantParameters, samplerOf, settingsOf, settingsToSend, SHARED, sharedNames, trialOf, typedOf } from "app/core/settings.js";
import { EMPTY_FORM } from "app/core/state.js";

const parameter = (name, kind, fallback, more = {}) => ({ name, kind, default: fallback, minimum: null, maximum: null, choices: [], summary: "", ...more });
/** @type {import("app/core/settings.js").Sampler} */
const LLADA = {
  name: "llada", summary: "", source: "", revises: false,
  parameters: [
    parameter("steps", "integer", null, { minimum: 1, maximum: 512 }),
    parameter("temperature", "number", 0, { minimum: 0, maximum: 2 }),
    parameter("remasking", "choice", "low_confidence", { choices: ["low_confidence", "random"] }),
    parameter("eos", "bool", false),
  ],
};
/** @type {import("app/core/settings.js").Sampler} */
const RANKED = {
  name: "ranked", summary: "", source: "", revises: false,
  parameters: [
    parameter("rule", "choice", "constant", { choices: ["constant", "threshold", "factor"] }),
    parameter("count", "integer", 1),
    parameter("threshold", "number", 0.9),
    parameter("factor", "number", 1),
  ],
};
/** What is asked of a model here. @type {any} */
const MODEL = { name: "m", contextLength: 512, samplers: [LLADA, RANKED] };
const form = (fields = {}) => ({ ...EMPTY_FORM, ...fields });
const IN_FORCE = { sampler: "llada", parameters: { steps: 64, temperature: 0, remasking: "low_confidence", eos: false }, seed: "1" };

test("what is typed becomes a value, or says its range", () => {
  const [steps, temperature, remasking, eos] = LLADA.parameters;
  assert.deepEqual(readParameter(steps, ""), {});
  assert.deepEqual(readParameter(steps, "12"), { value: 12 });
  assert.deepEqual(readParameter(steps, "1.5"), { problem: "1 to 512" });
  assert.deepEqual(readParameter(steps, "0"), { problem: "1 to 512" });
  for (const odd of ["0x10", " ", "1e2", "0b1", "12 "]) assert.deepEqual(readParameter(steps, odd), { problem: "1 to 512" }, odd);
  for (const odd of ["0x1", " ", "Infinity", "."]) assert.deepEqual(readParameter(temperature, odd), { problem: "0 to 2" }, odd);
  assert.deepEqual(readParameter(temperature, ".5"), { value: 0.5 });
  assert.deepEqual(readParameter(temperature, "hot"), { problem: "0 to 2" });
  assert.deepEqual(readParameter(remasking, "random"), { value: "random" });
  assert.deepEqual(readParameter(remasking, "both"), { problem: "one of low_confidence, random" });
  assert.deepEqual(readParameter(eos, false), { value: false });
  assert.equal(rangeOf(parameter("n", "integer", 1, { minimum: 1 })), "a whole number, 1 or more");
});

test("only what was typed is sent; the rest is the service's to fill in", () => {
  const { parameters, problems } = readParameters(LLADA, { steps: "8", temperature: "9", remasking: "" });
  assert.deepEqual(parameters, { steps: 8 });
  assert.deepEqual(problems, { temperature: "0 to 2" });
  assert.deepEqual(settingsOf(MODEL, form({ typed: { llada: { steps: "8" } }, seed: "" })), { sampler: "llada", parameters: { steps: 8 }, seed: null, constraint: null });
});

test("a sampler the model does not have falls back to its first", () => {
  assert.equal(samplerOf(MODEL, form({ sampler: "gone" }))?.name, "llada");
  assert.equal(samplerOf(MODEL, form({ sampler: "ranked" }))?.name, "ranked");
  assert.equal(samplerOf(null, form()), null);
});

test("problems are named by field", () => {
  assert.deepEqual(problemsOf(MODEL, form({ length: "600", seed: "-1" })), { length: "1 to 512", seed: "a whole number, 0 to 18446744073709551615" });
  assert.equal(problemsOf(MODEL, form({ seed: " 5 " })).seed, undefined);
  assert.equal(settingsOf(MODEL, form({ seed: " 5 " })).seed, "5");
  assert.deepEqual(problemsOf(MODEL, form({ length: "64", seed: "18446744073709551615" })), {});
  assert.ok(problemsOf(MODEL, form({ seed: "18446744073709551616" })).seed);
});

test("a parameter named like a choice shows under that choice", () => {
  const names = (typed) => relevantParameters(RANKED, typed).map(({ name }) => name);
  assert.deepEqual(names({}), ["rule", "count"]);
  assert.deepEqual(names({ rule: "threshold" }), ["rule", "count", "threshold"]);
});

test("what auto-select shares with the sampler is set there", () => {
  const ranked = { ...RANKED, parameters: [...RANKED.parameters, LLADA.parameters[1]] };
  const { own, shared, parameters } = rankingOf(MODEL, form({ typed: { llada: { temperature: "0.5" } } }), ranked, { count: "3" });
  assert.deepEqual(own.map(({ name }) => name), ["rule", "count"]);
  assert.deepEqual(shared.map(({ name }) => name), ["temperature"]);
  assert.deepEqual(parameters, { count: 3, temperature: 0.5 });
});

test("what most samplers have is no matter of auto-select", () => {
  const early = parameter("early_stop", "bool", false);
  const samplers = [LLADA, { ...RANKED, parameters: [...RANKED.parameters, early] }, { ...LLADA, name: "dream", parameters: [early] }];
  const { own, parameters } = rankingOf({ ...MODEL, samplers }, form(), samplers[1], { early_stop: true, count: "3" });
  assert.deepEqual(own.map(({ name }) => name), ["rule", "count"]);
  assert.deepEqual(parameters, { count: 3 });
});

test("settings travel with a step only when the session has others", () => {
  assert.equal(settingsToSend(MODEL, form(), IN_FORCE), null);
  assert.notEqual(settingsToSend(MODEL, form({ dirty: true }), IN_FORCE), null);
  assert.equal(settingsToSend(MODEL, form({ sampler: "ranked" }), IN_FORCE)?.sampler, "ranked");
  assert.equal(settingsToSend(MODEL, form({ seed: "2" }), IN_FORCE)?.seed, "2");
  assert.deepEqual(settingsToSend(MODEL, form({ typed: { llada: { temperature: "1" } } }), IN_FORCE)?.parameters, { temperature: 1 });
  assert.notEqual(settingsToSend(MODEL, form(), null), null);
});

test("what is emptied goes back to its default: left out, it would stay as it is", () => {
  const inForce = { ...IN_FORCE, parameters: { ...IN_FORCE.parameters, temperature: 0.9, eos: true, steps: 8 } };
  assert.deepEqual(settingsToSend(MODEL, form({ typed: { llada: { eos: true } } }), inForce)?.parameters, { temperature: 0, eos: true });
  assert.deepEqual(settingsToSend(MODEL, form({ sampler: "ranked" }), inForce)?.parameters, {}, "another sampler begins with its defaults");
});

const SHARING = {
  ...MODEL,
  samplers: [LLADA, { ...RANKED, parameters: [...RANKED.parameters, LLADA.parameters[1]] }],
};

test("what every sampler has is shared, and typed once for all", () => {
  assert.deepEqual([...sharedNames(SHARING)], ["temperature"]);
  assert.equal(sharedNames({ ...MODEL, samplers: [LLADA] }).size, 0, "one sampler shares nothing");
  assert.equal(sharedNames(null).size, 0);
  const typed = { [SHARED]: { temperature: "0.5", steps: "3" }, llada: { steps: "8" }, ranked: { count: "2" } };
  assert.deepEqual(SHARING.samplers.map((sampler) => typedOf(SHARING, form({ typed }), sampler)), [
    { steps: "8", temperature: "0.5" },
    { count: "2", temperature: "0.5" },
  ]);
  assert.deepEqual(settingsOf(SHARING, form({ typed, sampler: "ranked" })).parameters, { count: 2, temperature: 0.5 });
  assert.equal(problemsOf(SHARING, form({ typed: { [SHARED]: { temperature: "9" } } })).temperature, "0 to 2");
});

test("words at positions are read, a space before all but the first", () => {
  assert.deepEqual(readWords("0:Once, 5:upon,10 : a time,"), {
    words: [{ offset: 0, text: "Once" }, { offset: 5, text: " upon" }, { offset: 10, text: " a time" }],
  });
  assert.deepEqual(readWords("  ").words, []);
  assert.deepEqual(readWords("3:12:30").words, [{ offset: 3, text: " 12:30" }]);
  for (const wrong of ["Once", "0:", ":Once", "-1:Once", "1.5:Once", "0:Once, upon"]) {
    assert.match(readWords(wrong).problem, /position:word/, wrong);
  }
  assert.match(problemsOf(MODEL, form({ words: "x" })).words, /such as 0:Once/);
  assert.equal(problemsOf({ ...MODEL, hasTokenizer: false }, form({ words: "x" })).words, undefined);
});

test("only the way from the logits to the distribution is tried", () => {
  const typed = (values) => form({ typed: { llada: values } });
  assert.equal(trialOf(MODEL, form(), IN_FORCE), null);
  assert.equal(trialOf(MODEL, typed({ steps: "8" }), IN_FORCE), null, "steps do not shape it");
  assert.deepEqual(trialOf(MODEL, typed({ temperature: "1" }), IN_FORCE), { sampler: "llada", parameters: { temperature: 1 }, seed: null });
  assert.equal(trialOf(MODEL, typed({ temperature: "hot" }), IN_FORCE), null);
  assert.equal(trialOf(MODEL, typed({ temperature: "1" }), null), null);
});
