// Two runs or branches in lockstep: the way of each, where they differ, what
// they took. A side is a branch of the session in view, or a run of its own.
import { UNASKED } from "app/core/attribution.js";
import { sameCache } from "app/core/caches.js";
import { COMMITTED, GIVEN, OPEN } from "app/core/canvas.js";
import { based, grow, headOf, isComplete, plant } from "app/core/tree.js";
import { branchAt, branchesOf, placeOf, startOf, titleOf } from "app/core/places.js";
import { wordOf } from "app/core/tokens.js";
import { wayTo } from "app/core/ways.js";
import { paceOf } from "app/core/pace.js";
import { inTokens } from "app/core/pacing.js";
import { alike, NO_CONSTRAINT } from "app/core/constraints.js";
import { humanised, plural } from "app/core/format.js";
import { earlierOf, readingOf } from "app/core/prompting.js";
import { problemsOf, readWords, sameValue, samplerNamed, samplerOf, settingsOf } from "app/core/settings.js";

/**
 * @typedef {import("app/core/state.js").State} State
 * @typedef {import("app/core/tree.js").Tree} Tree
 * @typedef {import("app/core/tree.js").Settings} Settings
 * @typedef {import("app/core/canvas.js").Canvas} Canvas
 * @typedef {import("app/core/settings.js").Model} Model
 * @typedef {import("app/core/tokens.js").Token} Token
 * @typedef {"a" | "b"} Which
 *
 * @typedef {object} Choice  what was chosen for a side; what is empty follows from the page
 * @property {"" | "branch" | "run"} what
 * @property {number | null} branch  by startOf()
 * @property {string} model
 * @property {string} sampler
 * @property {string | null} seed
 *
 * @typedef {object} Run
 * @property {Tree} tree
 * @property {number | null} branch  the one compared, by startOf(); null: the current one
 * @property {string} [wanted]  what it was made for, by wantedOf(); there is none for what was not made here
 * @property {boolean} [gone]  its session was deleted
 *
 * @typedef {{ session: string, branch: number | null, wanted?: string }} Left  a run of an earlier visit, to be reopened
 * @typedef {"steps" | "tokens"} By  what the slider counts
 * @typedef {{ choices?: Partial<Record<Which, Choice>>, runs?: Partial<Record<Which, Left | null>>, by?: By }} Kept
 *
 * @typedef {object} Span  as DiffSpan of the API
 * @property {boolean} equal
 * @property {number} position
 * @property {number} count
 * @property {number} otherPosition
 * @property {number} otherCount
 *
 * @typedef {object} Comparison
 * @property {Record<Which, Choice>} choices
 * @property {Record<Which, Run | null>} runs
 * @property {Record<Which, Left | null>} left  by an earlier visit, not open again yet
 * @property {By} by
 * @property {number | null} index  of the step shown, or the tokens written; null follows the longer side
 * @property {{ key: string, spans: Span[], exact: boolean } | { key: string, failed: string } | null} paired
 *   key: of pairingWanted()
 * @property {ReadonlyMap<string, Model>} models  those of the server; with their samplers where they were asked for
 * @property {ReadonlyMap<string, ReadonlyMap<number, Token>>} words  of runs, by model
 * @property {boolean} running
 *
 * @typedef {object} Side
 * @property {Tree} tree
 * @property {Model | null} model
 * @property {ReadonlyMap<number, Token>} tokens
 * @property {number[]} way  of revisions, oldest first
 * @property {By} by
 * @property {boolean} inView  it is of the session in view
 * @property {string} title
 */

/** @type {readonly Which[]} */
export const SIDES = ["a", "b"];

/** @type {Choice} */
const NOTHING_CHOSEN = { what: "", branch: null, model: "", sampler: "", seed: null };

/** @type {Comparison} */
const NO_COMPARISON = {
  choices: { a: NOTHING_CHOSEN, b: NOTHING_CHOSEN },
  runs: { a: null, b: null },
  left: { a: null, b: null },
  by: "steps",
  index: null,
  paired: null,
  models: new Map(),
  words: new Map(),
  running: false,
};

