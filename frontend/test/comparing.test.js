import { test } from "node:test";
import assert from "node:assert/strict";
import { GIVEN, OPEN } from "app/core/canvas.js";
import { aloneInWords, beginningInText, beginningOf, choiceOf, choiceProblem, differenceInWords, goesOn, goneInWords, indexShown, leftBehind, lastIndex, otherwise, pairingAt, pairingWanted, revisionAt, runs, settingsFor, settingsInWords, sideOf, stepInWords, timingsAt, wantedOf } from "app/core/comparing.js";
import { maximisedPanel } from "app/core/panels.js";
import { initialState, reduce } from "app/core/state.js";
import { frameOf } from "app/core/tree.js";
import { nextOnWay, playStart, stepEnds, wayTo, wholeStep } from "app/core/ways.js";

/** @typedef {import("app/core/state.js").State} State */

const MODEL = { name: "m", state: "ready", hasTokenizer: true, hasChatTemplate: true, contextLength: 32, maskToken: 99, samplers: ["llada", "klass", "p2"].map((name) => ({
  name, summary: "", source: "", revises: false,
  parameters: [{ name: "temperature", kind: "number", default: 0, minimum: 0, maximum: null, choices: [], summary: "" }],
})) };
const settings = (/** @type {string} */ sampler, seed = "1", temperature = 0) => ({ sampler, parameters: { temperature }, seed });
const session = (/** @type {any} */ more = {}) => ({ id: "s", model: "m", promptLength: 1, settings: settings("llada"), tokens: [7, 0, 0, 0], states: [GIVEN, OPEN, OPEN, OPEN], ...more });

/** A frame in which tokens are committed. */
const frame = (/** @type {number} */ revision, /** @type {number} */ parent, /** @type {number[][]} */ changes, /** @type {any} */ more = {}) =>
  frameOf({
    revision, parent, cause: "step",
    summary: { openCount: 0, forwardCount: 1, totalForwardCount: revision, meanProbability: 0.5, minProbability: 0.25, meanEntropy: 1, seconds: 0.25, totalWallSeconds: revision / 2, pending: false, tokensBeforeEnd: null, approximations: [] },
    changes: changes.map(([position, token]) => ({ position, token, probability: 0.5, given: false })),
    ...more,
  });
const inView = (/** @type {any[]} */ ...args) => ({ type: "frame.received", session: "s", frame: frame(...(/** @type {Parameters<typeof frame>} */ (args))) });
const inRun = (/** @type {string} */ side, /** @type {any[]} */ ...args) => ({ type: "compare.frame", side, session: "r", frame: frame(...(/** @type {Parameters<typeof frame>} */ (args))) });

const after = (/** @type {any[]} */ ...events) =>
  [{ type: "model.received", model: MODEL }, { type: "connection.changed", connection: { state: "ready" } }, ...events].reduce(reduce, initialState());
const started = { type: "session.opened", session: session() };
/** Three positions, one a step. */
const FINISHED = [started, inView(1, 0, [[1, 20]]), inView(2, 1, [[2, 21]]), inView(3, 2, [[3, 22]])];
const B_RUN = { type: "compare.opened", side: "b", session: session({ id: "r", settings: settings("klass", "2", 0.5) }) };
const side = (/** @type {State} */ state, /** @type {"a" | "b"} */ which) => {
  const found = sideOf(state, which);
  assert.ok(found);
  return found;
};

test("A is what is in view, B another branch, or else the same prompt with another sampler", () => {
  const alone = after(...FINISHED);
  assert.deepEqual([choiceOf(alone, "a").what, choiceOf(alone, "b").what], ["branch", "run"]);
  assert.equal(choiceOf(alone, "b").sampler, "klass");
  assert.deepEqual(settingsFor(alone, "b"), { sampler: "klass", parameters: {}, seed: "1", constraint: null });
  const parted = after(...FINISHED, inView(4, 1, [[2, 30]]));
  assert.deepEqual([choiceOf(parted, "a").branch, choiceOf(parted, "b").branch], [4, 0], "by what they began with");
  const bare = after();
  assert.deepEqual([choiceOf(bare, "a").what, choiceOf(bare, "a").sampler, choiceOf(bare, "b").sampler], ["run", "llada", "klass"]);
});

test("with another seed B keeps A's sampler; what was typed for the sampler goes along", () => {
  const state = after(...FINISHED, { type: "compare.chosen", side: "b", fields: { seed: "2" } }, { type: "form.typed", sampler: "llada", name: "temperature", value: "0.5" });
  assert.deepEqual(settingsFor(state, "b"), { sampler: "llada", parameters: { temperature: 0.5 }, seed: "2", constraint: null });
  const wrong = reduce(state, { type: "compare.chosen", side: "b", fields: { seed: "two" } });
  assert.match(choiceProblem(wrong, "b"), /^seed: a whole number/);
  assert.equal(choiceOf(wrong, "b").seed, "two", "nothing typed is cleared");
});

