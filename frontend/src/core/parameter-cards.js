// What a parameter's card says beyond what the service publishes of it: its
// formula, as the service computes it, and a plot of it. By the parameter's name,
// or by sampler and name where samplers mean different things by one name. A
// parameter that is not in the table has a card all the same, of its summary,
// range and default.
import { counted, distribution, guidance, namedOnly, noEnd, nucleus, repetition } from "app/core/plots/distribution.js";
import { bounded, credited, divided, dreamChances, dreamOrder, fastRule, leaps, masked, plannedChances, quota, rankedRule, sureAndStable } from "app/core/plots/ranking.js";
import { afterwards, creditCounts, creditGained, creditKept, doubtful, edited, endedEarly, endsLast, keptByHand, mixture, moved, stable } from "app/core/plots/revising.js";
import { stopsAfter, writtenAtMost } from "app/core/plots/stopping.js";
import { blocks, chanceToReturn, decidedShare, editedBlocks, evenSteps, evenStepsAtMost, firstOnes, plannedScores, plannedSteps, ratios, suffix, timedSteps } from "app/core/plots/schedules.js";

/**
 * @typedef {object} Card
 * @property {string[]} formula  a line each
 * @property {(context: import("app/core/plots/context.js").Context) => import("app/core/plots/plot.js").Plot | string} plot
 *   a string: why there is nothing to draw
 */

