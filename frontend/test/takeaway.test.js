import { test } from "node:test";
import assert from "node:assert/strict";
import { COMMITTED, GIVEN, OPEN } from "app/core/canvas.js";
import { asGrpc, asJson, asPython, callsTo, copyHindrance, notesOf } from "app/core/copy-as.js";
import { linkOf, readLink, unpackedLink } from "app/core/permalink.js";
import { EMPTY_FORM, initialState, reduce } from "app/core/state.js";
import { frameOf, grow, plant } from "app/core/tree.js";

const number = (name, fallback, maximum = 10) => ({ name, kind: "number", minimum: 0, maximum, choices: [], default: fallback, summary: "" });
/** What is asked of a model here. @type {any} */
const MODEL = {
  name: "m",
  maskToken: 99,
  contextLength: 64,
  samplers: [
    { name: "llada", revises: false, parameters: [number("temperature", 0), number("steps", null, 512)] },
    { name: "dream", revises: false, parameters: [number("temperature", 0), number("eps", 0.1)] },
  ],
};
const SETTINGS = { sampler: "llada", parameters: { temperature: 0.5, steps: 4 }, seed: "18446744073709551615" };
const SESSION = { id: "s", model: "m", promptLength: 3, settings: SETTINGS, tokens: [7, 8, 9, 0, 0, 0], states: [GIVEN, GIVEN, GIVEN, OPEN, OPEN, OPEN] };

const grown = (...frames) =>
  frames.reduce((tree, said, at) => grow(tree, frameOf({ revision: at + 1, parent: at, cause: "step", ...said, changes: (said.changes ?? []).map((change) => ({ probability: null, given: false, ...change })) })), plant(SESSION));
const calls = (tree, more = {}) => callsTo(tree, tree.revisions.length - 1, { asked: null, model: MODEL, isSpecial: (token) => token === 50, ...more });
const step = (position, token) => ({ changes: [{ position, token }] });

test("steps in a row are one call, until the settings or the place change", () => {
  const dream = { sampler: "dream", parameters: { temperature: 0, eps: 0.2 }, seed: SETTINGS.seed };
  const tree = grown(step(3, 20), step(4, 21), { ...step(5, 22), settings: dream }, { ...step(4, 30), parent: 1 }, step(5, 31), { cause: "rewind", parent: 2 });
  const [create, ...others] = calls(tree);
  assert.deepEqual(create.request, {
    model: "m",
    prompt: { tokens: { ids: [7, 8, 9] } },
    length: 3,
    settings: { sampler: "llada", parameters: { temperature: 0.5, steps: 4 }, seed: "18446744073709551615" },
  });
  assert.deepEqual(others.map(({ method, request, first, last }) => [method, request, first, last]), [
    ["Step", { count: 2 }, 1, 2],
    ["Step", { count: 1, settings: { sampler: "dream", parameters: { eps: 0.2 } } }, 3, 3],
    ["Step", { count: 2, fromRevision: "1" }, 4, 5],
    ["Rewind", { revision: "2" }, 6, 6],
  ]);
});

test("a session that was started here is made of what was typed; another one of its tokens", () => {
  const asked = { id: "s", prompt: 'Say "é\n\u{1f600}"', chat: true, words: [{ offset: 1, text: " upon" }] };
  const tree = grown();
  assert.deepEqual(calls(tree, { asked })[0].request.prompt, { chat: { messages: [{ role: "user", content: asked.prompt }] } });
  assert.deepEqual(calls(tree, { asked })[0].request.wordConstraints, asked.words);
  assert.deepEqual(calls(tree, { asked: { ...asked, chat: false } })[0].request.prompt, { text: asked.prompt });
  assert.deepEqual(calls(tree, { asked: { ...asked, id: "other" } })[0].request.prompt, { tokens: { ids: [7, 8, 9] } });
  const holes = plant({ ...SESSION, states: [GIVEN, OPEN, GIVEN, OPEN, GIVEN, GIVEN], tokens: [7, 0, 9, 0, 40, 41] });
  const [{ request }] = callsTo(holes, 0, { asked: null, model: MODEL, isSpecial: () => false });
  assert.deepEqual(request.prompt.tokens.ids, [7, 99, 9]);
  assert.deepEqual(request.wordConstraints, [{ offset: 1, tokens: { ids: [40, 41] } }]);
});

