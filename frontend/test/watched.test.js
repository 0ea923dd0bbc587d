// Watched tokens: what is known of them and what is missing, over splices, branches and ways back.
import { test } from "node:test";
import assert from "node:assert/strict";
import { GIVEN, OPEN } from "app/core/canvas.js";
import { initialState, reduce, weighingKey } from "app/core/state.js";
import { frameOf, headOf } from "app/core/tree.js";
import { digits, gapsOf, height, MOST, newestGaps, pointInWords, trailsOf, watchHindrance, watchOf } from "app/core/watched.js";

/** Two given positions, four open ones. */
const SESSION = { id: "s", model: "m", promptLength: 2, settings: null, tokens: [7, 8, 0, 0, 0, 0], states: [GIVEN, GIVEN, OPEN, OPEN, OPEN, OPEN] };
const splice = (position, removed, inserted) => ({ position, removed, inserted });
const draft = (predictedAt, entries) => ({
  positions: entries.map(([position]) => position),
  tokens: entries.map(([, token]) => token),
  probabilities: Uint8Array.from(entries, ([, , p]) => p),
  entropies: new Uint8Array(entries.length),
  predictedAt,
});
const frame = (revision, parent, cause, changes = [], more = {}) =>
  frameOf({ revision, parent, cause, changes: changes.map(([position, token]) => ({ position, token, probability: null, given: false })), ...more });
const events = (state, ...all) => all.reduce(reduce, state);
const opened = (...frames) => events(initialState(), { type: "session.opened", session: SESSION }, ...frames.map((each) => ({ type: "frame.received", session: "s", frame: each })));
const watch = (token, revision, position) => ({ type: "watch.added", watch: { token, revision, position } });
const weighed = (...entries) => ({ type: "watch.weighed", session: "s", weighed: entries.map(([revision, position, tokens, probabilities]) => [weighingKey(revision, position), { tokens, probabilities }]) });

const STEPS = [
  frame(1, 0, "step", [[3, 30]], { draft: draft(0, [[2, 20, 51], [3, 30, 230]]) }),
  frame(2, 1, "step", [[4, 40]], { draft: draft(1, [[2, 21, 102], [4, 40, 204]]) }),
  frame(3, 2, "step", [[5, 50]], { draft: draft(2, [[2, 20, 153], [5, 50, 204]]) }),
];

test("what the drafts said comes free, and the rest is a gap until it is asked for", () => {
  let state = events(opened(...STEPS), watch(20, 0, 2));
  let [trail] = trailsOf(state);
  assert.deepEqual(trail.points, [
    { revision: 0, probability: 51 / 255, rank: 1, known: "rounded" },
    { revision: 2, probability: 153 / 255, rank: 1, known: "rounded" },
  ]);
  assert.deepEqual(trail.gaps, [{ revision: 1, of: 1, place: 2 }, { revision: 3, of: 3, place: 2 }]);
  assert.deepEqual(gapsOf([trail]), [{ revision: 3, positions: [2] }, { revision: 1, positions: [2] }], "newest first");
  state = events(state, weighed([1, 2, [21, 20], [0.4, 0.3]], [3, 2, [90, 91, 92], [0.5, 0.2, 0.1]]));
  [trail] = trailsOf(state);
  assert.deepEqual(trail.gaps, []);
  assert.deepEqual(trail.points[1], { revision: 1, probability: 0.3, rank: 2, known: "exact" });
  assert.deepEqual(trail.points[3], { revision: 3, probability: 0.1, rank: 3, known: "below" });
  assert.deepEqual(trail.points.map(pointInWords), ["p ≈ 20%, rank 1", "p 0.3000, rank 2", "p ≈ 60%, rank 1", "below rank 3, p ≤ 0.1000"]);
  assert.equal(trail.here.point, trail.points[3]);
});

test("what the inspector was told counts too, where the token is among it", () => {
  const weighing = { position: 2, candidates: [{ token: 21, pBase: 0.5 }, { token: 20, pBase: 0.25 }] };
  const state = events(opened(...STEPS), watch(20, 0, 2), watch(99, 0, 2), { type: "weighing.changed", session: "s", key: weighingKey(1, 2), weighing });
  const [here, other] = trailsOf(state);
  assert.deepEqual(here.points[1], { revision: 1, probability: 0.25, rank: 2, known: "exact" });
  assert.deepEqual(other.gaps.map(({ revision }) => revision), [0, 1, 2, 3], "not among ten is no answer");
});

