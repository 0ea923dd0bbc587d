import { test } from "node:test";
import assert from "node:assert/strict";
import { initialState, reduce, shownRevision } from "app/core/state.js";
import { Store } from "app/core/store.js";
import { blocksOf, cellsOf, hindrances, inspected, labelOf, marksOf, sentence, statistics, trialWanted, writtenText } from "app/core/selectors.js";
import { COMMITTED, GIVEN, OPEN } from "app/core/canvas.js";
import { editHindrances } from "app/core/possible-edits.js";
import { unsent } from "app/core/unsent.js";
import { remasked, remaskedInWords, rankingWanted } from "app/core/remasking.js";
import { frameOf } from "app/core/tree.js";

const MODEL = { name: "m", state: "ready", hasTokenizer: true, hasChatTemplate: true, contextLength: 32, endTokens: [2, 31], samplers: [
  { name: "llada", summary: "", source: "", revises: false, parameters: [] },
  { name: "p2", summary: "", source: "", revises: true, parameters: [{ name: "top_k", kind: "integer", default: 0, minimum: 0, maximum: 9, choices: [], summary: "" }] },
] };
const SESSION = { id: "s", model: "m", promptLength: 1, settings: null, tokens: [7, 0, 0, 0], states: [GIVEN, OPEN, OPEN, OPEN] };
const step = (revision, parent, changes, more = {}) => ({
  type: "frame.received", session: "s",
  frame: frameOf({
    revision, parent, cause: "step",
    summary: { openCount: 0, forwardCount: 1, totalForwardCount: revision, meanProbability: 0.5, minProbability: 0.25, meanEntropy: 1, seconds: 0.02, totalWallSeconds: null, pending: false, tokensBeforeEnd: null, stopReason: null, constraint: null, approximations: [] },
    changes: changes.map(([position, token]) => ({ position, token, probability: 0.5, given: false })),
    ...more,
  }),
});
const after = (...events) =>
  [
    { type: "model.received", model: MODEL },
    { type: "connection.changed", connection: { state: "ready" } },
    { type: "tokens.received", model: "m", tokens: [[7, "Hi"], [20, " Tom"], [30, "\n"], [31, "<|eot|>", true]].map(([id, text, special = false]) => ({ id, text, special })) },
    { type: "session.opened", session: SESSION },
    ...events,
  ].reduce(reduce, initialState());

test("the newest revision is shown until another is asked for", () => {
  const state = after(step(1, 0, [[1, 20]]), step(2, 1, [[2, 30]]));
  assert.equal(shownRevision(state), 2);
  const back = reduce(state, { type: "revision.shown", revision: 1 });
  assert.equal(shownRevision(back), 1);
  assert.equal(shownRevision(reduce(back, step(3, 2, [[3, 31]]))), 1, "a new frame does not tear it away");
  assert.equal(shownRevision(reduce(back, { type: "revision.shown", revision: 99 })), 2);
  assert.equal(reduce(back, { type: "revision.shown", revision: 2 }).shown, null);
});

test("frames of another session are ignored", () => {
  const state = after();
  assert.equal(reduce(state, { ...step(1, 0, [[1, 20]]), session: "other" }), state);
});

test("cells tell their state, their draft and what is new", () => {
  const draft = { positions: [1, 2], tokens: [20, 30], probabilities: Uint8Array.of(255, 51), entropies: Uint8Array.of(0, 9), predictedAt: 0 };
  const cells = cellsOf(after(step(1, 0, [[1, 20]], { draft })));
  assert.deepEqual(cells.map(({ state }) => state), ["given", "committed", "open", "open"]);
  assert.equal(cells[1].deed, "committed");
  assert.equal(cells[2].token, 30);
  assert.equal(cells[2].probability, 0.2);
  assert.equal(cells[3].face, null);
  assert.equal(labelOf(cells[1]), "Tom, 50 percent, new, position 1");
  assert.equal(labelOf(cells[2]), "line break, draft, 20 percent, position 2");
  assert.equal(labelOf(cells[3]), "open, position 3");
  const hidden = cellsOf(reduce(after(step(1, 0, [[1, 20]], { draft })), { type: "view.changed", view: { draft: false } }));
  assert.equal(hidden[2].token, null);
});