/** The comparison that an earlier visit left. @param {Kept} [kept] @returns {Comparison} */
export const broughtBack = (kept) => ({
  ...NO_COMPARISON,
  choices: { a: { ...NOTHING_CHOSEN, ...kept?.choices?.a }, b: { ...NOTHING_CHOSEN, ...kept?.choices?.b } },
  left: { a: kept?.runs?.a ?? null, b: kept?.runs?.b ?? null },
  by: kept?.by === "tokens" ? "tokens" : "steps",
});

/** What is worth keeping of a comparison over a reload. @returns {Kept} */
export function leftBehind(/** @type {Comparison} */ { choices, runs, left, by }) {
  const of = (/** @type {Which} */ side) => {
    const run = runs[side];
    return run?.gone ? null : run ? { session: run.tree.id, branch: run.branch, wanted: run.wanted } : left[side];
  };
  return { choices, runs: { a: of("a"), b: of("b") }, by };
}

/**
 * What happens to a comparison.
 * @param {Comparison} compare
 * @param {any} event
 * @returns {Comparison}
 */
export function compared(compare, event) {
  switch (event.type) {
    case "compare.chosen": {
      const { side, fields } = /** @type {{ side: Which, fields: Partial<Choice> }} */ (event);
      return { ...compare, choices: { ...compare.choices, [side]: { ...compare.choices[side], ...fields } }, index: null };
    }
    case "compare.moved":
    case "compare.played":
      return { ...compare, index: event.index };
    case "compare.counted":
      return { ...compare, by: event.by, index: null };
    case "compare.running":
      return { ...compare, running: event.running, index: event.running ? null : compare.index };
    case "compare.opened":
      return withRun(compare, event.side, { tree: plant(event.session), branch: event.branch ?? null, wanted: event.wanted });
    case "compare.frame": {
      const run = runOf(compare, event.side, event.session);
      return run ? withRun(compare, event.side, { ...run, tree: grow(run.tree, event.frame) }) : compare;
    }
    case "compare.base": {
      const run = runOf(compare, event.side, event.session.id);
      return run ? withRun(compare, event.side, { ...run, tree: based(run.tree, event.session) }) : compare;
    }
    case "compare.gone": {
      const run = runOf(compare, event.side, event.session);
      const left = { ...compare, left: { ...compare.left, [event.side]: null } };
      return run ? withRun(left, event.side, { ...run, gone: true }) : left;
    }
    case "compare.words": {
      const held = new Map(compare.words.get(event.model) ?? []);
      for (const token of event.tokens) held.set(token.id, token);
      return { ...compare, words: new Map(compare.words).set(event.model, held) };
    }
    case "compare.models": {
      const models = new Map(compare.models);
      // A list tells of no samplers: what was read of a model stays, but for where it stands.
      for (const model of event.models) {
        const held = models.get(model.name);
        models.set(model.name, held && !model.samplers.length ? { ...held, state: model.state } : model);
      }
      return { ...compare, models };
    }
    case "compare.paired":
      return { ...compare, paired: event.paired };
    default:
      throw new TypeError(`no such event: ${event.type}`);
  }
}

function runOf(/** @type {Comparison} */ { runs }, /** @type {Which} */ side, /** @type {string} */ session) {
  const run = runs[side];
  return run?.tree.id === session ? run : null;
}

const withRun = (/** @type {Comparison} */ compare, /** @type {Which} */ side, /** @type {Run} */ run) => ({
  ...compare,
  runs: { ...compare.runs, [side]: run },
  left: { ...compare.left, [side]: null },
});

/**
 * Another session came into view: a side that was a branch of the one before
 * stays what it was, as a run.
 * @param {State} state  as it was
 * @param {string} session  the one to come
 * @returns {Comparison}
 */
export function keptApart(state, session) {
  const { compare, tree, model } = state;
  if (!tree || tree.id === session || !(compare.runs.a || compare.runs.b)) return compare;
  let kept = compare;
  for (const side of SIDES) {
    const { what, branch } = choiceOf(state, side);
    if (what !== "branch") continue;
    kept = withRun(kept, side, { tree, branch });
    kept = { ...kept, choices: { ...kept.choices, [side]: { ...kept.choices[side], what: "run", branch: null } } };
    if (model) kept = compared(kept, { type: "compare.words", model: model.name, tokens: state.tokens.values() });
  }
  return kept;
}

// ---- what is chosen ----

