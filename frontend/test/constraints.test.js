import { test } from "node:test";
import assert from "node:assert/strict";
import { GIVEN, OPEN } from "app/core/canvas.js";
import { alike, constraintInWords, exactness, KINDS, patternOf, pointed, readConstraint, typedOf } from "app/core/constraints.js";
import { callsTo } from "app/core/copy-as.js";
import { formProblems } from "app/core/fields.js";
import { linkOf, readLink, unpackedLink } from "app/core/permalink.js";
import { problemsOf, settingsOf, settingsToSend } from "app/core/settings.js";
import { EMPTY_FORM, initialState, reduce } from "app/core/state.js";
import { plant } from "app/core/tree.js";
import { sessionFrom, settingsInto } from "app/net/convert.js";
import { SessionSchema } from "app/net/gen/unmask/v1/session_pb.js";
import { create, fromBinary, toBinary } from "app/net/protobuf.js";

/** @type {any} */
const MODEL = { name: "m", contextLength: 64, attention: { name: "full", summary: "every position sees every other", appendOnly: false, blockSize: 0, blocksFromStart: false, settles: false }, samplers: [{ name: "llada", parameters: [], summary: "", source: "", revises: false }] };
const LEFT_TO_RIGHT = { ...MODEL, attention: { name: "causal", summary: "left to right", appendOnly: true, blockSize: 0, blocksFromStart: false, settles: true } };
/** @param {import("app/core/constraints.js").Kind | ""} kind  @param {string} [text] */
const typed = (kind, text) => ({ kind, texts: kind && text !== undefined ? { [kind]: text } : {} });
const form = (/** @type {import("app/core/constraints.js").Typed} */ constraint) => ({ ...EMPTY_FORM, constraint });

test("without a kind there is no constraint, and every kind begins with an example that can be read", () => {
  assert.deepEqual(readConstraint(EMPTY_FORM.constraint), { constraint: null });
  for (const { kind, example } of KINDS) {
    assert.equal(patternOf(typed(kind)), example);
    assert.equal(readConstraint(typed(kind)).constraint?.kind, kind);
  }
});

test("texts to choose from are lines, or a list in JSON", () => {
  assert.deepEqual(readConstraint(typed("choice", "yes\n\nno\n")).constraint, { kind: "choice", value: ["yes", "no"] });
  assert.deepEqual(readConstraint(typed("choice", ' ["a\\nb", "c"]')).constraint, { kind: "choice", value: ["a\nb", "c"] });
  for (const wrong of ['["a"', "[1]", '[{"a": 1}]']) assert.match(readConstraint(typed("choice", wrong)).problem ?? "", /a list in JSON/, wrong);
  assert.match(readConstraint(typed("choice", "\n")).problem ?? "", /at least one/);
});

test("what is in force reads as one would type it", () => {
  for (const [kind, text] of /** @type {const} */ ([["choice", "yes\nno"], ["choice", '["a\\nb","c"]'], ["regex", "[0-9]+"], ["json_schema", "{}"]])) {
    const { constraint } = readConstraint(typed(kind, text));
    assert.ok(constraint);
    assert.deepEqual(readConstraint(typedOf(constraint)).constraint, constraint);
  }
  assert.equal(constraintInWords(typed("")), "No constraint");
  assert.equal(constraintInWords(typed("regex", "[0-9]+")), "Regular expression: [0-9]+");
});

test("an empty pattern is a problem of the form; it is sent with nothing else", () => {
  assert.match(problemsOf(MODEL, form(typed("grammar", " "))).constraint, /write the grammar/);
  assert.deepEqual(settingsOf(MODEL, form(typed("regex", "a"))).constraint, { kind: "regex", value: "a" });
  assert.equal(settingsOf(MODEL, form(typed(""))).constraint, null);
});

