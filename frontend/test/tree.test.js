import { test } from "node:test";
import assert from "node:assert/strict";
import { COMMITTED, GIVEN, OPEN } from "app/core/canvas.js";
import { draftAt, draftColumns } from "app/core/drafts.js";
import { deedsOf, frameOf, grow, headOf, isComplete, pathTo, plant, remember } from "app/core/tree.js";
import { weighingOf } from "app/core/weighing.js";

const SETTINGS = { sampler: "llada", parameters: { steps: 4 }, seed: "1" };

/** Two given positions, four open ones. */
const planted = () =>
  plant({ id: "s", model: "m", promptLength: 2, settings: SETTINGS, tokens: [7, 8, 0, 0, 0, 0], states: [GIVEN, GIVEN, OPEN, OPEN, OPEN, OPEN] });

const frame = (revision, parent, cause, changes = [], more = {}) => frameOf({
  revision, parent, cause,
  changes: changes.map(([position, token, probability = null]) => ({ position, token, probability, given: false })),
  ...more,
});

const draft = (predictedAt, entries) => ({
  positions: entries.map(([position]) => position),
  tokens: entries.map(([, token]) => token),
  probabilities: Uint8Array.from(entries, ([, , p]) => p),
  entropies: new Uint8Array(entries.length),
  predictedAt,
});

const grown = (...frames) => frames.reduce(grow, planted());
const tokensAt = (tree, revision) => [...tree.revisions[revision].canvas.tokens];

test("a state is its parent's state with the changes put in", () => {
  const tree = grown(frame(1, 0, "step", [[3, 30, 0.5]]), frame(2, 1, "step", [[2, 20], [5, 50]]));
  assert.deepEqual(tokensAt(tree, 0), [7, 8, 0, 0, 0, 0]);
  assert.deepEqual(tokensAt(tree, 1), [7, 8, 0, 30, 0, 0]);
  assert.deepEqual(tokensAt(tree, 2), [7, 8, 20, 30, 0, 50]);
  const { canvas } = tree.revisions[2];
  assert.equal(canvas.openCount, 1);
  assert.deepEqual([...canvas.states], [GIVEN, GIVEN, COMMITTED, COMMITTED, OPEN, COMMITTED]);
  assert.deepEqual([...canvas.origins], [-1, -1, 2, 1, -1, 2]);
  assert.equal(canvas.probabilities[3], 0.5);
  assert.ok(Number.isNaN(canvas.probabilities[2]));
});

test("a frame told twice changes nothing", () => {
  const tree = grown(frame(1, 0, "step", [[3, 30]]));
  assert.equal(grow(tree, frame(1, 0, "step", [[3, 30]])), tree);
  assert.equal(grow(tree, frame(0, -1, "create")), tree);
});

test("frames out of order wait for those before them", () => {
  const tree = grown(frame(3, 2, "step", [[4, 40]]), frame(2, 1, "step", [[3, 30]]));
  assert.equal(headOf(tree), 0);
  const whole = grow(tree, frame(1, 0, "step", [[2, 20]]));
  assert.equal(headOf(whole), 3);
  assert.deepEqual(tokensAt(whole, 3), [7, 8, 20, 30, 40, 0]);
  assert.equal(whole.waiting.length, 0);
});

test("a rewind has its parent's canvas and takes nothing away", () => {
  const first = grown(frame(1, 0, "step", [[2, 20]]), frame(2, 1, "step", [[3, 30]]));
  const tree = grow(grow(first, frame(3, 1, "rewind")), frame(4, 3, "select", [[3, 99]]));
  assert.equal(tree.revisions[3].canvas, tree.revisions[1].canvas);
  assert.deepEqual(tokensAt(tree, 2), [7, 8, 20, 30, 0, 0]);
  assert.deepEqual(tokensAt(tree, 4), [7, 8, 20, 99, 0, 0]);
  assert.deepEqual([...pathTo(tree, 4)].sort(), [0, 1, 3, 4]);
  // Only added to: what was there is the very same.
  assert.equal(tree.revisions[2], first.revisions[2]);
});

test("a position can be opened again", () => {
  const tree = grown(frame(1, 0, "step", [[2, 20, 0.9]]), frame(2, 1, "step", [[2, null]]));
  const { canvas } = tree.revisions[2];
  assert.equal(canvas.states[2], OPEN);
  assert.equal(canvas.openCount, 4);
  assert.equal(canvas.origins[2], -1);
});

test("another token in a committed one's place is an edit, and counts nothing twice", () => {
  const tree = grown(
    frame(1, 0, "step", [[2, 20, 0.9], [3, 30, 0.8]]),
    frame(2, 1, "step", [[2, 21, 0.7], [3, null], [4, 40]]),
    frame(3, 2, "step", [[2, 21, 0.6], [3, null]]),
    frame(4, 1, "rewind"),
  );
  const { canvas } = tree.revisions[2];
  assert.deepEqual(tokensAt(tree, 2).slice(0, 3), [7, 8, 21]);
  assert.equal(canvas.openCount, 2);
  assert.deepEqual([...canvas.states], [GIVEN, GIVEN, COMMITTED, OPEN, COMMITTED, OPEN]);
  assert.deepEqual([canvas.origins[2], canvas.probabilities[2] > 0.69], [2, true]);
  assert.deepEqual([...deedsOf(tree, 1)], [[2, "committed"], [3, "committed"]]);
  assert.deepEqual([...deedsOf(tree, 2)], [[2, "edited"], [3, "reopened"], [4, "committed"]]);
  assert.deepEqual([...deedsOf(tree, 3)], [], "the same again is no deed");
  assert.equal(tree.revisions[3].canvas.openCount, 2);
  assert.deepEqual([deedsOf(tree, 4).size, deedsOf(tree, 0).size], [0, 0]);
  assert.equal(tree.revisions[1].canvas.tokens[2], 20, "the revision before is as it was");
});

