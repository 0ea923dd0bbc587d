import { test } from "node:test";
import assert from "node:assert/strict";
import { GIVEN, OPEN } from "app/core/canvas.js";
import { branchAt, branchesOf, listedBranches, placeOf, redoOf, startOf, titleOf, undoOf } from "app/core/places.js";
import { based, frameOf, grow, headOf, plant, trimmed } from "app/core/tree.js";

const SESSION = { id: "s", model: "m", promptLength: 1, settings: null, tokens: [7, 0], states: [GIVEN, OPEN] };
/** @typedef {import("app/core/tree.js").Cause} Cause */
const frame = (revision, parent, /** @type {Cause} */ cause = "step") => frameOf({ revision, parent, cause });
/** @param {...[number, Cause?]} made  parent and cause of each revision from 1 on */
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

/** What the branches are called, by leaf. */
const titles = (tree) => Object.fromEntries(branchesOf(tree).map((branch) => [branch.leaf, titleOf(branch)]));

test("only the line of the oldest children is the first", () => {
  assert.deepEqual(titles(grown([0], [0, "edit"], [2])), { 1: "first", 3: "from 0" });
  assert.deepEqual(titles(grown([0], [1], [1, "edit"])), { 2: "first", 3: "from 1" });
});

test("a history cut short calls its branches the same when it is loaded again", () => {
  // 1-2-3-4-5-6 and, from 3, 7-8; from the beginning again 9; from 5, 10.
  const whole = grown([0], [1], [2], [3], [4], [5], [3, "edit"], [7], [0, "edit"], [5, "edit"]);
  const again = (first, bases) => {
    let tree = plant({ ...SESSION, revision: first });
    for (const revision of bases) tree = based(tree, { ...SESSION, revision });
    return whole.revisions.slice(first + 1).reduce((grownAgain, { revision, parent, cause }) => grow(grownAgain, frame(revision, parent, cause)), tree);
  };
  assert.deepEqual(titles(trimmed(whole, 4)), { 6: "first", 8: "from 3", 9: "from 0", 10: "from 5" });
  assert.deepEqual(titles(again(4, [3, 0])), titles(trimmed(whole, 4)));
  // A rewind as the oldest that is kept.
  const back = grown([0], [1], [1, "rewind"], [3], [3, "edit"]);
  const late = frame(4, 3), other = frame(5, 3, "edit");
  assert.deepEqual(titles(trimmed(back, 3)), titles([late, other].reduce(grow, plant({ ...SESSION, revision: 3 }))));
});

test("after an undo one is on the branch gone back to", () => {
  const tree = grown([0], [1], [0, "edit"], [3], [3, "rewind"]);
  assert.equal(branchAt(tree, 5).leaf, 4);
  assert.equal(branchAt(grow(tree, frame(6, 0, "rewind")), 6).leaf, 2, "what both share is the older one's");
  for (const revision of [0, 1, 2]) assert.equal(branchAt(tree, revision).leaf, 2);
});

test("a branch is the same one while it grows, and stays where it is listed", () => {
  let tree = grown([0], [1], [0, "edit"]);
  const listed = () => listedBranches(tree, headOf(tree), 8).branches.map(startOf);
  assert.deepEqual(listed(), [0, 3]);
  for (const parent of [3, 2, 4]) tree = grow(tree, frame(headOf(tree) + 1, parent));
  assert.deepEqual(listed(), [0, 3]);
  tree = grow(tree, frame(headOf(tree) + 1, 2, "edit"));
  assert.deepEqual(listed(), [0, 3, headOf(tree)]);
});

test("of many branches the needed and the newest are listed, the others folded", () => {
  const many = grown([0], [1], ...Array.from({ length: 12 }, () => /** @type {[number, Cause]} */ ([0, "edit"])));
  const named = { ...many, names: new Map([["kite", 4]]) };
  const { branches, folded } = listedBranches(named, 1, 5);
  assert.equal(branches.length, 13);
  assert.deepEqual(branches.map(startOf).filter((start) => !folded.has(start)), [0, 4, 12, 13, 14]);
  assert.equal(listedBranches(named, 1, 13).folded.size, 0);
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
