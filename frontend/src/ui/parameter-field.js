import { html, nothing } from "lit";
import { live } from "lit/directives/live.js";
import { humanised } from "app/core/format.js";
import { rangeOf } from "app/core/settings.js";

/**
 * A field for a parameter that a sampler publishes.
 * @param {{ parameter: import("app/core/settings.js").Parameter, id: string, typed: string | boolean | undefined,
 *           inForce?: unknown, problem?: string, onType: (value: string | boolean) => void, onFocus?: () => void }} field
 */
export function parameterField({ parameter, id, typed, inForce, problem, onType, onFocus }) {
  const { name, kind, summary } = parameter;
  const label = humanised(name);
  const title = `${summary} (${rangeOf(parameter)})`;
  if (kind === "bool") {
    return html`<label class="switch field" title=${title} @focusin=${onFocus}>
      <input id=${id} type="checkbox" .checked=${live(Boolean(typed ?? parameter.default))} @change=${(/** @type {any} */ e) => onType(e.target.checked)} />
      <span>${label}</span>
    </label>`;
  }
  return html`<div class="field" title=${title} @focusin=${onFocus}>
    <label for=${id}>${label}</label>
    ${kind === "choice" ? choice(parameter, id, typed, onType) : number(parameter, id, typed, inForce, problem, onType)}
    <span class="unseen" id="${id}-summary">${title}</span>
    ${problem ? html`<p class="note" data-problem>${problem}</p>` : nothing}
  </div>`;
}

/**
 * @param {import("app/core/settings.js").Parameter} parameter
 * @param {string} id
 * @param {string | boolean | undefined} typed
 * @param {(value: string) => void} onType
 */
function choice({ choices, default: fallback }, id, typed, onType) {
  return html`<select id=${id} aria-describedby="${id}-summary" @change=${(/** @type {any} */ e) => onType(e.target.value)}>
    ${choices.map((word) => html`<option value=${word} .selected=${word === (typed || fallback)}>${humanised(word)}</option>`)}
  </select>`;
}

/**
 * @param {import("app/core/settings.js").Parameter} parameter
 * @param {string} id
 * @param {string | boolean | undefined} typed
 * @param {unknown} inForce  what stands in when nothing is typed and nothing is the default
 * @param {string | undefined} problem
 * @param {(value: string) => void} onType
 */
function number({ kind, default: fallback }, id, typed, inForce, problem, onType) {
  return html`<input
    id=${id}
    inputmode=${kind === "integer" ? "numeric" : "decimal"}
    autocomplete="off"
    placeholder=${String(fallback ?? inForce ?? "auto")}
    .value=${live(String(typed ?? ""))}
    aria-invalid=${problem ? "true" : nothing}
    aria-describedby="${id}-summary"
    @input=${(/** @type {any} */ e) => onType(e.target.value.trim())}
  />`;
}