test("a step takes the constraint along only where another one is in force", () => {
  const inForce = { sampler: "llada", parameters: {}, seed: "1", constraint: { kind: /** @type {const} */ ("regex"), value: "a" } };
  assert.equal(settingsToSend(MODEL, form(typed("regex", "a")), inForce), null);
  assert.deepEqual(settingsToSend(MODEL, form(typed("regex", "b")), inForce)?.constraint, { kind: "regex", value: "b" });
  assert.equal(settingsToSend(MODEL, form(typed("")), inForce)?.constraint, null, "it is taken away");
  assert.ok(alike(null, undefined));
});

test("the server's words point into the pattern", () => {
  assert.deepEqual(pointed("line 2, column 3: unexpected )", "start: a\na: )("), { words: "unexpected )", line: "a: )(", caret: 2, number: 2 });
  assert.deepEqual(pointed("text 2: it is the same as text 1", "a\n\na"), { words: "it is the same as text 1", line: "a", caret: null, number: 3 });
  assert.deepEqual(pointed("no text meets it in 8 positions", "a"), { words: "no text meets it in 8 positions", line: "", caret: null, number: null });
});

test("what the server said stays with the form until the constraint, or the room for it, is changed", () => {
  const refused = formProblems([{ field: "settings.constraint.regex", description: "line 1, column 1: unclosed group" }]);
  assert.deepEqual(refused, { constraint: "line 1, column 1: unclosed group" });
  const state = { ...initialState(), refused };
  const after = (/** @type {object} */ fields) => reduce(state, { type: "form.changed", fields }).refused;
  assert.deepEqual(after({ seed: "3" }), refused);
  for (const fields of [{ constraint: typed("") }, { length: "3" }, { prompt: "" }]) assert.deepEqual(after(fields), {}, JSON.stringify(fields));
});

test("a link carries the constraint, and a prompt without one comes without", () => {
  const link = unpackedLink(linkOf(MODEL, form(typed("choice", "é\n<b>"))));
  assert.ok(link);
  const { fields, left } = readLink(MODEL, form(typed("regex", "mine")), link);
  assert.deepEqual([fields.constraint, left], [{ kind: "choice", texts: { regex: "mine", choice: "é\n<b>" } }, []]);
  const none = readLink(MODEL, form(typed("regex", "mine")), /** @type {any} */ (unpackedLink(linkOf(MODEL, EMPTY_FORM))));
  assert.deepEqual(none.fields.constraint, { kind: "", texts: { regex: "mine" } }, "what was typed waits");
  assert.match(readLink(MODEL, EMPTY_FORM, { v: 1, x: ["poem", "x"] }).left.join(), /constraint/);
});

test("how far it is to be relied on depends on the model", () => {
  assert.match(exactness("grammar", MODEL), /^Sound/);
  assert.match(exactness("grammar", LEFT_TO_RIGHT), /^Exact/);
  assert.match(exactness("regex", MODEL), /^Exact/);
});

test("the digits of a schema's numbers stay as they were typed, in requests, links and code", () => {
  const schema = '{"type": "integer", "minimum": -9223372036854775808, "maximum": 9007199254740993, "multipleOf": 1.0}';
  const { constraint } = readConstraint(typed("json_schema", schema));
  assert.deepEqual(constraint, { kind: "json_schema", value: schema });
  assert.ok(constraint);
  assert.equal(patternOf(typedOf(constraint)), schema);
  const settings = { sampler: "llada", parameters: {}, seed: "1", constraint };
  const sent = fromBinary(SessionSchema, toBinary(SessionSchema, create(SessionSchema, /** @type {any} */ ({ settings: settingsInto(settings) }))));
  assert.deepEqual(sessionFrom(sent).settings?.constraint, constraint);
  const link = /** @type {any} */ (unpackedLink(linkOf(MODEL, form(typed("json_schema", schema)))));
  assert.equal(readLink(MODEL, EMPTY_FORM, link).fields.constraint?.texts.json_schema, schema);
  const tree = plant({ id: "s", model: "m", promptLength: 1, settings, tokens: [7, 0], states: [GIVEN, OPEN] });
  const calls = callsTo(tree, 0, { asked: null, model: MODEL, isSpecial: () => false });
  assert.deepEqual(calls[0].request.settings.constraint, { jsonSchema: schema });
});
