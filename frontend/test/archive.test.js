// The archive of a session: what is written is read back, and what is no archive is refused with a reason.
import { test } from "node:test";
import assert from "node:assert/strict";
import { COMMITTED, GIVEN, OPEN } from "app/core/canvas.js";
import { archiveOf, readArchive, VERSION } from "app/core/archive.js";
import { packed, packedFloats, shortFloat, unpacked } from "app/core/packed.js";
import { based, frameOf, grow, plant, remember, trimmed } from "app/core/tree.js";
import { initialState, reduce } from "app/core/state.js";
import { hindrances } from "app/core/selectors.js";

const SETTINGS = { sampler: "llada", parameters: { temperature: 0 }, seed: "18446744073709551615" };
const SESSION = {
  id: "s", model: "m", promptLength: 2, settings: SETTINGS, byHand: [1], protected: [0], time: 17,
  tokens: [7, 70_000, 0, 0, 0], states: [GIVEN, GIVEN, OPEN, OPEN, OPEN],
};
const MODEL = /** @type {any} */ ({ name: "m", hasTokenizer: true, maskToken: 1, samplers: [{ name: "llada", parameters: [] }, { name: "unused", parameters: [] }] });
const summary = { openCount: 2, forwardCount: 1, totalForwardCount: 1, meanProbability: 0.98123, minProbability: 0.9, meanEntropy: 0.3, seconds: 0.01, totalWallSeconds: null, pending: false, tokensBeforeEnd: null, stopReason: null, constraint: null, approximations: ["prefix cache"] };
const draft = (predictedAt, positions, tokens) => ({ predictedAt, positions, tokens, probabilities: Uint8Array.from(positions, (p) => 250 - p), entropies: Uint8Array.from(positions, (p) => p) });
const change = (position, token, probability = null, given = false) => ({ position, token, probability, given });
const candidate = (token, pBase) => ({ token, pBase: Math.fround(pBase), pFinal: Math.fround(pBase / 2), kept: pBase > 0.2, logit: -2.5, invalid: pBase < 0.2 });
const weighing = (position, ...candidates) => ({ position, candidates, otherPBase: Math.fround(0.01), otherPFinal: 0, keptCount: 300, entropy: Math.fround(1.1), margin: 0.5, validCount: position === 2 ? 0 : null, recomputed: true });
/** @type {Map<number, import("app/core/tokens.js").Token>} */
const tokens = new Map([7, 20, 30, 40, 70_000].map((id) => [id, { id, text: `</script>${id}`, special: id === 7 }]));
tokens.set(30, { id: 30, text: "\ufffd", special: false, bytes: Uint8Array.of(0xc3) });
tokens.set(40, { id: 40, text: " word ", special: false, lead: 1, trail: 1 });

/** A run with a branch, an edit that moves positions, other settings and a prediction that was asked for. */
function told() {
  let tree = [
    frameOf({ revision: 1, parent: 0, cause: "step", changes: [change(2, 20, Math.fround(0.7))], summary, draft: draft(0, [2, 3, 4], [20, 30, 40]), time: 18.5 }),
    frameOf({ revision: 2, parent: 1, cause: "step", substep: "remasking", changes: [change(3, 30, 1), change(2, null)], settings: { ...SETTINGS, seed: "8" } }),
    frameOf({ revision: 3, parent: 1, cause: "edit", splices: [{ position: 3, removed: 1, inserted: 2 }], changes: [change(3, 40, null, true)], protected: [2], unprotected: [0], readOnly: true, promptLength: 2 }),
  ].reduce(grow, plant(SESSION));
  tree = remember(tree, { revision: 3, draft: draft(3, [4, 5], [30, 70_000]), cached: true, asked: true, seconds: 0.2, meanEntropy: 0.4 });
  return { ...tree, names: new Map([["the other end", 3]]) };
}
const stateOf = (tree) => ({ ...initialState(), tree, model: MODEL, tokens, chat: true, asked: { id: "s", prompt: "Hi", chat: true, words: [] } });
const weighings = new Map([["0:2", weighing(2, candidate(20, 0.7), candidate(30, 0.1))], ["3:5", weighing(5, candidate(40, 0.3))]]);
const textOf = (/** @type {any} */ tree = told(), weighed = weighings) => JSON.stringify(archiveOf(stateOf(tree), weighed));
const plain = (value) => JSON.parse(JSON.stringify(value, (_, held) => (ArrayBuffer.isView(held) ? { of: Array.from(/** @type {any} */ (held), (n) => (Number.isNaN(n) ? "NaN" : n)) } : held instanceof Map ? [...held] : Array.isArray(held) ? Object.values(held) : held)));
/** Drafts come as lists or as columns; both say the same. */
const leveled = (tree) => plain({
  ...tree,
  revisions: tree.revisions.filter(Boolean).map(({ draft: held, ...rest }) => ({ ...rest, draft: held && [...held.positions, ...held.tokens, ...held.probabilities, ...held.entropies, held.predictedAt] })),
  predictions: [...tree.predictions].map(([at, { draft: held, ...rest }]) => [at, rest, [...held.positions], [...held.tokens], [...held.probabilities], [...held.entropies]]),
});

