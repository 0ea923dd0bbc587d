// The server's models, and which of them the next session is started with.
import { amount } from "app/core/format.js";

/**
 * @typedef {import("app/core/settings.js").Model} Model
 * @typedef {import("app/core/state.js").State} State
 *
 * @typedef {"inspecting" | "downloading" | "loading" | "warming" | "ready"} Phase
 *
 * @typedef {object} Load  a model on its way into the server's memory
 * @property {string} name
 * @property {Phase} phase
 * @property {number} done  bytes when downloading, tensors when loading
 * @property {number} total  0 while unknown
 *
 * @typedef {object} Wish  what was typed to be loaded
 * @property {string} name  a folder on the server or a hub id
 * @property {string} dtype
 * @property {string} mask
 * @property {string} eos
 * @property {string} eot
 * @property {string} pad
 * @property {string} family  to decode it as; empty: as it is recognised
 *
 * @typedef {object} Models
 * @property {readonly Model[] | null} list  without their samplers
 * @property {Readonly<Record<string, Model>>} known  those read in full, by name
 * @property {Readonly<Record<string, Readonly<Record<number, string>>>>} marks  by model, the texts of the ids that it has a use for
 * @property {readonly string[]} families  that a checkpoint may be of
 * @property {Wish} wish
 * @property {Readonly<Record<string, string>>} problems  of the wish, by field
 * @property {Load | null} load
 * @property {string} leaving  the model that is on its way out of the server's memory; empty: none
 * @property {string} said  how the last load ended, where that was well
 * @property {string} wanted  a model to be loaded again for the session in view; empty: none
 */

export const DTYPES = ["auto", "float32", "bfloat16", "float16"];

/** The ids that a checkpoint may not tell, and what each is. */
export const ROLES = /** @type {const} */ ({ mask: "an open position", eos: "ends a text", eot: "ends a turn", pad: "fills up" });

/** @type {Models} */
export const NO_MODELS = {
  list: null,
  known: {},
  marks: {},
  families: [],
  wish: { name: "", dtype: "auto", mask: "", eos: "", eot: "", pad: "", family: "" },
  problems: {},
  load: null,
  leaving: "",
  said: "",
  wanted: "",
};

/**
 * The model of the next session: the one chosen, or else the one in view, or,
 * where the server has that no more, its default. Null while it is not known.
 * @param {Pick<State, "form" | "model" | "models">} state
 * @returns {Model | null}
 */
export function startModel({ form, model, models }) {
  if (form.model && form.model !== model?.name) return models.known[form.model] ?? null;
  if (form.model || model?.state !== "unknown") return model;
  return Object.values(models.known).find(({ isDefault, state }) => isDefault && state !== "unknown") ?? model;
}

/** The form is for another model than that of the session in view, which keeps the settings in force. */
export function formIsNext(/** @type {Pick<State, "form" | "model" | "models" | "tree">} */ state) {
  const next = state.tree && startModel(state);
  return Boolean(next && next.name !== state.tree?.model);
}

/** The model of the session in view is known by name and not in memory: the form waits for what it publishes. */
export const waitsForModel = (/** @type {Pick<State, "model" | "tree">} */ { model, tree }) => model !== null && model.name === tree?.model && (model.state === "unloaded" || model.state === "loading");

/** Only a model in memory is described; of another one the server tells the name and usual samplers. */
const isDescribed = (/** @type {Model} */ { vocabularySize }) => vocabularySize > 0;

/** What is known of a model after news of it: where it stands now, described as before where the news tell less. @param {Model | undefined} held  @param {Model} news @returns {Model} */
export const newest = (held, news) => (held && isDescribed(held) && !isDescribed(news) ? { ...held, state: news.state, isDefault: news.isDefault, changed: news.changed } : news);

