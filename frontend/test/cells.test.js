import { test } from "node:test";
import assert from "node:assert/strict";
import { blockFrom, blockOf, blocksAt } from "app/core/blocks.js";
import { COMMITTED, GIVEN, OPEN } from "app/core/canvas.js";
import { looksOf } from "app/core/looks.js";
import { cellsOf, labelOf, signsOf } from "app/core/selectors.js";
import { initialState, reduce } from "app/core/state.js";
import { frameOf } from "app/core/tree.js";

const [G, O, C] = [GIVEN, OPEN, COMMITTED];
/** A prompt of two and eight positions after it. @param {Record<string, unknown> | null} parameters */
const opened = (parameters) =>
  reduce(initialState(), {
    type: "session.opened",
    session: { id: "s", model: "m", promptLength: 2, settings: parameters && { sampler: "llada", parameters, seed: "1" }, tokens: Array(10).fill(7), states: [G, G, C, O, O, O, O, O, O, O] },
  });
const framed = (/** @type {any} */ state, /** @type {any} */ said) => reduce(state, { type: "frame.received", session: "s", frame: frameOf({ cause: "edit", ...said }) });
const starts = (/** @type {any} */ state) => cellsOf(state).filter(({ block }) => block).map(({ position, block }) => [position, block]);

test("blocks tile the generated part, and the first needs no sign", () => {
  const state = opened({ block_length: 4 });
  assert.deepEqual(starts(state), [[6, 2]]);
  assert.deepEqual(starts(opened({ block_length: 2 })), [[4, 2], [6, 3], [8, 4]]);
  const cells = cellsOf(state);
  assert.match(labelOf(cells[6]), /starts block 2, position 6$/);
  assert.doesNotMatch(labelOf(cells[2]), /block/);
  assert.ok(signsOf(cells).split(" ").includes("block"));
  const blocks = blocksAt(/** @type {any} */ (state.tree).revisions[0]);
  assert.ok(blocks);
  assert.deepEqual([0, 2, 5, 6, 9].map((position) => blockOf(blocks, position)), [1, 1, 1, 2, 2], "holes of the prompt belong to the first");
  assert.equal(blockFrom(blocks, 2), 0);
});

test("one block, or a sampler without blocks, has no sign", () => {
  for (const parameters of [{ block_length: 8 }, { block_length: null }, { steps: 4 }, null]) {
    const state = opened(parameters);
    assert.deepEqual(starts(state), []);
    assert.ok(!signsOf(cellsOf(state)).split(" ").includes("block"));
  }
});

test("blocks are those of the settings at the revision shown, and none where the length is none of theirs", () => {
  let state = framed(opened({ block_length: 4 }), { revision: 1, parent: 0, splices: [{ position: 3, removed: 0, inserted: 1 }] });
  assert.deepEqual(starts(state), [], "nine positions are no blocks of four");
  state = framed(state, { revision: 2, parent: 1, settings: { sampler: "llada", parameters: { block_length: 3 }, seed: "1" } });
  assert.deepEqual(starts(state), [[5, 2], [8, 3]]);
  assert.deepEqual(starts(reduce(state, { type: "revision.shown", revision: 0 })), [[6, 2]]);
});

test("a cell that stays as it is stays the same object, whatever becomes of others", () => {
  const state = opened({ block_length: 4 });
  const before = cellsOf(state);
  const after = cellsOf(reduce(state, { type: "marks.changed", positions: [3] }));
  assert.deepEqual(after.map((cell, position) => cell === before[position]), before.map((_, position) => position !== 3));
  const looked = cellsOf(reduce(state, { type: "position.looked", position: 5 }));
  assert.deepEqual([looked[5].looked, looked[4] === before[4]], [true, true]);
});

test("the signs of a cell are attributes, and what it has not is left out", () => {
  const [given, committed, open] = [0, 2, 3].map((position) => cellsOf(reduce(opened(null), { type: "marks.changed", positions: [3] }))[position]);
  const there = (/** @type {any} */ cell) => Object.entries(looksOf(cell)).filter(([, value]) => value !== false && value !== null);
  assert.deepEqual(there(given).map(([name]) => name), ["data-state", "data-token"]);
  assert.deepEqual(there(committed), [["data-state", "committed"], ["data-token", 7], ["data-unknown", true]]);
  assert.deepEqual(there(open), [["data-state", "open"], ["data-marked", true]]);
});