test("a run is always made anew, a branch only where something is open", () => {
  assert.equal(runs(after(...FINISHED), "a"), false);
  assert.equal(runs(after(started, inView(1, 0, [[1, 20]])), "a"), true);
  assert.equal(runs(after(...FINISHED), "b"), true);
});

test("one slider for both: a side that is finished stays at its end", () => {
  const state = after(...FINISHED, B_RUN, inRun("b", 1, 0, [[1, 20], [2, 31], [3, 22]]));
  assert.equal(lastIndex(state), 3);
  assert.equal(indexShown(state), 3, "the end of the longer one is followed");
  const [a, b] = [side(state, "a"), side(state, "b")];
  assert.deepEqual([0, 1, 2, 3].map((index) => [revisionAt(a, index), revisionAt(b, index)]), [[0, 0], [1, 1], [2, 1], [3, 1]]);
  assert.equal(indexShown(reduce(state, { type: "compare.moved", index: 1 })), 1);
});

test("what differs holds another token; what one side alone has decided is counted apart", () => {
  const state = after(...FINISHED, B_RUN, inRun("b", 1, 0, [[1, 20], [2, 31]]));
  const found = (/** @type {number} */ index) => {
    const pairing = pairingAt(state, index);
    return [[...(pairing?.differing.a ?? [])], [...(pairing?.alone.b ?? [])], pairing?.of];
  };
  assert.deepEqual(found(0), [[], [], 3]);
  assert.deepEqual(found(1), [[], [2], 3], "B has decided it, A not yet");
  assert.deepEqual(found(2), [[2], [], 3], "decided otherwise");
  assert.deepEqual(found(3), [[2], [3], 3], "A alone has decided it");
  assert.equal(differenceInWords(pairingAt(state, 3)), "1 of 3 positions differs");
  assert.equal(aloneInWords(pairingAt(state, 3)), "1 decided on one side");
  assert.equal(aloneInWords(pairingAt(state, 2)), "");
  assert.match(stepInWords(state), /^Step 3 of 3: A complete, B 1 open, 1 of 3 positions differs, 1 decided on one side$/);
});

test("canvases of other lengths are paired by the service, and it is said", () => {
  const longer = { type: "compare.opened", side: "b", session: session({ id: "r", tokens: [7, 0, 0, 0, 0], states: [GIVEN, OPEN, OPEN, OPEN, OPEN] }) };
  const state = after(...FINISHED, longer);
  const wanted = pairingWanted(state, 3);
  assert.deepEqual(wanted, { sessionId: "s", revision: 3, otherSessionId: "r", otherRevision: 0, key: "s 3 r 0" });
  assert.equal(pairingAt(state, 3)?.by, "none", "nothing is marked before it is known");
  const spans = [
    { equal: true, position: 0, count: 1, otherPosition: 0, otherCount: 1 },
    { equal: false, position: 1, count: 3, otherPosition: 1, otherCount: 4 },
  ];
  const answered = reduce(state, { type: "compare.paired", paired: { key: wanted?.key, spans, exact: false } });
  const pairing = pairingAt(answered, 3);
  assert.deepEqual([pairing?.by, pairing?.count, pairing?.aloneCount, pairing?.of], ["tokens", 1, 3, 4]);
  assert.deepEqual([...(pairing?.differing.b ?? [])], [4], "it has no partner");
  assert.deepEqual([...(pairing?.alone.b ?? [])], [1, 2, 3], "B has them open still");
  assert.match(pairing?.note ?? "", /not exact/);
  assert.equal(pairingAt(answered, 2)?.by, "none", "it is of one step");
});

test("branches of one session pair by position until one moves positions", () => {
  const parted = after(...FINISHED, inView(4, 1, [[2, 30]]));
  assert.equal(pairingWanted(parted, 2), null);
  assert.deepEqual([...(pairingAt(parted, 2)?.differing.a ?? [])], [2]);
  const moved = reduce(parted, inView(5, 4, [], { cause: "edit", splices: [{ position: 2, removed: 0, inserted: 1 }] }));
  assert.equal(pairingAt(moved, 2)?.by, "position");
  assert.equal(pairingWanted(moved, 3)?.key, "s 5 s 3");
});

test("other vocabularies are not compared by position", () => {
  const state = after(...FINISHED, { ...B_RUN, session: { ...B_RUN.session, model: "other" } });
  assert.equal(pairingWanted(state, 1), null);
  const pairing = pairingAt(state, 1);
  assert.deepEqual([pairing?.by, pairing?.differing.a.size], ["none", 0]);
  assert.match(pairing?.note ?? "", /other vocabularies/);
  assert.equal(differenceInWords(pairing), "");
});

