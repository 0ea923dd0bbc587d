import { test } from "node:test";
import assert from "node:assert/strict";
import { drawnWith } from "app/core/drawn-with.js";

test("what was in force is said, and what did nothing is not", () => {
  const parameters = { temperature: 0.8, top_k: 0, top_p: 0.9, repetition_penalty: 1, presence_penalty: 0.5, steps: 8 };
  assert.equal(drawnWith({ sampler: "autoregressive", parameters }, false), "Drawn at temperature 0.8, by autoregressive, top p 0.9, presence penalty 0.5");
  assert.equal(drawnWith({ sampler: "fast_dllm", parameters: { temperature: 0 } }, false), "The likeliest, by fast dllm");
});

test("a token by hand was drawn with nothing", () => {
  assert.equal(drawnWith({ sampler: "llada", parameters: { temperature: 1 } }, true), "");
  assert.equal(drawnWith(null, false), "");
});