test("picks hold while their position is open", () => {
  const pick = (position) => ({ type: "pick.added", position, pick: { token: 20, replaces: null, probability: 0.4, by: "hand" } });
  const state = after(pick(1), pick(2));
  assert.equal(cellsOf(state)[1].picked, true);
  assert.deepEqual([...reduce(state, step(1, 0, [[1, 31]])).picks.keys()], [2]);
  assert.equal(reduce(after(step(1, 0, []), pick(2)), { type: "revision.shown", revision: 0 }).picks.size, 0);
});

test("the inspector looks where the position was last open", () => {
  const state = after(step(1, 0, [[1, 20]]), step(2, 1, [[2, 30]]), { type: "position.looked", position: 2 });
  assert.equal(inspected(state)?.target?.revision, 1);
  assert.equal(inspected(state)?.target?.chosen, 30);
  assert.equal(inspected(reduce(state, { type: "revision.shown", revision: 0 }))?.target?.revision, 0);
  assert.equal(inspected(reduce(state, { type: "position.looked", position: 0 }))?.state, "given");
});

test("numbers, sentence and marks of the revision shown", () => {
  const state = after(step(1, 0, [[1, 20]]), step(2, 1, [[2, 30], [3, 31]]));
  const numbers = statistics(state);
  assert.deepEqual([numbers?.open, numbers?.committed, numbers?.forwards, numbers?.perForward, numbers?.complete], [0, 3, 2, 1.5, true]);
  assert.equal(sentence(state), "Revision 2 of 2: a step: 2 committed, complete, 2 forward passes, mean probability 0.50");
  const back = [{ type: "frame.received", session: "s", frame: { ...step(3, 1, []).frame, cause: "rewind", summary: null } }].reduce(reduce, state);
  assert.deepEqual(marksOf(back).map(({ onPath }) => onPath), [true, true, false, true]);
  assert.equal(statistics(back)?.forwards, 1, "a rewind has its parent's count");
  assert.equal(writtenText(state), " Tom\n");
});

test("the text has no letter of two halves with an open position between them", () => {
  const half = (/** @type {number} */ id, /** @type {number} */ byte) => ({ id, text: "\ufffd", special: false, bytes: Uint8Array.of(byte) });
  const told = { type: "tokens.received", model: "m", tokens: [half(40, 0xc3), half(41, 0xa9)] };
  assert.equal(writtenText(after(told, step(1, 0, [[1, 40], [3, 41]]))), "\ufffd\ufffd");
  assert.equal(writtenText(after(told, step(1, 0, [[1, 40], [2, 41]]))), "\u00e9");
});

const summary = (more) => ({ summary: { ...step(1, 0, []).frame.summary, ...more } });
const ALL = [[1, 20], [2, 30], [3, 31]];

test("a step with parts says which, and what it did", () => {
  const predicted = step(1, 0, ALL, { substep: "prediction", ...summary({ pending: true }) });
  const remasked = step(2, 1, [[1, null], [2, 31]], { substep: "remasking", ...summary({ openCount: 1, pending: true }) });
  const last = step(3, 2, [[1, 31]], { substep: "final", ...summary({ totalForwardCount: 3, tokensBeforeEnd: 2, totalWallSeconds: 1.5 }) });
  const at = (...events) => sentence(after(...events));
  assert.equal(at(predicted), "Revision 1 of 1: a step, prediction: 3 committed, none open, more to do, mean probability 0.50");
  assert.equal(at(predicted, remasked), "Revision 2 of 2: a step, remasking: 1 opened again, 1 edited, 1 open, mean probability 0.50");
  assert.equal(at(predicted, remasked, last), "Revision 3 of 3: a step, final: 1 committed, complete with 2 tokens before the end, 3 forward passes in 1.5 s, mean probability 0.50");
  const cells = cellsOf(after(predicted, remasked));
  assert.deepEqual(cells.map(({ deed }) => deed), [null, "reopened", "edited", null]);
  assert.match(labelOf(cells[1]), /opened again/);
  assert.match(labelOf(cells[2]), /edited/);
});