test("complete is: nothing open, and nothing more to do", () => {
  const all = [[2, 20], [3, 30], [4, 40], [5, 50]];
  const tree = grown(frame(1, 0, "step", all, { summary: { pending: true } }), frame(2, 1, "step", [], { summary: { pending: false } }), frame(3, 0, "step", all));
  assert.deepEqual(tree.revisions.map(isComplete), [false, false, true, true]);
});

test("settings hold until a frame brings others", () => {
  const other = { ...SETTINGS, sampler: "dream" };
  const tree = grown(frame(1, 0, "step"), frame(2, 1, "step", [], { settings: other }), frame(3, 0, "rewind"));
  assert.deepEqual(tree.revisions.map(({ settings }) => settings), [SETTINGS, SETTINGS, other, SETTINGS]);
});

test("the draft shown is the nearest prediction on the way here", () => {
  const tree = grown(
    frame(1, 0, "step", [[2, 20]], { draft: draft(0, [[2, 20, 255], [3, 31, 100]]) }),
    frame(2, 1, "step", [[3, 30]], { draft: draft(1, [[3, 30, 255]]) }),
    frame(3, 0, "rewind"),
    frame(4, 3, "select", [[5, 55]]),
  );
  assert.deepEqual([draftAt(tree, 0)?.at, draftAt(tree, 0)?.exact], [0, true]);
  assert.deepEqual([draftAt(tree, 1)?.at, draftAt(tree, 1)?.exact], [1, true]);
  assert.deepEqual([draftAt(tree, 2)?.at, draftAt(tree, 2)?.exact], [1, false]);
  assert.deepEqual([draftAt(tree, 3)?.at, draftAt(tree, 3)?.exact], [0, true], "a rewind has the same canvas");
  assert.deepEqual([draftAt(tree, 4)?.at, draftAt(tree, 4)?.exact], [0, false]);
  assert.equal(draftAt(planted(), 0), null);
  // A step that weighed committed positions only; what it opened shows what stood there.
  const remasked = grown(
    frame(1, 0, "step", [[2, 20], [3, 30], [4, 40], [5, 50]], { draft: draft(0, [[2, 20, 255]]) }),
    frame(2, 1, "step", [[2, null]], { draft: draft(1, []) }),
  );
  assert.deepEqual([draftAt(remasked, 2)?.at, draftAt(remasked, 2)?.exact], [0, false]);
});

test("a prediction asked for replaces the one a step brought", () => {
  const tree = grown(frame(1, 0, "step", [[2, 20]], { draft: draft(0, [[2, 20, 255]]) }));
  const asked = { revision: 0, draft: draft(0, [[2, 21, 255]]), cached: true, asked: true, seconds: null, meanEntropy: 1 };
  const next = remember(tree, asked);
  assert.equal(next.predictions.get(0), asked);
  assert.equal(remember(next, { ...asked, asked: false }), next);
});

test("a draft is spread over the canvas once", () => {
  const tree = grown(frame(1, 0, "step", [], { draft: draft(0, [[2, 20, 255], [5, 50, 51]]) }));
  const columns = draftColumns(tree, 1);
  assert.deepEqual([...columns.tokens], [-1, -1, 20, -1, -1, 50]);
  assert.equal(columns.probabilities[5], 51);
  assert.equal(draftColumns(tree, 0), columns);
  assert.equal(draftColumns(planted(), 0), null);
});

test("an open position is weighed here, a committed one where it was last open", () => {
  const tree = grown(frame(1, 0, "step", [[2, 20]]), frame(2, 1, "step", [[3, 30]]), frame(3, 2, "select", [[3, 31]]));
  assert.deepEqual(weighingOf(tree, 2, 4), { revision: 2, position: 4, chosen: null, origin: -1, replaced: null });
  assert.deepEqual(weighingOf(tree, 2, 3), { revision: 1, position: 3, chosen: 30, origin: 2, replaced: null });
  // An edit over a committed token: before that one.
  assert.deepEqual(weighingOf(tree, 3, 3), { revision: 1, position: 3, chosen: 31, origin: 3, replaced: 30 });
  assert.equal(weighingOf(tree, 2, 0), null);
});

test("after a rewind the weighing is that of the revision gone back to", () => {
  const tree = grown(frame(1, 0, "step", [[2, 20]]), frame(2, 0, "rewind"), frame(3, 2, "rewind"));
  assert.equal(weighingOf(tree, 3, 4)?.revision, 0);
});

test("a frame with a parent nobody has is refused", () => {
  assert.throws(() => grown(frame(1, 9, "step")), RangeError);
});
