import { test } from "node:test";
import assert from "node:assert/strict";
import { Place } from "app/actions/place.js";
import { GIVEN, OPEN } from "app/core/canvas.js";
import { initialState, reduce } from "app/core/state.js";
import { Store } from "app/core/store.js";
import { frameOf } from "app/core/tree.js";

const SESSION = { id: "s", model: "m", promptLength: 1, settings: null, tokens: [7, 0, 0, 0], states: [GIVEN, OPEN, OPEN, OPEN] };
const frame = (revision, more = {}) => ({ type: "frame.received", session: "s", frame: frameOf({ revision, parent: revision - 1, cause: "step", changes: [], ...more }) });

/** A page that comes back to a session of three revisions. */
function back(kept, frames = [frame(1), frame(2), frame(3)]) {
  const store = new Store(reduce, initialState(), (notify) => notify());
  const place = new Place(store, kept);
  const seen = [];
  store.dispatch({ type: "session.opened", session: SESSION });
  for (const event of frames) {
    store.dispatch(event);
    seen.push([store.state.shown, store.state.looked]);
  }
  return { store, place, seen };
}

test("the revision shown and the position looked at are found again, once the history is there", () => {
  const { seen } = back({ session: "s", at: 2, shown: 2, looked: 3 });
  assert.deepEqual(seen, [[null, null], [null, null], [2, 3]]);
});

test("one who followed the newest follows it on, and looks at the same position", () => {
  const inserted = frame(3, { cause: "edit", splices: [{ position: 1, removed: 0, inserted: 1 }] });
  const { store } = back({ session: "s", at: 2, shown: null, looked: 2 }, [frame(1), frame(2), inserted]);
  assert.deepEqual([store.state.shown, store.state.looked], [null, 3]);
});

test("until it is found, it is what is left; one who goes elsewhere gives it up", () => {
  const kept = { session: "s", at: 9, shown: 9, looked: 1 };
  const { store, place } = back(kept);
  assert.deepEqual(place.left, kept);
  store.dispatch({ type: "position.looked", position: 2 });
  assert.deepEqual(place.left, { session: "s", at: 3, shown: null, looked: 2 });
  const other = back({ ...kept, session: "other" });
  assert.deepEqual(other.place.left, { session: "s", at: 3, shown: null, looked: null });
});

test("what is kept may be anything", () => {
  for (const kept of [undefined, null, 7, {}, { session: "s" }, { session: "s", at: -1, shown: null, looked: null }, { session: "s", at: 1, shown: "x", looked: null }]) {
    assert.deepEqual(back(kept).place.left, { session: "s", at: 3, shown: null, looked: null });
  }
  assert.equal(back({ session: "s", at: 1, shown: 1, looked: 99 }).store.state.looked, null, "a position that is not there");
});

test("what was picked is found again, at its revision", () => {
  const pick = { token: 9, replaces: null, probability: 0.5, by: "hand" };
  /** @type {[number, [number, typeof pick][]][]} */
  const picks = [[2, [[1, pick]]], [3, [[2, pick]]]];
  const { store, place } = back({ session: "s", at: 2, shown: 2, looked: null, picks });
  assert.deepEqual([...store.state.picks], [[1, pick]]);
  assert.deepEqual(new Map(place.left?.picks), new Map(picks));
  store.dispatch({ type: "revision.shown", revision: null });
  assert.deepEqual([...store.state.picks], [[2, pick]]);
  const odd = [[2, [[1, { ...pick, token: "x" }]]]];
  assert.equal(back({ session: "s", at: 2, shown: 2, looked: null, picks: odd }).store.state.picks.size, 0);
});
