import { test } from "node:test";
import assert from "node:assert/strict";
import { COMMITTED, GIVEN, OPEN } from "app/core/canvas.js";
import { editOf } from "app/core/possible-edits.js";
import { draftsAmong, fitting, hindranceToAll, painted, paintedInWords, runOf } from "app/core/marking.js";
import { cellsOf, labelOf, markable, signsOf } from "app/core/selectors.js";
import { initialState, reduce } from "app/core/state.js";
import { frameOf } from "app/core/tree.js";
import { Editing } from "app/actions/editing.js";

const [G, O, C] = [GIVEN, OPEN, COMMITTED];
const SESSION = { id: "s", model: "m", promptLength: 1, settings: null, tokens: [7, 20, 21, 0, 0, 22], states: [G, C, C, O, O, C], protected: [2] };
const READY = reduce(reduce(initialState(), { type: "connection.changed", connection: { state: "ready" } }), { type: "session.opened", session: SESSION });
const marking = (state, positions) => reduce(state, { type: "marks.changed", positions });
const brushing = (state, fields) => reduce(state, { type: "brush.changed", fields });
const framed = (state, said) => reduce(state, { type: "frame.received", session: "s", frame: frameOf({ cause: "edit", ...said }) });
const marked = (state) => [...state.marked].sort((a, b) => a - b);

/** Editing with a session that only notes what is sent. */
function bench(state) {
  const sent = [];
  const store = { state, dispatch: (event) => (store.state = reduce(store.state, event)) };
  const client = { edit: ({ edits }) => sent.push(...edits) };
  const session = { change: async (_activity, _what, call) => (call({}, {}), true) };
  return { sent, store, editing: new Editing(/** @type {any} */ ({ store, client, session })) };
}

test("a run is the same from either end", () => {
  assert.deepEqual(runOf(2, 5), [2, 3, 4, 5]);
  assert.deepEqual(runOf(5, 2), [2, 3, 4, 5]);
  assert.deepEqual(runOf(3, 3), [3]);
});

test("marks move with their positions and go where those are taken out", () => {
  let state = framed(marking(READY, [1, 3, 5]), { revision: 1, parent: 0, splices: [{ position: 1, removed: 1, inserted: 0 }, { position: 3, removed: 0, inserted: 2 }] });
  assert.deepEqual(marked(state), [2, 6]);
  state = reduce(state, { type: "revision.shown", revision: 0 });
  assert.deepEqual(marked(state), [3, 5], "back where they were");
  state = framed(state, { revision: 2, parent: 0, splices: [{ position: 0, removed: 0, inserted: 1 }] });
  assert.deepEqual(marked(state), [3, 5], "the newest is not looked at");
  state = reduce(state, { type: "revision.shown", revision: 1 });
  state = reduce(state, { type: "revision.shown", revision: 2 });
  assert.deepEqual(marked(state), [4, 6], "from one branch to another");
});

test("marks and brush are of one session", () => {
  const state = brushing(marking(READY, [1]), { kind: "mask", passed: [1] });
  for (const event of [{ type: "session.closed" }, { type: "session.opened", session: { ...SESSION, id: "t" } }]) {
    const next = reduce(state, event);
    assert.deepEqual([marked(next), next.brush.kind, next.brush.passed.size], [[], null, 0]);
  }
});

test("a marked cell says so, and counts among the signs", () => {
  const cells = cellsOf(marking(READY, [1]));
  assert.match(labelOf(cells[1]), /marked, .*position 1/);
  assert.doesNotMatch(labelOf(cells[5]), /marked/);
  assert.deepEqual(signsOf(cells).split(" "), ["committed", "given", "locked", "marked", "open"]);
});

test("what fits is done, and where nothing fits there is a reason", () => {
  assert.deepEqual(fitting(READY, "mask", [5, 3, 1]), { positions: [1, 5], why: "" });
  assert.match(fitting(READY, "mask", [3, 4]).why, /open already/);
  assert.match(hindranceToAll(READY, "lock", [0, 3]), /given|decided/);
  assert.equal(hindranceToAll(READY, "lock", [0, 5]), "");
  assert.match(hindranceToAll(READY, "earlier", [3]), /Nothing has stood here/);
  assert.match(fitting(READY, "mask", []).why, /Look at a position/);
});