/** The models that a run may take: those in memory, the page's own first. */
export function readyModels(/** @type {State} */ { model, compare }) {
  const others = [...compare.models.values()].filter(({ name, state }) => state === "ready" && name !== model?.name);
  return model ? [model, ...others] : others;
}

/** The branch looked at, and another one, so that two are there to be compared. @returns {number[]} by startOf() */
function usualBranches(/** @type {Tree} */ tree, /** @type {number} */ revision) {
  const here = branchAt(tree, revision);
  const all = branchesOf(tree).map(startOf);
  const first = here ? startOf(here) : all[0];
  return [first, ...all.filter((start) => start !== first)];
}

/**
 * What a side is: what was chosen, or else what comes to mind. A is what is in
 * view, B another branch of it, or else the same prompt with another sampler.
 * @param {State} state
 * @param {Which} side
 * @returns {Choice & { seed: string, branch: number | null }}
 */
export function choiceOf(state, side) {
  const { tree, form, compare } = state;
  const chosen = compare.choices[side];
  const branches = tree ? usualBranches(tree, state.shown ?? headOf(tree)) : [];
  const at = side === "a" ? 0 : 1;
  const usual = at < branches.length ? "branch" : "run";
  const what = branches.length ? chosen.what || usual : "run";
  const branch = chosen.branch !== null && branches.includes(chosen.branch) ? chosen.branch : (branches[at] ?? branches[0] ?? null);
  const models = readyModels(state);
  const model = models.find(({ name }) => name === chosen.model) ?? models[0] ?? null;
  const first = side === "b" ? choiceOf(state, "a") : null;
  const inForce = tree && first?.what === "branch" && first.branch !== null ? settingsAt(tree, first.branch) : null;
  const sampler = samplerNamed(model, chosen.sampler || "?") ?? usualSampler(state, model, first, inForce);
  const seed = chosen.seed ?? inForce?.seed ?? first?.seed ?? form.seed;
  return { what, branch, model: model?.name ?? "", sampler: sampler?.name ?? "", seed };
}

/** For B another sampler than A has; with another model or seed the same one. */
function usualSampler(
  /** @type {State} */ state,
  /** @type {Model | null} */ model,
  /** @type {Choice | null} */ first,
  /** @type {Settings | null} */ inForce,
) {
  if (!first) return samplerOf(model, state.form);
  const same = inForce?.sampler ?? first.sampler;
  const { model: otherModel, seed } = state.compare.choices.b;
  const varied = (otherModel && otherModel !== first.model) || (seed !== null && seed !== (inForce?.seed ?? first.seed));
  return (varied ? samplerNamed(model, same || "?") : model?.samplers.find(({ name }) => name !== same)) ?? model?.samplers[0] ?? null;
}

/** The settings in force at the end of a branch. @returns {Settings | null} */
function settingsAt(/** @type {Tree} */ tree, /** @type {number} */ start) {
  return tree.revisions[leafOf(tree, start)].settings;
}

function leafOf(/** @type {Tree} */ tree, /** @type {number | null} */ start) {
  const branches = branchesOf(tree);
  const found = branches.find((branch) => startOf(branch) === start) ?? branches.find(({ current }) => current);
  return found?.leaf ?? placeOf(tree, headOf(tree));
}

/** The form with a side's choice in it. The other parameters are the form's for that sampler. */
function formOf(/** @type {State} */ { form }, /** @type {Choice & { seed: string }} */ { sampler, seed }) {
  return { ...form, sampler, seed };
}

/** The settings to make a side's run with. */
export const settingsFor = (/** @type {State} */ state, /** @type {Which} */ side) => {
  const choice = choiceOf(state, side);
  const settings = settingsOf(modelNamed(state, choice.model), formOf(state, choice));
  // B is held to what A is held to.
  const first = side === "b" ? sideOf(state, "a") : null;
  const inForce = first && first.tree.revisions[endOf(first)].settings;
  return inForce ? { ...settings, constraint: inForce.constraint ?? null } : settings;
};

/** The models that sides are to run with and whose samplers are not known here. @returns {string[]} */
export const unread = (/** @type {State} */ state) => [...new Set(SIDES.map((side) => choiceOf(state, side)).filter(({ what, model }) => what === "run" && model && !modelNamed(state, model)?.samplers.length).map(({ model }) => model))];

/**
 * What B is begun with, with another model than A's: the prompt that A was started with, as
 * far as it is known here, A's length, and A's given words.
 * @param {State} state
 * @param {Side} first  A
 */
