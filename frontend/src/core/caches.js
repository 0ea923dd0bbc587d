// What is kept between the passes of a model: what the form chooses of what the model offers.

/** @typedef {import("app/core/settings.js").Model} Model */
/** @typedef {import("app/core/settings.js").Cache} Cache */
/** @typedef {import("app/core/settings.js").Form} Form */

/** What it has where nobody asks. @returns {Cache | null} */
export const ownCache = (/** @type {Model | null} */ model) => model?.caches?.[0] ?? null;

/** Those that a sampler can use. */
export const cachesFor = (/** @type {Model | null} */ model, /** @type {string} */ sampler) =>
  model?.caches?.filter(({ samplers }) => samplers.includes(sampler)) ?? [];

/**
 * The cache that the form stands for; one that does not suit the sampler falls back to the model's own.
 * @param {Model | null} model
 * @param {Pick<Form, "cache">} form
 * @param {string} sampler
 */
export const cacheOf = (model, { cache }, sampler) => cachesFor(model, sampler).find(({ name }) => name === cache) ?? ownCache(model);

/** Whether two choices are the same; null: the model's own. @typedef {import("app/core/tree.js").CacheChoice | null | undefined} Choice */
export function sameCache(/** @type {Model | null} */ model, /** @type {Choice} */ one, /** @type {Choice} */ other) {
  const told = (/** @type {Choice} */ choice) => {
    const { name, parameters } = choice ?? { name: ownCache(model)?.name, parameters: {} };
    return JSON.stringify([name, Object.entries(parameters).filter(([, value]) => value !== null && value !== undefined).sort()]);
  };
  return told(one) === told(other);
}
