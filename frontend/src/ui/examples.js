// Prompts to begin with, of the kinds that the embedded model was taught: alone,
// with holes in raw text, and as the end of a conversation.

/** @type {import("app/core/prompting.js").Example[]} */
export const EXAMPLES = [
  { name: "Story", prompt: "Tell me a story about Tom and a red kite." },
  { name: "Sums", prompt: "Work out 23+45, 91-17, 36+28." },
  { name: "Sudoku", prompt: "Solve this sudoku:\n1__4\n_41_\n__4_\n4__1" },
  { name: "Facts", prompt: "Tom has a red kite. Ann has a blue ball. Ben has a green hat. What does Ann have?" },
  { name: "Holes", prompt: "23+45=[[mask:2]], 91-17=[[mask:2]], [[mask:2]]+20=60", raw: true, length: "0" },
  {
    name: "Conversation",
    system: "Answer in one sentence.",
    turns: [{ user: "Tom has a red kite. Ann has a blue ball. What does Ann have?", assistant: "Ann has a blue ball." }],
    prompt: "What does Tom have?",
  },
];
