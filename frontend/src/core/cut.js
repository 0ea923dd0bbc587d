// Why the sampler may not draw a candidate, as far as the numbers tell.
import { NOT_ALLOWED } from "app/core/constraints.js";

/**
 * @typedef {import("app/core/state.js").Weighing} Weighing
 * @typedef {import("app/core/state.js").Candidate} Candidate
 */

/** A penalty of this size does nothing. @type {Record<string, number>} */
const NEUTRAL = { repetition_penalty: 1, presence_penalty: 0, frequency_penalty: 0 };

const NEVER = "Never generated";

/**
 * @param {Weighing} weighing
 * @param {Candidate} candidate  of that weighing
 * @param {Record<string, unknown>} parameters  that the weighing was made with
 * @param {number | null} maskToken
 * @returns {string} empty where it is kept
 */
export function whyCut(weighing, candidate, parameters, maskToken) {
  const { kept, token } = candidate;
  if (kept) return "";
  if (candidate.invalid) return NOT_ALLOWED;
  if (token === maskToken) return NEVER;
  const penalised = Object.entries(NEUTRAL).some(([name, neutral]) => (parameters[name] ?? neutral) !== neutral);
  const after = weighing.candidates.slice(weighing.candidates.indexOf(candidate) + 1);
  // Nothing but a ban puts a likelier token behind a less likely one.
  if (!penalised && after.some((other) => other.kept)) return `${NEVER} with these settings`;
  if (parameters.temperature === 0) return "Not the likeliest, and the temperature is 0";
  const topK = Number(parameters.top_k ?? 0);
  const topP = Number(parameters.top_p ?? 1);
  // Of the two the shorter list counts.
  if (topK && weighing.keptCount >= topK) return `Cut by top-k, ${topK}`;
  if (topP < 1) return `Cut by top-p, ${topP}`;
  return "Ruled out by the settings";
}
