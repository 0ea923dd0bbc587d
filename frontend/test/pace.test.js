import { test } from "node:test";
import assert from "node:assert/strict";
import { paceOf } from "app/core/pace.js";
import { GIVEN, OPEN } from "app/core/canvas.js";
import { frameOf, grow, plant } from "app/core/tree.js";

const start = () => plant({ id: "s", model: "m", promptLength: 1, settings: null, tokens: [7, 0, 0, 0], states: [GIVEN, OPEN, OPEN, OPEN] });
const wrote = (...positions) => positions.map((position) => ({ position, token: 20, probability: 0.5, given: false }));
const step = (revision, parent, changes, wall, more = {}) => frameOf({ revision, parent, cause: "step", changes, summary: /** @type {any} */ ({ forwardCount: 1, totalWallSeconds: wall }), ...more });
const grown = (...frames) => frames.reduce(grow, start());

test("the pace is of the service's own times, a step's parts together", () => {
  const tree = grown(step(1, 0, wrote(1, 2), 0.3, { substep: "prediction" }), step(2, 1, [{ position: 2, token: null, probability: null, given: false }], 0.5, { substep: "remasking" }), step(3, 2, wrote(2, 3), 1));
  assert.deepEqual(paceOf(tree, 3), { tokensAPass: 1, tokensASecond: 3, secondsAStep: 0.5, steps: 2 });
  assert.equal(paceOf(tree, 2)?.tokensASecond, 2, "what was opened again is not counted");
  assert.equal(paceOf(tree, 0), null);
});

test("what a hand did has no part in it", () => {
  const tree = grown(step(1, 0, wrote(1), 0.5), frameOf({ revision: 2, parent: 1, cause: "select", changes: wrote(2) }), step(3, 2, wrote(3), 1));
  assert.deepEqual(paceOf(tree, 3), { tokensAPass: 1, tokensASecond: 2, secondsAStep: 0.5, steps: 2 });
  assert.equal(paceOf(grown(frameOf({ revision: 1, parent: 0, cause: "select", changes: wrote(2) })), 1), null);
});

test("it is of the branch, and stays as it was after going back", () => {
  const tree = grown(step(1, 0, wrote(1), 0.5), step(2, 1, wrote(2, 3), 0.6), frameOf({ revision: 3, parent: 1, cause: "rewind" }), step(4, 3, wrote(2), 1.5));
  assert.deepEqual(paceOf(tree, 3), paceOf(tree, 1));
  assert.deepEqual(paceOf(tree, 4), { tokensAPass: 1, tokensASecond: 2 / 1.5, secondsAStep: 0.75, steps: 2 });
});

test("with turns it is of the last one", () => {
  const turn = frameOf({ revision: 2, parent: 1, cause: "edit", splices: [{ position: 4, removed: 0, inserted: 2 }], promptLength: 4 });
  const tree = grown(step(1, 0, wrote(1, 2, 3), 3), turn, step(3, 2, wrote(4), 3.5));
  assert.deepEqual(paceOf(tree, 3), { tokensAPass: 1, tokensASecond: 2, secondsAStep: 0.5, steps: 1 });
  assert.equal(paceOf(tree, 2), null);
});

test("a step that was not timed has no pace, but its passes count", () => {
  assert.deepEqual(paceOf(grown(step(1, 0, wrote(1), null)), 1), { tokensAPass: 1, tokensASecond: null, secondsAStep: null, steps: 1 });
});

test("a step that found its pass done counts as any other, but is not timed", () => {
  const used = (revision, parent, changes, wall) => step(revision, parent, changes, wall, { summary: /** @type {any} */ ({ forwardCount: 1, reusedForwardCount: 1, totalWallSeconds: wall }) });
  assert.deepEqual(paceOf(grown(used(1, 0, wrote(1), 0.001)), 1), { tokensAPass: 1, tokensASecond: null, secondsAStep: null, steps: 0 });
  const tree = grown(step(1, 0, wrote(1), 0.5), used(2, 1, wrote(2, 3), 0.501), step(3, 2, [], 1.001));
  const pace = paceOf(tree, 3);
  assert.deepEqual([pace?.tokensAPass, pace?.steps], [1, 2], "what the run takes, whoever looked into it");
  assert.ok(Math.abs((pace?.tokensASecond ?? 0) - 1) < 1e-9);
});

test("a step of an earlier version that counted no pass of its own is in no number", () => {
  const used = (revision, parent, changes, wall) => step(revision, parent, changes, wall, { summary: /** @type {any} */ ({ forwardCount: 0, totalWallSeconds: wall }) });
  assert.equal(paceOf(grown(used(1, 0, wrote(1), 0.001)), 1), null);
});

test("words that were given are not counted", () => {
  const given = plant({ id: "s", model: "m", promptLength: 1, settings: null, tokens: [7, 8, 0, 0], states: [GIVEN, GIVEN, OPEN, OPEN] });
  assert.equal(paceOf(grow(given, step(1, 0, wrote(2, 3), 1)), 1)?.tokensAPass, 2);
});