test("a finished canvas tells what it took, also when it is gone back to", () => {
  const last = step(1, 0, ALL, summary({ forwardCount: 2, totalForwardCount: 2, tokensBeforeEnd: 1, totalWallSeconds: 0.4 }));
  const back = { ...step(2, 1, []), frame: { ...step(2, 1, []).frame, cause: "rewind", summary: { ...last.frame.summary, tokensBeforeEnd: null } } };
  for (const state of [after(last), after(last, back)]) {
    const numbers = statistics(state);
    assert.deepEqual([numbers.complete, numbers.beforeEnd, numbers.forwards, numbers.perForward, numbers.wallSeconds], [true, 1, 2, 1.5, 0.4]);
  }
});

test("a full canvas goes on while the sampler has more to do, or another one may revise it", () => {
  const full = (more = {}) => step(1, 0, ALL, { settings: { sampler: "llada", parameters: {}, seed: "1" }, ...summary(more) });
  assert.equal(hindrances(after(full({ pending: true }))).step, "");
  assert.match(hindrances(after(full({ pending: true }))).forward, /No position is open/, "there is nothing to predict");
  const done = after(full());
  assert.match(hindrances(done).run, /No position is open/);
  const other = reduce(done, { type: "form.changed", fields: { sampler: "p2" } });
  assert.deepEqual([hindrances(other).step, hindrances(other).run], ["", ""]);
  const used = after(full({}), { type: "form.changed", fields: { sampler: "p2" } }, { type: "form.sent" }, step(2, 1, [], { settings: { sampler: "p2", parameters: { top_k: 0 }, seed: "1" } }));
  assert.match(hindrances(used).step, /No position is open/, "it has just said that it is done");
  assert.equal(hindrances(reduce(used, { type: "form.typed", sampler: "p2", name: "top_k", value: "3" })).step, "");
});

test("what a proposal would open again or edit is picked like a token", () => {
  const picks = [[1, { token: null, replaces: 20, probability: null, by: "auto" }], [2, { token: 31, replaces: 30, probability: 0.75, by: "auto" }]];
  const state = after(step(1, 0, [[1, 20], [2, 30]]), { type: "picks.replaced", picks });
  const cells = cellsOf(state);
  assert.deepEqual([cells[1].picked, cells[1].reopening, cells[1].token], [true, true, 20]);
  assert.deepEqual([cells[2].picked, cells[2].reopening, cells[2].token, cells[2].probability], [true, false, 31, 0.75]);
  assert.match(labelOf(cells[1]), /picked to open again/);
  assert.equal(reduce(state, step(2, 1, [[3, 31]])).picks.size, 2, "they hold while their tokens stand");
  assert.deepEqual([...reduce(state, step(2, 1, [[1, null]])).picks.keys()], [2]);
});

test("the form's distribution is tried on the open position looked at", () => {
  const settings = { sampler: "p2", parameters: { top_k: 0 }, seed: "1" };
  const begun = [
    { type: "form.changed", fields: { sampler: "p2" } },
    step(1, 0, [[1, 20]], { settings }),
    { type: "position.looked", position: 2 },
    { type: "form.typed", sampler: "p2", name: "top_k", value: "2" },
  ];
  assert.equal(trialWanted(after(...begun)), null, "its logits are not known to be there");
  const weighed = after(...begun, { type: "weighing.changed", session: "s", key: "1:2", weighing: { candidates: [] } });
  const wanted = trialWanted(weighed);
  assert.deepEqual([wanted.revision, wanted.position, wanted.settings], [1, 2, { sampler: "p2", parameters: { top_k: 2 }, seed: null }]);
  assert.equal(inspected(weighed).trial.current, false);
  const tried = reduce(weighed, { type: "trial.received", session: "s", trial: { key: wanted.key, weighing: { keptCount: 2 } } });
  assert.equal(inspected(tried).trial.weighing.keptCount, 2);
  assert.equal(inspected(reduce(tried, { type: "form.typed", sampler: "p2", name: "top_k", value: "" })).trial, null);
  assert.equal(trialWanted(reduce(tried, { type: "position.looked", position: 1 })), null, "what was decided was weighed by the settings of then");
});

