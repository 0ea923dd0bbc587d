import { test } from "node:test";
import assert from "node:assert/strict";
import { COMMITTED, GIVEN, OPEN } from "app/core/canvas.js";
import { courseOf } from "app/core/course.js";
import { LENSES, lensOf, nextLens, readingOf } from "app/core/lenses.js";
import { marginsFailed, marginsWanted } from "app/core/margins.js";
import { cellsOf, labelOf } from "app/core/selectors.js";
import { initialState, reduce } from "app/core/state.js";
import { frameOf, grow, plant, sourcesIn } from "app/core/tree.js";

/** One given position, four open ones. */
const SESSION = { id: "s", model: "m", promptLength: 1, settings: null, tokens: [7, 0, 0, 0, 0], states: [GIVEN, OPEN, OPEN, OPEN, OPEN] };
const draft = (predictedAt, entries) => ({
  predictedAt,
  positions: entries.map(([position]) => position),
  tokens: entries.map(([, token]) => token),
  probabilities: Uint8Array.from(entries, ([, , p]) => p ?? 51),
  entropies: Uint8Array.from(entries, ([, , , h]) => h ?? 102),
});
const commit = ([position, token, probability = 0.5]) => ({ position, token, probability, given: false });
const step = (revision, changes, entries, more = {}) =>
  frameOf({ revision, parent: revision - 1, cause: "step", changes: changes.map(commit), draft: entries ? draft(more.parent ?? revision - 1, entries) : null, ...more });
const list = (values) => [...values].map((value) => (Number.isNaN(value) ? null : value));
const opened = (...frames) => frames.reduce((state, frame) => reduce(state, { type: "frame.received", session: "s", frame }), reduce(initialState(), { type: "session.opened", session: SESSION }));
const through = (state, lens) => reduce(state, { type: "view.changed", view: { lens } });

const STORY = [
  step(1, [[1, 20]], [[1, 20, 204, 25], [2, 21], [3, 22], [4, 23]]),
  step(2, [[2, 31, 0.25]], [[2, 31, 64, 51], [3, 22], [4, 33]]),
  step(3, [[3, 22, 1]], [[3, 22, 255, 0], [4, 23]]),
];

test("a draft flips where it becomes another token, and the last time is kept", () => {
  const state = opened(...STORY);
  const { flips, flipped } = courseOf(state.tree, 3);
  assert.deepEqual([list(flips), list(flipped)], [[0, 0, 1, 0, 2], [-1, -1, 1, -1, 2]]);
  const earlier = courseOf(state.tree, 2);
  assert.deepEqual([list(earlier.flips), list(earlier.flipped)], [[0, 0, 1, 0, 1 + 1], [-1, -1, 1, -1, 2]], "what was predicted from the revision itself counts");
  assert.deepEqual(list(courseOf(state.tree, 1).flips), [0, 0, 1, 0, 1]);
  assert.deepEqual(list(courseOf(state.tree, 0).flips), [0, 0, 0, 0, 0]);
});

test("flips move with positions, and begin anew where one is put in", () => {
  const moved = frameOf({ revision: 3, parent: 2, cause: "edit", splices: [{ position: 1, removed: 1, inserted: 0 }, { position: 2, removed: 0, inserted: 1 }] });
  const after = step(4, [[1, 99]], [[2, 50], [3, 22], [4, 77]]);
  const before = opened(STORY[0], STORY[1], moved);
  assert.deepEqual(list(courseOf(before.tree, 3).flips), [0, 1, 0, 0, 1]);
  const { tree } = opened(STORY[0], STORY[1], moved, after);
  const course = courseOf(tree, 4);
  assert.deepEqual([list(course.flips), list(course.flipped)], [[0, 1, 0, 0, 2], [-1, 1, -1, -1, 3]]);
});

