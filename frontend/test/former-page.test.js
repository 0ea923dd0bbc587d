import { test } from "node:test";
import assert from "node:assert/strict";
import { takenOver } from "app/core/former-page.js";

const PARAMS = { greedy: false, temperature: 0.7, top_p: 0.8, repetition_penalty: 1.05, presence_penalty: 0, frequency_penalty: 0.1, seed: 7, stop_sequences: ["###"] };
const LEFT = {
  "llmDemo.modelId": "Qwen/Qwen2.5-0.5B-Instruct",
  "llmDemo.params": JSON.stringify({ params: PARAMS, preset: "custom" }),
  "llmDemo.llmEnabled": "0",
  "llmDemo.stepSpeedMs": "650",
  "llmDemo.topK": "10",
  "llmDemo.attrMethod": "saliency",
  "llmDemo.constraintEnabled": "1",
  "llmDemo.constraintType": "cfg",
  "llmDemo.constraintSchema": 'start: "a"',
};
const TYPED = { temperature: "0.7", top_p: "0.8", repetition_penalty: "1.05", frequency_penalty: "0.1" };
const reading = (left) => (key) => left[key] ?? null;

test("on a first visit all that means the same here is taken over", () => {
  const { kept, taken } = takenOver({}, reading(LEFT));
  assert.deepEqual(kept, {
    form: { typed: { "": TYPED, autoregressive: { stop: "###" } }, seed: "7", constraint: { kind: "grammar", texts: { grammar: 'start: "a"' } } },
    view: { delay: 500, asks: false, why: { method: "saliency" } },
    wish: { name: "Qwen/Qwen2.5-0.5B-Instruct" },
  });
  assert.equal(taken.length, 11);
  assert.ok(taken.includes("temperature 0.7") && taken.includes("the model switched off"));
});

test("a constraint that was off waits with its pattern, and one of an unknown kind is passed over", () => {
  const off = { "llmDemo.constraintEnabled": "0", "llmDemo.constraintType": "multiple_choice", "llmDemo.constraintSchema": "yes\nno" };
  assert.deepEqual(takenOver({}, reading(off)).kept.form.constraint, { kind: "", texts: { choice: "yes\nno" } });
  assert.equal(takenOver({}, reading({ ...off, "llmDemo.constraintType": "xml" })).kept.form, undefined);
});

test("greedy is a temperature of 0, whatever its slider said", () => {
  const left = { "llmDemo.params": JSON.stringify({ params: { ...PARAMS, greedy: true, temperature: 1 }, preset: "greedy" }) };
  assert.equal(takenOver({}, reading(left)).kept.form.typed[""].temperature, "0");
});

test("what is set here already stays as it is", () => {
  const own = { form: { seed: "1", prompt: "mine", typed: { "": { temperature: "0.2", top_p: "" }, llada: { steps: "8" } } }, view: { delay: 0, asks: true } };
  const { kept } = takenOver(own, reading(LEFT));
  assert.deepEqual(kept.view, own.view);
  assert.deepEqual(kept.form, { ...own.form, typed: { "": { ...TYPED, temperature: "0.2" }, llada: { steps: "8" } } });
  assert.equal(kept.wish, undefined);
});

test("junk is passed over", () => {
  const none = { kept: {}, taken: [] };
  assert.deepEqual(takenOver({}, reading({})), none);
  for (const params of ["", "{", "[]", "7", "null", '{"params":7}', '{"params":{"temperature":"hot","top_p":9,"repetition_penalty":null,"seed":-1}}', '{"params":{"temperature":1e99,"seed":0.5}}']) {
    assert.deepEqual(takenOver({}, reading({ "llmDemo.params": params, "llmDemo.stepSpeedMs": "fast", "llmDemo.llmEnabled": "yes", "llmDemo.modelId": "  " })), none, params);
  }
});