test("several tokens share the calls that fill their gaps", () => {
  const state = events(opened(...STEPS), watch(20, 0, 2), watch(21, 0, 2), watch(77, 0, 5));
  assert.deepEqual(gapsOf(trailsOf(state)), [
    { revision: 3, positions: [2] },
    { revision: 2, positions: [2, 5] },
    { revision: 1, positions: [2, 5] },
    { revision: 0, positions: [2, 5] },
  ]);
  assert.deepEqual(newestGaps(state), { revision: 3, positions: [2] });
  assert.equal(newestGaps(events(state, { type: "revision.shown", revision: 1 })), null, "only at the newest one");
});

test("a way back is asked about where it came from", () => {
  const state = events(opened(...STEPS, frame(4, 1, "rewind")), watch(20, 3, 2));
  const [trail] = trailsOf(state);
  assert.deepEqual(trail.points.map(({ revision }) => revision), [0]);
  assert.deepEqual(trail.gaps, [{ revision: 1, of: 1, place: 2 }, { revision: 4, of: 1, place: 2 }]);
  assert.deepEqual(newestGaps(state), { revision: 1, positions: [2] });
});

test("a watched position moves with splices, is absent where it was taken out, and is there again on the way back", () => {
  const moved = frame(4, 3, "edit", [], { splices: [splice(0, 0, 3)] });
  const gone = frame(5, 4, "edit", [], { splices: [splice(5, 1, 0)] });
  const state = events(opened(...STEPS, moved, gone), watch(20, 1, 2));
  const at = (revision) => trailsOf(events(state, { type: "revision.shown", revision }))[0].here;
  assert.deepEqual([at(0).place, at(4).place, at(5).place], [2, 5, -1]);
  assert.equal(at(5).state, "absent");
  assert.equal(watchOf(state, 4, 5, 20), state.watched.tokens[0]);
  assert.equal(watchOf(state, 4, 2, 20), undefined);
  assert.equal(watchOf(state, 4, 5, 21), undefined);
  assert.equal(watchOf(state, 5, 5, 20), undefined);
});

test("a decided position tells what stands there", () => {
  const state = events(opened(...STEPS), watch(31, 0, 3));
  const [{ here, gaps }] = trailsOf(state);
  assert.deepEqual([here.state, here.token, here.point], ["decided", 30, null]);
  assert.deepEqual(gaps.map(({ revision }) => revision), [0]);
});

test("what is watched belongs to its session, and comes back with it", () => {
  const state = events(opened(...STEPS), watch(20, 0, 2), weighed([1, 2, [20], [0.5]]));
  assert.equal(events(state, { type: "session.opened", session: SESSION }).watched, state.watched);
  assert.deepEqual(events(state, { type: "session.opened", session: { ...SESSION, id: "t" } }).watched.tokens, []);
  assert.deepEqual(events(state, { type: "watch.removed", watch: state.watched.tokens[0] }).watched.tokens, []);
  const kept = { session: "s", tokens: [{ token: 20, revision: 3, position: 2 }] };
  const later = reduce(initialState({ watched: kept }), { type: "session.opened", session: SESSION });
  assert.deepEqual(later.watched.tokens, kept.tokens);
  // Until its revision has come there is nothing to say.
  assert.deepEqual([headOf(later.tree), trailsOf(later)[0].here.state, trailsOf(later)[0].gaps], [0, "absent", []]);
  assert.equal(reduce(state, { type: "watch.weighed", session: "other", weighed: [] }), state);
});

test("there is an end to how many are watched", () => {
  const many = Array.from({ length: MOST }, (_, i) => watch(20 + i, 0, 2));
  const state = events(opened(), ...many.slice(1));
  assert.equal(watchHindrance(state), "");
  assert.equal(watchHindrance(reduce(state, many[0])), "8 tokens are watched already. Take one out first.");
});

test("the log scale tells small probabilities apart and ends at its foot", () => {
  assert.deepEqual([1, 0.01, 0.0001, 1e-9, 0].map((p) => height(p, true)), [1, 0.5, 0, 0, 0]);
  assert.deepEqual([1, 0.25, 0].map((p) => height(p, false)), [1, 0.25, 0]);
  assert.deepEqual([1, 0.99999, 0.5, 0.00012345, 0].map(digits), ["1.0000", ">0.9999", "0.5000", "1.23e-4", "0.0000"]);
});
