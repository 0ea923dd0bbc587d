import { test } from "node:test";
import assert from "node:assert/strict";
import { KEYS, onKey } from "app/ui/keys.js";
import { initialState, reduce } from "app/core/state.js";
import { Store } from "app/core/store.js";

/** Parts of the sheet whose keys a part of the page hears where it has the focus. */
const WIDGETS = new Set(["In the canvas", "On a slider", "In the heatmap"]);

test("every key does something, or belongs to a part of the page", () => {
  for (const { in: part, keys, act, does } of KEYS) {
    assert.ok(does, keys.join());
    // Escape leaves what is nearest: the handler knows it by itself.
    if (keys.includes("Esc")) continue;
    assert.equal(typeof act === "function", !WIDGETS.has(part), `${keys} in ${part}`);
  }
});

test("no two keys collide", () => {
  const held = new Set();
  for (const { in: part, keys, shift, act } of KEYS) {
    for (const key of keys) {
      for (const shifted of shift === undefined ? [true, false] : [shift]) {
        const name = `${shifted ? "⇧" : ""}${key} in ${act ? "the page" : part}`;
        assert.ok(!held.has(name), name);
        held.add(name);
      }
    }
  }
});

/** What a key did: the first event that it gave rise to. */
function pressed(/** @type {string} */ key, /** @type {any} */ view = {}) {
  const store = new Store(reduce, initialState({ view }), () => {});
  /** @type {any[]} */
  const events = [];
  store.dispatch = (event) => void events.push(event);
  const target = { closest: () => null };
  onKey(/** @type {any} */ ({ key, shiftKey: false, target, preventDefault() {} }), /** @type {any} */ ({ store, inspection: { look: () => events.push("look") } }));
  return events;
}

test("single-key shortcuts can be turned off; Escape stays", () => {
  assert.equal(pressed("d")[0]?.type, "view.changed");
  assert.deepEqual(pressed("d", { keys: false }), []);
  assert.deepEqual(pressed("[", { keys: false }), []);
  assert.deepEqual(pressed("Escape", { keys: false }), ["look"]);
});

test("side by side, keys that change the canvas out of sight are refused", () => {
  assert.match(pressed("s", { compare: true })[0]?.why, /Close the comparison/);
  assert.match(pressed("s")[0]?.why, /Not connected/);
});
