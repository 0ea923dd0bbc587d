import { test } from "node:test";
import assert from "node:assert/strict";
import { squaresIn, towards } from "app/core/grid.js";
import { modeAfter, MODES } from "app/core/modes.js";
import { callsFor, emptyList, listed, rowOf, windowOf } from "app/core/rows.js";
import { initialState, reduce, weighingKey } from "app/core/state.js";
import { GIVEN, OPEN } from "app/core/canvas.js";
import { frameOf } from "app/core/tree.js";

const SESSION = (length) => ({ id: "s", model: "m", promptLength: 1, settings: null, tokens: Array(length).fill(7), states: [GIVEN, ...Array(length - 1).fill(OPEN)] });
const step = (revision, ...positions) => ({
  type: "frame.received", session: "s",
  frame: frameOf({ revision, parent: revision - 1, cause: "step", changes: positions.map((position) => ({ position, token: 20, probability: 0.5, given: false })) }),
});
const after = (length, ...events) => [{ type: "session.opened", session: SESSION(length) }, ...events].reduce(reduce, initialState());
const listing = (rows) => ({ type: "view.changed", view: { rows } });
const weighing = (position) => ({ position, candidates: [], otherPBase: 0, otherPFinal: 0, keptCount: 1, entropy: 0, margin: 0, recomputed: false });

test("rows list what is open, all, or what the revision changed", () => {
  const state = after(5, step(1, 2), step(2, 4, 3));
  assert.deepEqual(listed(state), [1]);
  assert.deepEqual(listed(reduce(state, listing("all"))), [0, 1, 2, 3, 4]);
  assert.deepEqual(listed(reduce(state, listing("changed"))), [3, 4]);
  assert.match(emptyList(reduce(after(2, step(1, 1)), listing("open"))), /complete/);
});

test("only rows in view and a few around them are drawn", () => {
  assert.deepEqual(windowOf({ top: 0, height: 100, row: 10, count: 1000 }), { from: 0, to: 14 });
  assert.deepEqual(windowOf({ top: 5000, height: 100, row: 10, count: 1000 }), { from: 496, to: 514 });
  assert.deepEqual(windowOf({ top: 9900, height: 100, row: 10, count: 1000 }), { from: 986, to: 1000 });
  assert.deepEqual(windowOf({ top: 9900, height: 100, row: 10, count: 3 }), { from: 0, to: 3 }, "scrolled further than a list that became short");
});

test("rows in view are asked about at the revision at which each was last open", () => {
  const state = after(6, step(1, 2), step(2, 4, 3));
  assert.deepEqual(callsFor(state, [0, 1, 2, 3, 4, 5]), [
    { revision: 2, positions: [1, 5] },
    { revision: 0, positions: [2] },
    { revision: 1, positions: [3, 4] },
  ]);
  const told = reduce(state, { type: "weighings.received", session: "s", weighings: [[weighingKey(1, 3), "asked"], [weighingKey(1, 4), weighing(4)]] });
  assert.deepEqual(callsFor(told, [3, 4]), [], "what is known, or on its way, is not asked for again");
  assert.deepEqual(callsFor(reduce(state, { type: "activity.started", activity: "run" }), [1]), [], "while steps are made, nothing is");
  assert.deepEqual(callsFor(state, [99]), []);
});

test("no call asks for more positions than the server takes", () => {
  const calls = callsFor(after(200), Array.from({ length: 200 }, (_, i) => i));
  assert.deepEqual(calls.map(({ positions }) => positions.length), [64, 64, 64, 7]);
});

test("weighings of another session are not taken, and of very many the oldest go", () => {
  const state = after(3);
  assert.equal(reduce(state, { type: "weighings.received", session: "other", weighings: [["0:1", weighing(1)]] }), state);
  const many = Array.from({ length: 5000 }, (_, i) => [`0:${i}`, weighing(i)]);
  const { weighings } = reduce(state, { type: "weighings.received", session: "s", weighings: many });
  assert.equal(weighings.size, 4096);
  assert.ok(weighings.has("0:4999") && !weighings.has("0:0"));
});

test("a row says what failed, and what is known", () => {
  const state = reduce(after(3), { type: "weighings.received", session: "s", weighings: [["0:1", { failed: "no" }], ["0:2", weighing(2)]] });
  assert.equal(rowOf(state, 1).failed, "no");
  assert.equal(rowOf(state, 1).weighing, null);
  assert.equal(rowOf(state, 2).weighing?.position, 2);
  assert.equal(rowOf(state, 0).target, null, "nobody weighed what was given");
});

test("squares are as large as lets all be seen, and no smaller than can be hit", () => {
  const { size, columns } = squaresIn({ count: 1024, width: 640, height: 520 });
  assert.ok(Math.ceil(1024 / columns) * size <= 520 && columns * size <= 640);
  assert.equal(squaresIn({ count: 1024, width: 640, height: 520, least: 24 }).size, 24);
  assert.equal(squaresIn({ count: 8, width: 640, height: 520 }).size, 32);
  assert.equal(squaresIn({ count: 3, width: 640, height: 520 }).columns, 3);
});

test("keys go across and down the grid and stop at its ends", () => {
  const place = { position: 13, columns: 10, count: 25, whole: false };
  const go = (key, more = {}) => towards(key, { ...place, ...more });
  assert.deepEqual(["ArrowRight", "ArrowLeft", "ArrowDown", "ArrowUp", "Home", "End"].map((key) => go(key)), [14, 12, 23, 3, 10, 19]);
  assert.equal(go("ArrowDown", { position: 18 }), 18, "there is nothing below");
  assert.equal(go("End", { position: 21 }), 24);
  assert.deepEqual([go("Home", { whole: true }), go("End", { whole: true })], [0, 24]);
  assert.equal(go("x"), null);
});

test("the key goes round the ways to draw the canvas", () => {
  const round = MODES.map(({ value }) => modeAfter(value));
  assert.deepEqual(round, ["rows", "grid", "reading"]);
  assert.equal(modeAfter(/** @type {any} */ ("unknown")), "reading");
});