test("a given word belongs to the text", () => {
  const given = { ...SESSION, tokens: [7, 20, 0, 0], states: [GIVEN, GIVEN, OPEN, OPEN] };
  const state = after({ type: "session.opened", session: given }, step(1, 0, [[2, 30]]), { type: "position.looked", position: 1 });
  assert.equal(writtenText(state), " Tom\n");
  assert.deepEqual([inspected(state).state, inspected(state).inPrompt], ["given", false]);
});

test("a control says why it cannot be used", () => {
  const state = after();
  assert.equal(hindrances(state).step, "");
  assert.match(hindrances(state).apply, /Nothing is picked/);
  assert.match(hindrances(reduce(state, { type: "activity.started", activity: "run" })).step, /Wait/);
  assert.match(hindrances(reduce(state, { type: "connection.changed", connection: { state: "lost" } })).step, /Not connected/);
  assert.match(hindrances(initialState()).run, /Not connected/);
  assert.match(hindrances(reduce(state, { type: "form.changed", fields: { length: "99" } })).start, /length: 1 to 32/);
});

const edit = (revision, parent, changes, more = {}) => step(revision, parent, changes, { cause: "edit", summary: null, ...more });

test("every revision has its own length and prompt", () => {
  const state = after(step(1, 0, [[1, 20]]), edit(2, 1, [[1, 31]], { splices: [{ position: 1, removed: 0, inserted: 2 }] }));
  assert.deepEqual(cellsOf(state).map(({ state: s, deed }) => [s, deed]), [["given", null], ["committed", "committed"], ["open", "inserted"], ["committed", null], ["open", null], ["open", null]]);
  assert.equal(cellsOf(reduce(state, { type: "revision.shown", revision: 1 })).length, 4);
  assert.match(sentence(state), /1 written by hand, 1 put in, 3 open/);
  assert.match(labelOf(cellsOf(state)[2]), /put in/);
  const turned = after(step(1, 0, ALL), edit(2, 1, [], { splices: [{ position: 3, removed: 1, inserted: 2 }], promptLength: 3 }));
  assert.equal(writtenText(turned), "", "the answer is prompt now");
  assert.match(sentence(turned), /a turn appended/);
  assert.equal(inspected(reduce(turned, { type: "position.looked", position: 4 }))?.inPrompt, false);
  assert.equal(inspected(reduce(turned, { type: "position.looked", position: 5 })), null, "the canvas ends before");
});

test("picks move with their positions", () => {
  const pick = (position) => ({ type: "pick.added", position, pick: { token: 20, replaces: null, probability: 0.4, by: "hand" } });
  const state = after(pick(1), pick(3), edit(1, 0, [], { splices: [{ position: 1, removed: 1, inserted: 2 }] }));
  assert.deepEqual([...state.picks.keys()], [4], "what was taken out is not picked any more");
  assert.deepEqual([...after(pick(3), step(1, 0, [[1, 20]])).picks.keys()], [3]);
});

test("a lock is said and shown, and says what it hinders", () => {
  const state = after(step(1, 0, [[1, 20]]), edit(2, 1, [], { protected: [1] }));
  assert.equal(cellsOf(state)[1].locked, true);
  assert.match(labelOf(cellsOf(state)[1]), /locked/);
  assert.equal(editHindrances(state, 1).lock, "");
  assert.match(editHindrances(state, 0).lock, /given/);
  assert.match(editHindrances(state, 2).lock, /decided/);
  assert.match(editHindrances(state, null).mask, /Look at a position/);
});

