import { test } from "node:test";
import assert from "node:assert/strict";
import { Models } from "app/actions/models.js";
import { factsOf, goneModel, modelNote, NO_MODELS, modelRows, progressOf, readWish, shortName, startModel, startModelProblem, waitsForModel, wishProblems } from "app/core/models.js";
import { formOfSteps, hindrances } from "app/core/selectors.js";
import { settingsToSend } from "app/core/settings.js";
import { initialState, reduce } from "app/core/state.js";
import { Store } from "app/core/store.js";
import { RpcError } from "app/net/rpc-error.js";

const CAUSAL = { name: "causal", summary: "left to right", appendOnly: true, blockSize: 0, blocksFromStart: false, settles: true };
/** @type {any} */
const MODEL = {
  name: "embedded", state: "ready", family: "llada", parameterCount: 2_950_000, dtype: "float32", device: "cpu",
  contextLength: 256, vocabularySize: 768, maskToken: 2, eosToken: 1, eotToken: null, endTokens: [1], hasTokenizer: true,
  hasChatTemplate: true, isDefault: true, shifted: false, attention: { name: "full", summary: "every position sees every other", appendOnly: false, blockSize: 0, blocksFromStart: false, settles: false }, cacheNote: "",
  weights: "", weightsNote: "", revision: "", changed: false,
  samplers: [{ name: "llada", summary: "", source: "", revises: false, parameters: [] }],
};
const OTHER = { ...MODEL, name: "/srv/models/tiny", isDefault: false, maskToken: 9, contextLength: 32 };
const SESSION = { id: "s", model: "embedded", promptLength: 1, settings: null, tokens: [5, 0], states: [3, 1] };

const after = (...events) => events.reduce(reduce, initialState());
const received = (model) => ({ type: "model.received", model });
const chosen = (name) => ({ type: "form.changed", fields: { model: name } });
const opened = (session = SESSION) => ({ type: "session.opened", session });
const ready = { type: "connection.changed", connection: { state: "ready" } };
const token = { type: "tokens.received", model: "embedded", tokens: [{ id: 5, text: "hi", special: false }] };

test("with no session the model chosen is the one in view", () => {
  const state = after(received(MODEL), token, received(OTHER), received(MODEL), chosen(OTHER.name));
  assert.equal(state.model?.name, OTHER.name);
  assert.equal(startModel(state)?.name, OTHER.name);
  assert.equal(state.tokens.size, 0, "ids are others");
  assert.equal(reduce(state, received({ ...MODEL })).model?.name, OTHER.name, "news of the default does not take its place");
  assert.equal(modelNote(state), "");
});

test("a model chosen while a session is shown is the next one's alone", () => {
  const state = after(received(MODEL), opened(), token, received(OTHER), chosen(OTHER.name));
  assert.equal(state.model?.name, "embedded");
  assert.equal(state.tokens.size, 1);
  assert.equal(startModel(state)?.name, OTHER.name);
  assert.equal(modelNote(state), "The session shown is embedded's and stays so, with its settings. Start takes tiny.");
  const next = reduce(state, opened({ ...SESSION, id: "t", model: OTHER.name }));
  assert.equal(next.model?.name, OTHER.name, "known, so not asked for again");
  assert.equal(next.tokens.size, 0);
  assert.equal(modelNote(next), "");
  assert.equal(reduce(state, { type: "session.closed" }).model?.name, OTHER.name);
});

test("while the form is for another model's next session, a step keeps the settings in force", () => {
  const parameter = { name: "step", kind: "integer", minimum: 1, maximum: null, choices: [], default: 1, summary: "" };
  const model = { ...MODEL, samplers: [{ ...MODEL.samplers[0], parameters: [parameter] }, { ...MODEL.samplers[0], name: "p2", parameters: [parameter] }] };
  /** @type {import("app/core/tree.js").Settings} */
  const settings = { sampler: "p2", parameters: { step: 3 }, seed: "7", constraint: { kind: "regex", value: "[a-z]*" } };
  const own = after(ready, received(model), opened({ ...SESSION, settings }), received({ ...OTHER, samplers: [] }));
  assert.equal(formOfSteps(own), own.form);
  const other = [chosen(OTHER.name), { type: "form.changed", fields: { sampler: "autoregressive", seed: "x" } }].reduce(reduce, own);
  assert.equal(settingsToSend(other.model, formOfSteps(other), settings), null);
  assert.equal(hindrances(other).step, "");
  assert.match(hindrances(other).start, /^seed:/);
  assert.notEqual(settingsToSend(own.model, formOfSteps(own), settings), null);
});

