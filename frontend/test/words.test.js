import { test } from "node:test";
import assert from "node:assert/strict";
import { faceOf, UNKNOWN } from "app/core/tokens.js";
import { amount, duration, humanised, percent } from "app/core/format.js";
import { explain } from "app/core/errors.js";

test("white space at a token's ends is set apart", () => {
  assert.deepEqual(faceOf({ id: 1, text: " Tom", special: false }), { lead: " ", body: "Tom", tail: "", special: false, breaks: 0, name: "Tom" });
  assert.deepEqual(faceOf({ id: 1, text: ".\n\n", special: false }), { lead: "", body: ".", tail: "\n\n", special: false, breaks: 2, name: "." });
  assert.equal(faceOf({ id: 1, text: "\n", special: false }).name, "line break");
  assert.equal(faceOf({ id: 1, text: "", special: false }).body, "∅");
  assert.equal(faceOf(undefined), UNKNOWN);
});

test("a special token shows its name, markup stays text", () => {
  assert.equal(faceOf({ id: 1, text: "<|endoftext|>", special: true }).body, "endoftext");
  assert.equal(faceOf({ id: 1, text: "[MASK]", special: true }).body, "MASK");
  assert.equal(faceOf({ id: 1, text: "<s>", special: true }).body, "s");
  assert.equal(faceOf({ id: 1, text: "<img src=x onerror=alert(1)>", special: false }).body, "<img src=x onerror=alert(1)>");
});

test("numbers as people read them", () => {
  assert.deepEqual([0, 0.0004, 0.0361, 0.5, 0.823, 0.9996, 1, NaN].map(percent), ["0%", "<0.1%", "3.6%", "50%", "82%", ">99.9%", "100%", "–"]);
  assert.deepEqual([null, 0.0002, 0.023, 1.25, 125].map(duration), ["–", "<1 ms", "23 ms", "1.3 s", "2 min 5 s"]);
  assert.equal(amount(8030261248), "8.03B");
  assert.deepEqual(["block_length", "cfg_scale", "logits_eos_inf"].map(humanised), ["Block length", "CFG scale", "Logits EOS inf"]);
});

test("an error says what, why and what to do", () => {
  const failure = { code: 3, message: "length: 1 to 448 for this prompt", reason: "INVALID_FIELD", metadata: {}, fields: [{ field: "length", description: "1 to 448 for this prompt" }], retryAfter: null, method: "M" };
  const notice = explain("Starting a session", failure);
  assert.equal(notice.what, "Starting a session did not work.");
  assert.equal(notice.why, "length: 1 to 448 for this prompt");
  assert.match(notice.advice, /Correct the field/);
  assert.match(explain("x", { ...failure, code: 10, reason: "SESSION_BUSY" }).advice, /Another call/);
  assert.match(explain("x", { ...failure, code: 8, retryAfter: 1.2 }).advice, /Best in 2 s/);
});