test("what can be done by hand depends on what stands there, and stood", () => {
  const state = after(step(1, 0, [[1, 20]]), edit(2, 1, [[1, null]]));
  const can = (position, at = state) => Object.entries(editHindrances(at, position)).filter(([, why]) => !why).map(([doing]) => doing);
  assert.deepEqual(can(1), ["draft", "earlier", "insert", "delete", "write", "replace"]);
  assert.deepEqual(can(2), ["draft", "insert", "delete", "write", "replace"]);
  assert.deepEqual(can(0), ["mask", "insert", "delete", "write", "replace"]);
  assert.deepEqual(can(1, reduce(state, { type: "activity.started", activity: "run" })), []);
  const readOnly = after(step(1, 0, ALL, { readOnly: true }));
  assert.deepEqual(can(1, readOnly), ["mask"]);
  assert.match(editHindrances(readOnly, 1).write, /opened here, and nothing else/);
  const picked = (token) => reduce(readOnly, { type: "picks.replaced", picks: [[1, { token, replaces: 20, probability: null, by: "auto" }]] });
  assert.equal(hindrances(picked(null)).apply, "");
  assert.match(hindrances(picked(31)).apply, /nothing else/);
});

test("undo and redo say why not", () => {
  assert.match(hindrances(after()).undo, /nothing to undo/);
  assert.match(hindrances(after(step(1, 0, ALL))).redo, /nothing to redo/);
  assert.equal(hindrances(after(step(1, 0, ALL))).undo, "");
  const undone = after(step(1, 0, ALL), step(2, 0, [], { cause: "rewind" }));
  assert.equal(hindrances(undone).redo, "");
});

test("the preview of masking again marks what it would open, and changes nothing", () => {
  const full = { ...SESSION, tokens: [7, 20, 30, 31], states: [GIVEN, COMMITTED, COMMITTED, COMMITTED] };
  const open = [{ type: "session.opened", session: full }, { type: "remask.changed", fields: { open: true, share: 0.67 } }];
  const state = after(...open);
  const wanted = rankingWanted(state);
  assert.deepEqual([wanted.revision, wanted.rho, wanted.ratio], [0, 0, 0.67]);
  assert.equal(remasked(state), null, "not answered yet");
  const ranked = [{ position: 2, score: 0.9 }, { position: 3, score: 0.5 }, { position: 1, score: 0.1 }];
  const answered = reduce(state, { type: "remask.changed", fields: { answer: { key: wanted.key, ranked } } });
  assert.deepEqual(remasked(answered), { positions: [2, 3], of: 3, cutoff: 0.5, rho: 0, open: 0, all: 3 });
  assert.equal(remaskedInWords(remasked(answered)), "would open 2 of 3 positions, cut-off 0.50");
  assert.equal(remaskedInWords({ ...remasked(answered), cutoff: null, rho: 1 }), "would open 2 of 3 positions, by chance");
  assert.equal(remaskedInWords({ ...remasked(answered), cutoff: null, rho: 0.5 }), "would open 2 of 3 positions, by doubt and chance mixed");
  assert.deepEqual(cellsOf(answered).map(({ previewed }) => previewed), [false, false, true, true]);
  assert.match(labelOf(cellsOf(answered)[2]), /would be masked again/);
  // Another share of the same ranking needs no other answer; another rho does.
  assert.deepEqual(remasked(reduce(answered, { type: "remask.changed", fields: { share: 0.34 } })).positions, [2]);
  assert.equal(remasked(reduce(answered, { type: "remask.changed", fields: { rho: 0.5 } })), null);
  assert.equal(remasked(reduce(answered, { type: "remask.changed", fields: { open: false } })), null);
  assert.deepEqual([answered.picks.size, answered.tree], [0, state.tree]);
  const some = reduce(answered, edit(1, 0, [[1, null]]));
  const again = reduce(some, { type: "remask.changed", fields: { answer: { key: rankingWanted(some).key, ranked: ranked.slice(0, 2) } } });
  assert.deepEqual(remasked(again).positions, [2], "open positions count towards the share");
  const less = remasked(reduce(again, { type: "remask.changed", fields: { share: 0.3 } }));
  assert.equal(remaskedInWords(less), "1 of 3 are open already; this share opens no more");
});

test("what was not done is what was typed on meanwhile", () => {
  assert.equal(unsent(" kite", " kite"), "");
  assert.equal(unsent(" kite flies", " kite"), " flies");
  assert.equal(unsent(" ball", " kite"), " ball");
});

test("what was typed to be written outlasts the inspector", () => {
  const state = after({ type: "position.looked", position: 1 }, { type: "writing.changed", text: " kite" }, { type: "position.looked", position: null });
  assert.equal(reduce(state, { type: "position.looked", position: 2 }).writing, " kite");
});

