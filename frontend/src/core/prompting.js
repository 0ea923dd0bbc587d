// What a canvas begins with: raw text, or a conversation with what was said
// before.

/**
 * @typedef {import("app/core/settings.js").Form} Form
 * @typedef {import("app/core/settings.js").Model} Model
 *
 * @typedef {object} Message
 * @property {"system" | "user" | "assistant"} role
 * @property {string} content
 *
 * @typedef {object} Turn  said and answered before the prompt
 * @property {string} user
 * @property {string} assistant
 *
 * @typedef {object} Example
 * @property {string} name
 * @property {string} prompt
 * @property {boolean} [raw]  no chat
 * @property {string} [system]
 * @property {Turn[]} [turns]
 * @property {string} [length]
 */

/** Whether the form's prompt goes through the model's chat template. */
export const isChat = (/** @type {Model | null} */ model, /** @type {Form} */ form) => form.chat && (model?.hasChatTemplate ?? false);

/** Whether names of control tokens in the prompt are taken as these tokens. */
export const takesNames = (/** @type {Model | null} */ model, /** @type {Form} */ form) => form.specialTokens ?? !isChat(model, form);

/** How the prompt is read, as the API has it: only what is not as it is by itself. */
export function readingOf(/** @type {Model | null} */ model, /** @type {Form} */ form) {
  const raw = !isChat(model, form);
  return { ...(takesNames(model, form) === raw ? {} : { specialTokens: !raw }), ...(raw && !form.addSpecialTokens ? { addSpecialTokens: false } : {}) };
}

/** Whether a text has what may be the name of a control token. */
export const looksSpecial = (/** @type {string} */ text) => /<[|\uff5c]?[^\s<>]+[|\uff5c]?>|\[[A-Z]+\]/.test(text);

const said = (/** @type {Turn} */ { user, assistant }) => Boolean(user.trim() || assistant.trim());

/**
 * The messages before the prompt: the system's, then the turns. What is left
 * empty is no message.
 * @param {Form} form
 * @returns {Message[]}
 */
export function earlierOf({ system, turns }) {
  /** @type {Message[]} */
  const messages = system.trim() ? [{ role: "system", content: system }] : [];
  for (const { user, assistant } of turns.filter(said)) messages.push({ role: "user", content: user }, { role: "assistant", content: assistant });
  return messages;
}

/** Turns lack a half, by index; nothing where they go nowhere. @returns {Record<number, string>} */
export function turnProblems(/** @type {Model | null} */ model, /** @type {Form} */ form) {
  if (!isChat(model, form)) return {};
  return Object.fromEntries(
    form.turns.flatMap((turn, at) => {
      if (!said(turn) || (turn.user.trim() && turn.assistant.trim())) return [];
      return [[at, turn.user.trim() ? "has no answer" : "has an answer to nothing"]];
    }),
  );
}

/** The same in one line for the whole form; empty where all is well. */
export function promptProblem(/** @type {Model | null} */ model, /** @type {Form} */ form) {
  return Object.entries(turnProblems(model, form))
    .map(([at, problem]) => `turn ${Number(at) + 1} ${problem}`)
    .join("; ");
}

/** How much is said before the prompt, as in "system message, 2 turns"; empty where nothing is. */
export function earlierInWords(/** @type {Form} */ { system, turns }) {
  const count = turns.filter(said).length;
  return [system.trim() && "system message", count && `${count} ${count === 1 ? "turn" : "turns"}`].filter(Boolean).join(", ");
}

const HOLES = /\[\[mask(?::(\d+))?\]\]/g;

/** The holes in a text, and how many positions they have in all. */
export function holesIn(/** @type {string} */ text) {
  const sizes = [...text.matchAll(HOLES)].map(([, size]) => Number(size ?? 1));
  return { count: sizes.length, positions: sizes.reduce((sum, size) => sum + size, 0) };
}

/**
 * The fields of the form that an example sets: all of what a prompt is, so that
 * nothing of an earlier one is left behind.
 * @param {Form} form
 * @param {Example} example
 * @returns {Partial<Form>}
 */
export function exampleFields(form, { prompt, raw = false, system = "", turns = [], length }) {
  // A length of nothing suits holes alone.
  return { prompt, chat: !raw, system, turns, specialTokens: null, addSpecialTokens: true, length: length ?? (form.length === "0" ? "" : form.length) };
}

/**
 * Whether an example takes the place of something that was typed, and is no
 * example's own.
 * @param {Form} form  as it is
 * @param {Partial<Form>} fields  what the example sets
 * @param {readonly Example[]} examples
 */
export function losesTyped(form, fields, examples) {
  const same = (/** @type {unknown} */ a, /** @type {unknown} */ b) => JSON.stringify(a) === JSON.stringify(b);
  const own = (/** @type {(example: Example) => unknown} */ of, /** @type {unknown} */ value) => examples.some((example) => same(of(example), value));
  const prompt = form.prompt.trim() !== "" && form.prompt !== fields.prompt && !own(({ prompt }) => prompt, form.prompt);
  const system = form.system.trim() !== "" && form.system !== fields.system && !own(({ system }) => system, form.system);
  const turns = form.turns.some(said) && !same(form.turns, fields.turns) && !own(({ turns }) => turns, form.turns);
  const length = form.length !== "" && form.length !== fields.length && !own(({ length }) => length, form.length);
  return prompt || system || turns || length;
}