/** Why no session can be started with it; empty where one can. */
export function startModelProblem(/** @type {Pick<State, "form" | "model" | "models">} */ state) {
  const model = startModel(state);
  if (!model) return "No model yet.";
  if (model.state === "unloaded" || model.state === "unknown") return `${shortName(model.name)} is not loaded. Press its row under Model, above.`;
  return model.state === "loading" ? `${shortName(model.name)} is still loading.` : "";
}

/**
 * A model that a session names and the server does not know any more: what was
 * known of it, or enough to show the session by its ids.
 * @param {Models} models
 * @param {string} name
 * @returns {Model}
 */
export const goneModel = ({ known }, name) => known[name] ? { ...known[name], state: "unknown" } : ({
  name, state: "unknown", family: "", parameterCount: 0, dtype: "", device: "", contextLength: 0, vocabularySize: 0,
  maskToken: null, eosToken: null, eotToken: null, endTokens: [], prefixTokens: [], suffixTokens: [], hasTokenizer: false, hasChatTemplate: false, isDefault: false,
  shifted: false, attention: { name: "full", summary: "", appendOnly: false, blockSize: 0, blocksFromStart: false, settles: false }, cacheNote: "", weights: "", weightsNote: "", revision: "", changed: false, samplers: [], caches: [],
});

/** A folder by its last part; names and hub ids as they are. */
export function shortName(/** @type {string} */ name) {
  if (!/^([/~]|[A-Za-z]:\\)/.test(name)) return name;
  return name.split(/[/\\]/).filter((part) => part && part !== ".").pop() ?? name;
}

const WORDS = { ready: "ready", loading: "loading", unloaded: "not loaded", unknown: "not here any more" };

export const statusOf = (/** @type {Model} */ { state, changed }) => (state === "ready" && changed ? "its files have changed" : WORDS[state]);

/**
 * The models as they are listed.
 * @param {State} state
 * @returns {{ name: string, label: string, state: Model["state"], word: string, chosen: boolean, shown: boolean }[]}
 */
export function modelRows(state) {
  const { list, load } = state.models;
  const chosen = startModel(state)?.name ?? state.form.model;
  return (list ?? []).map((model) => {
    const now = load?.name === model.name ? "loading" : model.state;
    return { name: model.name, label: shortName(model.name), state: now, word: statusOf({ ...model, state: now }), chosen: model.name === chosen, shown: model.name === state.tree?.model };
  });
}

/** The session's model was loaded with other weights since: a text of both would be neither's. */
export function replaced(/** @type {Pick<State, "tree" | "model">} */ { tree, model }) {
  const other = tree?.weights && model?.weights && model.name === tree.model && model.state === "ready" && model.weights !== tree.weights;
  return other ? `The session was made with other weights of ${shortName(model.name)} than are in memory now: it can be looked at and taken along, and not gone on with.` : "";
}

/** What is to be said where the session in view is another model's than the next one, or the next one's files are others. */
export function modelNote(/** @type {State} */ state) {
  const next = startModel(state);
  const { tree } = state;
  const changed = next?.changed && next.state === "ready" ? `The files of ${shortName(next.name)} have changed since it was loaded. Reload reads them; until then nothing new begins with it.` : "";
  return [otherModel(tree, next), replaced(state), changed].filter(Boolean).join(" ");
}

function otherModel(/** @type {State["tree"]} */ tree, /** @type {Model | null} */ next) {
  if (!tree || !next || next.name === tree.model) return "";
  return `The session shown is ${shortName(tree.model)}'s and stays so, with its settings. Start takes ${shortName(next.name)}.`;
}

/**
 * What there is to know of a model, in words.
 * @param {Model} model
 * @param {Readonly<Record<number, string>>} [marks]
 * @returns {[string, string][]}
 */