test("each branch has its own flips, and a draft that comes late counts", () => {
  const branch = step(4, [[4, 40]], [[2, 31], [3, 22], [4, 23]], { parent: 1 });
  const bare = STORY.map((frame, i) => (i === 1 ? { ...frame, draft: null } : frame));
  let { tree } = opened(...bare, branch);
  // What the branch's frame brought is the draft of revision 1, for both.
  assert.deepEqual(list(courseOf(tree, 3).flips), [0, 0, 1, 0, 0]);
  assert.deepEqual(list(courseOf(tree, 4).flips), [0, 0, 1, 0, 0]);
  tree = grow(tree, { ...STORY[0], draft: draft(0, [[1, 20], [2, 21], [3, 22], [4, 23]]) });
  assert.deepEqual(list(courseOf(tree, 3).flips), [0, 0, 1, 0, 0], "the same again changes nothing");
  tree = opened(...STORY.map((frame) => ({ ...frame, draft: null }))).tree;
  assert.deepEqual(list(courseOf(tree, 3).flips), [0, 0, 0, 0, 0]);
  for (const frame of STORY) tree = grow(tree, frame);
  assert.deepEqual(list(courseOf(tree, 3).flips), [0, 0, 1, 0, 2]);
});

/** Every draft on the way, one after the other, in the numbering of the last canvas. */
function plainly(tree, revision) {
  const { length } = tree.revisions[revision].canvas;
  const flips = new Array(length).fill(0);
  const last = new Array(length).fill(null);
  const way = [];
  for (let at = revision; at >= 0; at = tree.revisions[at].parent) way.push(at);
  for (const at of way.reverse()) {
    const found = tree.predictions.get(at)?.draft;
    if (!found) continue;
    const said = new Map(found.positions.map((position, i) => [position, found.tokens[i]]));
    const sources = sourcesIn(tree, revision, at);
    for (let position = 0; position < length; position++) {
      const token = said.get(sources ? sources[position] : position);
      if (token === undefined) continue;
      if (last[position] !== null && last[position] !== token) flips[position]++;
      last[position] = token;
    }
  }
  return flips;
}

test("a long way with positions coming and going is counted as one would by hand, from any end", () => {
  let tree = plant(SESSION);
  let seed = 9;
  const roll = (below) => ((seed = (seed * 16807) % 2147483647) % below);
  for (let revision = 1; revision <= 300; revision++) {
    const parent = roll(12) ? revision - 1 : roll(revision);
    const { canvas } = tree.revisions[parent];
    if (roll(9) === 0) {
      const splices = [{ position: 1 + roll(canvas.length - 1), removed: canvas.length > 4 ? roll(2) : 0, inserted: roll(2) }];
      tree = grow(tree, frameOf({ revision, parent, cause: "edit", splices }));
      continue;
    }
    const open = [...canvas.states].flatMap((state, at) => (state === OPEN ? [at] : []));
    const changes = roll(3) || !open.length ? [] : [[open[roll(open.length)], 40 + roll(3)]];
    tree = grow(tree, step(revision, changes, open.map((at) => [at, 40 + roll(2)]), { parent }));
  }
  for (const revision of [300, 299, 12, 300, 150, 64, 65, 128, 0, 211]) assert.deepEqual(list(courseOf(tree, revision).flips), plainly(tree, revision), `revision ${revision}`);
});

test("the cost of one more revision does not grow with the way", () => {
  let tree = plant({ ...SESSION, tokens: new Array(256).fill(0), states: new Array(256).fill(OPEN) });
  const spent = [];
  let from = performance.now();
  for (let revision = 1; revision <= 2000; revision++) {
    tree = grow(tree, step(revision, [], Array.from({ length: 256 }, (_, at) => [at, at + (revision % 3)])));
    courseOf(tree, revision);
    if (revision % 1000 === 0) {
      spent.push(performance.now() - from);
      from = performance.now();
    }
  }
  assert.equal(courseOf(tree, 2000).flips[7], 1999);
  assert.ok(spent[1] < 4 * spent[0] + 50, `${spent}`);
});

test("confidence reads drafts and what was known when a token was committed", () => {
  const { values, top, words } = readingOf(opened(...STORY));
  assert.deepEqual(list(values).map((value) => value && Math.round(value * 100) / 100), [null, 0.5, 0.25, 1, 0.2]);
  assert.deepEqual([top, words(2)], [1, "p_base 0.25"]);
});

