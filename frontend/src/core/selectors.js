// What is shown, worked out of the state. Pure functions; what is costly is
// remembered for as long as its input lives.
import { formIsNext, startModel, startModelProblem, waitsForModel } from "app/core/models.js";
import { faceOf, textOf } from "app/core/tokens.js";
import { blockFrom, blocksAt } from "app/core/blocks.js";
import { COMMITTED, GIVEN, OPEN } from "app/core/canvas.js";
import { draftAt, draftColumns } from "app/core/drafts.js";
import { READ_ONLY } from "app/core/possible-edits.js";
import { redoOf, undoOf } from "app/core/places.js";
import { appendsOnly, NO_MASKING_AGAIN } from "app/core/left-to-right.js";
import { busy, offline, switchedOff, unchangeable } from "app/core/readiness.js";
import { readingOf } from "app/core/lenses.js";
import { painted, runOf } from "app/core/marking.js";
import { paceOf } from "app/core/pace.js";
import { remasked } from "app/core/remasking.js";
import { couldGoOn, makerOf, stopInWords } from "app/core/stopping.js";
import { deedsOf, headOf, isComplete, pathTo } from "app/core/tree.js";
import { weighingOf } from "app/core/weighing.js";
import { shownRevision, weighingKey } from "app/core/state.js";
import { duration, humanised, percent, plural } from "app/core/format.js";
import { answerProblem, formInForce, problemsOf, RANKING_SAMPLER, samplerNamed, samplerOf, settingsToSend, trialOf } from "app/core/settings.js";

/** @typedef {import("app/core/state.js").State} State */

/** @param {State} state */
export function shown(state) {
  return state.tree ? state.tree.revisions[shownRevision(state)] : null;
}

/**
 * The form as far as the session in view goes: where it is for another model's
 * next session, a step keeps the settings in force.
 * @param {State} state
 * @param {import("app/core/tree.js").Settings | null} [inForce]
 */
export const formOfSteps = (state, inForce = shown(state)?.settings ?? null) => (inForce && formIsNext(state) ? formInForce(state.form, inForce) : state.form);

/**
 * @typedef {import("app/core/tree.js").Deed} Deed
 *
 * @typedef {object} Cell
 * @property {number} position
 * @property {"given" | "open" | "committed"} state
 * @property {number | null} token  for an open position its draft; for a pick the token picked
 * @property {import("app/core/tokens.js").Face | null} face  null: nothing to show
 * @property {number | null} probability  0 to 1
 * @property {Deed | null} deed  what the revision shown did to it
 * @property {boolean} byHand
 * @property {boolean} locked  protected: no step changes it
 * @property {boolean} picked
 * @property {boolean} reopening  picked to be opened again
 * @property {boolean} previewed  masking again, or the brush, would open it
 * @property {boolean} locking  the brush would lock it
 * @property {boolean} marked  something is to be done to it and the others marked
 * @property {boolean} looked  at, in the inspector
 * @property {boolean} hidden  a special token, while those are not shown
 * @property {number | null} level  what the lens reads here; null: nothing
 * @property {number} share  the same in shades of the full colour, 0 to 20, without its sign
 * @property {"" | "for" | "against"} side  its sign, where the lens has signs
 * @property {boolean} explained  the lens says what the others had to do with it
 * @property {string} reading  the same in words; empty: nothing
 * @property {boolean} repeat  the special token before it once more: drawn small
 * @property {number} block  the number of the sampler's block that begins here; 0: none
 */

/** A browser restyles cells that look alike far faster than a thousand that are each their own. */
const SHADES = 20;

/** @type {WeakMap<State, Cell[]>} */
const cellsKnown = new WeakMap();
/** The cells made last. One that is as it was stays the very same object: what was drawn of it stays too. @type {Cell[]} */
let cellsBefore = [];

/**
 * The cells of the canvas at the revision shown.
 * @param {State} state
 * @returns {Cell[]}
 */
