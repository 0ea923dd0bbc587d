// How a token was drawn, in words: by which sampler, and from what its
// settings at the time made of the model's distribution.

/** The parameters that shape a distribution, and the value that does nothing. @type {Record<string, number>} */
const IDLE = { top_k: 0, top_p: 1, repetition_penalty: 1, presence_penalty: 0, frequency_penalty: 0 };

/**
 * @param {{ sampler: string, parameters: Record<string, any> } | null | undefined} settings  those in force
 * @param {boolean} byHand
 */
export function drawnWith(settings, byHand) {
  if (byHand || !settings) return "";
  const { temperature } = settings.parameters;
  const how = temperature === 0 ? "The likeliest" : typeof temperature === "number" ? `Drawn at temperature ${temperature}` : "Drawn";
  const rest = Object.entries(IDLE)
    .filter(([name, idle]) => typeof settings.parameters[name] === "number" && settings.parameters[name] !== idle)
    .map(([name]) => `${name.replaceAll("_", " ")} ${settings.parameters[name]}`);
  return [`${how}, by ${settings.sampler.replaceAll("_", " ")}`, ...rest].join(", ");
}
