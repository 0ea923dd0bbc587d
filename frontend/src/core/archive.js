// A session as the page holds it, as one JSON value: what a page saved as a file
// replays, and what the recording that comes with the page is. A recording
// (.unmask) is made and read by the server; this needs none.
import { packed, packedFloats, shortFloat, unpacked } from "app/core/packed.js";
import { based, frameOf, grow, plant, remember } from "app/core/tree.js";
import { weighingKey } from "app/core/state.js";

const FORMAT = "unmask-archive";
export const VERSION = 1;

/**
 * @typedef {import("app/core/state.js").State} State
 * @typedef {import("app/core/state.js").Weighing} Weighing
 * @typedef {import("app/core/tree.js").Tree} Tree
 * @typedef {import("app/core/tree.js").Frame} Frame
 * @typedef {import("app/core/tree.js").Revision} Revision
 * @typedef {import("app/core/tree.js").Draft} Draft
 *
 * @typedef {object} Recorded  what an archive holds, ready for the state
 * @property {import("app/core/settings.js").Model} model
 * @property {ReadonlyMap<number, import("app/core/tokens.js").Token>} tokens
 * @property {Tree} tree
 * @property {ReadonlyMap<string, Weighing>} weighings  by weighingKey()
 * @property {boolean | null} chat
 * @property {import("app/core/copy-as.js").Asked | null} asked
 */

/** Why a text cannot be opened as an archive, in words for a person. */
export class ArchiveError extends Error {}

// ---- writing ----

/**
 * What JSON.stringify() makes an archive of.
 * @param {State} state  with a session
 * @param {ReadonlyMap<string, Weighing>} weighings  of all that is to be inspected
 */
export function archiveOf(state, weighings) {
  const { tree, model, chat, asked } = state;
  if (!tree || !model) throw new TypeError("no session to archive");
  const used = new Set(tree.revisions.flatMap((held) => held?.settings?.sampler ?? []));
  const revisions = tree.revisions.filter(Boolean);
  return {
    format: FORMAT,
    version: VERSION,
    model: { ...model, samplers: model.samplers.filter(({ name }) => used.has(name)) },
    session: { id: tree.id, model: tree.model, first: tree.first, chat, asked },
    roots: revisions.filter(({ parent }) => parent < 0).map(rootInto),
    frames: revisions.filter(({ parent }) => parent >= 0).map((held) => frameInto(held, tree.revisions[held.parent])),
    predictions: [...tree.predictions.values()]
      .filter(({ draft, revision }) => draft && !revisions.some((held) => held.draft?.predictedAt === revision))
      .map(({ draft, ...prediction }) => ({ ...prediction, draft: draftInto(/** @type {Draft} */ (draft)) })),
    names: [...tree.names],
    tokens: tokensInto(idsIn(tree, weighings), state.tokens),
    weighings: weighingsInto(weighings),
  };
}

/** Every token that an archive would have to name. */
export function idsIn(/** @type {Tree} */ tree, /** @type {ReadonlyMap<string, Weighing>} */ weighings) {
  /** @type {Set<number>} */
  const ids = new Set();
  const all = (/** @type {ArrayLike<number>} */ tokens) => {
    for (let i = 0; i < tokens.length; i++) ids.add(tokens[i]);
  };
  for (const held of tree.revisions) {
    if (!held) continue;
    if (held.parent < 0) all(held.canvas.tokens);
    for (const { token } of held.changes) if (token !== null) ids.add(token);
    if (held.draft) all(held.draft.tokens);
  }
  for (const { draft } of tree.predictions.values()) if (draft) all(draft.tokens);
  for (const { candidates } of weighings.values()) for (const { token } of candidates) ids.add(token);
  return ids;
}

function rootInto(/** @type {Revision} */ { revision, canvas, settings, summary, readOnly, time }) {
  const marked = (/** @type {Uint8Array} */ column) => [...column.keys()].filter((position) => column[position]);
  const { promptLength, tokens, states } = canvas;
  return { revision, promptLength, tokens: packed(tokens), states: packed(states), byHand: marked(canvas.byHand), protected: marked(canvas.protected), settings, summary, readOnly, time };
}