export function beginningInText({ form, asked }, first) {
  const { length, words } = beginningOf(first.tree, null);
  const told = asked?.id === first.tree.id ? asked : null;
  const texts = words.map(({ offset, ids }) => ({ offset, known: ids.every((id) => first.tokens.has(id)), text: wordOf(ids.flatMap((id) => first.tokens.get(id) ?? [])) }));
  // Of a run that was begun just now no texts may be there; then it was begun with the form's.
  return { prompt: told?.prompt ?? form.prompt, chat: told?.chat ?? form.chat, earlier: told ? (told.earlier ?? []) : earlierOf(form), reading: told ? (told.reading ?? {}) : readingOf(first.model, form), length, words: texts.every(({ known }) => known) ? texts.map(({ offset, text }) => ({ offset, text })) : readWords(form.words).words };
}


/** What a side's run is made of: its model and settings, and what it begins with. */
export function wantedOf(/** @type {State} */ state, /** @type {Which} */ side) {
  const { model } = choiceOf(state, side);
  const first = side === "b" ? sideOf(state, "a") : null;
  const { prompt, chat, system, turns, specialTokens, addSpecialTokens, length, words } = state.form;
  const typed = { prompt, chat, system, turns, specialTokens, addSpecialTokens, length, words };
  // The texts of A's words may come later than its ids, which say the same.
  const begun = !first ? typed : first.tree.model === model ? beginningOf(first.tree, null) : { ...beginningInText(state, first), words: beginningOf(first.tree, null).words };
  return JSON.stringify([model, settingsFor(state, side), begun]);
}

/** Whether a side's run was stopped on its way and is still what is chosen: then it goes on. */
export function goesOn(/** @type {State} */ state, /** @type {Which} */ side) {
  const run = state.compare.runs[side];
  if (!run || run.gone || choiceOf(state, side).what !== "run" || run.wanted !== wantedOf(state, side)) return false;
  return !isComplete(run.tree.revisions[leafOf(run.tree, run.branch)]);
}

/** Which run is shown where the fields stand for another one; empty where they do not. */
export function otherwise(/** @type {State} */ state, /** @type {Which} */ side) {
  const choice = choiceOf(state, side);
  const run = state.compare.runs[side];
  if (choice.what !== "run" || !run || run.wanted === wantedOf(state, side)) return "";
  const { settings } = run.tree.revisions[leafOf(run.tree, run.branch)];
  if (!settings) return "";
  const seed = settings.seed === null ? "a drawn seed" : `seed ${settings.seed}`;
  const same = choice.model === run.tree.model && choice.sampler === settings.sampler && choice.seed.trim() === (settings.seed ?? "");
  if (same && run.wanted === undefined) return "";
  return `Shown: the run with ${humanised(settings.sampler)}, ${seed}. ${same ? "The prompt or other settings have changed since" : "The fields say otherwise"}; Run takes the new.`;
}

/** Why a side cannot be opened; empty where it can. */
export const goneInWords = (/** @type {State} */ state, /** @type {Which} */ side) =>
  choiceOf(state, side).what === "run" && state.compare.runs[side]?.gone ? "This session was deleted elsewhere. What is shown is what was left of it." : "";

/** Both sides are unfinished branches of one session, which makes one run at a time. */
export const inTurns = (/** @type {State} */ state) => SIDES.every((side) => choiceOf(state, side).what === "branch");

/** Why a side's run cannot be made; empty where it can. */
export function choiceProblem(/** @type {State} */ state, /** @type {Which} */ side) {
  const choice = choiceOf(state, side);
  if (choice.what !== "run") return "";
  const model = modelNamed(state, choice.model);
  if (!model?.samplers.length) return "The model is not known yet.";
  const form = formOf(state, choice);
  // B's constraint and words are A's where there is an A.
  const begun = side === "b" && sideOf(state, "a") ? { ...form, words: "", constraint: NO_CONSTRAINT } : form;
  const [problem] = Object.entries(problemsOf(model, begun));
  return problem ? `${problem[0]}: ${problem[1]}.` : "";
}

const modelNamed = (/** @type {State} */ state, /** @type {string} */ name) => readyModels(state).find((model) => model.name === name) ?? null;

