// Between the API's messages and the plain records of the core. int64 is BigInt
// here and a number there: revisions stay far below 2^53. A seed may not, so it
// travels as decimal text.
import { Cause, ConstraintProgress, StopReason } from "app/net/gen/unmask/v1/frame_pb.js";
import { ParameterDescription_Kind } from "app/net/gen/unmask/v1/settings_pb.js";
import { LoadModelResponse_Phase, Model_State } from "app/net/gen/unmask/v1/model_service_pb.js";

export const secondsOf = (/** @type {any} */ duration) =>
  duration ? Number(duration.seconds) + duration.nanos / 1e9 : null;

const timeOf = (/** @type {any} */ stamp) => (stamp ? Number(stamp.seconds) * 1000 + stamp.nanos / 1e6 : null);

/** @returns {import("app/core/tree.js").Settings | null} */
function settingsFrom(/** @type {any} */ message) {
  if (!message) return null;
  return {
    sampler: message.sampler,
    parameters: message.parameters ?? {},
    seed: message.seed === undefined ? null : String(message.seed),
    constraint: constraintFrom(message.constraint),
    cache: message.cache ? { name: message.cache.name, parameters: message.cache.parameters ?? {} } : null,
  };
}

/** @param {import("app/core/tree.js").Settings | null} settings */
export function settingsInto(settings) {
  if (!settings) return undefined;
  const { sampler, parameters, seed, constraint, cache } = settings;
  return { sampler, parameters, seed: seed === null ? undefined : BigInt(seed), constraint: constraintInto(constraint), cache: cache ?? undefined };
}

/** @returns {import("app/core/constraints.js").Constraint | null} */
function constraintFrom(/** @type {any} */ message) {
  const { case: kind, value } = message?.kind ?? {};
  if (!kind) return null;
  return kind === "choice" ? { kind, value: value.options } : { kind: kind === "jsonSchema" ? "json_schema" : kind, value };
}

/** Null takes the one in force away; left out, it stays. @param {import("app/core/constraints.js").Constraint | null | undefined} constraint */
function constraintInto(constraint) {
  if (constraint === undefined) return undefined;
  if (constraint === null) return { kind: { case: undefined } };
  const { kind, value } = constraint;
  return { kind: kind === "choice" ? { case: kind, value: { options: value } } : { case: kind === "json_schema" ? "jsonSchema" : kind, value } };
}

const STOPS = {
  [StopReason.END]: "end",
  [StopReason.STOP_SEQUENCE]: "sequence",
  [StopReason.MAX_TOKENS]: "length",
  [StopReason.CONTEXT]: "context",
  [StopReason.CONSTRAINT]: "constraint",
};

const STANDS = {
  [ConstraintProgress.INCOMPLETE]: "incomplete",
  [ConstraintProgress.MATCHED]: "matched",
  [ConstraintProgress.COMPLETE]: "complete",
  [ConstraintProgress.VIOLATED]: "violated",
};

const CAUSES = {
  [Cause.CREATE]: "create",
  [Cause.STEP]: "step",
  [Cause.SELECT]: "select",
  [Cause.REWIND]: "rewind",
  [Cause.EDIT]: "edit",
};

/** @returns {import("app/core/tree.js").Frame} */
export function frameFrom(/** @type {any} */ message) {
  return {
    revision: Number(message.revision),
    parent: Number(message.parentRevision),
    cause: /** @type {import("app/core/tree.js").Cause} */ (CAUSES[message.cause] ?? "step"),
    substep: message.substep,
    splices: message.splices.map((/** @type {any} */ { position, removed, inserted }) => ({ position, removed, inserted })),
    changes: message.changes.map((/** @type {any} */ { position, token, probability, given }) => ({
      position,
      token: token ?? null,
      probability: probability ?? null,
      given,
    })),
    promptLength: message.promptLength ?? null,
    protected: message.protected,
    unprotected: message.unprotected,
    readOnly: message.readOnly,
    settings: settingsFrom(message.settings),
    summary: summaryFrom(message.summary),
    draft: draftFrom(message.draft),
    time: timeOf(message.createTime),
  };
}

function summaryFrom(/** @type {any} */ message) {
  if (!message) return null;
  return {
    openCount: message.openCount,
    forwardCount: message.forwardCount,
    totalForwardCount: message.totalForwardCount,
    reusedForwardCount: message.reusedForwardCount,
    meanProbability: message.meanProbability ?? null,
    minProbability: message.minProbability ?? null,
    meanEntropy: message.meanEntropy ?? null,
    seconds: secondsOf(message.computeTime),
    totalWallSeconds: secondsOf(message.totalWallTime),
    pending: message.pending,
    tokensBeforeEnd: message.tokensBeforeEnd ?? null,
    approximations: message.approximations,
    stopReason: /** @type {import("app/core/tree.js").Summary["stopReason"]} */ (STOPS[message.stopReason] ?? null),
    constraint: /** @type {import("app/core/tree.js").Summary["constraint"]} */ (STANDS[message.constraint] ?? null),
  };
}

function draftFrom(/** @type {any} */ message) {
  if (!message) return null;
  const { positions, tokens, probabilities, entropies, predictedAt } = message;
  return { positions, tokens, probabilities, entropies, predictedAt: Number(predictedAt) };
}

/** @returns {import("app/core/tree.js").Prediction} */
export function predictionFrom(/** @type {any} */ message) {
  return {
    revision: Number(message.revision),
    draft: draftFrom(message.draft),
    cached: message.cached,
    asked: true,
    seconds: secondsOf(message.computeTime),
    meanEntropy: message.meanEntropy,
  };
}

