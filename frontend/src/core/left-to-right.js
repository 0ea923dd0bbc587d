// Models that write from left to right: the canvas has one open position, at its
// end, which every step moves on.

export const readsLeftToRight = (/** @type {import("app/core/settings.js").Model | null} */ model) => model?.attention?.appendOnly === true;

/** Whether the session in view is one of such a model. */
export const appendsOnly = (/** @type {Pick<import("app/core/state.js").State, "tree" | "model">} */ { tree, model }) => tree !== null && model?.name === tree.model && readsLeftToRight(model);

// ---- what makes no sense in such a text ----

export const ONE_AT_THE_END = "This text is written from left to right: positions are put in at its end only.";
export const NOT_IN_THE_PROMPT = "Opening a position takes out all behind it: that is done behind the prompt only.";
export const NOTHING_TO_LOCK = "This text is written from left to right: no step changes what is written.";
export const NO_MASKING_AGAIN = "This text is written from left to right: opening a position takes out all behind it. Open one with Mask, or go back on the timeline.";
export const NO_HOLES = "This model reads from left to right and fills no holes: take them out, or choose a diffusion model";
export const NO_WORDS = "This model reads from left to right: words cannot be fixed ahead. A constraint can ask for them.";
