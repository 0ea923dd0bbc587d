import { test } from "node:test";
import assert from "node:assert/strict";
import { Asking } from "app/actions/asking.js";
import { Inspection } from "app/actions/inspection.js";
import { hindrances } from "app/core/selectors.js";
import { editHindrances } from "app/core/possible-edits.js";
import { fillHindrance } from "app/core/watched.js";
import { GIVEN, OPEN } from "app/core/canvas.js";
import { initialState, reduce } from "app/core/state.js";
import { Store } from "app/core/store.js";

const MODEL = { name: "m", state: "ready", hasTokenizer: true, contextLength: 32, samplers: [{ name: "llada", summary: "", source: "", revises: false, parameters: [] }] };

function page(/** @type {boolean} */ asks) {
  const store = new Store(reduce, initialState({ view: { asks } }), (notify) => notify());
  for (const event of [
    { type: "model.received", model: MODEL },
    { type: "connection.changed", connection: { state: "ready" } },
    { type: "session.opened", session: { id: "s", model: "m", promptLength: 1, settings: null, tokens: [7, 0, 0], states: [GIVEN, OPEN, OPEN] } },
    { type: "position.looked", position: 1 },
  ]) store.dispatch(event);
  /** @type {string[]} */
  const done = [];
  const session = { forward: () => done.push("forward"), stop: () => done.push("stop") };
  const asking = new Asking(/** @type {any} */ ({ store, session, comparing: { stop: () => done.push("stop both") }, watched: { cancel() {} } }));
  return { store, asking, done };
}

test("while the model is off, what would ask it says so, and what does not stays", () => {
  const { store } = page(false);
  const why = hindrances(store.state);
  assert.equal(why.step, "The model is off: switch it on to step (O).");
  assert.equal(why.run, why.step);
  for (const control of /** @type {const} */ (["forward", "propose", "mask"])) assert.match(why[control], /^The model is off/, control);
  for (const control of /** @type {const} */ (["start", "pick", "change"])) assert.equal(why[control], "", control);
  const edits = editHindrances(store.state, 1);
  assert.match(edits.draft, /^The model is off/);
  for (const doing of /** @type {const} */ (["write", "insert", "delete", "replace"])) assert.equal(edits[doing], "", doing);
  assert.match(fillHindrance(store.state), /^The model is off/);
});

test("switched on, it is asked about the revision shown; switched off, it stops", () => {
  const { store, asking, done } = page(false);
  asking.toggle();
  assert.equal(store.state.view.asks, true);
  assert.deepEqual(done, ["forward"]);
  store.dispatch({ type: "prediction.received", session: "s", prediction: { revision: 0, asked: true, cached: false, seconds: 0, meanEntropy: 0, draft: { positions: [1, 2], tokens: [3, 4], probabilities: Uint8Array.of(9, 9), entropies: Uint8Array.of(9, 9), predictedAt: 0 } } });
  store.dispatch({ type: "activity.started", activity: "run" });
  asking.toggle();
  assert.deepEqual(done, ["forward", "stop"]);
  store.dispatch({ type: "activity.ended" });
  asking.toggle();
  assert.deepEqual(done, ["forward", "stop"], "what it says is known already");
});

test("nothing is asked about a position that is looked at while it is off", async (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  globalThis.window ??= /** @type {any} */ (globalThis);
  for (const asks of [false, true]) {
    const { store } = page(asks);
    let asked = 0;
    const client = { getCandidates: async () => (asked++, [{ position: 1, candidates: [] }]) };
    new Inspection(/** @type {any} */ ({ store, client, connection: { isReady: true }, vocabulary: { need() {} } }));
    store.dispatch({ type: "position.looked", position: 2 });
    t.mock.timers.tick(1000);
    assert.equal(asked, asks ? 1 : 0);
  }
});