/** @type {Record<string, Card>} */
export const CARDS = {
  // From logits ℓ to p_final.
  temperature: { formula: ["T > 0:  p_final ∝ exp(ℓ / T),  token = argmax(ℓ / T + g),  g = −ln(−ln u)", "T = 0:  token = argmax ℓ"], plot: distribution },
  top_k: { formula: ["kept: the k largest ℓ;  k = 0: all"], plot: distribution },
  top_p: { formula: ["p₁ ≥ p₂ ≥ …;  token i is kept while p₁ + … + pᵢ₋₁ < top_p,", "so the token that crosses top_p stays"], plot: nucleus },
  repetition_penalty: { formula: ["token in the canvas:  ℓ ≥ 0:  ℓ / r;   ℓ < 0:  ℓ · r"], plot: repetition },
  presence_penalty: { formula: ["ℓ − presence · [n > 0] − frequency · n", "n: times in the canvas"], plot: counted },
  frequency_penalty: { formula: ["ℓ − presence · [n > 0] − frequency · n", "n: times in the canvas"], plot: counted },
  cfg_scale: { formula: ["ℓ = ℓ_u + (s + 1)(ℓ_c − ℓ_u)", "c: with the prompt, u: with the prompt masked"], plot: guidance },
  logits_eos_inf: { formula: ["ℓ(end of text) = −∞"], plot: noEnd },
  unnamed_ids: { formula: ["off:  ℓ(id without a token) = −∞"], plot: namedOnly },

  // Of several samplers.
  block_length: { formula: ["block(x) = ⌊(x − start) / B⌋,  B divides the length", "B divides the model's own blocks, if it has some"], plot: blocks },
  suffix_window: { formula: ["seen: everything up to the end of the block + w"], plot: suffix },
  early_stop: { formula: ["an end, and nothing open before it:", "the rest := end of text,  0 forward passes"], plot: endedEarly },
  protect_edits: { formula: ["changeable: committed positions ∖ those picked by hand"], plot: keptByHand },

  "llada.steps": { formula: ["k = ⌈open / steps left⌉  in each block"], plot: evenSteps },
  "klass.steps": { formula: ["k ≥ ⌈open / steps left⌉  where nothing is sure and stable"], plot: evenStepsAtMost },
  "local_leap.steps": { formula: ["k ≥ ⌈open / steps left⌉  in each block"], plot: evenStepsAtMost },
  "dream.steps": { formula: ["t₀ = 1 … t_steps = ε in equal parts", "k = ⌊open · (1 − s / t)⌋,  in the last step all"], plot: timedSteps },
  "remdm.steps": { formula: ["t: 1 → 0 in steps,  α = 1 − t  (share decided)", "P(reveal) = (α_s − (1 − σ) α_t) / (1 − α_t)"], plot: decidedShare },
  "p2.steps": { formula: ["masked after step i:  ⌊n (1 − i / steps)⌋"], plot: plannedSteps },

  // llada
  remasking: { formula: ["low_confidence:  the k with the largest p_base(token)", "random:  the k with the largest u"], plot: quota },
  confidence_eos_eot_inf: { formula: ["score(end) = 0,  below that of any other token"], plot: endsLast },

  // autoregressive
  max_tokens: { formula: ["stop once  tokens written = m"], plot: writtenAtMost },
  stop: { formula: ["stop once the text has s  and its last token completed it"], plot: stopsAfter },

  // credit
  "credit.threshold": { formula: ["commit while p ≥ min(τ, max p)", "p = softmax(ℓ + α ln(C + 1))"], plot: credited },
  credit_alpha: { formula: ["ℓ + α ln(C + 1)"], plot: creditCounts },
  boost_gamma: { formula: ["C(v) += p(v)^γ,  v the likeliest token"], plot: creditGained },
  decay_beta: { formula: ["C ← β · C  in every step"], plot: creditKept },

  // dream
  alg: { formula: ["maskgit_plus: p(token)    topk_margin: p₁ − p₂", "entropy: −H(p)    origin: by chance, 1 − s / t"], plot: dreamOrder },
  "dream.alg_temp": { formula: ["score + T · g,  g = −ln(−ln u)", "P(first) ∝ exp(score / T)"], plot: dreamChances },
  eps: { formula: ["tᵢ = 1 − (1 − ε) · i / steps"], plot: timedSteps },

  // entropy_bound
  gamma: { formula: ["H₁ ≤ H₂ ≤ …;  commit r while H₁ + … + H_(r−1) ≤ γ"], plot: bounded },

  // fast_dllm
  "fast_dllm.rule": { formula: ["threshold:  commit all p ≥ τ", "factor:  commit r while p_(r) ≥ 1 − f / (r + 1)"], plot: fastRule },
  "fast_dllm.threshold": { formula: ["commit all p ≥ τ, the surest always"], plot: fastRule },
  "fast_dllm.factor": { formula: ["commit r while (r + 1)(1 − p_(r)) ≤ f,", "the surest always"], plot: fastRule },

  // hierarchical
  "hierarchical.threshold": { formula: ["commit all p > τ"], plot: divided },
  low_threshold: { formula: ["surest of a run of open positions: commit if p > τ_low"], plot: divided },
  remask_threshold: { formula: ["open again if p(token now) < τ_remask"], plot: doubtful },

  // sdar, dllm
  denoising_steps: { formula: ["k = B / S in each step of a block, the first the remainder"], plot: evenSteps },
  "sdar.remasking": { formula: ["static:  the k with the largest p_base(token)", "dynamic:  all p > τ if they are k or more, else the k", "sequential:  the first k"], plot: quota },
  "sdar.threshold": { formula: ["dynamic:  commit all p > τ if they are k or more"], plot: fastRule },
  "dllm.steps": { formula: ["k = round(open / steps left)  in each block", "steps with k = 0 are left out"], plot: evenSteps },

  // klass
  conf_threshold: { formula: ["commit if p > τ  and stable"], plot: sureAndStable },
  kl_threshold: { formula: ["stable step:  KL(pᵢ ‖ pᵢ₋₁) < ε_KL"], plot: moved },
  history_length: { formula: ["stable: h stable steps in a row"], plot: stable },

  // left_to_right
  "left_to_right.count": { formula: ["commit the first k open positions"], plot: firstOnes },

  // local_leap
  "local_leap.threshold": { formula: ["anchor: p ≥ τ"], plot: leaps },
  relaxed_threshold: { formula: ["commit x if p ≥ τ_relaxed  and an anchor a has |x − a| ≤ R"], plot: leaps },
  radius: { formula: ["near: an anchor a has |x − a| ≤ R"], plot: leaps },

  // p2
  "p2.eta": { formula: ["score = η · ln p(token)  where decided,", "ln p(token)  where open;  the lowest are masked"], plot: plannedScores },
  "p2.alg_temp": { formula: ["score + T · g,  g = −ln(−ln u)", "P(first kept) ∝ exp(score / T)"], plot: plannedChances },

  // predict_remask
  iterations: { formula: ["progress = i / (N − 1)"], plot: ratios },
  start_ratio: { formula: ["ratio(i) = end + left · (start − end)"], plot: ratios },
  end_ratio: { formula: ["ratio(i) = end + left · (start − end)"], plot: ratios },
  schedule: { formula: ["linear:  left = 1 − progress", "cosine:  left = cos(π/2 · progress)"], plot: ratios },
  rho: { formula: ["score = ρ U + (1 − ρ)(1 − p(token))", "the highest are masked again"], plot: mixture },

  // ranked
  "ranked.strategy": { formula: ["confidence: ±p(token)   entropy: ±H(p)   margin: p₁ − p₂"], plot: rankedRule },
  "ranked.rule": { formula: ["constant:  k    threshold:  while p_(r) ≥ τ", "factor:  while p_(r) ≥ f / r"], plot: rankedRule },
  "ranked.count": { formula: ["commit k at most;  0: 1, or no limit"], plot: rankedRule },
  "ranked.threshold": { formula: ["commit while p_(r) ≥ τ, the first always"], plot: rankedRule },
  "ranked.factor": { formula: ["commit r while p_(r) ≥ f / r, the first always"], plot: rankedRule },

  // remdm
  "remdm.strategy": { formula: ["most = min(1, (1 − α_s) / α_t)", "cap: σ = min(η, most)    rescale: σ = η · most", "conf: σ = most · softmax(−p)    loop: cap in the loop, else 0"], plot: chanceToReturn },
  "remdm.eta": { formula: ["cap: σ = min(η, (1 − α_s) / α_t)", "rescale: σ = η · min(1, (1 − α_s) / α_t)"], plot: chanceToReturn },
  t_on: { formula: ["t > t_on:  α = α_on (1 − t) / (1 − t_on)"], plot: decidedShare },
  t_off: { formula: ["t ≤ t_off:  α = 1 − t (1 − α_on) / t_off"], plot: decidedShare },
  alpha_on: { formula: ["t_off < t ≤ t_on:  α = α_on"], plot: decidedShare },

  // token_editing
  tau_mask: { formula: ["commit if p > τ_mask"], plot: masked },
  tau_edit: { formula: ["v = argmax p;  edit if v ≠ token  and p(v) > τ_edit"], plot: edited },
  num_to_transfer: { formula: ["commit max(k, #{p > τ_mask}) positions"], plot: masked },
  max_post_steps: { formula: ["steps that only edit ≤ m;  an end once none is edited"], plot: afterwards },
  multi_block: { formula: ["edited: blocks ≤ b, else block b alone"], plot: editedBlocks },
};

/**
 * @param {string} sampler
 * @param {string} parameter
 * @returns {Card | null}
 */
export const cardOf = (sampler, parameter) => CARDS[`${sampler}.${parameter}`] ?? CARDS[parameter] ?? null;
