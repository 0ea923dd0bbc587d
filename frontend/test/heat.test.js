// The order of unmasking: rows and columns, over splices, ways back and branches.
import { test } from "node:test";
import assert from "node:assert/strict";
import { COMMITTED, GIVEN, OPEN } from "app/core/canvas.js";
import { cellInWords, confidenceOf, heatOfWay, MARKS, positionIn, rowInWords, wayOf } from "app/core/heat.js";
import { frameOf, grow, plant, remember } from "app/core/tree.js";
import { initialState } from "app/core/state.js";

const { absent, given, bare, committed, new: fresh, changed } = MARKS;

/** Two given positions, four open ones. */
const SESSION = { id: "s", model: "m", promptLength: 2, settings: null, tokens: [7, 8, 0, 0, 0, 0], states: [GIVEN, GIVEN, OPEN, OPEN, OPEN, OPEN] };
const frame = (revision, parent, cause, changes = [], more = {}) => frameOf({
  revision, parent, cause,
  changes: changes.map(([position, token, probability = null]) => ({ position, token, probability, given: false })),
  ...more,
});
const splice = (position, removed, inserted) => ({ position, removed, inserted });
const grown = (...frames) => frames.reduce(grow, plant(SESSION));
const draft = (predictedAt, entries) => ({
  positions: entries.map(([position]) => position),
  tokens: entries.map(([, token]) => token),
  probabilities: Uint8Array.from(entries, ([, , p]) => p),
  entropies: new Uint8Array(entries.length),
  predictedAt,
});
const drawn = (tree, revision) => heatOfWay(tree, revision).rows.map(({ revision: at, codes }) => [at, ...codes]);
const summary = (meanProbability, minProbability) => ({ meanProbability, minProbability });
const stateOf = (tree) => ({
  ...initialState(),
  tree,
  model: /** @type {any} */ ({ name: "m", hasTokenizer: true }),
  tokens: new Map([[20, { id: 20, text: "kite", special: false }], [30, { id: 30, text: " red", special: false }]]),
});

test("a row says what is open, what was committed in it and what before", () => {
  const tree = grown(
    frame(1, 0, "step", [[3, 30, 0.5]], { draft: draft(0, [[2, 20, 10], [3, 30, 200], [4, 40, 30], [5, 50, 40]]) }),
    frame(2, 1, "step", [[2, 20], [5, 50]], { draft: draft(1, [[2, 20, 250], [4, 40, 90], [5, 50, 80]]) }),
  );
  assert.deepEqual(drawn(tree, 2), [
    [0, 10, 200, 30, 40],
    [1, 250, fresh, 90, 80],
    [2, fresh, committed, 90, fresh],
  ]);
  assert.equal(heatOfWay(tree, 2).start, 2);
  assert.deepEqual(drawn(grown(), 0), [[0, bare, bare, bare, bare]]);
});

test("opening again and editing are marked", () => {
  const tree = grown(frame(1, 0, "step", [[2, 20], [3, 30]]), frame(2, 1, "edit", [[2, null], [3, 31]]), frame(3, 2, "step", []));
  assert.deepEqual(drawn(tree, 3).slice(1), [[1, fresh, fresh, bare, bare], [2, changed, changed, bare, bare], [3, bare, committed, bare, bare]]);
});

test("columns follow positions through splices", () => {
  // 2 goes, two are put in before what was 4.
  const tree = grown(frame(1, 0, "step", [[2, 20], [4, 40]]), frame(2, 1, "edit", [], { splices: [splice(2, 1, 0), splice(3, 0, 2)] }), frame(3, 2, "step", [[3, 33]]));
  const heat = heatOfWay(tree, 3);
  assert.deepEqual(drawn(tree, 3), [
    [0, bare, absent, absent, bare, bare],
    [1, bare, absent, absent, fresh, bare],
    [2, bare, bare, bare, committed, bare],
    [3, bare, fresh, bare, committed, bare],
  ]);
  assert.deepEqual([0, 1, 3].map((column) => positionIn(tree, heat, 1, column)), [3, -1, 4]);
  assert.deepEqual([0, 1, 3].map((column) => positionIn(tree, heat, 3, column)), [2, 3, 5]);
  // Looked at on its own branch, before the splice, it is as it was.
  const other = grow(tree, frame(4, 1, "step", [[3, 30]]));
  assert.deepEqual(drawn(other, 4).map(([at]) => at), [0, 1, 4]);
  assert.deepEqual(drawn(other, 4)[1], [1, fresh, bare, fresh, bare]);
  assert.deepEqual(drawn(other, 3), drawn(tree, 3));
});

test("looking back along a way leaves none of it out, and another branch has its own", () => {
  const tree = grown(frame(1, 0, "step", [[2, 20]]), frame(2, 1, "step", [[3, 30]]), frame(3, 1, "rewind"), frame(4, 3, "step", [[4, 40]]), frame(5, 2, "step", [[5, 50]]), frame(6, 3, "step", [[5, 51]]));
  assert.deepEqual(wayOf(tree, 6), [0, 1, 3, 6]);
  assert.deepEqual(wayOf(tree, 1), [0, 1, 3, 6]);
  assert.deepEqual(wayOf(tree, 2), [0, 1, 2, 5]);
  assert.deepEqual(wayOf(tree, 4), [0, 1, 3, 4]);
  // A rewind did nothing itself.
  assert.deepEqual(drawn(tree, 6)[2], [3, committed, bare, bare, bare]);
  assert.deepEqual(wayOf({ ...tree, first: 2 }, 6), [3, 6]);
});