test("a given word of several tokens goes to another model as its letters", () => {
  const { tree } = after({ type: "session.opened", session: session({ tokens: [7, 40, 41, 0], states: [GIVEN, GIVEN, GIVEN, OPEN] }) });
  const half = (/** @type {number} */ id, /** @type {number} */ byte) => [id, { id, text: "\ufffd", special: false, bytes: Uint8Array.of(byte) }];
  const state = /** @type {any} */ ({ form: {}, asked: { id: "s", prompt: "Hi", chat: true } });
  const { words } = beginningInText(state, /** @type {any} */ ({ tree, tokens: new Map(/** @type {any} */ ([half(40, 0xc3), half(41, 0xa9)])) }));
  assert.deepEqual(words, [{ offset: 0, text: "\u00e9" }]);
});

test("timings are those of the way up to the step", () => {
  const state = after(...FINISHED, B_RUN, inRun("b", 1, 0, [[1, 20], [2, 31]]));
  const { forwards, perForward, deviceSeconds, wallSeconds, meanProbability, finishedIn } = timingsAt(side(state, "a"), 2);
  assert.deepEqual({ forwards, perForward, deviceSeconds, wallSeconds, meanProbability, finishedIn }, { forwards: 2, perForward: 1, deviceSeconds: 0.5, wallSeconds: 1, meanProbability: 0.5, finishedIn: 1.5 });
  assert.equal(timingsAt(side(state, "b"), 2).finishedIn, null, "it is not finished");
  assert.equal(timingsAt(side(state, "b"), 0).deviceSeconds, null, "nothing was measured yet");
});