test("a model that is out of memory keeps what was known of it, and its tokens their texts", () => {
  const cold = { ...MODEL, state: "unloaded", vocabularySize: 0, hasTokenizer: false, attention: CAUSAL, samplers: [] };
  const state = after(ready, received(MODEL), opened(), token, received(cold));
  assert.deepEqual(state.model, { ...MODEL, state: "unloaded" });
  assert.equal(state.tokens.get(5)?.text, "hi");
  assert.ok(waitsForModel(state));
  assert.match(hindrances(state).step, /Press its row under Model/);
  assert.equal(waitsForModel(reduce(state, received(MODEL))), false);
});

test("what the form may ask for follows the model of the next session", () => {
  const state = after(ready, received(MODEL), opened(), received(OTHER), { type: "form.changed", fields: { length: "100" } });
  assert.equal(hindrances(state).start, "");
  assert.equal(hindrances(reduce(state, chosen(OTHER.name))).start, "length: 1 to 32.");
  assert.equal(hindrances(reduce(state, chosen("gone"))).start, "No model yet.");
  const cold = reduce(state, received({ ...OTHER, state: "unloaded" }));
  assert.match(hindrances(reduce(cold, chosen(OTHER.name))).start, /tiny is not loaded/);
  assert.match(startModelProblem(reduce(reduce(state, received({ ...OTHER, state: "loading" })), chosen(OTHER.name))), /still loading/);
});

test("a session whose model is gone can be looked at, and says why no more", () => {
  const state = after(ready, received(MODEL), opened({ ...SESSION, model: "/srv/gone" }), received(goneModel(NO_MODELS, "/srv/gone")));
  assert.equal(state.model?.hasTokenizer, false);
  assert.equal(startModel(state)?.name, "embedded", "the next session is the default's");
  assert.equal(hindrances(state).start, "");
  const { models } = after(received(OTHER));
  assert.deepEqual(goneModel(models, OTHER.name), { ...OTHER, state: "unknown" }, "what was read of it is kept, so its tokens keep their texts");
  assert.match(hindrances(state).step, /gone, is not loaded. Load it under Model/);
});

test("models are listed with where they stand", () => {
  const list = [MODEL, { ...OTHER, state: "unloaded" }];
  const state = after(received(MODEL), opened(), { type: "models.changed", fields: { list, load: { name: OTHER.name, phase: "loading", done: 1, total: 4 } } });
  assert.deepEqual(modelRows(state), [
    { name: "embedded", label: "embedded", state: "ready", word: "ready", chosen: true, shown: true },
    { name: OTHER.name, label: "tiny", state: "loading", word: "loading", chosen: false, shown: false },
  ]);
  assert.deepEqual(["org/name", "/a/b/", "~/m", "C:\\x\\y", "/a/b/."].map(shortName), ["org/name", "b", "m", "y", "b"]);
});

test("what a model is, in words, its ids with their texts", () => {
  const facts = Object.fromEntries(factsOf({ ...MODEL, shifted: true, hasChatTemplate: false }, { 2: "<mask>" }));
  assert.deepEqual(facts, {
    Family: "llada", Parameters: "2.95M", Weights: "float32 on cpu", Context: "256 positions", Vocabulary: "768 ids",
    Reads: "every position sees every other, logits shifted by one", Cache: "none: every pass reads the whole text", Mask: "2 <mask>", "End of text": "1", "End of turn": "none",
    Tokenizer: "yes", "Chat template": "no: prompts are raw text",
  });
  assert.equal(Object.fromEntries(factsOf({ ...MODEL, attention: CAUSAL })).Reads, "left to right");
  assert.equal(Object.fromEntries(factsOf({ ...MODEL, endTokens: [1, 7, 8] }, { 8: "<|end|>" }))["Ends too"], "7, 8 <|end|>");
});

test("whether a cache is trusted is said, and which files and weights a model is of", () => {
  const facts = (more) => Object.fromEntries(factsOf({ ...MODEL, attention: CAUSAL, ...more }));
  assert.match(facts({}).Cache, /^trusted/);
  assert.equal(facts({ cacheNote: "runs without a cache: x" }).Cache, "runs without a cache: x");
  assert.equal(facts({ vocabularySize: 0 }).Cache, undefined, "nothing is known of one that is not in memory");
  const told = facts({ weights: "float32-0123456789abcdef", weightsNote: "model.safetensors is read", revision: "abc" });
  assert.equal(told.Weights, "float32 on cpu (0123456789abcdef)");
  assert.deepEqual([told.Files, told.Revision], ["model.safetensors is read", "abc"]);
});

