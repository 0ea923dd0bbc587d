import { test } from "node:test";
import assert from "node:assert/strict";
import { choiceOf, heatOfAnswer, METHOD_CHOICE, METHODS, questionAt, questionKey, questionOf, signed, spread, whyNotAsk, whyNotLive } from "app/core/attribution.js";
import { GIVEN, OPEN } from "app/core/canvas.js";
import { lensInUse, readingOf } from "app/core/lenses.js";
import { looksOf } from "app/core/looks.js";
import { cellsOf, labelOf } from "app/core/selectors.js";
import { initialState, reduce } from "app/core/state.js";
import { frameOf } from "app/core/tree.js";

/** Two given positions, three open ones; the fourth is committed first, then the third. */
const SESSION = { id: "s", model: "m", promptLength: 2, settings: null, tokens: [7, 8, 0, 0, 0], states: [GIVEN, GIVEN, OPEN, OPEN, OPEN] };
const commit = (revision, position, token) => frameOf({ revision, parent: revision - 1, cause: "step", changes: [{ position, token, probability: 0.5, given: false }] });
const after = (state, ...events) => events.reduce(reduce, state);
const frames = (...all) => all.map((frame) => ({ type: "frame.received", session: "s", frame }));
const opened = (...more) => after(initialState({ view: { why: { ...METHOD_CHOICE, open: true } } }), { type: "session.opened", session: SESSION }, ...frames(commit(1, 3, 40), commit(2, 2, 30)), ...more);
const look = (position) => ({ type: "position.looked", position });
const ready = { type: "connection.changed", connection: { state: "ready" } };
const answered = (state, scores, more = {}) => {
  const question = questionOf(state);
  const answer = { revision: question.revision, position: question.position, token: question.token, contrast: null, method: question.method, scores, target: -1, baseline: null, gap: null, device: "cpu", fallback: "", notes: [], cached: false, seconds: 0.2, ...more };
  return after(state, { type: "why.answered", key: questionKey(question), answer }, { type: "why.shown", on: true });
};
const one = (position, score, count = 1) => ({ position, count, score });

test("a committed token is asked about on the canvas just before it was committed, by its own id", () => {
  const state = opened(look(2));
  const { revision, position, token, contrast, method } = questionOf(state);
  assert.deepEqual({ revision, position, token, contrast, method }, { revision: 1, position: 2, token: 30, contrast: null, method: "ablation" });
  assert.equal(questionAt(state, 3).revision, 0);
  assert.equal(questionAt(state, 4).revision, 2);
  assert.equal(questionAt(state, 4).token, null, "the likeliest, as nothing was weighed");
  assert.equal(questionAt(state, 0), null, "what was given was not chosen");
  assert.equal(questionOf(after(state, { type: "view.changed", view: { why: { open: false } } })), null);
});

test("a pair of tokens is of the position that it was chosen at", () => {
  const state = opened(look(2), { type: "why.paired", pair: { key: "1:2", token: 31, contrast: 30 } });
  assert.deepEqual([questionOf(state).token, questionOf(state).contrast], [31, 30]);
  const other = after(state, look(3));
  assert.deepEqual([questionOf(other).token, questionOf(other).contrast], [40, null]);
  const attention = after(state, { type: "view.changed", view: { why: { open: true, method: "attention" } } });
  assert.equal(questionOf(attention).contrast, null, "attention is the same whatever the token");
});

test("an answer colours the canvas with signs, and leaving it gives the lens before back", () => {
  const before = opened(look(2), { type: "view.changed", view: { lens: "order" } });
  const state = answered(before, [one(0, 0.5), one(1, -1), one(3, 0.001)]);
  assert.equal(lensInUse(state), "why");
  const cells = cellsOf(state);
  assert.deepEqual(cells.map(({ share, side }) => [share, side]), [[10, "for"], [20, "against"], [0, ""], [0, "for"], [0, ""]]);
  assert.deepEqual(cells.map(({ explained }) => explained), [false, false, true, false, false]);
  assert.match(labelOf(cells[1]), /spoke against it, −1\.00/);
  assert.deepEqual([looksOf(cells[1])["data-side"], looksOf(cells[3])["data-side"]], ["against", null], "what cannot be seen has no sign");
  assert.deepEqual(heatOfAnswer(state).sources.map(({ position }) => position), [1, 0, 3]);
  assert.deepEqual([readingOf(state).low, readingOf(state).high], ["−1.00", "+1.00"]);
  assert.equal(lensInUse(after(state, { type: "why.shown", on: false })), "order");
  assert.equal(lensInUse(after(state, look(3))), "order", "of another position nothing is known yet");
});

test("an answer lies over later canvases where its positions went", () => {
  const inserted = frameOf({ revision: 3, parent: 2, cause: "edit", splices: [{ position: 1, removed: 0, inserted: 1 }] });
  const state = answered(opened(...frames(inserted), look(3)), [one(0, 1), one(1, 2), one(3, -4)]);
  const { values, explained, sources } = heatOfAnswer(state);
  assert.deepEqual([...values].map((value) => (Number.isNaN(value) ? null : value)), [1, null, 2, null, -4, null]);
  assert.equal(explained, 3);
  assert.deepEqual(sources.map(({ position }) => position), [4, 2, 0]);
});

test("where spans overlap, a position has their mean", () => {
  const { values, top } = spread(/** @type {any} */ ({ scores: [one(0, 1, 2), one(1, -3, 2)] }), 4);
  assert.deepEqual([...values].map((value) => (Number.isNaN(value) ? null : value)), [1, -1, -3, null]);
  assert.equal(top, 3);
});

test("a number so small that it would be nothing keeps a digit", () => {
  assert.deepEqual([0.5, -0.123, 0.00004, -0.004, 0].map(signed), ["+0.50", "−0.12", "+0.00004", "−0.004", "+0.00"]);
});

test("as I look is offered for one pass, and for more once they were seen to be quick", () => {
  const state = opened(look(2), ready);
  assert.match(whyNotLive(state), /many passes/);
  assert.equal(whyNotLive(answered(state, [one(0, 1)])), "");
  assert.match(whyNotLive(answered(state, [one(0, 1)], { seconds: 3 })), /3\.0 s/);
  assert.match(whyNotLive(answered(state, [one(0, 1)], { seconds: 0.1, cached: true })), /many passes/, "what was not computed says nothing of it");
  assert.equal(whyNotLive(after(state, { type: "view.changed", view: { why: { open: true, method: "saliency" } } })), "");
});

test("nothing is asked with the model off or in a recording, and it says why", () => {
  assert.match(whyNotAsk(opened(ready, { type: "view.changed", view: { asks: false } })), /model is off/);
  assert.match(whyNotAsk(opened({ type: "connection.changed", connection: { state: "recorded" } })), /needs a model/);
  assert.equal(whyNotAsk(opened(ready)), "");
});

test("what an earlier visit left behind is mended", () => {
  assert.deepEqual(choiceOf(/** @type {any} */ ({ why: { method: "gone", window: 900 } })), { open: false, method: "ablation", window: 4, live: false });
  assert.ok(METHODS.every(({ about }) => about));
});