test("the settings that differ are said in words", () => {
  const state = after(...FINISHED, B_RUN);
  assert.equal(settingsInWords(side(state, "a"), side(state, "b")), "LLaDA / KLASS · temperature 0 / 0.5 · seed 1 / 2");
  assert.equal(settingsInWords(side(state, "a"), side(state, "a")), "the same branch");
  const withCache = (/** @type {any} */ cache) => {
    const other = side(state, "b");
    const revisions = other.tree.revisions.map((/** @type {any} */ held) => ({ ...held, settings: { ...held.settings, cache } }));
    return { ...other, tree: { ...other.tree, revisions } };
  };
  assert.match(settingsInWords(side(state, "a"), withCache({ name: "dual", parameters: { interval: 4 } })), / · cache the model's own \/ Dual, interval 4 · /);
  const parted = after(...FINISHED, inView(4, 1, [[2, 30]]));
  assert.equal(settingsInWords(side(parted, "a"), side(parted, "b")), "parted at revision 1");
});

test("a session is begun alike: prompt with its holes, length, given words", () => {
  const { tree } = after({ type: "session.opened", session: session({ promptLength: 2, tokens: [7, 0, 0, 40, 41, 0, 42], states: [GIVEN, OPEN, OPEN, GIVEN, GIVEN, OPEN, GIVEN] }) });
  assert.ok(tree);
  assert.deepEqual(beginningOf(tree, 99), { ids: [7, 99], length: 5, words: [{ offset: 1, ids: [40, 41] }, { offset: 4, ids: [42] }] });
});

test("what was compared stays when its other side is opened", () => {
  const state = after(...FINISHED, B_RUN, { type: "session.opened", session: session({ id: "r" }) });
  assert.equal(side(state, "a").tree.id, "s");
  assert.equal(choiceOf(state, "a").what, "run");
  const bare = after(...FINISHED, { type: "session.opened", session: session({ id: "q" }) });
  assert.equal(side(bare, "a").tree.id, "q", "with nothing compared, what is in view");
});

test("frames of another run are dropped", () => {
  const state = after(...FINISHED, B_RUN);
  assert.equal(reduce(state, { ...inRun("b", 1, 0, [[1, 20]]), session: "gone" }).compare.runs, state.compare.runs);
});

test("a replay walks the way to the newest, and the branch's own where one looks at another", () => {
  const { tree } = after(...FINISHED, inView(4, 1, [[2, 30]]), inView(5, 4, [], { cause: "rewind" }), inView(6, 5, [[3, 31]]));
  assert.ok(tree);
  assert.deepEqual(wayTo(tree, 6), [0, 1, 4, 6], "a way back is no place");
  const walked = [];
  for (let at = /** @type {number | null} */ (playStart(tree, 6)); at !== null; at = nextOnWay(tree, at)) walked.push(at);
  assert.deepEqual(walked, [0, 1, 4, 6]);
  assert.deepEqual([nextOnWay(tree, 2), nextOnWay(tree, 3), playStart(tree, 2)], [3, null, 2]);
});

test("whole steps end where their last part does", () => {
  const part = (/** @type {string} */ substep) => ({ substep });
  const { tree } = after(started, inView(1, 0, [[1, 20]], part("prediction")), inView(2, 1, [], part("remasking")), inView(3, 2, [], part("prediction")), inView(4, 3, [], part("remasking")), inView(5, 4, [], part("final")));
  assert.ok(tree);
  assert.deepEqual(stepEnds(tree, wayTo(tree, 5)), [0, 2, 4, 5]);
  assert.deepEqual([wholeStep(tree, 2, 1), wholeStep(tree, 3, 1), wholeStep(tree, 3, -1), wholeStep(tree, 5, 1), wholeStep(tree, 0, -1)], [4, 4, 2, null, null]);
});

test("a replay is not moved by frames, and paused by what a person does", () => {
  const state = [{ type: "revision.played", revision: 1 }, { type: "play.changed", playing: "revisions" }].reduce(reduce, after(...FINISHED));
  const told = reduce(state, inView(4, 3, [[3, 50]]));
  assert.deepEqual([told.shown, told.playing], [1, "revisions"]);
  assert.equal(reduce(told, { type: "revision.played", revision: 2 }).playing, "revisions");
  for (const event of [{ type: "revision.shown", revision: 0 }, { type: "activity.started", activity: "step" }, { type: "session.closed" }]) {
    assert.equal(reduce(told, event).playing, "", event.type);
  }
});

test("a panel is maximised only where it is there", () => {
  const view = (/** @type {any} */ fields) => ({ type: "view.changed", view: fields });
  assert.equal(maximisedPanel(after(view({ maximised: "canvas" }))), "");
  assert.equal(maximisedPanel(after(started, view({ maximised: "canvas" }))), "canvas");
  assert.equal(maximisedPanel(after(started, view({ maximised: "inspector" }))), "");
  assert.equal(maximisedPanel(after(started, view({ maximised: "inspector" }), { type: "position.looked", position: 1 })), "inspector");
  assert.equal(maximisedPanel(after(started, view({ maximised: "canvas", compare: true }))), "");
  assert.equal(maximisedPanel(after(started, view({ maximised: "compare", compare: true }))), "compare");
});

/** B's run as it is made here. */
const made = (/** @type {State} */ state) => reduce(state, { ...B_RUN, session: session({ id: "r", settings: settings("klass") }), wanted: wantedOf(state, "b") });

test("a run that was stopped goes on as long as what was chosen is the same", () => {
  const stopped = reduce(made(after(...FINISHED)), inRun("b", 1, 0, [[1, 20]]));
  assert.equal(goesOn(stopped, "b"), true);
  assert.equal(otherwise(stopped, "b"), "");
  const reseeded = reduce(stopped, { type: "compare.chosen", side: "b", fields: { seed: "99" } });
  assert.equal(goesOn(reseeded, "b"), false);
  assert.match(otherwise(reseeded, "b"), /^Shown: the run with .*seed 1\. The fields say otherwise; Run takes the new\.$/);
  assert.equal(goesOn(reduce(stopped, { type: "compare.gone", side: "b", session: "r" }), "b"), false);
  const finished = reduce(stopped, inRun("b", 2, 1, [[2, 21], [3, 22]]));
  assert.equal(goesOn(finished, "b"), false, "nothing is left of it");
});

test("a run whose session was deleted says so", () => {
  const state = made(after(...FINISHED));
  assert.equal(goneInWords(state, "b"), "");
  assert.equal(goneInWords(reduce(state, { type: "compare.gone", side: "b", session: "of before" }), "b"), "");
  assert.match(goneInWords(reduce(state, { type: "compare.gone", side: "b", session: "r" }), "b"), /deleted/);
});

test("what was compared is left behind for the next visit, but no session that is gone", () => {
  const state = reduce(made(after(...FINISHED)), { type: "compare.chosen", side: "b", fields: { sampler: "klass" } });
  const kept = JSON.parse(JSON.stringify(leftBehind(state.compare)));
  const { compare } = initialState({ compare: kept });
  assert.equal(compare.choices.b.sampler, "klass");
  assert.deepEqual([compare.left.a, compare.left.b?.session], [null, "r"]);
  assert.deepEqual(leftBehind(compare), kept, "also where it could not be reopened yet");
  assert.equal(leftBehind(reduce(state, { type: "compare.gone", side: "b", session: "r" }).compare).runs?.b, null);
});

test("why a key was refused goes when another one works", () => {
  const refused = after(...FINISHED, { type: "key.refused", why: "Close the comparison first (=)." });
  assert.equal(reduce(refused, { type: "compare.moved", index: 1 }).refusal, null);
  assert.equal(reduce(refused, { type: "view.changed", view: { compare: false } }).refusal, null);
});
