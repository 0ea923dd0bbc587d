import { test } from "node:test";
import assert from "node:assert/strict";
import { asJson, asPython, callsTo } from "app/core/copy-as.js";
import { linkOf, readLink, unpackedLink } from "app/core/permalink.js";
import { earlierInWords, earlierOf, exampleFields, losesTyped, holesIn, isChat, looksSpecial, readingOf, takesNames, turnProblems } from "app/core/prompting.js";
import { beginningOf, extentOf, titleOf, whenMade } from "app/core/sessions.js";
import { problemsOf } from "app/core/settings.js";
import { EMPTY_FORM, initialState, reduce } from "app/core/state.js";
import { plant } from "app/core/tree.js";

/** What is asked of a model here. @type {any} */
const MODEL = { name: "m", hasChatTemplate: true, hasTokenizer: true, contextLength: 64, maskToken: 9, samplers: [{ name: "llada", revises: false, parameters: [] }] };
const TURN = { user: "What is 2+2?", assistant: "4" };
const form = (fields) => ({ ...EMPTY_FORM, ...fields });

test("the messages before the prompt are the system's and whole turns; what is empty is none", () => {
  const talk = form({ system: "Be brief.", turns: [TURN, { user: " ", assistant: "" }] });
  assert.deepEqual(earlierOf(talk), [
    { role: "system", content: "Be brief." },
    { role: "user", content: "What is 2+2?" },
    { role: "assistant", content: "4" },
  ]);
  assert.equal(earlierInWords(talk), "system message, 1 turn");
  assert.deepEqual(earlierOf(EMPTY_FORM), []);
  assert.equal(earlierInWords(EMPTY_FORM), "");
});

test("a turn with a half missing is told, in a chat alone", () => {
  const half = form({ turns: [TURN, { user: "And 3+3?", assistant: "" }, { user: "", assistant: "6" }] });
  assert.deepEqual(turnProblems(MODEL, half), { 1: "has no answer", 2: "has an answer to nothing" });
  assert.equal(problemsOf(MODEL, half).turns, "turn 2 has no answer; turn 3 has an answer to nothing");
  assert.deepEqual(problemsOf(MODEL, { ...half, chat: false }), {});
  assert.equal(isChat({ ...MODEL, hasChatTemplate: false }, half), false);
});

test("holes are counted with their positions", () => {
  assert.deepEqual(holesIn("a [[mask:3]] b [[mask]]"), { count: 2, positions: 4 });
  assert.deepEqual(holesIn("[mask] [[mask:]]"), { count: 0, positions: 0 });
});

test("an example leaves nothing of another one behind", () => {
  const holes = { name: "Holes", prompt: "[[mask:2]]", raw: true, length: "0" };
  const talk = { name: "Talk", prompt: "And?", system: "Be brief.", turns: [TURN] };
  const first = { ...EMPTY_FORM, ...exampleFields(EMPTY_FORM, holes) };
  assert.deepEqual([first.chat, first.length], [false, "0"]);
  const second = { ...first, ...exampleFields(first, talk) };
  assert.deepEqual([second.chat, second.length, second.system, second.turns.length], [true, "", "Be brief.", 1]);
  const third = { ...second, ...exampleFields(form({ ...second, length: "20" }), { name: "Plain", prompt: "x" }) };
  assert.deepEqual([third.system, third.turns, third.length], ["", [], "20"]);
});

test("a link carries the conversation, and an older one clears it", () => {
  const talk = form({ model: "", system: "Be brief.", turns: [TURN, { user: "é\u{1f600}", assistant: "" }] });
  const { fields, left } = readLink(MODEL, EMPTY_FORM, unpackedLink(linkOf(MODEL, talk)));
  assert.deepEqual([fields.system, fields.turns, left], [talk.system, talk.turns, []]);
  const plain = readLink(MODEL, talk, unpackedLink(linkOf(MODEL, EMPTY_FORM))).fields;
  assert.deepEqual([plain.system, plain.turns], ["", []]);
  const odd = readLink(MODEL, talk, { v: 1, p: "x", y: 5, h: [["a"]] });
  assert.deepEqual([odd.fields.system, odd.fields.turns, odd.left], [undefined, undefined, ["the system message, which is not text", "the turns before the prompt, which cannot be read"]]);
});

