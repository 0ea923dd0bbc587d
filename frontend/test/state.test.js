import { test } from "node:test";
import assert from "node:assert/strict";
import { initialState, reduce, shownRevision } from "app/core/state.js";
import { Store } from "app/core/store.js";
import { blocksOf, cellsOf, hindrances, inspected, labelOf, marksOf, sentence, statistics, trialWanted, writtenText } from "app/core/selectors.js";
import { GIVEN, OPEN } from "app/core/tree.js";

const MODEL = { name: "m", state: "ready", hasTokenizer: true, hasChatTemplate: true, contextLength: 32, samplers: [
  { name: "llada", summary: "", source: "", revises: false, parameters: [] },
  { name: "p2", summary: "", source: "", revises: true, parameters: [{ name: "top_k", kind: "integer", default: 0, minimum: 0, maximum: 9, choices: [], summary: "" }] },
] };
const SESSION = { id: "s", model: "m", promptLength: 1, settings: null, tokens: [7, 0, 0, 0], states: [GIVEN, OPEN, OPEN, OPEN] };
const step = (revision, parent, changes, more = {}) => ({
  type: "frame.received", session: "s",
  frame: {
    revision, parent, cause: "step", settings: null, draft: null, time: null,
    summary: { openCount: 0, forwardCount: 1, totalForwardCount: revision, meanProbability: 0.5, minProbability: 0.25, meanEntropy: 1, seconds: 0.02, approximations: [] },
    changes: changes.map(([position, token]) => ({ position, token, probability: 0.5 })),
    ...more,
  },
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
  const last = step(1, 0, ALL, summary({ totalForwardCount: 2, tokensBeforeEnd: 1, totalWallSeconds: 0.4 }));
  const back = { ...step(2, 1, []), frame: { ...step(2, 1, []).frame, cause: "rewind", summary: { ...last.frame.summary, tokensBeforeEnd: null } } };
  for (const state of [after(last), after(last, back)]) {
    const numbers = statistics(state);
    assert.deepEqual([numbers.complete, numbers.beforeEnd, numbers.forwards, numbers.perForward, numbers.wallSeconds], [true, 1, 2, 0.5, 0.4]);
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
  const state = after();
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