/** @returns {import("app/core/state.js").Weighing} */
export function weighingFrom(/** @type {any} */ message, /** @type {boolean} */ recomputed) {
  const { position, candidates, otherPBase, otherPFinal, keptCount, entropy, margin, validCount } = message;
  return {
    position,
    candidates: candidates.map((/** @type {any} */ { token, pBase, pFinal, kept, logit, invalid }) => ({ token, pBase, pFinal, kept, logit, invalid })),
    otherPBase,
    otherPFinal,
    keptCount,
    entropy,
    margin,
    validCount: validCount ?? null,
    recomputed,
  };
}

export function sessionFrom(/** @type {any} */ message) {
  return {
    id: message.id,
    model: message.model,
    revision: Number(message.revision),
    head: Number(message.headRevision),
    promptLength: message.promptLength,
    tokens: message.canvas?.tokens ?? [],
    states: message.canvas?.states ?? [],
    byHand: message.canvas?.byHand ?? [],
    protected: message.canvas?.protected ?? [],
    readOnly: message.readOnly,
    settings: settingsFrom(message.settings),
    summary: summaryFrom(message.summary),
    time: timeOf(message.createTime),
    weights: message.weights,
    looking: Number(message.lookingForwardCount),
  };
}

const KINDS = {
  [ParameterDescription_Kind.BOOL]: "bool",
  [ParameterDescription_Kind.INTEGER]: "integer",
  [ParameterDescription_Kind.NUMBER]: "number",
  [ParameterDescription_Kind.CHOICE]: "choice",
  [ParameterDescription_Kind.TEXTS]: "texts",
};

const STATES = {
  [Model_State.UNLOADED]: "unloaded",
  [Model_State.LOADING]: "loading",
  [Model_State.READY]: "ready",
};

/** @returns {import("app/core/settings.js").Model} */
export function modelFrom(/** @type {any} */ message) {
  return {
    name: message.name,
    state: /** @type {import("app/core/settings.js").Model["state"]} */ (STATES[message.state] ?? "unknown"),
    family: message.family,
    parameterCount: Number(message.parameterCount),
    dtype: message.dtype,
    device: message.device,
    contextLength: message.contextLength,
    vocabularySize: message.vocabularySize,
    maskToken: message.maskToken ?? null,
    eosToken: message.eosToken ?? null,
    eotToken: message.eotToken ?? null,
    // Recordings of earlier versions tell two of them.
    prefixTokens: message.prefixTokens,
    suffixTokens: message.suffixTokens,
    endTokens: message.endTokens.length ? [...message.endTokens] : [message.eosToken, message.eotToken].filter((id) => id !== undefined),
    hasTokenizer: message.hasTokenizer,
    hasChatTemplate: message.hasChatTemplate,
    isDefault: message.isDefault,
    shifted: message.shifted,
    attention: attentionFrom(message),
    cacheNote: message.cacheNote,
    weights: message.weights,
    weightsNote: message.weightsNote,
    revision: message.revision,
    changed: message.changed,
    samplers: message.samplers.map((/** @type {any} */ { name, summary, source, revises, parameters }) => ({
      name,
      summary,
      source,
      revises,
      parameters: parameters.map(parameterFrom),
    })),
    caches: message.caches.map((/** @type {any} */ { name, summary, costs, exact, parameters, samplers }) => ({
      name,
      summary,
      costs,
      exact,
      parameters: parameters.map(parameterFrom),
      samplers,
    })),
  };
}

/** Recordings of earlier versions do not tell it. */
function attentionFrom(/** @type {any} */ { attention, family, bidirectional }) {
  const { name, summary, appendOnly, blockSize, blocksFromStart, settles } = attention ?? (family && !bidirectional
    ? { name: "causal", summary: "left to right", appendOnly: true, blockSize: 0, blocksFromStart: false, settles: true }
    : { name: "full", summary: "every position sees every other", appendOnly: false, blockSize: 0, blocksFromStart: false, settles: false });
  return { name, summary, appendOnly, blockSize, blocksFromStart, settles };
}

const PHASES = {
  [LoadModelResponse_Phase.INSPECTING]: "inspecting",
  [LoadModelResponse_Phase.DOWNLOADING]: "downloading",
  [LoadModelResponse_Phase.LOADING_WEIGHTS]: "loading",
  [LoadModelResponse_Phase.WARMING_UP]: "warming",
  [LoadModelResponse_Phase.READY]: "ready",
};

/** How far a load is, with the model at its end. */
export function loadFrom(/** @type {any} */ { phase, done, total, model }) {
  return {
    phase: /** @type {import("app/core/models.js").Phase} */ (PHASES[phase] ?? "inspecting"),
    done: Number(done),
    total: Number(total),
    model: model ? modelFrom(model) : null,
  };
}

/** A session as lists have it, without its canvas. @returns {import("app/core/sessions.js").Session} */
export function listedFrom(/** @type {any} */ message) {
  const { id, model, time, head, promptLength, summary } = sessionFrom(message);
  return { id, model, time, head, promptLength, summary };
}

function defaultFrom(/** @type {any} */ message) {
  const { case: is, value } = message.default?.kind ?? {};
  // A list of none may come as nothing at all.
  if (is === "listValue") return value.values.map((/** @type {any} */ { kind }) => kind.value);
  if (message.kind === ParameterDescription_Kind.TEXTS) return [];
  return !is || is === "nullValue" ? null : value;
}

function parameterFrom(/** @type {any} */ message) {
  return {
    name: message.name,
    kind: KINDS[message.kind] ?? "number",
    minimum: message.minimum ?? null,
    maximum: message.maximum ?? null,
    choices: message.choices,
    default: defaultFrom(message),
    summary: message.summary,
  };
}