/** Whether a side has something left to run: a run is always made anew. */
export function runs(/** @type {State} */ state, /** @type {Which} */ side) {
  if (choiceOf(state, side).what === "run") return true;
  const shown = sideOf(state, side);
  return shown !== null && !isComplete(shown.tree.revisions[endOf(shown)]);
}

/**
 * The beginning of a session, so that another can be begun alike with the same
 * model: the ids of its prompt, holes as masks, and the given words behind it.
 * @param {Tree} tree
 * @param {number | null} maskToken
 */
export function beginningOf(tree, maskToken) {
  const { canvas, settings } = tree.revisions[tree.first];
  const { tokens, states, length, promptLength } = canvas;
  const ids = Array.from(tokens.subarray(0, promptLength), (token, at) => (states[at] === OPEN ? (maskToken ?? token) : token));
  /** @type {{ offset: number, ids: number[] }[]} */
  const words = [];
  for (let at = promptLength; at < length; at++) {
    if (states[at] !== GIVEN) continue;
    const last = words.at(-1);
    if (last && last.offset + last.ids.length === at - promptLength) last.ids.push(tokens[at]);
    else words.push({ offset: at - promptLength, ids: [tokens[at]] });
  }
  // A text written from left to right has one open position; how long it may get is in its settings.
  return { ids, length: Number(settings?.parameters.max_tokens) || length - promptLength, words };
}

// ---- what is shown ----

/** @type {ReadonlyMap<number, Token>} */
const NO_WORDS = new Map();

/**
 * A side as it is; null where it is yet to be run.
 * @param {State} state
 * @param {Which} side
 * @returns {Side | null}
 */
export function sideOf(state, side) {
  const { tree, model, compare } = state;
  const { what, branch } = choiceOf(state, side);
  if (what === "branch" && tree) {
    const leaf = leafOf(tree, branch);
    const found = branchesOf(tree).find((other) => other.leaf === leaf);
    return { tree, model, tokens: state.tokens, way: wayTo(tree, leaf), by: compare.by, inView: true, title: found ? titleOf(found) : "" };
  }
  const run = compare.runs[side];
  if (!run) return null;
  const own = run.tree.model === model?.name ? model : (compare.models.get(run.tree.model) ?? null);
  const leaf = leafOf(run.tree, run.branch);
  return { tree: run.tree, model: own, tokens: compare.words.get(run.tree.model) ?? NO_WORDS, way: wayTo(run.tree, leaf), by: compare.by, inView: run.tree.id === tree?.id, title: "a run of its own" };
}

/** The last step of both sides, or the most tokens written. */
export const lastIndex = (/** @type {State} */ state) => Math.max(...SIDES.map((side) => lastOf(sideOf(state, side))));

/** @param {Side | null} side */
const lastOf = (side) => (!side ? 0 : side.by === "tokens" ? inTokens(side.tree, side.way).total : side.way.length - 1);

/** Whether a side rests at its end while the other goes on. */
export const rests = (/** @type {Side} */ side, /** @type {number} */ index) => index > lastOf(side);

/** How many steps of a side are done where the slider stands. */
const stepAt = (/** @type {Side} */ { tree, way, by }, /** @type {number} */ index) => Math.min(by === "tokens" ? inTokens(tree, way).stepAt(index) : index, way.length - 1);

export const indexShown = (/** @type {State} */ state) => Math.min(state.compare.index ?? Infinity, lastIndex(state));

/** The revision of a side at a step; one that is finished stays at its end. */
export const revisionAt = (/** @type {Side} */ side, /** @type {number} */ index) => side.way[stepAt(side, index)];

const endOf = (/** @type {Side} */ { way }) => way[way.length - 1];

/** The state as it would be with a side in view, for what draws a canvas. @returns {State} */
export function asInView(/** @type {State} */ state, /** @type {Side} */ { tree, model, tokens, inView }, /** @type {number} */ revision) {
  return {
    ...state,
    tree,
    model,
    tokens,
    shown: revision,
    looked: null,
    why: UNASKED,
    picks: new Map(),
    marked: new Set(),
    brush: { ...state.brush, passed: new Set() },
    remask: { ...state.remask, open: false },
    weighings: inView ? state.weighings : new Map(),
    margins: inView ? state.margins : new Map(),
  };
}