export function cellsOf(state) {
  let cells = cellsKnown.get(state);
  if (!cells) {
    const before = cellsBefore;
    cells = cellsBefore = cellsMade(state).map((cell, position) => (isAsBefore(cell, before[position]) ? before[position] : cell));
    cellsKnown.set(state, cells);
  }
  return cells;
}

/** @returns {boolean} */
function isAsBefore(/** @type {any} */ cell, /** @type {any} */ before) {
  if (!before) return false;
  for (const field in cell) if (cell[field] !== before[field]) return false;
  return true;
}

/** @returns {Cell[]} */
function cellsMade(/** @type {State} */ state) {
  const { tree, picks, marked, looked, view } = state;
  const revision = shown(state);
  if (!tree || !revision) return [];
  const { canvas } = revision;
  const { tokens, probabilities } = canvas;
  const deeds = deedsOf(tree, revision.revision);
  const draft = view.draft ? draftColumns(tree, revision.revision) : null;
  const reading = readingOf(state);
  const brushed = painted(state);
  const preview = new Set(remasked(state)?.positions);
  if (brushed?.kind === "mask") for (const position of brushed.positions) preview.add(position);
  // Special tokens are in the way of reading; rows and grid are no text.
  const hides = !view.specials && view.mode === "reading";
  const locking = new Set(brushed?.kind === "lock" ? brushed.positions : []);
  const blocks = blocksAt(revision);
  /** @type {Cell[]} */
  const cells = [];
  for (let position = 0; position < canvas.length; position++) {
    const open = canvas.states[position] === OPEN;
    const pick = picks.get(position);
    /** @type {number | null} */
    let token = tokens[position];
    /** @type {number | null} */
    let probability = probabilities[position];
    if (pick && pick.token !== null) ({ token, probability } = pick);
    else if (open) {
      const ghost = draft ? draft.tokens[position] : -1;
      token = ghost < 0 ? null : ghost;
      probability = ghost < 0 || !draft ? null : draft.probabilities[position] / 255;
    }
    const face = token === null ? null : faceOfId(state, token);
    const value = reading && (!open || draft) ? reading.values[position] : NaN;
    const known = !Number.isNaN(value);
    const isMarked = marked.has(position);
    const cell = {
      position,
      state: /** @type {Cell["state"]} */ (open ? "open" : canvas.states[position] === GIVEN ? "given" : "committed"),
      token,
      face,
      probability: Number.isNaN(probability ?? NaN) ? null : probability,
      deed: deeds.get(position) ?? null,
      byHand: canvas.byHand[position] === 1,
      locked: canvas.protected[position] === 1,
      picked: pick !== undefined,
      reopening: pick?.token === null,
      previewed: preview.has(position),
      locking: locking.has(position),
      marked: isMarked,
      looked: position === looked,
      hidden: hides && !open && face?.special === true && !pick && !isMarked && position !== looked,
      level: known ? value : null,
      share: known && reading ? Math.round((SHADES * Math.abs(value)) / reading.top) : 0,
      side: /** @type {Cell["side"]} */ (known && reading?.diverges && value ? (value < 0 ? "against" : "for") : ""),
      explained: reading?.explained === position,
      reading: known && reading ? reading.words(position) : "",
      repeat: false,
      block: blockFrom(blocks, position),
    };
    const before = cells[position - 1];
    cell.repeat = Boolean(face?.special && !pick && before?.token === token && before.state === cell.state);
    cells.push(cell);
  }
  return cells;
}

/**
 * What a screen reader says of a cell: first what differs from its neighbours.
 * @param {Pick<Cell, "position" | "state" | "face" | "probability" | "picked" | "reopening" | "previewed" | "deed" | "byHand" | "locked"> & Partial<Cell>} cell
 */