test("numbers are packed as narrow as they fit, and unpacked the same", () => {
  for (const [kind, values] of [["1", []], ["1", [0, 255]], ["2", [1, 256, 65_535]], ["4", [0, 65_536, 4_294_967_295]]]) {
    assert.equal(packed(/** @type {any} */ (values))[0], kind);
    assert.deepEqual(Array.from(unpacked(packed(/** @type {any} */ (values)))), values);
  }
  assert.deepEqual(Array.from(unpacked(packedFloats([0.5, -3.25]))), [0.5, -3.25]);
  for (const float of [0.1, 1 / 3, 0.999999, 1e-30].map(Math.fround)) assert.equal(Math.fround(/** @type {number} */ (shortFloat(float))), float);
  for (const wrong of [undefined, "", "3AAAA", "1?", "4AAA="]) assert.throws(() => unpacked(wrong));
});

test("what is written is read back: revisions, drafts, names, tokens, candidates", () => {
  const read = readArchive(textOf());
  assert.deepEqual(leveled(read.tree), leveled(told()));
  assert.deepEqual(read.weighings, weighings);
  assert.deepEqual(read.tokens, tokens);
  assert.deepEqual(read.asked, { id: "s", prompt: "Hi", chat: true, words: [] });
  assert.equal(read.chat, true);
  assert.equal(read.tree.revisions[1].settings, read.tree.revisions[0].settings);
  assert.deepEqual(read.model.samplers.map(({ name }) => name), ["llada"]);
});

test("a session that lost its oldest revisions is read back as it is held", () => {
  const late = plant({ ...SESSION, revision: 4, tokens: [7, 20, 30, 0, 0] });
  let tree = based(late, { ...SESSION, revision: 2 });
  tree = grow(tree, frameOf({ revision: 5, parent: 2, cause: "step", changes: [change(2, 40, 0.5)] }));
  assert.deepEqual(leveled(readArchive(textOf(tree, new Map())).tree), leveled(tree));
  assert.deepEqual(leveled(readArchive(textOf(trimmed(told(), 2))).tree), leveled(trimmed(told(), 2)));
});

test("what is foreign, newer or damaged is refused with the reason", () => {
  const refused = (change, why) => {
    const value = JSON.parse(textOf());
    change(value);
    assert.throws(() => readArchive(JSON.stringify(value)), { message: why });
  };
  assert.throws(() => readArchive(textOf().slice(0, -9)), { message: "The recording is cut off, or is none." });
  for (const foreign of ["null", "[]", "7", '{"format":"unmask-recording"}']) assert.throws(() => readArchive(foreign), { message: "This is no recording of this page." });
  refused((value) => (value.version = VERSION + 1), /of version 2; this page reads up to version 1/);
  refused((value) => delete value.version, /damaged: it has no version/);
  refused((value) => delete value.model.name, /damaged: the model is not described/);
  refused((value) => (value.roots = []), /damaged: it has no beginning/);
  refused((value) => (value.roots[0].states = packed([1])), /the columns of revision 0 differ in length/);
  refused((value) => value.frames.shift(), /revision 2 is out of its turn/);
  refused((value) => (value.frames[1].parent = 7), /revision 2 names parent 7, which is not there/);
  refused((value) => (value.frames[0].changes[0][0] = 99), /revision 1 changes a position that is not there/);
  refused((value) => (value.frames[0].draft.tokens = packed([1])), /the columns of the draft of revision 0 differ/);
  refused((value) => (value.frames[0].draft.tokens = "1*"), /damaged: /);
  refused((value) => value.tokens.texts.pop(), /the columns of the tokens differ/);
  refused((value) => (value.weighings.counts = packed([2, 2])), /candidates are missing/);
  refused((value) => (value.weighings.revisions = packed([0, 9])), /candidates are of position 5 at revision 9/);
  refused((value) => value.names.push(["gone", 12]), /a name is given to revision 12/);
  refused((value) => (value.tokens.bytes = [[9, "1ww=="]]), /bytes are of a token/);
  for (const edge of [[9, 1, 0], [0, -1, 0], [0, 1]]) refused((value) => (value.tokens.edges = [edge]), /an edge is of a token/);
  refused((value) => (value.tokens.edges = 3), /edges of the tokens/);
  refused((value) => delete value.session.first, /the session is not described/);
});

test("a recording can be looked at and not changed", () => {
  const state = reduce(initialState(), { type: "recording.opened", recording: readArchive(textOf()) });
  assert.equal(state.connection.state, "recorded");
  assert.equal(state.tree?.revisions.length, 4);
  assert.equal(state.weighings.size, 2);
  const { clear: _, ...changing } = hindrances(state);
  for (const [control, why] of Object.entries(changing)) assert.equal(why, "This is a recording: nothing can be changed here.", control);
});
