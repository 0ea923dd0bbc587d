// What the colours of the canvas say.

/** @typedef {"none" | "confidence" | "entropy" | "margin" | "order" | "flips"} Lens */

export {};