/**
 * @typedef {object} Pairing
 * @property {"position" | "tokens" | "origin" | "none"} by  how positions were paired; none: other
 *   vocabularies, or it is not known yet
 * @property {Record<Which, Set<number>>} differing  positions decided otherwise, or without a partner
 * @property {Record<Which, Set<number>>} alone  positions that one side has decided and the other not yet
 * @property {number} count  of pairs that differ
 * @property {number} aloneCount  of pairs decided on one side alone; these do not count among the others
 * @property {number} of
 * @property {string} note  what is to be said of it
 */

/** @returns {Pairing} */
const unpaired = (/** @type {string} */ note) => ({ by: "none", differing: { a: new Set(), b: new Set() }, alone: { a: new Set(), b: new Set() }, count: 0, aloneCount: 0, of: 0, note });

/**
 * Where the sides differ at a step.
 * @param {State} state
 * @param {number} index
 * @returns {Pairing | null}  null: there is only one side
 */
export function pairingAt(state, index) {
  const a = sideOf(state, "a");
  const b = sideOf(state, "b");
  if (!a || !b) return null;
  const [one, other] = [a, b].map((side) => side.tree.revisions[revisionAt(side, index)]);
  if (a.tree.model !== b.tree.model) {
    if (!sameTokens(a, b)) return unpaired("Two models with other vocabularies: read the texts; positions are not compared.");
    return pairedFromPrompts(one.canvas, other.canvas);
  }
  if (inPlace(a, b, one, other)) return pairedByPosition(one.canvas, other.canvas);
  const { paired } = state.compare;
  if (paired?.key !== pairingWanted(state, index)?.key) return unpaired("Pairing the positions…");
  if (!paired) return unpaired("Pairing the positions…");
  if ("failed" in paired) return unpaired(`The positions could not be paired: ${paired.failed}`);
  return pairedBySpans(one.canvas, other.canvas, paired);
}

/** Whether a position means the same on both sides. */
function inPlace(
  /** @type {Side} */ a,
  /** @type {Side} */ b,
  /** @type {import("app/core/tree.js").Revision} */ one,
  /** @type {import("app/core/tree.js").Revision} */ other,
) {
  if (one.canvas.length !== other.canvas.length) return false;
  if (a.tree.id === b.tree.id) return one.layout === other.layout;
  return one.layout === a.way[0] && other.layout === b.way[0];
}

/**
 * Positions compared one by one. What is given on both sides alike is no question.
 * @param {Canvas} one
 * @param {Canvas} other
 * @returns {Pairing}
 */
function pairedByPosition(one, other) {
  const differing = new Set();
  const alone = new Set();
  let of = 0;
  for (let at = 0; at < one.length; at++) {
    if (isAlone(one, at, other, at)) alone.add(at);
    else if (differs(one, at, other, at)) differing.add(at);
    else if (one.states[at] === GIVEN && other.states[at] === GIVEN) continue;
    of++;
  }
  return { by: "position", differing: { a: differing, b: differing }, alone: { a: alone, b: alone }, count: differing.size, aloneCount: alone.size, of, note: "" };
}

/** Whether two models mean the same by an id: as many there are, and all that are known on both sides read alike. */
function sameTokens(/** @type {Side} */ a, /** @type {Side} */ b) {
  if (!a.model || !b.model || a.model.vocabularySize !== b.model.vocabularySize) return false;
  for (const [id, one] of a.tokens) {
    const other = b.tokens.get(id) ?? one;
    if (one.text !== other.text || one.bytes?.join() !== other.bytes?.join()) return false;
  }
  return true;
}

/**
 * Answers compared position by position, whatever the prompts are and however
 * long the canvases have become.
 * @param {Canvas} one
 * @param {Canvas} other
 * @returns {Pairing}
 */
function pairedFromPrompts(one, other) {
  const differing = { a: new Set(), b: new Set() };
  const alone = { a: new Set(), b: new Set() };
  let [count, aloneCount] = [0, 0];
  const of = Math.max(one.length - one.promptLength, other.length - other.promptLength);
  for (let i = 0; i < of; i++) {
    const at = one.promptLength + i;
    const there = other.promptLength + i;
    const decided = [at < one.length && one.states[at] !== OPEN, there < other.length && other.states[there] !== OPEN];
    if (decided[0] !== decided[1]) {
      aloneCount++;
      if (at < one.length) alone.a.add(at);
      if (there < other.length) alone.b.add(there);
    } else if (decided[0] && one.tokens[at] !== other.tokens[there]) {
      count++;
      differing.a.add(at);
      differing.b.add(there);
    }
  }
  return { by: "position", differing, alone, count, aloneCount, of, note: "Two models with the same tokens, paired by position from the prompt's end." };
}