test("the position looked at moves with its token", () => {
  const spliced = (revision, parent, position, removed, inserted, more = {}) =>
    step(revision, parent, [], { cause: "edit", splices: [{ position, removed, inserted }], ...more });
  const looking = after(step(1, 0, ALL), { type: "position.looked", position: 2 });
  const put = reduce(looking, spliced(2, 1, 1, 0, 2));
  assert.equal(put.looked, 4, "put in before it");
  assert.equal(reduce(put, step(3, 1, [], { cause: "rewind" })).looked, 2, "and back with an undo");
  const redone = [step(3, 1, [], { cause: "rewind" }), step(4, 2, [], { cause: "rewind" })].reduce(reduce, put);
  assert.equal(redone.looked, 4, "and on again with a redo");
  assert.equal(reduce(put, { type: "revision.shown", revision: 1 }).looked, 2, "and with the timeline");
  assert.equal(reduce(looking, spliced(2, 1, 0, 1, 0)).looked, 1, "taken out before it");
  assert.equal(reduce(looking, spliced(2, 1, 3, 1, 0)).looked, 2, "taken out behind it");
  assert.equal(reduce(looking, spliced(2, 1, 2, 0, 1)).looked, 2, "what is put in at its place is looked at");
  assert.equal(reduce(reduce(looking, { type: "position.looked", position: 3 }), spliced(2, 1, 2, 2, 0)).looked, 1, "the end came nearer");
});

test("why a key did nothing is told until something is done", () => {
  const refuse = { type: "key.refused", why: "No." };
  const refused = after(refuse);
  assert.deepEqual(refused.refusal, { why: "No.", count: 1 });
  assert.equal(reduce(refused, refuse).refusal.count, 2, "the same again is news");
  assert.equal(reduce(refused, step(1, 0, ALL)).refusal, refused.refusal, "what comes by itself is no answer");
  for (const event of [{ type: "activity.started", activity: "step" }, { type: "activity.ended" }, { type: "position.looked", position: 1 }]) {
    assert.equal(reduce(refused, event).refusal, null, event.type);
  }
});

test("steps wait where the sampler chosen cannot go on", () => {
  const inForce = { sampler: "p2", parameters: { top_k: 0 }, seed: "1" };
  const chosen = (sampler) => after(step(1, 0, ALL, { settings: inForce, ...summary({ pending: true }) }), { type: "form.changed", fields: { sampler } });
  assert.match(hindrances(chosen("llada")).step, /No position is open, and LLaDA only fills open ones/);
  assert.match(hindrances(chosen("llada")).run, /Choose the sampler that began/);
  assert.equal(hindrances(chosen("p2")).run, "");
});

test("a turn needs room for itself and its answer", () => {
  const turn = (fields, contextLength = 32) =>
    hindrances(after(step(1, 0, ALL), { type: "model.received", model: { ...MODEL, contextLength } }, { type: "form.changed", fields })).turn;
  assert.equal(turn({ length: "" }), "");
  assert.equal(turn({ length: "28" }), "", "what stands behind the end makes room");
  for (const length of ["29", "33", "-3", "3.5", "many"]) assert.equal(turn({ length }), "length: 1 to 28.", length);
  assert.equal(turn({ length: "" }, 5), "");
  for (const length of [3, 4]) assert.match(turn({ length: "" }, length), /context is full/);
});

test("nothing can be put into a full context", () => {
  const full = after(step(1, 0, ALL), { type: "model.received", model: { ...MODEL, contextLength: 4 } });
  for (const doing of ["insert", "replace"]) assert.match(editHindrances(full, 1)[doing], /context is full/);
  assert.equal(editHindrances(full, 1).write, "");
});

test("undo and redo start from the newest revision only, and may be pressed ahead", () => {
  const state = after(step(1, 0, ALL));
  assert.match(hindrances(reduce(state, { type: "revision.shown", revision: 0 })).undo, /newest/);
  const undoing = reduce(state, { type: "activity.started", activity: "rewind" });
  assert.deepEqual([hindrances(undoing).undo, hindrances(undoing).step === ""], ["", false]);
});