export function labelOf({ position, state, face, probability, picked, reopening, previewed, locking, marked, reading, explained, deed, byHand, locked, block }) {
  const words = [];
  if (face) words.push(face.name);
  else words.push("open");
  if (picked) words.push(reopening ? "picked to open again" : "picked");
  else if (state === "open" && face) words.push("draft");
  if (state !== "given" && probability !== null) words.push(percent(probability).replace("%", " percent"));
  // The percentage says it already.
  if (reading && !reading.startsWith("p_base")) words.push(reading);
  if (explained) words.push("explained by the others");
  if (state === "given") words.push("given");
  if (marked) words.push("marked");
  if (previewed) words.push("would be masked again");
  if (locking) words.push("would be locked");
  if (deed) words.push({ committed: "new", reopened: "opened again", edited: "edited", inserted: "put in" }[deed]);
  if (byHand) words.push("picked by hand");
  if (locked) words.push("locked");
  if (block) words.push(`starts block ${block}`);
  words.push(`position ${position}`);
  return words.join(", ");
}

/** From one position to another, in reading order, what is in view. */
export function markable(/** @type {State} */ state, /** @type {number} */ from, /** @type {number} */ to) {
  const cells = cellsOf(state);
  const { promptLength } = /** @type {import("app/core/canvas.js").Canvas} */ (shown(state)?.canvas);
  return runOf(from, to).filter((position) => cells[position] && !cells[position].hidden && (state.view.prompt || position >= promptLength));
}

/**
 * The signs that occur among cells, for the legend.
 * @param {readonly Cell[]} cells
 * @returns {string}  separated by spaces, in no order that means anything
 */
export function signsOf(cells) {
  const signs = new Set();
  for (const cell of cells) {
    if (cell.state === "open") signs.add(cell.face && !cell.picked ? "draft" : "open");
    else signs.add(cell.state);
    if (cell.deed) signs.add(cell.deed === "committed" ? "new" : cell.deed);
    if (cell.picked) signs.add("picked");
    if (cell.marked) signs.add("marked");
    if (cell.previewed) signs.add("preview");
    if (cell.locking) signs.add("locking");
    if (cell.explained) signs.add("explained");
    if (cell.byHand) signs.add("hand");
    if (cell.locked) signs.add("locked");
    if (cell.block && !cell.hidden) signs.add("block");
    if (cell.face?.special && !cell.hidden) signs.add("special");
  }
  return [...signs].sort().join(" ");
}

/**
 * Long canvases are drawn in blocks, so that the browser may leave out those
 * off screen; a short one is a single flow.
 * @param {number} from
 * @param {number} to
 * @returns {{ start: number, end: number }[]}
 */
export function blocksOf(from, to, size = 64) {
  if (to - from <= 4 * size) return to > from ? [{ start: from, end: to }] : [];
  const blocks = [];
  for (let start = from; start < to; start += size) blocks.push({ start, end: Math.min(start + size, to) });
  return blocks;
}

/**
 * What the inspector shows.
 * @param {State} state
 */
export function inspected(state) {
  const { tree, looked } = state;
  const revision = shown(state);
  if (!tree || !revision || looked === null || looked >= revision.canvas.length) return null;
  const target = weighingOf(tree, revision.revision, looked);
  const positionState = revision.canvas.states[looked];
  return {
    position: looked,
    token: positionState === OPEN ? null : revision.canvas.tokens[looked],
    state: positionState === OPEN ? "open" : positionState === GIVEN ? "given" : "committed",
    probability: positionState === COMMITTED ? revision.canvas.probabilities[looked] : null,
    target,
    byHand: revision.canvas.byHand[looked] === 1,
    locked: revision.canvas.protected[looked] === 1,
    origin: revision.canvas.origins[looked],
    weighing: target ? state.weighings.get(weighingKey(target.revision, target.position)) : undefined,
    inPrompt: looked < revision.canvas.promptLength,
    settings: target ? tree.revisions[target.revision].settings : null,
    trial: trialOfView(state),
  };
}

/**
 * The settings that the form would put between the logits and the open position
 * looked at, when they are others than those in force and its candidates, so its
 * logits, are there.
 * @param {State} state
 */