test("one edit opens all that are marked", async () => {
  const { sent, editing } = bench(READY);
  assert.equal(await editing.change("mask", new Set([5, 4, 1])), true);
  assert.deepEqual(sent, [editOf("mask", [1, 5], {})]);
  assert.deepEqual(sent[0].value.positions, [1, 5]);
  assert.equal(await editing.change("mask", [3]), false);
  assert.equal(sent.length, 1);
});

test("locking locks those that are not; where all are, it unlocks", async () => {
  const { sent, editing } = bench(READY);
  await editing.change("lock", [1, 2, 3]);
  await editing.change("lock", [2]);
  await editing.change("lock", [1, 2], { locked: true });
  assert.equal(await editing.change("lock", [2], { locked: false }), false);
  assert.deepEqual(sent.map((edit) => [edit.case, edit.value.positions]), [["protect", [1]], ["unprotect", [2]], ["unprotect", [2]]]);
});

test("a brush shows what it would do, and says what it leaves", () => {
  let state = brushing(READY, { kind: "mask", passed: [0, 1, 3] });
  assert.deepEqual(painted(state).positions, [0, 1]);
  assert.equal(paintedInWords(painted(state)), "would open 2 positions; 1 open already");
  assert.deepEqual(cellsOf(state).map(({ previewed }) => previewed), [true, true, false, false, false, false]);
  state = brushing(state, { kind: "lock", passed: [0, 1, 2, 3, 4] });
  assert.deepEqual(cellsOf(state).map(({ locking }) => locking), [false, true, false, false, false, false]);
  assert.equal(paintedInWords(painted(state)), "would lock 1 position; 1 given; 1 locked already; 2 open already");
  assert.equal(painted(brushing(state, { kind: null })), null);
});

test("what is painted is one edit, and the brush stays in the hand", async () => {
  const { sent, store, editing } = bench(brushing(READY, { kind: "lock", passed: [1, 2, 3, 5] }));
  await editing.paint();
  assert.deepEqual(sent, [{ case: "protect", value: { positions: [1, 5] } }]);
  assert.deepEqual([store.state.brush.kind, store.state.brush.passed.size], ["lock", 0]);
});

test("special tokens are hidden but for those looked at, marked or picked; hidden ones are not marked by a run", () => {
  const special = (id) => ({ id, text: `<|s${id}|>`, special: true });
  let state = reduce(READY, { type: "model.received", model: { name: "m" } });
  state = reduce(state, { type: "tokens.received", model: "m", tokens: [special(7), special(20), special(21), { id: 22, text: "x", special: false }] });
  const hidden = (at) => cellsOf(at).filter((cell) => cell.hidden).map(({ position }) => position);
  assert.deepEqual(hidden(state), []);
  state = reduce(state, { type: "view.changed", view: { specials: false } });
  assert.deepEqual(hidden(state), [0, 1, 2]);
  assert.deepEqual(markable(state, 0, 5), [3, 4, 5]);
  assert.deepEqual(hidden(marking(state, [1])), [0, 2]);
  assert.deepEqual(hidden(reduce(state, { type: "position.looked", position: 2 })), [0, 1]);
  assert.deepEqual(hidden(reduce(state, { type: "pick.added", position: 2, pick: { token: null, replaces: 21, probability: null, by: "hand" } })), [0, 1]);
});

test("drafts to pick are those of open positions that have one", () => {
  /** @type {any[]} */
  const cells = [{ state: "committed", token: 1, picked: false }, { state: "open", token: 2, picked: false }, { state: "open", token: null, picked: false }, { state: "open", token: 4, picked: true }];
  assert.deepEqual(draftsAmong(cells, [0, 1, 2, 3, 9]).map(({ token }) => token), [2]);
});