test("what filled the holes of a prompt is copied, and counted", () => {
  const holes = { ...SESSION, promptLength: 4 };
  const state = after({ type: "session.opened", session: holes }, step(1, 0, ALL, summary({ forwardCount: 2, totalForwardCount: 2, tokensBeforeEnd: 0 })));
  assert.equal(writtenText(state), "Hi Tom\n");
  const { beforeEnd, perForward } = statistics(state);
  assert.deepEqual([beforeEnd, perForward], [null, 1.5]);
});

test("a session cut short begins at its oldest revision kept", () => {
  const late = { ...SESSION, revision: 5 };
  const state = after(
    { type: "session.opened", session: late },
    { type: "base.received", session: { ...SESSION, revision: 2, tokens: [7, 20, 0, 0], states: [GIVEN, COMMITTED, OPEN, OPEN] } },
    step(6, 5, [[2, 30]]),
    step(7, 2, [[2, 31]]),
  );
  assert.deepEqual(cellsOf(state).map(({ token }) => token), [7, 20, 31, null]);
  assert.deepEqual(marksOf(state).map(({ revision }) => revision), [5, 6, 7]);
  assert.equal(shownRevision(reduce(state, { type: "revision.shown", revision: 0 })), 5);
  assert.match(sentence(reduce(state, { type: "revision.shown", revision: 5 })), /the oldest revision kept/);
  const shorter = reduce(reduce(state, { type: "revision.shown", revision: 5 }), { type: "history.trimmed", session: "s", first: 6 });
  assert.equal(shownRevision(shorter), 6);
  assert.deepEqual(marksOf(shorter).map(({ revision }) => revision), [6, 7]);
});

test("errors stay until they are dismissed; of news the newest few", () => {
  const raised = (id, kind) => ({ type: "notice.raised", id, notice: { what: `${id}`, why: "", advice: "", details: "", ...(kind ? { kind } : {}) } });
  const state = after(raised(1), ...[2, 3, 4, 5, 6, 7].map((id) => raised(id, "info")), raised(8));
  assert.deepEqual(state.notices.map(({ id }) => id), [1, 5, 6, 7, 8]);
});

test("what the server refuses is marked until it is changed", () => {
  const refused = { length: "1 to 20", words: "Word 1: no" };
  const state = after({ type: "notice.raised", id: 1, notice: { what: "x", why: "", advice: "", details: "", refused } });
  assert.deepEqual(state.refused, refused);
  assert.deepEqual(reduce(state, { type: "form.changed", fields: { words: "" } }).refused, { length: "1 to 20" });
  assert.deepEqual(reduce(state, { type: "form.changed", fields: { prompt: "short" } }).refused, {}, "the prompt takes the room");
  assert.deepEqual(reduce(state, { type: "form.changed", fields: { seed: "2" } }).refused, refused);
});

test("what was typed to be said next is kept over a reload", () => {
  const typed = reduce(initialState(), { type: "saying.changed", text: "And then?" });
  assert.equal(typed.saying, "And then?");
  assert.equal(initialState({ saying: typed.saying }).saying, "And then?");
});

test("picks wait at the revision they were made for", () => {
  const pick = { token: 9, replaces: null, probability: 0.5, by: "hand" };
  const shows = (revision) => ({ type: "revision.shown", revision });
  const picked = [{ type: "pick.added", position: 2, pick }];
  const back = after(step(1, 0, [[1, 20]]), ...picked, shows(0));
  assert.equal(back.picks.size, 0);
  assert.deepEqual([...reduce(back, shows(null)).picks], [[2, pick]]);
  const cleared = [shows(null), { type: "picks.replaced", picks: [] }, shows(0), shows(null)].reduce(reduce, back);
  assert.equal(cleared.picks.size, 0, "what was cleared does not come back");
  const decided = [step(2, 1, [[2, 30]]), shows(1), shows(null)].reduce(reduce, back);
  assert.equal(decided.picks.size, 0, "they are of revision 1, and fit there alone");
  // Applied where one looked back: the revision made from there takes them along, and what was applied is gone.
  const looking = after(step(1, 0, [[1, 20]]), shows(0), ...picked, { type: "pick.added", position: 3, pick });
  const applied = [{ type: "activity.started", activity: "select" }, step(2, 0, [[2, 9]], { cause: "select" }), shows(null)].reduce(reduce, looking);
  assert.deepEqual([...applied.picks.keys()], [3]);
  assert.equal(reduce({ ...applied, activity: null }, shows(0)).picks.size, 0);
});