/** Does what the service does with the edits that are copied; see inference_service/sessions/cells.py. */
function done(canvas, edits) {
  let cells = Array.from(canvas.tokens, (token, at) => ({ token, state: canvas.states[at], kept: canvas.protected[at] === 1, hand: canvas.byHand[at] === 1, prompt: at < canvas.promptLength }));
  const fresh = (prompt) => ({ token: 0, state: OPEN, kept: false, hand: false, prompt });
  const told = (cell, token) => (cell.state === GIVEN ? { ...cell, token, hand: false } : { ...cell, token, state: COMMITTED, hand: true });
  for (const edit of edits) {
    const [[name, value]] = Object.entries(edit);
    if (name === "insert") cells.splice(value.position, 0, ...Array.from({ length: value.count }, () => fresh(cells[value.position]?.prompt ?? false)));
    else if (name === "delete") cells.splice(value.position, value.count);
    else if (name === "mask") value.positions.forEach((at) => (cells[at] = fresh(cells[at].prompt)));
    else if (name === "forceToken") cells[value.position] = told(cells[value.position], value.token);
    else if (name === "protect") value.positions.forEach((at) => (cells[at] = { ...cells[at], kept: cells[at].state !== GIVEN }));
    else if (name === "unprotect") value.positions.forEach((at) => (cells[at] = { ...cells[at], kept: false, hand: false }));
    else if (name === "replace") {
      const span = cells[value.position];
      assert.equal(span.state, GIVEN);
      cells.splice(value.position, 1, ...value.tokens.ids.map((token) => ({ ...span, token })));
    } else throw new Error(name);
  }
  return cells;
}

const EDITS = {
  "a token in a committed one's place": { changes: [{ position: 3, token: 60 }] },
  "opened again": { changes: [{ position: 3, token: null }, { position: 4, token: null }] },
  "a given token changed": { changes: [{ position: 1, token: 61, given: true }] },
  "a given position decided anew": { changes: [{ position: 1, token: 61 }] },
  "put in and taken out": { splices: [{ position: 2, removed: 1, inserted: 0 }, { position: 3, removed: 1, inserted: 3 }], changes: [{ position: 4, token: 62 }] },
  "put into the prompt, given": { splices: [{ position: 1, removed: 1, inserted: 3 }], changes: [{ position: 1, token: 63, given: true }, { position: 2, token: 64, given: true }, { position: 3, token: 65, given: true }] },
  "the prompt's end taken out, more put in": { splices: [{ position: 2, removed: 1, inserted: 2 }] },
  "before the first, given": { splices: [{ position: 0, removed: 0, inserted: 1 }], changes: [{ position: 0, token: 66, given: true }] },
  "locked": { protected: [3] },
  "picked by hand no more": { changes: [{ position: 3, token: 60 }], unprotected: [3] },
  "nothing": {},
};

for (const [what, said] of Object.entries(EDITS)) {
  test(`an edit copied gives the same canvas: ${what}`, () => {
    const tree = grown(step(3, 20), step(4, 21), { cause: "edit", ...said });
    const edit = calls(tree).at(-1);
    assert.equal(edit.method, "Edit");
    assert.equal(edit.note, "");
    const { canvas } = tree.revisions[3];
    const cells = done(tree.revisions[2].canvas, edit.request.edits);
    assert.deepEqual(cells.map(({ state }) => state), [...canvas.states]);
    assert.deepEqual(cells.map(({ token, state }) => (state === OPEN ? null : token)), [...canvas.tokens].map((token, at) => (canvas.states[at] === OPEN ? null : token)));
    assert.deepEqual(cells.map(({ kept }) => kept), [...canvas.protected].map(Boolean));
    assert.deepEqual(cells.map(({ hand }) => hand), [...canvas.byHand].map(Boolean));
    assert.equal(cells.filter(({ prompt }) => prompt).length, canvas.promptLength);
  });
}

