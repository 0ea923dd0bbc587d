import { test } from "node:test";
import assert from "node:assert/strict";
import { faceOf, textOf, UNKNOWN, wordOf } from "app/core/tokens.js";
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

test("a character in parts is put together where it is copied, and each part shows its bytes", () => {
  const part = (...bytes) => ({ id: 1, text: "\ufffd", special: false, bytes: Uint8Array.from(bytes) });
  const said = (text, special = false) => ({ id: 2, text, special });
  assert.equal(textOf([said("\ufeffcaf"), part(0xc3), said("<s>", true), part(0xa9), said(" \u{1f600}!")]), "\ufeffcaf\u00e9 \u{1f600}!");
  assert.equal(textOf([part(0xf0, 0x9f), said("a"), part(0xe2, 0x82)]), "\ufffda\ufffd");
  assert.equal(textOf([part(0x61, 0xe2, 0x82), part(0xac, 0x62)]), "a\u20acb");
  const drawn = (token) => [faceOf(token).body, faceOf(token).name];
  assert.deepEqual(drawn(part(0xc3)), ["\u2039C3\u203a", "byte C3"]);
  assert.deepEqual(drawn({ ...part(0x61, 0xe2, 0x82, 0xac, 0xf0, 0x9f), text: "a\u20ac\ufffd" }), ["a\u20ac\u2039F0\u203a\u20399F\u203a", "a\u20ac byte F0  byte 9F"]);
  assert.equal(faceOf({ ...part(0xef, 0xbf, 0xbd) }).body, "\ufffd", "that character itself");
});

test("two halves around an open position are no letter", () => {
  const part = (...bytes) => ({ id: 1, text: "\ufffd", special: false, bytes: Uint8Array.from(bytes) });
  const said = (text, special = false) => ({ id: 2, text, special });
  assert.equal(textOf([part(0xc3), null, part(0xa9)]), "\ufffd\ufffd");
  assert.equal(textOf([said("a"), null, part(0xc3), part(0xa9), null, null, said("b")]), "a\u00e9b");
  assert.equal(textOf([part(0xf0, 0x9f), null, part(0x98, 0x80), said("<s>", true)]), "\ufffd\ufffd\ufffd");
});

test("the space between words falls away where a text begins and ends, and nowhere else", () => {
  const word = (text, lead = 1, trail = 0) => ({ id: 1, text, special: false, lead, trail });
  const special = { id: 2, text: "<s>", special: true };
  assert.equal(textOf([special, word(" one"), word(" two")]), "one two");
  assert.equal(textOf([null, word(" one")]), " one");
  assert.equal(textOf([word("one ", 0, 1), word("two ", 0, 1), special]), "one two");
  assert.equal(textOf([word(" ")]), "");
  assert.equal(wordOf([word(" one"), special]), " one<s>");
  assert.equal(wordOf([{ id: 1, text: "\ufffd", special: false, bytes: Uint8Array.of(0xc3) }, { id: 1, text: "\ufffd", special: false, bytes: Uint8Array.of(0xa9) }]), "\u00e9");
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
  assert.equal(notice.why, "The length: 1 to 448 for this prompt");
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
  assert.equal(why("length", "must be from 1 to 20"), "The length: must be from 1 to 20");
  assert.equal(why("word_constraints[1].offset", "must be from 0 to 62 for its 2 tokens to fit the length 64; got 90"), "Word 2: its position must be from 0 to 62 for its 2 tokens to fit the length 64; got 90");
  assert.equal(why("word_constraints[1].offset", "offset 5 has a word already"), "Word 2: position 5 has a word already");
  assert.equal(why("word_constraints", "must leave a position open; they fill all 8"), "The words: must leave a position open; they fill all 8");
});

test("a field that the server refuses is pointed at", () => {
  const refused = (field, description, method = "unmask.v1.SessionService/CreateSession") =>
    explain("x", { code: 3, message: "", reason: "", metadata: {}, fields: [{ field, description }], retryAfter: null, method }).refused;
  assert.deepEqual(refused("length", "must be from 1 to 235: the context has 256 positions and the prompt takes 21; got 250"), { length: "1 to 235: the context has 256 positions and the prompt takes 21" });
  assert.deepEqual(refused("word_constraints[0]", "must have at least one token, and none that is the mask"), { words: "Word 1: must have at least one token, and none that is the mask" });
  assert.deepEqual(refused("edits[0].append.length", "must be from 1 to 20; got 64"), {}, "no field of the form");
  assert.deepEqual(refused("length", "must be from 1 to 20", "unmask.v1.SessionService/Edit"), {});
});

test("a folder that is no checkpoint is no matter of the session", () => {
  const failure = { code: 9, message: "no config.json", reason: "NOT_A_CHECKPOINT", metadata: {}, fields: [], retryAfter: null };
  assert.match(explain("Loading x", { ...failure, method: "unmask.v1.ModelService/LoadModel" }).advice, /^Choose a folder with a checkpoint/);
  assert.match(explain("The step", { ...failure, method: "unmask.v1.SessionService/Step" }).advice, /session/);
});