export function factsOf(model, marks = {}) {
  const id = (/** @type {number | null} */ token) => (token === null ? "none" : `${token}${marks[token] ? ` ${marks[token]}` : ""}`);
  const others = model.endTokens.filter((token) => token !== model.eosToken && token !== model.eotToken);
  const [, digest = ""] = model.weights.split("-");
  const cache = !model.attention.settles ? "none: every pass reads the whole text" : model.cacheNote || "trusted: going on from earlier passes was tried and is right";
  const read = [model.attention.summary, model.shifted ? "logits shifted by one" : ""].filter(Boolean).join(", ");
  /** @type {[string, string][]} */
  const facts = [
    ["Family", model.family],
    ["Parameters", model.parameterCount ? amount(model.parameterCount) : ""],
    ["Weights", [model.dtype, model.device && `on ${model.device}`, digest && `(${digest})`].filter(Boolean).join(" ")],
    ["Files", model.weightsNote],
    ["Revision", model.revision],
    ["Context", model.contextLength ? `${model.contextLength.toLocaleString("en")} positions` : ""],
    ["Vocabulary", model.vocabularySize ? `${model.vocabularySize.toLocaleString("en")} ids` : ""],
    ["Reads", read],
    ["Cache", model.vocabularySize ? cache : ""],
    ["Mask", id(model.maskToken)],
    ["End of text", id(model.eosToken)],
    ["End of turn", id(model.eotToken)],
    ["Ends too", others.map(id).join(", ")],
    ["Tokenizer", model.hasTokenizer ? "yes" : "no: prompts are token ids"],
    ["Chat template", model.hasChatTemplate ? "yes" : "no: prompts are raw text"],
  ];
  return facts.filter(([, value]) => value);
}

const PHASES = {
  inspecting: "Looking at the checkpoint",
  downloading: "Downloading",
  loading: "Putting weights into memory",
  warming: "A first forward pass",
  ready: "Ready",
};

const size = (/** @type {number} */ bytes) => (bytes < 1e9 ? `${Math.round(bytes / 1e6)} MB` : `${(bytes / 1e9).toFixed(1)} GB`);

/** @returns {{ words: string, percent: number | null }}  percent: null while it is not known */
export function progressOf(/** @type {Load} */ { phase, done, total }) {
  const percent = total > 0 ? Math.min(100, Math.floor((done / total) * 100)) : null;
  const amounts = phase === "downloading" && total ? `, ${size(done)} of ${size(total)}` : phase === "loading" && total ? `, ${done} of ${total} tensors` : "";
  return { words: `${PHASES[phase]}${amounts}`, percent };
}

/**
 * What a wish asks for, and what is wrong with it.
 * @param {Wish} wish
 * @returns {{ request: { name: string, dtype: string, tokenIds: Record<string, number>, family: string }, problems: Record<string, string> }}
 */
export function readWish({ name, dtype, family, ...ids }) {
  /** @type {Record<string, string>} */
  const problems = {};
  /** @type {Record<string, number>} */
  const tokenIds = {};
  if (!name.trim()) problems.name = "Type a folder on the server or a hub id.";
  for (const [role, typed] of Object.entries(ids)) {
    if (!typed.trim()) continue;
    if (/^\d{1,9}$/.test(typed.trim())) tokenIds[role] = Number(typed);
    else problems[role] = "a whole number, 0 or more";
  }
  // A model that is in memory is taken as it is where nothing is said.
  return { request: { name: name.trim(), dtype: dtype === "auto" ? "" : dtype, tokenIds, family }, problems };
}

/**
 * The server's refusal by the field that it is about; what names none is about the name.
 * @param {{ message: string, fields: { field: string, description: string }[] }} failure
 * @returns {Record<string, string>}
 */
export function wishProblems({ message, fields }) {
  if (!fields.length) return { name: message };
  return Object.fromEntries(
    fields.map(({ field, description }) => {
      const role = field.replace(/^token_ids\.?/, "");
      if (field.startsWith("token_ids")) return [role in ROLES ? role : "mask", description];
      return [field === "dtype" || field === "family" ? field : "name", description];
    }),
  );
}