test("what was given before is filled in again as given", () => {
  const tree = grown({ cause: "edit", changes: [{ position: 1, token: null }] }, { cause: "edit", changes: [{ position: 1, token: 8, given: true }] });
  assert.deepEqual(calls(tree).at(-1).request.edits, [{ unmask: { positions: [1], source: "SOURCE_EARLIER" } }]);
});

test("a turn is appended as its tokens, with the end of the answer that it began with", () => {
  const tree = grown({ changes: [{ position: 3, token: 20 }, { position: 4, token: 50 }, { position: 5, token: 50 }] }, {
    cause: "edit",
    splices: [{ position: 5, removed: 1, inserted: 4 }],
    changes: [{ position: 5, token: 70, given: true }, { position: 6, token: 71, given: true }],
    promptLength: 7,
  });
  assert.deepEqual(calls(tree).at(-1).request.edits, [{ append: { turn: { tokens: { ids: [50, 70, 71] } }, length: 2 } }]);
});

test("what cannot be said exactly is told, in all three", () => {
  const open = { ...SESSION, promptLength: 1, tokens: [0, 0, 0], states: [OPEN, OPEN, OPEN] };
  const frame = frameOf({ revision: 1, parent: 0, cause: "edit", changes: [{ position: 1, token: 5, given: true, probability: null }] });
  const all = callsTo(grow(plant(open), frame), 1, { asked: null, model: MODEL, isSpecial: () => false });
  assert.match(asPython(all), /# Revision 1 is not exactly as it was: tokens that were given are committed by hand here\./);
  assert.match(asGrpc(all), /# Revision 1 is not exactly/);
  assert.equal(notesOf(all).length, 1);
});

test("the texts", () => {
  const asked = { id: "s", prompt: 'Say "é"\n', chat: false, words: [] };
  const tree = grown(step(3, 20), { cause: "select", changes: [{ position: 4, token: 21 }, { position: 3, token: null }] }, { cause: "edit", parent: 1, changes: [{ position: 3, token: 60 }] });
  assert.equal(asPython(calls(tree, { asked })), `import unmask
from unmask import edits

# Every revision is made again, those of other branches too: the noise of a step depends on its number.
with unmask.connect("127.0.0.1:50051") as client:
    session = client.create("Say \\"é\\"\\n", raw=True, model="m", length=3, sampler="llada", temperature=0.5, steps=4, seed=18446744073709551615)
    list(session.step(1))
    session.select({4: 21, 3: None})
    session.edit(edits.force(3, 60), from_revision=1)
    print(session.text)
`);
  const frames = JSON.parse(asJson(calls(tree, { asked })));
  assert.deepEqual(frames.map(({ id }) => id), [1, 2, 3, 4]);
  assert.deepEqual(frames[2].call, {
    method: "unmask.v1.SessionService/Select",
    request: { "@type": "type.googleapis.com/unmask.v1.SelectRequest", sessionId: "SESSION_ID", selections: [{ position: 4, token: 21 }, { position: 3 }] },
  });
});

test("a session whose beginning or settings are not known is not copied", () => {
  assert.equal(copyHindrance(grown(step(3, 20))), "");
  assert.match(copyHindrance(plant({ ...SESSION, revision: 4 })), /oldest revisions/);
  assert.match(copyHindrance(plant({ ...SESSION, settings: { ...SETTINGS, sampler: "imported" } })), /plain history/);
});

test("what a session was asked with stays with it, and with no other", () => {
  const asked = { id: "s", prompt: "p", chat: true, words: [] };
  let state = reduce(initialState(), { type: "session.opened", session: SESSION, asked });
  state = reduce(state, { type: "session.opened", session: SESSION });
  assert.equal(state.asked, asked);
});

const FORM = { ...EMPTY_FORM, prompt: "é\n“#&=%+?”\u{1f600}\u0000", chat: false, length: "40", words: "0:Once, 5:für", sampler: "dream", typed: { dream: { eps: "0.3" }, "": { temperature: "0.7" } }, seed: "18446744073709551615" };

test("a link carries the whole form", () => {
  const text = linkOf(MODEL, FORM);
  assert.match(text, /^[\w-]+$/);
  const { fields, left } = readLink(MODEL, EMPTY_FORM, unpackedLink(text));
  assert.deepEqual(left, []);
  assert.deepEqual({ ...EMPTY_FORM, ...fields }, FORM);
});

test("a link carries the cache, where it is another than the model's own", () => {
  const interval = { ...number("interval", null, 4096), kind: "integer", minimum: 1 };
  const cache = (name, parameters) => ({ name, summary: "", costs: "", exact: name === "none", parameters, samplers: ["dream", "llada"] });
  const model = { ...MODEL, caches: [cache("none", []), cache("dual", [interval])] };
  const form = { ...FORM, cache: "dual", cacheTyped: { interval: "4" } };
  const { fields, left } = readLink(model, EMPTY_FORM, unpackedLink(linkOf(model, form)));
  assert.deepEqual([{ ...EMPTY_FORM, ...fields }, left], [form, []]);
  assert.equal(readLink(model, form, unpackedLink(linkOf(model, FORM))).fields.cache, "", "a prompt comes with its cache, or with the model's own");
  const odd = readLink(model, form, { v: 1, g: ["dual", { interval: "0", depth: "1" }] });
  assert.deepEqual(odd.fields, { cache: "dual", cacheTyped: {} });
  assert.deepEqual(odd.left, ["“interval” = “0” of the cache, which is out of its range", "“depth” = “1” of the cache, which is out of its range"]);
  assert.deepEqual(readLink(model, form, { v: 1, g: ["magic", {}] }), { fields: {}, left: ["the cache “magic”, which this model does not have"] });
  assert.deepEqual(readLink(model, form, { v: 1, g: 5 }).fields, {});
});

test("what a link has and the model has not is named and left out", () => {
  const link = { v: 1, m: "other", p: 5, c: "yes", l: "-3", s: "dream", t: { eps: "99", beta: "1", temperature: "1" }, d: "1e3" };
  const { fields, left } = readLink(MODEL, EMPTY_FORM, link);
  assert.deepEqual(fields, { sampler: "dream", typed: { dream: {}, "": { temperature: "1" } } });
  assert.deepEqual(left, ["the length “-3”", "the seed “1e3”", "the model “other”; this is m", "eps = “99”, which is out of its range", "the parameter “beta”, which dream does not have"]);
  assert.deepEqual(readLink(MODEL, EMPTY_FORM, { v: 1, s: "nope", t: { a: "1" } }), { fields: {}, left: ["the sampler “nope”, which this model does not have, with its parameters"] });
});

test("a broken link is none", () => {
  for (const text of ["", "%%%", "AAAA", btoa("[1]"), btoa("null"), btoa('{"v":2}'), linkOf(MODEL, FORM).slice(0, -9)]) assert.equal(unpackedLink(text), null, text);
});

test("a parameter called as one of the client's own is said in a dictionary", () => {
  const tree = grown({ ...step(3, 20), settings: { sampler: "ranked", parameters: { count: 2, alpha: true }, seed: "1" } });
  assert.match(asPython(calls(tree)), /list\(session\.step\(1, sampler="ranked", parameters=\{"count": 2, "alpha": True\}, seed=1\)\)/);
});
