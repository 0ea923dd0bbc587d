import { test } from "node:test";
import assert from "node:assert/strict";
import { GIVEN, OPEN } from "app/core/canvas.js";
import { asPython, callsTo } from "app/core/copy-as.js";
import { inTokens } from "app/core/pacing.js";
import { presetIn, presetsOf, following } from "app/core/presets.js";
import { hindrances, statistics } from "app/core/selectors.js";
import { problemsOf, readParameter, sameValue, wordsOf } from "app/core/settings.js";
import { EMPTY_FORM, initialState } from "app/core/state.js";
import { couldGoOn, stopInWords } from "app/core/stopping.js";
import { shownAs, textsIn, typedOf } from "app/core/texts.js";
import { deedsOf, frameOf, grow, plant } from "app/core/tree.js";

const parameter = (/** @type {string} */ name, /** @type {any} */ kind, /** @type {unknown} */ fallback) => ({ name, kind, minimum: null, maximum: null, choices: [], default: fallback, summary: "" });
/** @type {any} */
const MODEL = {
  name: "m", state: "ready", attention: { name: "causal", summary: "left to right", appendOnly: true, blockSize: 0, blocksFromStart: false, settles: true }, hasTokenizer: true, contextLength: 32, maskToken: null, vocabularySize: 50,
  samplers: [{
    name: "autoregressive", summary: "", source: "", revises: false,
    parameters: [parameter("max_tokens", "integer", null), parameter("stop", "texts", []), parameter("temperature", "number", 0), parameter("top_p", "number", 1), parameter("repetition_penalty", "number", 1), parameter("presence_penalty", "number", 0), parameter("frequency_penalty", "number", 0)],
  }],
};
const SETTINGS = { sampler: "autoregressive", parameters: { max_tokens: 2, stop: [], temperature: 0, top_p: 1, repetition_penalty: 1, presence_penalty: 0, frequency_penalty: 0 }, seed: "1", constraint: null };
const SESSION = { id: "s", model: "m", promptLength: 1, tokens: [7, 0], states: [GIVEN, OPEN], settings: SETTINGS };
const summary = (/** @type {any} */ stopReason) => ({ openCount: 0, forwardCount: 1, totalForwardCount: 1, meanProbability: 0.5, minProbability: 0.5, meanEntropy: 1, seconds: 0.1, totalWallSeconds: 0.1, pending: false, tokensBeforeEnd: null, approximations: [], stopReason, constraint: null });
const step = (/** @type {number} */ revision, /** @type {number} */ token, /** @type {any} */ stop = null) => frameOf({
  revision, parent: revision - 1, cause: "step", changes: [{ position: revision, token, probability: 0.5, given: false }],
  splices: stop ? [] : [{ position: revision + 1, removed: 0, inserted: 1 }], summary: { ...summary(stop), openCount: stop ? 0 : 1, pending: !stop },
});
const WRITTEN = [step(1, 20), step(2, 21, "length")].reduce(grow, plant(SESSION));
/** @returns {any} */
const shown = (/** @type {any} */ tree) => ({ ...initialState(), tree, model: MODEL, connection: { state: "ready", retryAt: null, why: "" } });

test("a step commits at the end; the position after it is no news, and opened by hand alone it is", () => {
  assert.deepEqual([...deedsOf(WRITTEN, 1)], [[1, "committed"]]);
  const opened = grow(WRITTEN, frameOf({ revision: 3, parent: 2, cause: "edit", splices: [{ position: 3, removed: 0, inserted: 1 }] }));
  assert.deepEqual([...deedsOf(opened, 3)], [[3, "inserted"]]);
});

test("why a text stopped is told, also after going back to it, and only one told to stop goes on", () => {
  assert.equal(stopInWords(shown(WRITTEN)), "Stopped: as many tokens as asked for");
  assert.equal(hindrances(shown(WRITTEN)).goOn, "");
  const back = grow(grow(WRITTEN, frameOf({ revision: 3, parent: 1, cause: "rewind" })), frameOf({ revision: 4, parent: 2, cause: "rewind" }));
  assert.equal(stopInWords(shown(back)), "Stopped: as many tokens as asked for");
  assert.equal(statistics(shown(back))?.stop, "Stopped: as many tokens as asked for");
  assert.equal(stopInWords({ ...shown(back), shown: 3 }), "");
  const ended = grow(plant(SESSION), step(1, 20, "end"));
  assert.equal(couldGoOn(shown(ended)), false);
  assert.match(hindrances(shown(ended)).goOn, /not been told to stop/);
  assert.match(hindrances({ ...shown(WRITTEN), view: { ...initialState().view, asks: false } }).goOn, /model is off/);
});

