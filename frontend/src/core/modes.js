// How the canvas is drawn.

/** @typedef {"reading" | "rows" | "grid"} Mode */

/** In the order of the switch, and of the key. @type {readonly { value: Mode, name: string, title: string }[]} */
export const MODES = [
  { value: "reading", name: "Text", title: "As a text, with its line breaks (V)" },
  { value: "rows", name: "Rows", title: "A row for each position, with its candidates (V)" },
  { value: "grid", name: "Grid", title: "A square for each position, all at a glance (V)" },
];

/** @returns {Mode} */
export function modeAfter(/** @type {Mode} */ mode) {
  const at = MODES.findIndex(({ value }) => value === mode);
  return MODES[(at + 1) % MODES.length].value;
}
