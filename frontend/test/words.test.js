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

test("what nobody would see has signs, and only its face", () => {
  const drawn = (text) => {
    const { body, name } = faceOf({ id: 1, text, special: false });
    return [body, name];
  };
  assert.deepEqual(drawn("\u0000"), ["\u2400", "U+0000"]);
  assert.deepEqual(drawn("\u001b[31m"), ["\u241b[31m", "U+001B [31m"]);
  assert.deepEqual(drawn("\u202eevil"), ["\u27e8U+202E\u27e9evil", "U+202E evil"]);
  assert.deepEqual(drawn("\u200b"), ["\u27e8U+200B\u27e9", "U+200B"]);
  assert.deepEqual(drawn("\u00a0"), ["\u27e8U+00A0\u27e9", "U+00A0"]);
  assert.deepEqual(drawn("\u200d"), ["\u27e8U+200D\u27e9", "U+200D"]);
  assert.deepEqual(drawn("\u0301"), ["\u25cc\u0301", "\u0301"]);
  assert.deepEqual(drawn("\ud83d"), ["\u27e8U+D83D\u27e9", "U+D83D"]);
  for (const whole of ["\u{1f469}\u200d\u{1f4bb}", "\u2764\ufe0f", "e\u0301", "\u05e9\u05dc\u05d5\u05dd", "a b"]) assert.deepEqual(drawn(whole), [whole, whole]);
  assert.equal(faceOf({ id: 1, text: "<|\u202e|>", special: true }).body, "\u27e8U+202E\u27e9");
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
  const lost = explain("Naming the branch", { ...failure, code: 14, message: "gone", fields: [] });
  assert.doesNotMatch(lost.advice, /tries again/, "a call is not made again");
  assert.match(explain("x", { ...failure, code: 10, reason: "SESSION_BUSY" }).advice, /Another call/);
  assert.match(explain("x", { ...failure, code: 8, retryAfter: 1.2 }).advice, /Best in 2 s/);
});

test("what was typed is named, not its path", () => {
  const why = (field, description) => explain("x", { code: 3, message: `${field}: ${description}`, reason: "", metadata: {}, fields: [{ field, description }], retryAfter: null, method: "M" }).why;
  const over = (tokens, from) => `must be from 0 to ${48 - tokens}, for ${tokens} positions to fit a canvas of 48; got ${from}`;
  assert.equal(why("edits[0].force_text.position", over(10, 47)), "10 tokens do not fit: 1 position is left from here");
  assert.equal(why("edits[0].force_text.position", over(4, 46)), "4 tokens do not fit: 2 positions are left from here");
  assert.equal(why("edits[0].force_text.position", "60 positions do not fit a canvas of 48"), "60 tokens do not fit: the canvas has 48");
  assert.equal(why("edits[0].replace", "the model's context has 256 positions; this would make 260"), "This does not fit: the canvas would have 260 positions, and the model's context has 256");
  assert.equal(why("edits[0].force_text.text", "must have at least one token"), "The text: must have at least one token");
  assert.equal(why("edits[0].append.length", "must be from 1 to 20; got 64"), "The length of the answer: must be from 1 to 20; got 64");
  assert.equal(why("prompt.chat.messages", "a hole such as [[mask:3]] must have 1 to 256 positions; got [[mask:0]]"), "A hole such as [[mask:3]] must have 1 to 256 positions; got [[mask:0]]");
  assert.equal(why("length", "must be from 1 to 20"), "length: must be from 1 to 20");
});