export function trialWanted(state) {
  const { tree, looked, model } = state;
  const revision = shown(state);
  if (!tree || !revision || looked === null || revision.canvas.states[looked] !== OPEN) return null;
  const target = weighingOf(tree, revision.revision, looked);
  const weighing = target && state.weighings.get(weighingKey(target.revision, target.position));
  if (!target || !weighing || weighing === "asked" || "failed" in weighing) return null;
  const settings = trialOf(model, formOfSteps(state), revision.settings);
  if (!settings) return null;
  return { revision: target.revision, position: looked, settings, key: `${target.revision} ${looked} ${JSON.stringify(settings)}` };
}

/** @param {State} state */
function trialOfView(state) {
  const wanted = trialWanted(state);
  if (!wanted) return null;
  const current = state.trial?.key === wanted.key;
  return { settings: wanted.settings, current, weighing: (current && state.trial?.weighing) || undefined };
}

/** @param {State} state */
export function draftShown(state) {
  return state.tree ? draftAt(state.tree, shownRevision(state)) : null;
}

/**
 * The numbers of the revision shown.
 * @param {State} state
 */
export function statistics(state) {
  const { tree } = state;
  const revision = shown(state);
  if (!tree || !revision) return null;
  const committed = revision.canvas.states.reduce((n, s) => n + (s === COMMITTED ? 1 : 0), 0);
  const { summary } = revision;
  const complete = isComplete(revision);
  // Going back to a finished canvas finds it finished.
  const made = makerOf(tree, revision.revision);
  // What was written into holes of the prompt has no end.
  const beforeEnd = complete && !holed(revision.canvas) ? (made.summary?.tokensBeforeEnd ?? null) : null;
  const deeds = [...deedsOf(tree, revision.revision).values()];
  const { splices } = revision;
  const done = (/** @type {Deed} */ deed) => deeds.filter((other) => other === deed).length;
  let forwards = summary?.totalForwardCount ?? null;
  for (let at = revision; forwards === null && at.parent >= 0; at = tree.revisions[at.parent]) {
    forwards = at.summary?.totalForwardCount ?? null;
  }
  return {
    revision: revision.revision,
    head: headOf(tree),
    open: revision.canvas.openCount,
    committed,
    cause: revision.cause,
    parent: revision.parent,
    substep: revision.substep,
    done: { committed: done("committed"), reopened: done("reopened"), edited: done("edited"), inserted: done("inserted") },
    removed: splices.reduce((n, splice) => n + splice.removed, 0),
    locked: revision.protected.length,
    unlocked: revision.unprotected.length,
    turn: revision.promptLength !== null,
    beforeEnd,
    forwards: forwards ?? 0,
    perForward: paceOf(tree, revision.revision)?.tokensAPass ?? null,
    meanProbability: summary?.meanProbability ?? null,
    minProbability: summary?.minProbability ?? null,
    meanEntropy: summary?.meanEntropy ?? tree.predictions.get(revision.revision)?.meanEntropy ?? null,
    seconds: summary?.seconds ?? tree.predictions.get(revision.revision)?.seconds ?? null,
    // A frame of an earlier version counts no pass where it found one.
    cached: summary !== null && revision.cause === "step" && (summary.forwardCount === 0 || (summary.reusedForwardCount ?? 0) > 0),
    looking: tree.looking,
    wallSeconds: summary?.totalWallSeconds ?? null,
    approximations: summary?.approximations ?? [],
    complete,
    stop: stopInWords(state),
    constraint: revision.settings?.constraint ? { rule: revision.settings.constraint, stands: made.summary?.constraint ?? null } : null,
  };
}

/** @type {Record<string, string>} */
const BY_HAND = { select: "picked by hand", edit: "written by hand" };