/** Only what is not the rule; settings where they are not the parent's. */
function frameInto(/** @type {Revision} */ held, /** @type {Revision} */ parent) {
  const { revision, cause, changes, draft, settings, canvas: _canvas, layout: _layout, ...rest } = held;
  const usual = /** @type {any} */ (frameOf({}));
  const said = Object.entries(rest).filter(([name, value]) => JSON.stringify(value) !== JSON.stringify(usual[name]));
  return {
    revision,
    cause,
    ...Object.fromEntries(said),
    ...(settings === parent?.settings ? {} : { settings }),
    ...(changes.length ? { changes: changes.map(({ position, token, probability, given }) => [position, token, shortFloat(probability), ...(given ? [1] : [])]) } : {}),
    ...(draft ? { draft: draftInto(draft) } : {}),
  };
}

function draftInto(/** @type {Draft} */ { positions, tokens, probabilities, entropies, predictedAt }) {
  return { predictedAt, positions: packed(positions), tokens: packed(tokens), probabilities: packed(probabilities), entropies: packed(entropies) };
}

function tokensInto(/** @type {Iterable<number>} */ ids, /** @type {State["tokens"]} */ tokens) {
  const held = [...ids].sort((a, b) => a - b).flatMap((id) => tokens.get(id) ?? []);
  const bytes = held.flatMap(({ bytes }, at) => (bytes ? [[at, packed(bytes)]] : []));
  const edges = held.flatMap(({ lead = 0, trail = 0 }, at) => (lead || trail ? [[at, lead, trail]] : []));
  return {
    ids: packed(held.map(({ id }) => id)),
    special: packed(held.map(({ special }) => Number(special))),
    texts: held.map(({ text }) => text),
    ...(bytes.length ? { bytes } : {}),
    ...(edges.length ? { edges } : {}),
  };
}

/** In columns, because there are many of few numbers. */
function weighingsInto(/** @type {ReadonlyMap<string, Weighing>} */ weighings) {
  const all = [...weighings];
  const rows = all.flatMap(([, { candidates }]) => candidates);
  const of = (/** @type {(weighing: Weighing) => number} */ one) => all.map(([, weighing]) => one(weighing));
  return {
    revisions: packed(all.map(([key]) => Number(key.split(":")[0]))),
    positions: packed(of(({ position }) => position)),
    counts: packed(of(({ candidates }) => candidates.length)),
    keptCounts: packed(of(({ keptCount }) => keptCount)),
    recomputed: packed(of(({ recomputed }) => Number(recomputed))),
    entropies: packedFloats(of(({ entropy }) => entropy)),
    margins: packedFloats(of(({ margin }) => margin)),
    otherPBase: packedFloats(of(({ otherPBase }) => otherPBase)),
    otherPFinal: packedFloats(of(({ otherPFinal }) => otherPFinal)),
    tokens: packed(rows.map(({ token }) => token)),
    kept: packed(rows.map(({ kept }) => Number(kept))),
    pBase: packedFloats(rows.map(({ pBase }) => pBase)),
    pFinal: packedFloats(rows.map(({ pFinal }) => pFinal)),
    logits: packedFloats(rows.map(({ logit }) => logit)),
    // Only where a constraint was in force; 0 stands for a count that is not known.
    ...(rows.some(({ invalid }) => invalid) || all.some(([, { validCount }]) => validCount !== null)
      ? { invalid: packed(rows.map(({ invalid }) => Number(invalid))), validCounts: packed(of(({ validCount }) => (validCount === null ? 0 : validCount + 1))) }
      : {}),
  };
}

// ---- reading ----

/**
 * What an archive holds. Throws an ArchiveError that says why it cannot be read.
 * @param {string} text
 * @returns {Recorded}
 */