test("a program copied from a conversation says the same messages", () => {
  const session = { id: "s", model: "m", promptLength: 1, settings: { sampler: "llada", parameters: {}, seed: "1" }, tokens: [5, 0], states: [3, 1] };
  const earlier = earlierOf(form({ system: "Be \"brief\".", turns: [TURN] }));
  const asked = { id: "s", prompt: "And 3+3?", chat: true, earlier, words: [] };
  const { tree } = reduce(initialState(), { type: "session.opened", session, asked });
  const calls = callsTo(tree ?? plant(session), 0, { asked, model: MODEL, isSpecial: () => false });
  const messages = [...earlier, { role: "user", content: "And 3+3?" }];
  assert.deepEqual(calls[0].request.prompt, { chat: { messages } });
  const source = /client\.create\((\[.*?\]), model=/.exec(asPython(calls))?.[1];
  assert.deepEqual(JSON.parse(source ?? ""), messages, "a list of dictionaries of strings is one of JSON too");
  assert.deepEqual(JSON.parse(asJson(calls))[0].call.request.prompt, { chat: { messages } });
  const alone = callsTo(plant(session), 0, { asked: { ...asked, earlier: [] }, model: MODEL, isSpecial: () => false });
  assert.match(asPython(alone), /client\.create\("And 3\+3\?", model=/);
});

test("what is typed is text in a chat and may hold control tokens in raw text, unless a switch says otherwise", () => {
  assert.deepEqual([takesNames(MODEL, form({})), takesNames(MODEL, form({ chat: false }))], [false, true]);
  assert.deepEqual(readingOf(MODEL, form({})), {});
  assert.deepEqual(readingOf(MODEL, form({ specialTokens: true })), { specialTokens: true });
  assert.deepEqual(readingOf(MODEL, form({ chat: false, specialTokens: false })), { specialTokens: false });
  assert.deepEqual(readingOf(MODEL, form({ chat: false, addSpecialTokens: false })), { addSpecialTokens: false });
  assert.deepEqual(readingOf(MODEL, form({ addSpecialTokens: false })), {}, "a chat has what its template writes");
  assert.deepEqual(["a <|eot_id|>", "<s>", "[MASK]", "</think> a"].map(looksSpecial), [true, true, true, true]);
  assert.deepEqual(["1 < 2 > 0", "[[mask:3]]", "[user] a", "a <- b"].map(looksSpecial), [false, false, false, false]);
});

test("a link and a copied program carry how the prompt is read", () => {
  const talk = form({ specialTokens: true, addSpecialTokens: false });
  const { fields, left } = readLink(MODEL, EMPTY_FORM, unpackedLink(linkOf(MODEL, talk)));
  assert.deepEqual([fields.specialTokens, fields.addSpecialTokens, left], [true, false, []]);
  const plain = readLink(MODEL, talk, unpackedLink(linkOf(MODEL, EMPTY_FORM))).fields;
  assert.deepEqual([plain.specialTokens, plain.addSpecialTokens], [null, true]);
  const session = { id: "s", model: "m", promptLength: 1, settings: { sampler: "llada", parameters: {}, seed: "1" }, tokens: [5, 0], states: [3, 1] };
  const asked = { id: "s", prompt: "a", chat: false, reading: { specialTokens: false, addSpecialTokens: false }, words: [] };
  const calls = callsTo(plant(session), 0, { asked, model: MODEL, isSpecial: () => false });
  assert.deepEqual(calls[0].request.prompt, { text: "a", specialTokens: false, addSpecialTokens: false });
  assert.match(asPython(calls), /client\.create\("a", raw=True, special_tokens=False, add_special_tokens=False, model=/);
});

test("an earlier session is called by how its prompt begins", () => {
  const said = (text, special = false) => ({ id: 1, text, special });
  const chat = [said("<s>", true), said("<h>", true), said("user"), said("</h>", true), said("\n\n"), said("Tell me"), said(" a story"), said("<eot>", true), said("<h>", true), said("assistant"), said("</h>", true)];
  assert.equal(beginningOf(chat), "Tell me a story");
  assert.equal(beginningOf([said("<im>", true), said("user"), said("\n"), said("Hi")]), "Hi");
  const part = (byte) => ({ ...said("\ufffd"), bytes: Uint8Array.of(byte) });
  assert.equal(beginningOf([said("caf"), part(0xc3), part(0xa9), said(" "), part(0xc3)]), "caf\u00e9 ", "the last is cut");
  assert.equal(beginningOf([said("a "), null, null, said(" user b")]), "a … user b");
  /** @type {any} */
  const session = { id: "s", model: "m", time: null, head: 0, promptLength: 7, summary: { openCount: 3 } };
  assert.equal(titleOf(session, " a\n b "), "a b");
  assert.equal(titleOf(session, ""), "A prompt of 7 positions");
  assert.equal(extentOf(session), "1 revision, 3 open");
  assert.equal(extentOf({ ...session, head: 32, summary: { openCount: 0 } }), "33 revisions, complete");
  const now = new Date(2030, 4, 6, 15, 0).getTime();
  assert.equal(whenMade(new Date(2030, 4, 6, 9, 5).getTime(), now), "today 09:05");
  assert.equal(whenMade(new Date(2030, 4, 5, 23, 59).getTime(), now), "May 5 23:59");
});

test("an example that takes the place of what was typed can be undone; one in another's place loses nothing", () => {
  const story = { name: "Story", prompt: "Tell me." };
  const holes = { name: "Holes", prompt: "1+[[mask:2]]", raw: true, length: "0" };
  const loses = (fields, example) => losesTyped(form(fields), exampleFields(form(fields), example), [story, holes]);
  assert.equal(loses({ prompt: "mine" }, story), true);
  assert.equal(loses({ prompt: story.prompt }, holes), false);
  assert.equal(loses({ prompt: " " }, holes), false);
  assert.equal(loses({ prompt: story.prompt, length: "40" }, holes), true, "the length was typed");
  assert.equal(loses({ prompt: story.prompt, length: "40" }, story), false, "it stays");
  assert.equal(loses({ prompt: holes.prompt, length: "0" }, story), false);
  assert.equal(loses({ prompt: story.prompt, system: "Be brief." }, holes), true);
});
