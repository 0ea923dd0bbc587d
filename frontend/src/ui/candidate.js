// A candidate, wherever one is offered: what is said of it, its bar, and what
// choosing it does.
import { html } from "lit";
import { cssVars } from "app/ui/css-vars.js";
import { faceOfId } from "app/core/selectors.js";
import { NOT_ALLOWED } from "app/core/constraints.js";
import { decimal } from "app/core/format.js";
import * as icons from "app/ui/icons.js";

/**
 * @typedef {object} Offer  where a candidate is offered
 * @property {number} position
 * @property {number | null} chosen  the token that stands there; null: it is open
 * @property {boolean} greedy  the temperature was 0: only the likeliest is kept
 * @property {(candidate: import("app/core/state.js").Candidate) => string} [cut]  why one is not kept
 * @property {string} hindrance  why none can be picked; empty where one can
 */

/** Outline: the model's own probability. Filled: what the sampler draws from. */
export const bar = (/** @type {number} */ base, /** @type {number} */ final) =>
  html`<span class="bar" aria-hidden="true" ${cssVars({ "--base": base.toFixed(4), "--final": final.toFixed(4) })}></span>`;

/** Words for a screen reader alone. */
export const unseen = (/** @type {string} */ words) => html`<span class="unseen">${words}</span>`;

/**
 * What there is to say of a candidate.
 * @param {import("app/core/state.js").State} state
 * @param {Offer} offer
 * @param {import("app/core/state.js").Candidate} candidate
 */
export function offered(state, { position, chosen, greedy, hindrance, cut }, candidate) {
  const { token, kept, logit, invalid } = candidate;
  const isChosen = chosen === token;
  const why = isChosen ? "This is the token there." : hindrance || (invalid ? `${NOT_ALLOWED}.` : "");
  const never = token === state.model?.maskToken;
  const reason = cut?.(candidate) ?? (never ? "Never generated" : greedy ? "Not the likeliest, and the temperature is 0" : "Cut by top-k or top-p");
  const limit = kept ? "" : `${reason}: visual only. `;
  return {
    face: faceOfId(state, token),
    isChosen,
    isPicked: state.picks.get(position)?.token === token,
    why,
    limit,
    invalid,
    never: !kept && reason.startsWith("Never generated"),
    title: why || `Pick this token. ${limit}Id ${token}, logit ${decimal(logit)}`,
  };
}

/**
 * Puts a candidate of an open position into the selection, or takes it out.
 * @param {import("app/ui/page-element.js").Page} page
 * @param {number} position
 * @param {import("app/core/state.js").Candidate} candidate
 */
export function toggle({ store, session }, position, { token, pBase }) {
  if (store.state.picks.get(position)?.token === token) session.removePick(position);
  else session.addPick(position, token, pBase);
}

/**
 * The button that does so.
 * @param {import("app/ui/page-element.js").Page} page
 * @param {number} position
 * @param {import("app/core/state.js").Candidate} candidate
 * @param {ReturnType<typeof offered>} told
 * @param {-1 | 0} [tab]  its place in the tab order
 */
export function addButton(page, position, candidate, { face, isPicked, invalid }, tab = 0) {
  const why = invalid && !isPicked ? `${NOT_ALLOWED}.` : "";
  return html`<button
    class="quiet add"
    tabindex=${tab}
    aria-disabled=${why ? "true" : "false"}
    aria-pressed=${isPicked ? "true" : "false"}
    aria-label="${isPicked ? "Take" : "Put"} ${face.name} ${isPicked ? "out of" : "into"} the selection"
    title=${why || (isPicked ? "Take out of the selection" : "Put into the selection, to apply later")}
    @click=${() => !why && toggle(page, position, candidate)}
  >
    ${isPicked ? icons.check : icons.plus}
  </button>`;
}
