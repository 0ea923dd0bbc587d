// Numbers as people read them.

/** 0.8234 -> "82%"; what would round to 0 or 100 says so. */
export function percent(/** @type {number} */ p) {
  if (!Number.isFinite(p)) return "–";
  if (p > 0 && p < 0.001) return "<0.1%";
  if (p < 1 && p > 0.999) return ">99.9%";
  const value = p * 100;
  return `${value < 10 || value > 99 ? trim(value.toFixed(1)) : value.toFixed(0)}%`;
}

/** A draft's probability came in one byte: half a percent is all it holds. */
export const percentOfByte = (/** @type {number} */ byte) => `${Math.round((byte / 255) * 100)}%`;

export function decimal(/** @type {number | null | undefined} */ value, digits = 2) {
  return value === null || value === undefined || !Number.isFinite(value) ? "–" : value.toFixed(digits);
}

/** A number with a true minus sign; what rounds to nothing has none. */
export function withMinus(/** @type {number} */ value, digits = 2) {
  const size = Math.abs(value).toFixed(digits);
  return value < 0 && Number(size) > 0 ? `−${size}` : size;
}

export function duration(/** @type {number | null | undefined} */ seconds) {
  if (seconds === null || seconds === undefined || !Number.isFinite(seconds)) return "–";
  if (seconds < 0.001) return "<1 ms";
  if (seconds < 1) return `${Math.round(seconds * 1000)} ms`;
  if (seconds < 60) return `${seconds.toFixed(1)} s`;
  return `${Math.floor(seconds / 60)} min ${Math.round(seconds % 60)} s`;
}

const counter = new Intl.NumberFormat("en", { notation: "compact", maximumSignificantDigits: 3 });

/** 8030261248 -> "8.03B" */
export const amount = (/** @type {number} */ n) => counter.format(n);

export const plural = (/** @type {number} */ n, /** @type {string} */ one, many = `${one}s`) => `${n} ${n === 1 ? one : many}`;

/** Names that are not written like words. @type {Record<string, string>} */
const SPELLINGS = { cfg: "CFG", eos: "EOS", eot: "EOT", llada: "LLaDA", remdm: "ReMDM", klass: "KLASS", p2: "P2", dllm: "dLLM", sdar: "SDAR", id: "ID" };

/** "block_length" -> "Block length" */
export function humanised(/** @type {string} */ name) {
  const words = name.split(/[_-]/).map((word) => SPELLINGS[word] ?? word).join(" ");
  return words.charAt(0).toUpperCase() + words.slice(1);
}

function trim(/** @type {string} */ digits) {
  return digits.replace(/\.0$/, "");
}