test("the answer of a turn before stays, and holes of a prompt count", () => {
  const tree = grown(frame(1, 0, "step", [[2, 20], [3, 30], [4, 40], [5, 50]]), frame(2, 1, "edit", [[6, 60]], { splices: [splice(6, 0, 2)], promptLength: 7 }));
  assert.deepEqual(drawn(tree, 2), [
    [0, bare, bare, bare, bare, absent, absent],
    [1, fresh, fresh, fresh, fresh, absent, absent],
    [2, given, given, given, given, given, bare],
  ]);
  const holed = plant({ ...SESSION, promptLength: 6, states: [GIVEN, OPEN, GIVEN, OPEN, GIVEN, GIVEN] });
  assert.deepEqual(drawn(holed, 0), [[0, bare, given, bare, given, given]]);
  assert.equal(heatOfWay(holed, 0).start, 1);
  assert.equal(heatOfWay(plant({ ...SESSION, promptLength: 6, states: new Array(6).fill(GIVEN) }), 0).columns, 0);
});

test("a frame makes its own row and those alone whose draft it brings", () => {
  const tree = grown(frame(1, 0, "step", [[2, 20]], { draft: draft(0, [[2, 20, 9], [3, 30, 9]]) }), frame(2, 1, "step", [[3, 30]], { draft: draft(1, [[3, 30, 99]]) }));
  const before = heatOfWay(tree, 2).rows;
  const after = heatOfWay(grow(tree, frame(3, 2, "step", [[4, 40]], { draft: draft(2, [[4, 40, 7], [5, 50, 6]]) })), 3).rows;
  assert.deepEqual(after.map((row, i) => row === before[i]), [true, true, false, false]);
  const told = heatOfWay(remember(tree, { revision: 2, draft: draft(2, [[4, 40, 8]]), cached: false, asked: true, seconds: null, meanEntropy: null }), 2).rows;
  assert.deepEqual(told.map((row, i) => row === before[i]), [true, true, false]);
});

test("a thousand positions and 128 rows take little to make, and less with one more frame", () => {
  let tree = plant({ ...SESSION, tokens: new Array(1026).fill(0), states: [GIVEN, GIVEN, ...new Array(1024).fill(OPEN)] });
  for (let revision = 1; revision < 128; revision++) tree = grow(tree, frame(revision, revision - 1, "step", Array.from({ length: 8 }, (_, i) => [2 + ((revision * 8 + i) % 1024), 5])));
  const { rows } = heatOfWay(tree, 127);
  assert.equal(rows.length, 128);
  tree = grow(tree, frame(128, 127, "step", [[3, 9]]));
  assert.equal(heatOfWay(tree, 128).rows.filter((row, i) => row !== rows[i]).length, 1);
});

test("a cell in words", () => {
  const tree = grown(frame(1, 0, "step", [[2, 20, 0.82]], { draft: draft(0, [[2, 20, 209], [3, 30, 51]]) }), frame(2, 1, "edit", [], { splices: [splice(2, 0, 1)] }));
  const state = stateOf(tree);
  const heat = heatOfWay(tree, 2);
  assert.equal(cellInWords(state, heat, 0, 2), "Revision 0: red, draft, 20 percent, position 3");
  assert.equal(cellInWords(state, heat, 1, 1), "Revision 1: kite, 82 percent, new, position 2");
  assert.equal(cellInWords(state, heat, 1, 0), "Revision 1: put in later, position 2 now");
  assert.equal(cellInWords(state, heat, 2, 0), "Revision 2: open, put in, position 2");
  assert.deepEqual(rowInWords(state, 1), { revision: 1, committed: ["kite, 82 percent, position 2"], changed: [], open: 3, mean: null, gate: null });
});

test("the strip needs three steps, and stands where the marks stand", () => {
  const two = grown(frame(1, 0, "step", [[2, 20]], { summary: summary(0.9, 0.8) }), frame(2, 1, "step", [[3, 30]], { summary: summary(0.7, 0.6) }));
  assert.equal(confidenceOf(two, 2), null);
  const three = grow(two, frame(3, 2, "step", [], { summary: summary(null, null) }));
  const four = grow(three, frame(4, 1, "step", [[4, 40]], { summary: summary(0.5, 0.25) }));
  assert.deepEqual(confidenceOf(four, 2), {
    mean: [[0.25, 0.9], [0.5, 0.7]],
    gate: [[0.25, 0.8], [0.5, 0.6]],
    open: [[0, 1], [0.25, 0.75], [0.5, 0.5], [0.75, 0.5]],
    at: 0.5,
  });
  assert.equal(confidenceOf(four, 4), null);
});

test("a way of more rows than a picture can have leaves the oldest out, and says how many", () => {
  let tree = grown();
  for (let revision = 1; revision <= 4100; revision++) {
    tree = grow(tree, frame(revision, revision - 1, "select", [[3, revision % 2 ? 30 : 31]]));
  }
  const { rows, left, start, columns } = heatOfWay(tree, 4100);
  assert.equal(rows.length, 4096);
  assert.equal(left, 5);
  assert.deepEqual([rows[0].revision, rows[4095].revision], [5, 4100]);
  assert.deepEqual([start, columns], [2, 4]);
  assert.deepEqual([...rows[0].codes], [bare, changed, bare, bare]);
});