export function readArchive(text) {
  const value = parsed(text);
  if (value?.format !== FORMAT) throw new ArchiveError("This is no recording of this page.");
  if (!Number.isInteger(value.version) || value.version < 1) throw damaged("it has no version");
  if (value.version > VERSION) throw new ArchiveError(`The recording is of version ${value.version}; this page reads up to version ${VERSION}. Open it with a newer page.`);
  try {
    return recordedIn(value);
  } catch (error) {
    throw error instanceof ArchiveError ? error : damaged(/** @type {Error} */ (error).message);
  }
}

function parsed(/** @type {string} */ text) {
  try {
    return JSON.parse(text);
  } catch {
    throw new ArchiveError("The recording is cut off, or is none.");
  }
}

const damaged = (/** @type {string} */ where) => new ArchiveError(`The recording is damaged: ${where}.`);

function must(/** @type {unknown} */ holds, /** @type {string} */ otherwise) {
  if (!holds) throw damaged(otherwise);
}

/** @returns {Recorded} */
function recordedIn(/** @type {any} */ value) {
  const { model, session } = value;
  must(typeof model?.name === "string" && Array.isArray(model.samplers), "the model is not described");
  must(typeof session?.id === "string" && Number.isInteger(session.first), "the session is not described");
  for (const name of ["roots", "frames", "predictions", "names"]) must(Array.isArray(value[name]), `${name} is no list`);
  const tokens = tokensFrom(value.tokens);
  const tree = treeFrom(value);
  const weighings = weighingsFrom(value.weighings, tree);
  // Pages of earlier versions tell two ends, and nothing of caches.
  const ends = [model.eosToken, model.eotToken].filter((id) => typeof id === "number");
  return { model: { endTokens: ends, caches: [], ...model }, tokens, tree, weighings, chat: session.chat ?? null, asked: session.asked ?? null };
}

/** @returns {Tree} */
function treeFrom(/** @type {any} */ { session, roots, frames, predictions, names }) {
  must(roots.length > 0, "it has no beginning");
  const starts = roots.map((/** @type {any} */ root) => rootFrom(root, session)).sort((/** @type {any} */ a, /** @type {any} */ b) => a.revision - b.revision);
  let tree = plant(starts.at(-1));
  for (const start of starts.slice(0, -1)) tree = based(tree, start);
  for (const said of frames) {
    const frame = frameFrom(said);
    const name = `revision ${frame.revision}`;
    must(frame.revision === tree.revisions.length, `${name} is out of its turn`);
    must(tree.revisions[frame.parent], `${name} names parent ${frame.parent}, which is not there`);
    tree = grow(tree, frame);
    const { length } = /** @type {Revision} */ (tree.revisions.at(-1)).canvas;
    must(frame.changes.every(({ position }) => Number.isInteger(position) && position >= 0 && position < length), `${name} changes a position that is not there`);
  }
  for (const { draft, ...prediction } of predictions) {
    must(tree.revisions[prediction.revision], `there is no revision ${prediction.revision} to predict from`);
    tree = remember(tree, { ...prediction, draft: draftFrom(draft) });
  }
  for (const [, revision] of names) must(tree.revisions[revision], `a name is given to revision ${revision}, which is not there`);
  must(tree.revisions[session.first], "its first revision is not there");
  return { ...tree, first: session.first, names: new Map(names) };
}

function rootFrom(/** @type {any} */ { tokens, states, ...root }, /** @type {any} */ { id, model }) {
  must(Number.isInteger(root.revision) && root.revision >= 0, "its beginning has no number");
  const columns = { tokens: unpacked(tokens), states: unpacked(states) };
  must(columns.tokens.length === columns.states.length, `the columns of revision ${root.revision} differ in length`);
  must(columns.states.every((state) => state >= 1 && state <= 3), `revision ${root.revision} has a state that is none`);
  must(root.promptLength >= 0 && root.promptLength <= columns.tokens.length, `the prompt of revision ${root.revision} is longer than its canvas`);
  return { id, model, ...root, ...columns };
}

/** @returns {Frame} */
function frameFrom(/** @type {any} */ { changes = [], draft = null, ...said }) {
  return frameOf({
    ...said,
    changes: changes.map((/** @type {any[]} */ [position, token, probability, given]) => ({
      position,
      token,
      probability: probability === null ? null : Math.fround(probability),
      given: given === 1,
    })),
    draft: draft && draftFrom(draft),
  });
}