test("what makes no sense from left to right says why", () => {
  const form = { ...EMPTY_FORM, prompt: "a [[mask:2]] b", words: "0:x" };
  assert.match(problemsOf(MODEL, form).prompt, /fills no holes/);
  assert.equal(wordsOf(MODEL, form), "", "what was typed for another model is not sent");
  assert.match(hindrances(shown(WRITTEN)).mask, /left to right/);
});

test("presets are those of its own sampler, and custom as soon as one number is another", () => {
  assert.deepEqual(presetsOf(MODEL).map(({ name }) => name), ["Greedy", "Reliable", "Balanced", "Creative"]);
  assert.equal(presetIn(MODEL, EMPTY_FORM)?.name, "Greedy");
  const creative = { ...EMPTY_FORM, ...following(MODEL, EMPTY_FORM, presetsOf(MODEL)[3]) };
  assert.equal(presetIn(MODEL, creative)?.name, "Creative");
  assert.equal(presetIn(MODEL, { ...creative, typed: { autoregressive: { ...creative.typed.autoregressive, top_p: "0.9" } } }), null);
  assert.equal(presetIn(MODEL, { ...EMPTY_FORM, typed: { autoregressive: { stop: "." } } }), null);
});

test("texts are a line each, with a backslash for what a line cannot hold", () => {
  const texts = ["\n\n", " end", "a\\n", "\t"];
  assert.deepEqual(textsIn(typedOf(texts)), texts);
  assert.deepEqual(textsIn("\n.\n\n"), ["."]);
  assert.equal(shownAs("\n a"), "⏎␣a");
  assert.deepEqual(readParameter(MODEL.samplers[0].parameters[1], ".\n\\n"), { value: [".", "\n"] });
  assert.deepEqual(readParameter(MODEL.samplers[0].parameters[1], "\n"), {}, "no text is the default");
  assert.ok(sameValue(["a"], ["a"]) && !sameValue(["a"], ["b"]) && !sameValue([], undefined));
});

test("two runs are laid side by side by the tokens written", () => {
  const { total, stepAt } = inTokens(WRITTEN, [0, 1, 2]);
  assert.deepEqual([total, stepAt(0), stepAt(1), stepAt(2), stepAt(9)], [2, 0, 1, 2, 2]);
});

test("what was done is copied as a length, edits at the end and a turn's own length", () => {
  const opened = grow(WRITTEN, frameOf({ revision: 3, parent: 2, cause: "edit", splices: [{ position: 3, removed: 0, inserted: 1 }] }));
  const forced = grow(opened, frameOf({ revision: 4, parent: 3, cause: "edit", splices: [{ position: 4, removed: 0, inserted: 2 }], changes: [{ position: 3, token: 30, probability: null, given: false }, { position: 4, token: 31, probability: null, given: false }] }));
  const cut = grow(forced, frameOf({ revision: 5, parent: 4, cause: "edit", splices: [{ position: 3, removed: 3, inserted: 0 }], changes: [{ position: 2, token: null, probability: null, given: false }] }));
  const calls = callsTo(cut, 5, { asked: null, model: MODEL, isSpecial: () => false });
  assert.deepEqual(calls.map(({ method, request }) => [method, request.length ?? request.count ?? request.edits]), [
    ["CreateSession", 2],
    ["Step", 2],
    ["Edit", [{ insert: { position: 3, count: 1 } }]],
    ["Edit", [{ replace: { position: 3, count: 1, tokens: { ids: [30, 31] } } }]],
    ["Edit", [{ mask: { positions: [2] } }]],
  ]);
  assert.ok(calls.every(({ note }) => note === ""));
  assert.equal(calls[0].request.settings.parameters, undefined, "the length says how many");
  assert.match(asPython(calls), /client\.create\(\[7\], model="m", length=2, sampler="autoregressive", seed=1\)/);
});