test("entropy reads the prediction that a token was committed from", () => {
  const state = through(opened(...STORY), "entropy");
  const { values, top, words } = readingOf({ ...state, model: /** @type {any} */ ({ vocabularySize: 1000 }) });
  assert.deepEqual(list(values).map((value) => value && Math.round(value * 255)), [null, 25, 51, 0, 102]);
  assert.equal(top, 0.5);
  assert.equal(words(2), "entropy 0.20 of ln V");
  assert.equal(readingOf({ ...state, model: /** @type {any} */ ({ vocabularySize: 1000 }) }).high, "0.5 ln V (3.5 nats)");
  const byHand = frameOf({ revision: 4, parent: 3, cause: "edit", changes: [commit([2, 60])] });
  assert.equal(readingOf(through(opened(...STORY, byHand), "entropy")).values[2] >= 0, false, "what a person put over a token was weighed by nobody");
});

test("order ranks the revisions that made what stands here", () => {
  const rewound = frameOf({ revision: 4, parent: 2, cause: "rewind" });
  const other = step(5, [[4, 44]], null, { parent: 4 });
  const state = through(opened(...STORY, rewound, other), "order");
  const { values, top, low, high, words } = readingOf(state);
  assert.deepEqual([list(values), top, low, high], [[null, 1, 2, null, 3], 3, "revision 1", "revision 5"]);
  assert.equal(words(4), "committed at revision 5");
  assert.match(labelOf(cellsOf(state)[4]), /committed at revision 5/);
});

test("margins are asked for at open positions only, and serve what is committed next", () => {
  let state = through(opened(STORY[0]), "margin");
  assert.deepEqual(marginsWanted(state), { sessionId: "s", revision: 1, positions: [2, 3, 4] });
  state = reduce(state, { type: "margins.received", session: "s", revision: 1, margins: [[2, 0.5], [3, 0.25]] });
  assert.deepEqual(marginsWanted(state).positions, [4]);
  state = reduce(state, { type: "margins.received", session: "s", revision: 1, margins: [[4, 0.125]] });
  assert.equal(marginsWanted(state), null);
  assert.deepEqual(list(readingOf(state).values), [null, null, 0.5, 0.25, 0.125]);
  state = reduce(state, { type: "frame.received", session: "s", frame: STORY[1] });
  assert.deepEqual(list(readingOf(state).values), [null, null, 0.5, null, null]);
  assert.deepEqual(marginsWanted(state).positions, [3, 4]);
  state = reduce(state, { type: "margins.received", session: "s", revision: 2, margins: [], failed: "no room" });
  assert.deepEqual([marginsWanted(state), marginsFailed(state)], [null, "no room"]);
  state = reduce(state, { type: "weighing.changed", session: "s", key: "0:1", weighing: { position: 1, candidates: [], margin: 0.75 } });
  assert.equal(readingOf(state).values[1], 0.75, "the inspector was told what the committed one was chosen from");
  assert.equal(marginsWanted(through(state, "order")), null);
});

test("no more than 64 positions are asked about at once", () => {
  const state = through(reduce(initialState(), { type: "session.opened", session: { ...SESSION, tokens: new Array(100).fill(0), states: new Array(100).fill(OPEN) } }), "margin");
  assert.equal(marginsWanted(state).positions.length, 64);
});

test("flips are told in words, and the scale ends at the most", () => {
  const state = through(opened(...STORY), "flips");
  const { top, high, words } = readingOf(state);
  assert.deepEqual([top, high, words(4), words(3)], [2, "2 flips", "flipped 2 times, last at revision 2", "never flipped"]);
});

test("the key goes round all lenses, and a forgotten name is the usual one", () => {
  let lens = lensOf(initialState().view);
  assert.equal(lens, "confidence");
  const seen = LENSES.map(() => (lens = nextLens(lens)));
  assert.equal(new Set(seen).size, LENSES.length);
  assert.equal(lens, "confidence");
  assert.equal(lensOf(/** @type {any} */ ({ lens: "heat" })), "confidence");
  assert.equal(readingOf(through(opened(...STORY), "none")), null);
});

test("hidden drafts have no colour", () => {
  const state = reduce(opened(...STORY), { type: "view.changed", view: { draft: false } });
  assert.deepEqual(cellsOf(state).map(({ level }) => level !== null), [false, true, true, true, false]);
  assert.equal(cellsOf(state)[1].state, "committed");
  assert.equal(state.tree.revisions[3].canvas.states[1], COMMITTED);
});