/** What the revision shown is, in words: "remasking: 5 opened again". */
export function deedInWords(/** @type {NonNullable<ReturnType<typeof statistics>>} */ numbers) {
  const { cause, substep, done, parent } = numbers;
  if (cause === "create") return "the beginning";
  if (cause === "trimmed") return "the oldest revision kept";
  if (cause === "rewind") return `back to revision ${parent}`;
  if (numbers.turn) return "a turn appended";
  const { committed, reopened, edited, inserted } = done;
  const parts = [
    committed && `${committed} ${BY_HAND[cause] ?? "committed"}`,
    reopened && `${reopened} opened again`,
    edited && `${edited} edited`,
    inserted && `${inserted} put in`,
    numbers.removed && `${numbers.removed} taken out`,
    numbers.locked && `${numbers.locked} locked`,
    numbers.unlocked && `${numbers.unlocked} unlocked`,
  ].filter(Boolean);
  const what = parts.join(", ") || "nothing changed";
  if (cause === "select" || cause === "edit") return what;
  return substep ? `${humanised(substep).toLowerCase()}: ${what}` : what;
}

/** One sentence on the revision shown, for the slider and for a screen reader. */
export function sentence(/** @type {State} */ state) {
  const numbers = statistics(state);
  if (!numbers) return "";
  const { revision, head, cause, substep, open, complete, meanProbability } = numbers;
  const did = `${cause === "step" ? (substep ? "a step, " : "a step: ") : ""}${deedInWords(numbers)}`;
  const left = complete ? `${numbers.stop ? `${numbers.stop.charAt(0).toLowerCase()}${numbers.stop.slice(1)}, ` : ""}${outcomeInWords(numbers)}` : open ? `${open} open` : "none open, more to do";
  const sure = meanProbability === null ? "" : `, mean probability ${meanProbability.toFixed(2)}`;
  return `Revision ${revision} of ${head}: ${did}, ${left}${sure}`;
}

function outcomeInWords(/** @type {NonNullable<ReturnType<typeof statistics>>} */ { beforeEnd, forwards, wallSeconds }) {
  const tokens = beforeEnd === null ? "" : ` with ${plural(beforeEnd, "token")} before the end`;
  const took = wallSeconds === null ? "" : ` in ${duration(wallSeconds)}`;
  return `complete${tokens}, ${plural(forwards, "forward pass", "forward passes")}${took}`;
}

/**
 * Marks for the timeline. In a very long session plain steps are left out.
 * @param {State} state
 */
export function marksOf(state) {
  const { tree } = state;
  if (!tree) return [];
  const path = pathTo(tree, shownRevision(state));
  const marks = tree.revisions.slice(tree.first).map(({ revision, cause }) => ({
    revision,
    cause,
    onPath: path.has(revision),
  }));
  return marks.length <= 240 ? marks : marks.filter(({ cause }) => cause !== "step");
}

/**
 * Why a control cannot be used now; an empty string where it can.
 * @param {State} state
 * @returns {Record<"start" | "forward" | "step" | "run" | "propose" | "apply" | "clear" | "pick" | "change" | "undo" | "redo" | "mask" | "turn" | "goOn", string>}
 */