test("files that changed, and a session of other weights, are said where the model is", () => {
  const weighed = { ...MODEL, weights: "float32-1" };
  const state = after(ready, received({ ...weighed, changed: true }), opened({ ...SESSION, weights: "float32-1" }));
  assert.match(modelNote(state), /^The files of embedded have changed since it was loaded\. Reload/);
  assert.equal(modelRows(reduce(state, { type: "models.changed", fields: { list: [state.model] } }))[0].word, "its files have changed");
  assert.equal(hindrances(state).step, "", "its sessions go on");
  const replaced = reduce(state, received({ ...weighed, weights: "float32-2" }));
  assert.match(modelNote(replaced), /^The session was made with other weights of embedded/);
  assert.match(hindrances(replaced).step, /other weights/);
  assert.equal(hindrances(replaced).start, "");
  assert.equal(hindrances(reduce(replaced, received(weighed))).step, "");
  assert.equal(hindrances(after(ready, received(weighed), opened())).step, "", "of an earlier version: not known");
});

test("a load says its phase, and a percent where there is one", () => {
  assert.deepEqual(progressOf({ name: "x", phase: "inspecting", done: 0, total: 0 }), { words: "Looking at the checkpoint", percent: null });
  assert.deepEqual(progressOf({ name: "x", phase: "loading", done: 29, total: 291 }), { words: "Putting weights into memory, 29 of 291 tensors", percent: 9 });
  assert.deepEqual(progressOf({ name: "x", phase: "downloading", done: 8e9, total: 16e9 }), { words: "Downloading, 8.0 GB of 16.0 GB", percent: 50 });
});

test("a wish to load is read, and a refusal goes to its field", () => {
  const wish = { name: " /srv/x ", dtype: "auto", mask: "5", eos: "", eot: "", pad: "", family: "" };
  assert.deepEqual(readWish(wish), { request: { name: "/srv/x", dtype: "", tokenIds: { mask: 5 }, family: "" }, problems: {} });
  assert.equal(readWish({ ...wish, family: "causal" }).request.family, "causal");
  assert.deepEqual(wishProblems({ message: "", fields: [{ field: "family", description: "must be given" }] }), { family: "must be given" });
  assert.deepEqual(readWish({ ...wish, name: "", dtype: "float16", eos: "-1" }).problems, { name: "Type a folder on the server or a hub id.", eos: "a whole number, 0 or more" });
  assert.deepEqual(wishProblems({ message: "there is no folder", fields: [] }), { name: "there is no folder" });
  const fields = [{ field: "token_ids.mask", description: "a" }, { field: "token_ids", description: "b" }, { field: "dtype", description: "c" }];
  assert.deepEqual(wishProblems({ message: "", fields }), { mask: "b", dtype: "c" });
});

// ---- loading, with a server that is the test ----

function stage(load, more = {}) {
  const store = new Store(reduce, after(ready, received(MODEL)), (notify) => notify());
  const notices = [];
  const troubles = { tell: (what, error) => notices.push(["error", what, error.message]), news: (what, why) => notices.push(["news", what, why]) };
  const connection = Object.assign(new EventTarget(), { isReady: true });
  const client = {
    listed: async () => ({ list: await client.listModels(), families: ["causal", "llada"] }),
    listModels: async () => [MODEL], getModel: async (name) => ({ ...MODEL, name }), detokenize: async (_, ids) => ids.map((id) => ({ id, text: `<${id}>` })), loadModel: load, ...more };
  const seen = [];
  store.addEventListener("change", () => seen.push(store.state.models.load));
  return { store, notices, seen, models: new Models(/** @type {any} */ ({ store, client, connection, troubles })) };
}

test("a load is shown on its way, and taken for the next session when it is there", async () => {
  const { store, seen, models } = stage(async function* (request) {
    assert.deepEqual(request, { name: OTHER.name, dtype: "float32", tokenIds: { mask: 9 }, family: "causal" });
    yield { phase: "loading", done: 1, total: 2, model: null };
    yield { phase: "ready", done: 0, total: 0, model: OTHER };
  });
  models.wish({ name: OTHER.name, dtype: "float32", mask: "9", family: "causal" });
  assert.equal(await models.loadWish(), true);
  assert.ok(seen.some((load) => load?.phase === "loading" && load.done === 1 && load.total === 2));
  assert.equal(store.state.models.load, null);
  assert.equal(startModel(store.state)?.name, OTHER.name);
  assert.deepEqual(store.state.models.marks[OTHER.name], { 9: "<9>", 1: "<1>" });
  assert.equal(store.state.models.said, "tiny is loaded.");
});