/** One side has decided it; the other may yet say the same. */
const isAlone = (/** @type {Canvas} */ one, /** @type {number} */ at, /** @type {Canvas} */ other, /** @type {number} */ there) =>
  (one.states[at] === OPEN) !== (other.states[there] === OPEN);

/** Two open positions are alike; a draft decides nothing. */
const differs = (/** @type {Canvas} */ one, /** @type {number} */ at, /** @type {Canvas} */ other, /** @type {number} */ there) =>
  one.states[at] !== OPEN && one.tokens[at] !== other.tokens[there];

/**
 * @param {Canvas} one
 * @param {Canvas} other
 * @param {{ spans: Span[], exact: boolean }} paired
 * @returns {Pairing}
 */
function pairedBySpans(one, other, { spans, exact }) {
  const differing = { a: new Set(), b: new Set() };
  const alone = { a: new Set(), b: new Set() };
  let [count, aloneCount, of] = [0, 0, 0];
  for (const { equal, position, count: length, otherPosition, otherCount } of spans) {
    for (let i = 0; i < Math.max(length, otherCount); i++) {
      const given = equal && one.states[position + i] === GIVEN && other.states[otherPosition + i] === GIVEN;
      if (!given) of++;
      if (equal) continue;
      const paired = i < length && i < otherCount;
      const which = paired && isAlone(one, position + i, other, otherPosition + i) ? alone : differing;
      if (which === alone) aloneCount++;
      else count++;
      if (i < length) which.a.add(position + i);
      if (i < otherCount) which.b.add(otherPosition + i);
    }
  }
  const note = exact ? "Positions were put in or taken out; they are paired by where they came from." : "Paired by tokens: the canvases have other lengths, so this is not exact.";
  return { by: exact ? "origin" : "tokens", differing, alone, count, aloneCount, of, note };
}

/**
 * What to ask the service where positions do not pair by themselves; null where
 * they do.
 * @param {State} state
 * @param {number} index
 */
export function pairingWanted(state, index) {
  const a = sideOf(state, "a");
  const b = sideOf(state, "b");
  if (!a || !b || a.tree.model !== b.tree.model) return null;
  const [revision, otherRevision] = [revisionAt(a, index), revisionAt(b, index)];
  if (inPlace(a, b, a.tree.revisions[revision], b.tree.revisions[otherRevision])) return null;
  const wanted = { sessionId: a.tree.id, revision, otherSessionId: b.tree.id, otherRevision };
  return { ...wanted, key: Object.values(wanted).join(" ") };
}

/**
 * What a side took up to a step, and to its end.
 * @param {Side} side
 * @param {number} index
 */
export function timingsAt(side, index) {
  const { tree, way } = side;
  const upTo = way.slice(0, stepAt(side, index) + 1).map((at) => tree.revisions[at]);
  const all = way.map((at) => tree.revisions[at]);
  const revision = upTo[upTo.length - 1];
  const end = all[all.length - 1];
  const { canvas } = revision;
  const sure = Array.from(canvas.probabilities).filter((p, at) => canvas.states[at] === COMMITTED && !Number.isNaN(p));
  const forwards = newest(upTo, ({ totalForwardCount }) => totalForwardCount) ?? 0;
  return {
    step: upTo.length - 1,
    steps: way.length - 1,
    open: canvas.openCount,
    forwards,
    perForward: paceOf(tree, revision.revision)?.tokensAPass ?? null,
    deviceSeconds: deviceSeconds(upTo),
    wallSeconds: newest(upTo, ({ totalWallSeconds }) => totalWallSeconds),
    meanProbability: sure.length ? sure.reduce((sum, p) => sum + p, 0) / sure.length : null,
    complete: isComplete(end),
    finishedIn: isComplete(end) ? newest(all, ({ totalWallSeconds }) => totalWallSeconds) : null,
  };
}