/** @returns {Draft} */
function draftFrom(/** @type {any} */ { predictedAt, ...columns }) {
  const [positions, tokens, probabilities, entropies] = ["positions", "tokens", "probabilities", "entropies"].map((name) => unpacked(columns[name]));
  must([tokens, probabilities, entropies].every(({ length }) => length === positions.length), `the columns of the draft of revision ${predictedAt} differ in length`);
  must(Number.isInteger(predictedAt), "a draft does not say what it was predicted from");
  return { predictedAt, positions, tokens, probabilities: Uint8Array.from(probabilities), entropies: Uint8Array.from(entropies) };
}

/** @returns {Recorded["tokens"]} */
function tokensFrom(/** @type {any} */ { ids, special, texts, bytes = [], edges = [] }) {
  const all = { ids: unpacked(ids), special: unpacked(special) };
  must(all.ids.length === all.special.length && all.ids.length === texts.length, "the columns of the tokens differ in length");
  must(texts.every((/** @type {unknown} */ text) => typeof text === "string"), "a token has no text");
  must(Array.isArray(bytes) && bytes.every(([at]) => Number.isInteger(at) && at >= 0 && at < texts.length), "bytes are of a token that is not there");
  const between = new Map();
  must(Array.isArray(edges), "the edges of the tokens are no list");
  for (const [at, lead, trail] of edges) {
    must([at, lead, trail].every((number) => Number.isInteger(number) && number >= 0) && at < texts.length, "an edge is of a token that is not there");
    between.set(at, { ...(lead ? { lead } : {}), ...(trail ? { trail } : {}) });
  }
  /** @type {Map<number, Uint8Array>} */
  const exact = new Map(bytes.map((/** @type {[number, string]} */ [at, held]) => [at, Uint8Array.from(unpacked(held))]));
  return new Map(Array.from(all.ids, (id, i) => [id, { id, text: texts[i], special: all.special[i] === 1, ...(exact.has(i) ? { bytes: exact.get(i) } : {}), ...between.get(i) }]));
}

/** @returns {Map<string, Weighing>} */
function weighingsFrom(/** @type {any} */ value, /** @type {Tree} */ tree) {
  const all = Object.fromEntries(Object.entries(value).map(([name, column]) => [name, unpacked(column)]));
  const { revisions, positions, counts, keptCounts, recomputed, entropies, margins, otherPBase, otherPFinal } = all;
  const rows = [all.tokens, all.kept, all.pBase, all.pFinal, all.logits];
  const total = Array.from(counts).reduce((sum, count) => sum + count, 0);
  must([positions, counts, keptCounts, recomputed, entropies, margins, otherPBase, otherPFinal].every(({ length }) => length === revisions.length), "the columns of the candidates differ in length");
  must(rows.every(({ length }) => length === total), "candidates are missing");
  /** @type {Map<string, Weighing>} */
  const weighings = new Map();
  let at = 0;
  revisions.forEach((/** @type {number} */ revision, /** @type {number} */ i) => {
    must(tree.revisions[revision] && positions[i] < tree.revisions[revision].canvas.length, `candidates are of position ${positions[i]} at revision ${revision}, which is not there`);
    const candidates = Array.from({ length: counts[i] }, (_, rank) => {
      const row = at + rank;
      return { token: all.tokens[row], pBase: all.pBase[row], pFinal: all.pFinal[row], kept: all.kept[row] === 1, logit: all.logits[row], invalid: all.invalid?.[row] === 1 };
    });
    at += counts[i];
    weighings.set(weighingKey(revision, positions[i]), {
      position: positions[i],
      candidates,
      otherPBase: otherPBase[i],
      otherPFinal: otherPFinal[i],
      keptCount: keptCounts[i],
      entropy: entropies[i],
      margin: margins[i],
      validCount: all.validCounts?.[i] ? all.validCounts[i] - 1 : null,
      recomputed: recomputed[i] === 1,
    });
  });
  return weighings;
}