test("a load that is cancelled ends the call and changes nothing", async () => {
  let stopped = false;
  const { store, notices, models } = stage(async function* (_, { signal }) {
    yield { phase: "downloading", done: 1, total: 9, model: null };
    await new Promise((resolve) => signal.addEventListener("abort", resolve, { once: true }));
    stopped = true;
  });
  models.wish({ name: "org/large" });
  const loading = models.loadWish();
  while (store.state.models.load?.phase !== "downloading") await new Promise(setImmediate);
  models.cancel();
  assert.equal(await loading, false);
  assert.ok(stopped);
  assert.equal(store.state.models.load, null);
  assert.equal(startModel(store.state)?.name, "embedded");
  assert.equal(store.state.models.wish.name, "org/large", "what was typed stays");
  assert.deepEqual(notices, [], "it was wished for, and is no trouble");
  assert.match(store.state.models.said, /^Loading org\/large was cancelled/);
});

test("a model that is unloaded sleeps until it is asked for, though its session is in view", async () => {
  const calls = [];
  let state = "ready";
  const { store, models } = stage(async function* () {
    calls.push("load");
    state = "ready";
    yield { phase: "ready", done: 0, total: 0, model: { ...MODEL } };
  }, {
    unloadModel: async () => (calls.push("unload"), (state = "unloaded"), { ...MODEL, state, vocabularySize: 0 }),
    getModel: async () => ({ ...MODEL, state }),
    listModels: async () => [{ ...MODEL, state }],
  });
  store.dispatch(opened());
  assert.equal(await models.unload("embedded"), true);
  store.dispatch({ type: "form.changed", fields: { prompt: "x" } });
  await new Promise(setImmediate);
  assert.deepEqual(calls, ["unload"]);
  assert.equal(store.state.models.said, "embedded is not in the server's memory any more.");
  assert.match(hindrances(store.state).step, /is not loaded. Press its row/);
  assert.equal(await models.choose("embedded"), true);
  assert.equal(hindrances(store.state).step, "");
  assert.equal(await models.reload("embedded"), true);
  assert.deepEqual(calls, ["unload", "load", "unload", "load"], "files that are the same are read once more all the same");
});

test("files that changed are read in the place of the old ones, and a refused unload is told", async () => {
  const calls = [];
  const { notices, models } = stage(async function* () {
    calls.push("load");
    yield { phase: "ready", done: 0, total: 0, model: MODEL };
  }, {
    getModel: async () => ({ ...MODEL, changed: true }),
    unloadModel: async () => {
      throw new RpcError({ code: 10, message: "it is being loaded", method: "UnloadModel", reason: "MODEL_LOADING" });
    },
  });
  assert.equal(await models.reload("embedded"), true);
  assert.deepEqual(calls, ["load"]);
  assert.equal(await models.unload("embedded"), false);
  assert.deepEqual(notices, [["error", "Unloading embedded", "it is being loaded"]]);
});

test("a refused load is told, and stands at its field until that is changed", async () => {
  const { store, notices, models } = stage(async function* () {
    throw new RpcError({ code: 7, message: "this server loads only the models of its catalog: embedded", method: "LoadModel", reason: "MODEL_NOT_ALLOWED" });
  });
  models.wish({ name: "org/other", mask: "5" });
  assert.equal(await models.loadWish(), false);
  assert.deepEqual(notices, [["error", "Loading org/other", "this server loads only the models of its catalog: embedded"]]);
  assert.match(store.state.models.problems.name, /only the models of its catalog/);
  models.wish({ mask: "" });
  assert.ok(store.state.models.problems.name);
  models.wish({ name: "org/othe" });
  assert.deepEqual(store.state.models.problems, {});
  models.wish({ name: " " });
  await models.loadWish();
  assert.equal(notices.length, 1, "nothing was asked of the server");
});

test("a model of an earlier visit that is gone gives way to the default", async () => {
  const { store, notices } = stage(async function* () {});
  store.dispatch(chosen("/srv/gone"));
  const connection = Object.assign(new EventTarget(), { isReady: true });
  const client = { getModel: async () => { throw new RpcError({ code: 5, message: "there is no model", method: "GetModel" }); } };
  new Models(/** @type {any} */ ({ store, client, connection, troubles: { tell: assert.fail, news: (what) => notices.push(what) } }));
  connection.dispatchEvent(new Event("ready"));
  while (store.state.form.model) await new Promise(setImmediate);
  assert.equal(startModel(store.state)?.name, "embedded");
  assert.deepEqual(notices, ["The server has no model gone any more."]);
});