/** The newest known of a number that only grows. */
function newest(/** @type {import("app/core/tree.js").Revision[]} */ revisions, /** @type {(summary: import("app/core/tree.js").Summary) => number | null} */ of) {
  for (let i = revisions.length - 1; i >= 0; i--) {
    const { summary } = revisions[i];
    const value = summary && of(summary);
    if (value !== null) return value;
  }
  return null;
}

function deviceSeconds(/** @type {import("app/core/tree.js").Revision[]} */ revisions) {
  const known = revisions.map(({ summary }) => summary?.seconds ?? null).filter((seconds) => seconds !== null);
  return known.length ? known.reduce((sum, seconds) => sum + seconds, 0) : null;
}

/** What differs between the settings of two sides, in words: "seed 1 / 2". */
export function settingsInWords(/** @type {Side} */ a, /** @type {Side} */ b) {
  const [one, other] = [a, b].map(({ tree, way }) => tree.revisions[way[way.length - 1]].settings);
  const words = [];
  if (a.tree.model !== b.tree.model) words.push(`model ${a.tree.model} / ${b.tree.model}`);
  if (one && other) {
    if (one.sampler !== other.sampler) words.push(`${humanised(one.sampler)} / ${humanised(other.sampler)}`);
    for (const name of Object.keys(one.parameters).filter((key) => key in other.parameters)) {
      const [mine, theirs] = [one.parameters[name], other.parameters[name]];
      if (!sameValue(mine, theirs)) words.push(`${humanised(name).toLowerCase()} ${said(mine)} / ${said(theirs)}`);
    }
    if (!sameCache(null, one.cache, other.cache)) words.push(`cache ${[one, other].map(({ cache }) => cacheInWords(cache)).join(" / ")}`);
    if (!alike(one.constraint, other.constraint)) words.push(`constraint ${[one, other].map(({ constraint }) => (constraint ? humanised(constraint.kind) : "none")).join(" / ")}`);
    if (one.seed !== other.seed) words.push(`seed ${one.seed ?? "drawn"} / ${other.seed ?? "drawn"}`);
  }
  const parted = partedAt(a, b);
  if (parted !== null) words.push(parted === endOf(a) && parted === endOf(b) ? "the same branch" : `parted at revision ${parted}`);
  return words.length ? words.join(" · ") : "the same settings";
}

/** "Dual, interval 4". */
const cacheInWords = (/** @type {import("app/core/tree.js").CacheChoice | null | undefined} */ cache) =>
  cache ? [humanised(cache.name), ...Object.entries(cache.parameters).map(([name, value]) => `${humanised(name).toLowerCase()} ${said(value)}`)].join(", ") : "the model's own";

const said = (/** @type {unknown} */ value) => (value === null || value === "" ? "none" : value === true ? "on" : value === false ? "off" : String(value));

/** The newest revision that two branches of one session share. */
function partedAt(/** @type {Side} */ a, /** @type {Side} */ b) {
  if (a.tree.id !== b.tree.id) return null;
  const shared = new Set(b.way);
  return a.way.findLast((at) => shared.has(at)) ?? null;
}

/** One sentence on the step shown, for the slider. */
export function stepInWords(/** @type {State} */ state) {
  const index = indexShown(state);
  const pairing = pairingAt(state, index);
  const words = SIDES.map((which) => {
    const side = sideOf(state, which);
    if (!side) return `${which.toUpperCase()} not run yet`;
    const { step, steps, open, complete } = timingsAt(side, index);
    return `${which.toUpperCase()} ${open ? `${open} open` : step === steps && complete ? "complete" : "none open"}`;
  });
  return `${state.compare.by === "tokens" ? "Tokens written:" : "Step"} ${index} of ${lastIndex(state)}: ${words.join(", ")}${differenceInWords(pairing, ", ")}${aloneInWords(pairing, ", ")}`;
}

/** "12 of 64 differ" */
export function differenceInWords(/** @type {Pairing | null} */ pairing, before = "") {
  if (!pairing || pairing.by === "none") return "";
  return `${before}${pairing.count} of ${plural(pairing.of, "position")} ${pairing.count === 1 ? "differs" : "differ"}`;
}


/** "30 decided on one side"; empty where none is */
export function aloneInWords(/** @type {Pairing | null} */ pairing, before = "") {
  return pairing?.aloneCount ? `${before}${pairing.aloneCount} decided on one side` : "";
}
