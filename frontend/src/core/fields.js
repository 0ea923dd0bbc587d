// What a field is called on the page. Edits are sent as records whose paths
// nobody has seen; what was typed for them has.

/** The page's words for paths, the first that fits. @type {[RegExp, string][]} */
const WORDS = [
  [/^edits\[\d+\]\.(force_text|replace)\b/, "the text"],
  [/^edits\[\d+\]\.append\.turn\b/, "what is said"],
  [/^edits\[\d+\]\.append\b/, "the length of the answer"],
  [/^edits\[\d+\]\.(insert|delete|delete_last)\b/, "the position"],
  [/^edits\[\d+\]\.\w+/, "the position"],
  [/^edits(\[\d+\])?$/, "the change"],
  [/^prompt\.chat\.messages\[\d+\]/, "the conversation"],
  [/^prompt\b/, "the prompt"],
  [/^length$/, "the length"],
  [/^word_constraints$/, "the words"],
  [/^settings\.constraint\b/, "the constraint"],
  [/^token_ids\.(\w+)/, "the token ids"],
  [/^dtype$/, "the type of the weights"],
];

const OVER_THE_END = /^must be from 0 to \d+, for (\d+) positions to fit a canvas of (\d+); got (\d+)$/;
const LONGER_THAN_ALL = /^(\d+) positions do not fit a canvas of (\d+)$/;
const OUT_OF_CONTEXT = /^the model's context has (\d+) positions; this would make (\d+)$/;

const WORD = /^word_constraints\[(\d+)\](\.offset)?/;

/** Where a word stands is its position, to who typed it. */
const ofOffset = (/** @type {string} */ description) => (description.startsWith("offset ") ? description.replace("offset", "position") : `its position ${description}`);

/** The fields of the form that the server's are typed into. @type {[RegExp, "length" | "words" | "prompt" | "constraint"][]} */
const TYPED = [
  [/^length$/, "length"],
  [/^word_constraints\b/, "words"],
  [/^prompt\b/, "prompt"],
  [/^settings\.constraint\b/, "constraint"],
];

/**
 * What is wrong with the form, by its fields; nothing for what is typed
 * elsewhere.
 * @param {readonly { field: string, description: string }[]} wrong
 * @returns {Record<string, string>}
 */
export function formProblems(wrong) {
  /** @type {Record<string, string>} */
  const problems = {};
  for (const { field, description } of wrong) {
    const [, typed] = TYPED.find(([path]) => path.test(field)) ?? [];
    if (!typed || problems[typed]) continue;
    const range = RANGE.exec(description);
    problems[typed] = typed === "constraint" ? description : typed === "length" && range ? range[1] : fieldInWords(field, description);
  }
  return problems;
}

/** Beside its field a range needs no verb, and what was typed is in sight. */
const RANGE = /^must be from (.*?)(?:; got \S+)?$/;

/** A wrong field as a sentence, without the full stop. */
export function fieldInWords(/** @type {string} */ field, /** @type {string} */ description) {
  const written = /^edits\[\d+\]\.(force_text|replace)\b/.test(field) ? "token" : "position";
  const over = OVER_THE_END.exec(description);
  if (over) return unfit(Number(over[1]), written, `${left(Number(over[2]) - Number(over[3]))} from here`);
  const longer = LONGER_THAN_ALL.exec(description);
  if (longer) return unfit(Number(longer[1]), written, `the canvas has ${longer[2]}`);
  const out = field.startsWith("edits") && OUT_OF_CONTEXT.exec(description);
  if (out) return `This does not fit: the canvas would have ${out[2]} positions, and the model's context has ${out[1]}`;
  if (/^a hole such as/.test(description)) return capital(description);
  const word = WORD.exec(field);
  if (word) return `Word ${Number(word[1]) + 1}: ${word[2] ? ofOffset(description) : description}`;
  const [, words] = WORDS.find(([path]) => path.test(field)) ?? [];
  return words ? `${capital(words)}: ${description}` : `${field}: ${description}`;
}

const left = (/** @type {number} */ count) => `${count} ${count === 1 ? "position is" : "positions are"} left`;
const unfit = (/** @type {number} */ count, /** @type {string} */ what, /** @type {string} */ why) =>
  `${count} ${what}${count === 1 ? " does" : "s do"} not fit: ${why}`;
const capital = (/** @type {string} */ text) => text.charAt(0).toUpperCase() + text.slice(1);
