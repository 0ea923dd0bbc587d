// A connection that says nothing any more.
import { test } from "node:test";
import assert from "node:assert/strict";
import { Heartbeat } from "app/net/heartbeat.js";

/** A socket and a clock that stand still until told. */
function scene() {
  const socket = Object.assign(new EventTarget(), { isOpen: true, abandoned: 0, abandon() { this.abandoned++; this.isOpen = false; } });
  /** @type {{ run: () => void, at: number }[]} */
  const due = [];
  let time = 0;
  const asked = { count: 0 };
  new Heartbeat({ socket, ask: async () => void asked.count++, wait: (run, ms) => due.push({ run, at: time + ms }), now: () => time });
  const pass = (/** @type {number} */ ms) => {
    for (const end = time + ms; ; ) {
      due.sort((a, b) => a.at - b.at);
      if (!due.length || due[0].at > end) return void (time = end);
      const { run, at } = /** @type {{ run: () => void, at: number }} */ (due.shift());
      time = at;
      run();
    }
  };
  return { socket, asked, pass };
}

test("a connection on which something is heard is left alone", () => {
  const { socket, asked, pass } = scene();
  for (let i = 0; i < 20; i++) {
    pass(8000);
    socket.dispatchEvent(new Event("message"));
  }
  assert.deepEqual([asked.count, socket.abandoned], [0, 0]);
});

test("a quiet one is asked, and kept when it answers", () => {
  const { socket, asked, pass } = scene();
  pass(11_000);
  assert.equal(asked.count, 1);
  socket.dispatchEvent(new Event("message"));
  pass(15_000);
  assert.equal(socket.abandoned, 0);
});

test("one that does not answer is given up, and the next one is watched again", () => {
  const { socket, asked, pass } = scene();
  pass(26_000);
  assert.deepEqual([asked.count, socket.abandoned], [1, 1]);
  pass(60_000);
  assert.equal(asked.count, 1, "there is nobody to ask");
  socket.isOpen = true;
  socket.dispatchEvent(new Event("open"));
  pass(40_000);
  assert.deepEqual([asked.count, socket.abandoned], [2, 2]);
});
