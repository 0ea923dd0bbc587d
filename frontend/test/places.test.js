import { test } from "node:test";
import assert from "node:assert/strict";
import { GIVEN, OPEN } from "app/core/canvas.js";
import { branchesOf, placeOf, redoOf, undoOf } from "app/core/places.js";
import { based, frameOf, grow, headOf, plant, trimmed } from "app/core/tree.js";

const SESSION = { id: "s", model: "m", promptLength: 1, settings: null, tokens: [7, 0], states: [GIVEN, OPEN] };
const frame = (revision, parent, cause = "step") => frameOf({ revision, parent, cause });
/** @param {...[number, string?]} made  parent and cause of each revision from 1 on */
const grown = (...made) => made.reduce((tree, [parent, cause]) => grow(tree, frame(headOf(tree) + 1, parent, cause)), plant(SESSION));
/** The leaves as [leaf, fork, length]. */
const leaves = (tree) => branchesOf(tree).map(({ leaf, fork, own }) => [leaf, fork, own.length]);

test("undo goes one place back, redo to where one last was", () => {
  let tree = grown([0], [1]);
  const go = (to) => (tree = grow(tree, frame(headOf(tree) + 1, to, "rewind")));
  assert.deepEqual([undoOf(tree), redoOf(tree)], [1, null]);
  go(undoOf(tree));
  assert.deepEqual([undoOf(tree), redoOf(tree)], [0, 2]);
  go(undoOf(tree));
  assert.deepEqual([undoOf(tree), redoOf(tree)], [null, 1]);
  go(redoOf(tree));
  go(redoOf(tree));
  assert.deepEqual([placeOf(tree, headOf(tree)), undoOf(tree), redoOf(tree)], [2, 1, null]);
});

test("after another way was taken, redo takes that one", () => {
  const tree = grown([0], [1], [1, "rewind"], [3, "edit"], [4, "rewind"], [5, "rewind"]);
  assert.deepEqual([placeOf(tree, 6), undoOf(tree)], [4, 1], "rewinds of rewinds stand where the first stood");
  assert.equal(redoOf(grow(tree, frame(7, 1, "rewind"))), 4);
  const back = grow(grow(tree, frame(7, 2, "rewind")), frame(8, 1, "rewind"));
  assert.equal(redoOf(back), 2, "the last one visited");
});

test("undo and redo come back to where they began, whatever the tree", () => {
  for (let seed = 1; seed <= 200; seed++) {
    let chance = seed;
    const roll = (below) => (chance = (chance * 48271) % 2147483647) % below;
    let tree = grown([0]);
    for (let i = 0; i < 12; i++) tree = grow(tree, frame(headOf(tree) + 1, roll(headOf(tree) + 1), roll(2) ? "edit" : "rewind"));
    const here = placeOf(tree, headOf(tree));
    const back = undoOf(tree);
    if (back === null) {
      assert.equal(here, 0);
      continue;
    }
    assert.ok(back < here);
    const undone = grow(tree, frame(headOf(tree) + 1, back, "rewind"));
    assert.equal(redoOf(undone), here, `seed ${seed}`);
  }
});

test("branches are the places that nobody went on from", () => {
  const tree = grown([0], [1], [1, "rewind"], [3], [0, "edit"], [2, "rewind"]);
  assert.deepEqual(leaves(tree), [[5, 0, 1], [4, 1, 1], [2, 0, 3]]);
  assert.deepEqual(branchesOf(tree).map(({ current }) => current), [false, false, true]);
  assert.deepEqual(leaves(plant(SESSION)), [[0, 0, 1]]);
});

test("every place is on one branch, whatever the tree", () => {
  for (let seed = 1; seed <= 200; seed++) {
    let chance = seed;
    const roll = (below) => (chance = (chance * 48271) % 2147483647) % below;
    let tree = plant(SESSION);
    for (let i = 0; i < 15; i++) tree = grow(tree, frame(headOf(tree) + 1, roll(headOf(tree) + 1), roll(3) ? "step" : "rewind"));
    const places = tree.revisions.filter(({ cause }) => cause !== "rewind").map(({ revision }) => revision);
    const own = branchesOf(tree).flatMap((branch) => branch.own);
    assert.deepEqual(own.sort((a, b) => a - b), places, `seed ${seed}`);
    assert.equal(branchesOf(tree).filter(({ current }) => current).length, 1);
  }
});

test("a name stays with the line that goes on first", () => {
  const named = (tree, names) => branchesOf({ ...tree, names: new Map(Object.entries(names)) }).map(({ leaf, name, named: at }) => [leaf, name, at]);
  const tree = grown([0], [1], [1, "edit"]);
  assert.deepEqual(named(tree, { kite: 1 }), [[3, "", 3], [2, "kite", 1]]);
  assert.deepEqual(named(tree, { kite: 1, ball: 2, red: 3 }), [[3, "red", 3], [2, "ball", 2]]);
});

test("of a history cut short, only what is kept can be gone back to", () => {
  let tree = based(plant({ ...SESSION, revision: 6 }), { ...SESSION, revision: 3 });
  tree = grow(grow(grow(tree, frame(7, 6)), frame(8, 3)), frame(9, 3, "rewind"));
  assert.deepEqual(leaves(tree), [[8, 0, 2], [7, 0, 2]]);
  assert.equal(undoOf(tree), null);
  assert.equal(redoOf(tree), 8);
  assert.equal(undoOf(grow(tree, frame(10, 7, "rewind"))), 6);
  assert.equal(undoOf(trimmed(grow(tree, frame(10, 7, "rewind")), 7)), null);
  assert.equal(undoOf(grow(tree, frame(10, 8, "rewind"))), null, "revision 3 is not kept");
});
