import { test } from "node:test";
import assert from "node:assert/strict";
import { COMMITTED, GIVEN } from "app/core/canvas.js";
import { initialState, reduce } from "app/core/state.js";
import { remasked } from "app/core/remasking.js";
import { Store } from "app/core/store.js";
import { Remask } from "app/actions/remask.js";

const SESSION = { id: "s", model: "m", promptLength: 1, settings: null, tokens: [7, 20, 30, 31], states: [GIVEN, COMMITTED, COMMITTED, COMMITTED] };
const RANKED = [{ position: 2, score: 0.9 }, { position: 3, score: 0.5 }, { position: 1, score: 0.1 }];

/** The preview with a clock and a service that do what the test says. */
function previewing() {
  const timers = new Map();
  let next = 0;
  globalThis.window = /** @type {any} */ ({ setTimeout: (run) => (timers.set(++next, run), next) });
  globalThis.clearTimeout = /** @type {any} */ ((id) => timers.delete(id));
  const store = new Store(reduce, initialState(), (notify) => notify());
  store.dispatch({ type: "connection.changed", connection: { state: "ready" } });
  store.dispatch({ type: "session.opened", session: SESSION });
  const calls = [];
  /** @type {any} */
  const client = { remasking: (wanted) => new Promise((resolve, reject) => calls.push({ wanted, resolve, reject })) };
  const told = [];
  const remask = new Remask(/** @type {any} */ ({ store, client, connection: { isReady: true }, troubles: { tell: (what) => told.push(what) } }));
  const rest = () => {
    const due = [...timers.values()];
    timers.clear();
    due.forEach((run) => run());
  };
  const shown = () => remasked(store.state)?.positions;
  return { store, remask, calls, rest, shown, told };
}

const settled = () => new Promise(setImmediate);
const { clearTimeout: clear, window: before } = globalThis;
test.afterEach(() => Object.assign(globalThis, { clearTimeout: clear, window: before }));

test("a folded preview asks nothing; an open one once, when the slider rests", async () => {
  const { remask, calls, rest, shown } = previewing();
  remask.change({ rho: 0.5 });
  rest();
  assert.equal(calls.length, 0);
  remask.change({ open: true });
  for (const rho of [0.4, 0.3, 0.2]) remask.change({ rho });
  rest();
  assert.deepEqual(calls.map(({ wanted }) => [wanted.sessionId, wanted.revision, wanted.rho]), [["s", 0, 0.2]]);
  calls[0].resolve(RANKED);
  await settled();
  remask.change({ share: 0.34 });
  assert.deepEqual(shown(), [2]);
  remask.change({ share: 1 });
  assert.deepEqual(shown(), [2, 3, 1]);
  rest();
  assert.equal(calls.length, 1, "another share needs no other answer");
});

test("an answer that nobody waits for any more is dropped", async () => {
  const { remask, calls, rest, shown } = previewing();
  remask.change({ open: true, share: 1, rho: 0.1 });
  rest();
  remask.change({ rho: 0.9 });
  rest();
  assert.equal(calls.length, 2);
  calls[1].resolve([RANKED[2]]);
  await settled();
  calls[0].resolve(RANKED);
  await settled();
  assert.deepEqual(shown(), [1]);
});

test("what cannot be had is told once", async () => {
  const { remask, calls, rest, shown, told } = previewing();
  remask.change({ open: true });
  rest();
  calls[0].reject(Object.assign(new Error("no"), { code: 3 }));
  await settled();
  rest();
  assert.deepEqual([told, calls.length, shown()], [["The preview"], 1, undefined]);
});

test("nothing is asked while a call runs, and the newest revision when it ends", () => {
  const { store, remask, calls, rest } = previewing();
  store.dispatch({ type: "activity.started", activity: "run" });
  remask.change({ open: true });
  rest();
  assert.equal(calls.length, 0);
  store.dispatch({ type: "activity.ended" });
  rest();
  assert.equal(calls.length, 1);
});
