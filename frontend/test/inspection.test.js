import { test } from "node:test";
import assert from "node:assert/strict";
import { csvOf, inOrder, piecesOf, readRecover, recoverRefused, recoveringModels, summed, textsOf, UNRECOVERED } from "app/core/recovering.js";
import { convergence, readScore, refusedBy, scoredModel, UNSCORED } from "app/core/scoring.js";
import { initialState } from "app/core/state.js";

const FORM = { model: "", prompt: "", chat: true, answer: "five", samples: "", exact: false, cfg: "", seed: "" };
const FORM_OF_TEXTS = UNRECOVERED.form;
const model = (name, more = {}) => ({ name, state: "ready", attention: { name: "full", summary: "every position sees every other", appendOnly: false, blockSize: 0, blocksFromStart: false, settles: false }, ...more });
const withModels = (list, kept = {}) => {
  const state = initialState(kept);
  return { ...state, models: { ...state.models, list } };
};

test("an empty score form asks with what is usual", () => {
  assert.deepEqual(readScore(FORM, "m"), {
    wanted: { model: "m", prompt: "", chat: false, answer: "five", samples: 128, exact: false, cfgScale: 0, seed: "0" },
    problems: {},
  });
});

test("a prompt is scored as a chat where the model has a template", () => {
  const form = { ...UNSCORED.form, prompt: "Two?", answer: "2", seed: "x" };
  assert.equal(readScore(form, "m").wanted.chat, true);
  assert.equal(readScore(form, "m", false, false).wanted.chat, false);
  assert.ok(readScore(form, "m").problems.seed);
  assert.deepEqual(readScore(form, "m", true).problems, {}, "nothing is drawn, and there is no field for a seed");
  assert.deepEqual(readScore({ ...form, exact: true }, "m").problems, {});
});

test("what is wrong with a score form is said at its field", () => {
  const { problems } = readScore({ ...FORM, answer: "", samples: "0", cfg: "11", seed: "-1" }, "m");
  assert.deepEqual(Object.keys(problems), ["answer", "samples", "cfg", "seed"]);
  const exact = readScore({ ...FORM, samples: "x", exact: true }, "m");
  assert.deepEqual([exact.problems, exact.wanted.samples, exact.wanted.exact], [{}, 0, true], "samples are of no use there");
  const causal = readScore({ ...FORM, samples: "x", cfg: "5", exact: true }, "m", true);
  assert.deepEqual([causal.problems, causal.wanted.cfgScale, causal.wanted.exact], [{}, 0, false], "nor for a model that reads from left to right");
});

test("the server's word goes to the field it is of, and what is of none is kept", () => {
  assert.deepEqual(refusedBy({ message: "m", fields: [{ field: "cfg_scale", description: "must be 0" }] }), { cfg: "Must be 0." });
  assert.deepEqual(refusedBy({ message: "m", fields: [{ field: "else", description: "no" }] }), { "": "else: no." });
  assert.deepEqual(refusedBy({ message: "gone" }), { "": "gone" });
  assert.deepEqual(recoverRefused({ message: "m", fields: [{ field: "texts[1]", description: "too long" }] }), { texts: "Text 2: too long." });
});

test("the model chosen is asked for as long as it is loaded", () => {
  const list = [model("a"), model("b"), model("c", { state: "unloaded" })];
  assert.equal(scoredModel(withModels(list, { scoring: { model: "b" } })), "b");
  assert.equal(scoredModel(withModels(list, { scoring: { model: "c" } })), "a");
});

test("an estimate is a picture from its first tenth on, with its error around it", () => {
  const at = (done, value, error) => ({ done, total: 100, value, error, exact: false, tokens: [], each: [], notes: [] });
  assert.equal(convergence([at(10, -3, 1)]), null);
  const { low, high, points } = convergence([at(1, -90, null), at(5, -50, 9), at(50, -4, 2), at(100, -3, 1)]);
  assert.deepEqual([low, high], [-6, -2]);
  assert.deepEqual(points.map(({ x, y, from, to }) => [x, y, from, to]), [[0.5, 0.5, 0, 1], [1, 0.75, 0.5, 1]]);
});

test("texts are lines, or blocks that a blank line ends", () => {
  const typed = "one\ntwo\n\n  \nthree\n";
  assert.deepEqual(textsOf({ ...FORM_OF_TEXTS, texts: typed, per: "line" }), ["one", "two", "three"]);
  assert.deepEqual(textsOf({ ...FORM_OF_TEXTS, texts: typed, per: "block" }), ["one\ntwo", "three"]);
});

test("models that read from left to right are not asked to restore", () => {
  const list = [model("causal", { attention: { name: "causal", summary: "left to right", appendOnly: true, blockSize: 0, blocksFromStart: false, settles: true } }), model("a"), model("b")];
  assert.deepEqual(recoveringModels(withModels(list)), ["a"]);
  assert.deepEqual(recoveringModels(withModels(list, { recovering: { models: ["b", "causal"] } })), ["b"]);
  const none = readRecover(withModels([list[0]], { recovering: { texts: "x" } }));
  assert.deepEqual(Object.keys(none.problems), ["models"]);
});

/** @returns {import("app/core/recovering.js").Restored} */
const done = (model, index, more = {}) => ({ model, index, original: [1, 2, 3, 4], restored: [1, 2, 9, 4], masked: [1, 2], right: 1, accuracy: 0.5, meanProbability: 0.25, forwards: 3, corruption: "random", ...more });

test("every masked token came back or did not, and then what stood there is known", () => {
  assert.deepEqual(piecesOf(done("a", 0)).map(({ kind, was }) => [kind, was]), [["kept", 1], ["right", 2], ["wrong", 3], ["kept", 4]]);
});

test("what was restored is summed, ordered and written as a table", () => {
  const all = [done("a", 1), done("=b", 0, { meanProbability: null }), done("a", 0, { masked: [0, 1, 2, 3], right: 3, accuracy: 0.75 })];
  assert.deepEqual(inOrder(all, ["a", "=b"]).map(({ model, index }) => `${index}${model}`), ["0a", "0=b", "1a"]);
  assert.deepEqual(summed(all, "a"), { texts: 2, masked: 6, right: 4, accuracy: 4 / 6, forwards: 6 });
  assert.deepEqual(csvOf(all, ["a", "=b"]).split("\n"), [
    "model,index,corruption,ratio,tokens,masked,right,accuracy,mean_probability,forward_count",
    "a,0,random,1,4,4,3,0.75,0.25,3",
    "a,1,random,0.5,4,2,1,0.5,0.25,3",
    "'=b,0,random,0.5,4,2,1,0.5,,3",
    "",
  ]);
});
