// Prompts to begin with, of the kinds that the embedded model was taught.
export const EXAMPLES = [
  { name: "Story", prompt: "Tell me a story about Tom and a red kite." },
  { name: "Sums", prompt: "Work out 23+45, 91-17, 36+28." },
  { name: "Sudoku", prompt: "Solve this sudoku:\n1__4\n_41_\n__4_\n4__1" },
  { name: "Facts", prompt: "Tom has a red kite. Ann has a blue ball. Ben has a green hat. What does Ann have?" },
];