export function hindrances(state) {
  const form = formOfSteps(state);
  const { turns: _, prompt: __, ...others } = problemsOf(state.model, form); // no step sends them
  const problem = inWords(others);
  const revision = shown(state);
  const closed = revision && revision.canvas.openCount === 0 ? (appendsOnly(state) ? "The text has stopped." : "No position is open at this revision.") : "";
  const sampler = samplerOf(state.model, form);
  const over = revision && isComplete(revision);
  const fills = sampler && !sampler.revises && !over && sampler.name !== revision?.settings?.sampler ? `No position is open, and ${humanised(sampler.name)} only fills open ones. Choose the sampler that began, or open some.` : "";
  const done = closed && (fills || (over && !goesOn(state, sampler) ? closed : ""));
  const selector = state.view.selector === "sampler" ? sampler : samplerNamed(state.model, RANKING_SAMPLER);
  const selectable = state.view.selector === "sampler" ? done || problem : selector?.revises ? "" : closed;
  const change = unchangeable(state);
  const { tree } = state;
  const target = tree && revision && state.looked !== null && state.looked < revision.canvas.length ? weighingOf(tree, revision.revision, state.looked) : null;
  const tokens = [...state.picks.values()].some(({ token }) => token !== null);
  const preview = remasked(state);
  const off = (/** @type {string} */ to) => change || switchedOff(state, to);
  // Undo and redo may be pressed faster than they are done.
  const going = unchangeable(state.activity === "rewind" ? { ...state, activity: null } : state) || (state.shown === null ? "" : LOOKING_BACK);
  return {
    start: offline(state) || busy(state) || startModelProblem(state) || inWords(problemsOf(startModel(state), state.form)),
    forward: off("ask it") || closed,
    step: off("step") || done || problem,
    run: off("step") || done || problem,
    propose: off("auto-select") || selectable,
    apply: change || (!state.picks.size ? "Nothing is picked." : revision?.readOnly && tokens ? READ_ONLY : ""),
    clear: state.picks.size ? "" : "Nothing is picked.",
    pick: change || (tree && target && tree.revisions[target.revision].readOnly ? READ_ONLY : ""),
    change,
    undo: going || (tree && undoOf(tree) === null ? (tree.first ? "The revisions before are not kept any more." : "There is nothing to undo.") : ""),
    redo: going || (tree && redoOf(tree) === null ? "There is nothing to redo." : ""),
    mask: change || (appendsOnly(state) ? NO_MASKING_AGAIN : preview?.positions.length ? "" : switchedOff(state, "see what would be opened") || "Nothing would be opened."),
    goOn: off("go on") || (couldGoOn(state) ? problem : "The text has not been told to stop."),
    turn: change || (revision && over ? answerProblem(state.model, state.form, endOf(state, revision.canvas)) : UNFINISHED),
  };
}

const inWords = (/** @type {Record<string, string>} */ problems) =>
  Object.entries(problems).map(([field, range]) => `${field}: ${range}.`).join(" ");

export const UNFINISHED = "The answer is not finished.";
const LOOKING_BACK = "Undo and redo start from the newest revision. Show it first.";

/** On a complete canvas a sampler that revises has something to do, unless it has just done it. */
function goesOn(/** @type {State} */ state, /** @type {import("app/core/settings.js").Sampler | null} */ sampler) {
  return Boolean(sampler?.revises) && settingsToSend(state.model, formOfSteps(state), shown(state)?.settings ?? null) !== null;
}

/** Where the answer ends: a turn is appended to what stands before its first end. */
function endOf(/** @type {State} */ { model }, /** @type {import("app/core/canvas.js").Canvas} */ canvas) {
  const ends = model?.endTokens ?? [];
  let at = canvas.promptLength;
  while (at < canvas.length && !ends.includes(canvas.tokens[at])) at++;
  return at;
}

/** Whether positions of the prompt were left to be filled in. */
function holed(/** @type {import("app/core/canvas.js").Canvas} */ { states, promptLength }) {
  return states.subarray(0, promptLength).some((state) => state !== GIVEN);
}

/** The text at the revision shown, without its prompt; with it where the prompt has holes. */
export function writtenText(/** @type {State} */ state) {
  const revision = shown(state);
  if (!state.tree || !revision) return "";
  const { promptLength, length, states, tokens } = revision.canvas;
  const written = [];
  for (let position = holed(revision.canvas) ? 0 : promptLength; position < length; position++) {
    const token = states[position] === OPEN ? null : state.tokens.get(tokens[position]);
    if (token !== undefined) written.push(token);
  }
  return textOf(written);
}

/** A token's face; without a tokenizer, its id has to do. */
export function faceOfId(/** @type {State} */ state, /** @type {number} */ id) {
  // Of a model that is not in memory it is not known yet whether it has one.
  return faceOf(state.model?.hasTokenizer === false && !waitsForModel(state) ? numbered(id) : state.tokens.get(id));
}

/** @type {Map<number, import("app/core/tokens.js").Token>} */
const numbers = new Map();

function numbered(/** @type {number} */ id) {
  let token = numbers.get(id);
  if (!token) numbers.set(id, (token = { id, text: `#${id}`, special: false }));
  return token;
}