test("news of one thing is told once", () => {
  const news = (why) => ({ type: "notice.raised", id: 1, notice: { what: "Dropped.", why, advice: "", details: "", kind: "info" } });
  assert.deepEqual(after(news("to 5"), news("to 9")).notices.map(({ why }) => why), ["to 9"]);
});

test("the newest error of an action takes the place of its older ones, until the action works", () => {
  const failed = (id, what, why) => ({ type: "notice.raised", id, notice: { what, why, advice: "", details: "" } });
  const state = after(failed(1, "The start did not work.", "a"), failed(2, "The step did not work.", "b"), failed(3, "The start did not work.", "c"));
  assert.deepEqual(state.notices.map(({ id }) => id), [2, 3]);
  const settled = reduce(state, { type: "notices.settled", what: "The start did not work." });
  assert.deepEqual(settled.notices.map(({ id }) => id), [2]);
  assert.equal(reduce(settled, { type: "notices.settled", what: "The start did not work." }), settled);
});

test("a lost connection keeps what was typed and what came", () => {
  const state = [
    { type: "form.changed", fields: { prompt: "mine" } },
    { type: "connection.changed", connection: { state: "lost", retryAt: 5, why: "gone" } },
    { type: "notice.raised", id: 1, notice: { what: "x", why: "y", advice: "", details: "" } },
  ].reduce(reduce, after(step(1, 0, [[1, 20]])));
  assert.equal(state.form.prompt, "mine");
  assert.equal(shownRevision(state), 1);
  assert.equal(reduce(state, { type: "notice.dismissed", id: 1 }).notices.length, 0);
});

test("a long canvas is cut into blocks, a short one is not", () => {
  assert.deepEqual(blocksOf(3, 67), [{ start: 3, end: 67 }]);
  assert.equal(blocksOf(0, 1000).length, 16);
  assert.deepEqual(blocksOf(0, 1000).at(-1), { start: 960, end: 1000 });
  assert.deepEqual(blocksOf(5, 5), []);
});

test("another model's ids are other tokens", () => {
  const state = reduce(after(), { type: "session.closed" });
  assert.equal(reduce(state, { type: "model.received", model: { ...MODEL, name: "n" } }).tokens.size, 0);
  assert.equal(reduce(state, { type: "model.received", model: { ...MODEL } }).tokens, state.tokens);
});

test("an unknown event is a mistake", () => {
  assert.throws(() => reduce(initialState(), { type: "nonsense" }), TypeError);
});

test("a store tells once of many events", async () => {
  let notify = () => {};
  const store = new Store((n, by) => n + by, 0, (run) => (notify = run));
  let told = 0;
  store.addEventListener("change", () => told++);
  store.dispatch(1);
  store.dispatch(2);
  assert.equal(store.state, 3);
  assert.equal(told, 0);
  notify();
  assert.equal(told, 1);
  store.dispatch(0);
  assert.equal(told, 1, "no change, nothing to tell");
});

test("passes that looking took are a figure of their own, as the service counts them", () => {
  const looked = after({ type: "session.opened", session: { ...SESSION, looking: 3 } }, step(1, 0, ALL, summary({ forwardCount: 1, totalForwardCount: 1, reusedForwardCount: 1 })));
  assert.deepEqual([statistics(looked)?.forwards, statistics(looked)?.looking, statistics(looked)?.cached], [1, 3, true]);
  const counted = reduce(looked, { type: "looking.counted", session: SESSION.id, passes: 5 });
  assert.deepEqual([statistics(counted)?.forwards, statistics(counted)?.looking], [1, 5]);
  assert.equal(reduce(counted, { type: "looking.counted", session: "another", passes: 9 }), counted);
});
