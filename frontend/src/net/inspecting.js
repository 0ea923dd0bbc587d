// The calls of the inspection service: why a token, how likely a text, what comes
// back of one. Plain records in and out; leaving a loop, or its signal, cancels.
import { AttributeRequest_Method as Method, InspectionService, RecoverRequest_Corruption as Corruption } from "app/net/gen/unmask/v1/inspection_service_pb.js";
import { secondsOf, settingsInto } from "app/net/convert.js";

const inspection = InspectionService.method;

/** @typedef {{ signal?: AbortSignal }} Options */

/** Numbers by name. @type {Record<import("app/core/attribution.js").Method, any>} */
const METHODS = {
  ablation: Method.ABLATION,
  occlusion: Method.OCCLUSION,
  attention: Method.ATTENTION,
  saliency: Method.SALIENCY,
  input_x_gradient: Method.INPUT_X_GRADIENT,
  integrated_gradients: Method.INTEGRATED_GRADIENTS,
};

/** @type {Record<import("app/core/recovering.js").Corruption, any>} */
const CORRUPTIONS = { random: Corruption.RANDOM, sticky: Corruption.STICKY, fragment: Corruption.FRAGMENT, mixed: Corruption.MIXED };

const nameOf = (/** @type {Record<string, any>} */ numbers, /** @type {number} */ number) => Object.keys(numbers).find((name) => numbers[name] === number) ?? "";

export class Inspecting {
  #calls;

  /** @param {import("app/net/calls.js").Calls} calls */
  constructor(calls) {
    this.#calls = calls;
  }

  /**
   * How far it is, then the answer.
   * @param {import("app/core/attribution.js").Question} question
   * @param {Options} options
   */
  async *attribute({ session, revision, position, token, contrast, method, window }, options) {
    const request = {
      sessionId: session,
      revision: BigInt(revision),
      position,
      token: token ?? undefined,
      contrast: contrast ?? undefined,
      method: METHODS[method],
      window: method === "occlusion" ? window : 0,
    };
    for await (const { event } of this.#calls.stream(inspection.attribute, request, options)) {
      if (event.case === "progress") yield { progress: progressFrom(event.value) };
      else if (event.case === "attribution") yield { answer: attributionFrom(event.value) };
    }
  }

  /**
   * The estimate as it becomes surer.
   * @param {import("app/core/scoring.js").Wanted} wanted
   * @param {Options} options
   */
  async *score({ model, prompt, chat, answer, samples, exact, cfgScale, seed }, options) {
    const request = {
      model,
      prompt: promptInto(prompt, chat),
      answer: { case: "text", value: answer },
      samples,
      exact,
      cfgScale,
      seed: BigInt(seed),
    };
    for await (const message of this.#calls.stream(inspection.score, request, options)) yield estimateFrom(message);
  }

  /**
   * How far it is, each text as it is done, and each model's totals.
   * @param {import("app/core/recovering.js").Wanted} wanted
   * @param {Options} options
   */
  async *recover({ models, texts, corruption, ratio, rounds, settings }, options) {
    const request = { models, texts, corruption: CORRUPTIONS[corruption], ratio, rounds, settings: settingsInto(settings) };
    for await (const { event } of this.#calls.stream(inspection.recover, request, options)) {
      if (event.case === "progress") yield { progress: progressFrom(event.value) };
      else if (event.case === "text") yield { text: textFrom(event.value) };
      else if (event.case === "total") yield { total: totalFrom(event.value) };
    }
  }
}

function promptInto(/** @type {string} */ prompt, /** @type {boolean} */ chat) {
  if (!prompt) return undefined;
  return { source: chat ? { case: "chat", value: { messages: [{ role: "user", content: prompt }] } } : { case: "text", value: prompt } };
}

const progressFrom = (/** @type {any} */ { done, total }) => ({ done: Number(done), total: Number(total) });

/** @returns {import("app/core/attribution.js").Attribution} */
function attributionFrom(/** @type {any} */ message) {
  return {
    revision: Number(message.revision),
    position: message.position,
    token: message.token,
    contrast: message.contrast ?? null,
    method: /** @type {import("app/core/attribution.js").Method} */ (nameOf(METHODS, message.method)),
    scores: message.scores.map((/** @type {any} */ { position, count, score }) => ({ position, count, score })),
    target: message.target,
    baseline: message.baseline ?? null,
    gap: message.completenessGap ?? null,
    device: message.device,
    fallback: message.fallbackReason,
    notes: message.notes,
    cached: message.cached,
    seconds: secondsOf(message.computeTime),
  };
}

/** @returns {import("app/core/scoring.js").Estimate} */
function estimateFrom(/** @type {any} */ message) {
  return {
    value: message.logLikelihood,
    error: message.standardError ?? null,
    done: Number(message.done),
    total: Number(message.total),
    exact: message.exact,
    tokens: message.tokens,
    each: message.tokenLogLikelihoods,
    notes: message.notes,
  };
}

/** @returns {import("app/core/recovering.js").Restored} */
function textFrom(/** @type {any} */ message) {
  const { model, index, original, restored, masked, right, accuracy, meanProbability, forwardCount, corruption } = message;
  return {
    model,
    index,
    original,
    restored,
    masked,
    right,
    accuracy,
    meanProbability: meanProbability ?? null,
    forwards: forwardCount,
    corruption: /** @type {import("app/core/recovering.js").Corruption} */ (nameOf(CORRUPTIONS, corruption)),
  };
}

/** @returns {import("app/core/recovering.js").Total} */
const totalFrom = (/** @type {any} */ { model, texts, masked, right, accuracy }) => ({ model, texts, masked: Number(masked), right: Number(right), accuracy });
