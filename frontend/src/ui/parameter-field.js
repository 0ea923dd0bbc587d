import { html, nothing } from "lit";
import { live } from "lit/directives/live.js";
import { humanised } from "app/core/format.js";
import { rangeOf } from "app/core/settings.js";
import { shownAs, textsIn, typedOf } from "app/core/texts.js";

/**
 * A field for a parameter that a sampler publishes.
 * @param {{ parameter: import("app/core/settings.js").Parameter, id: string, typed: string | boolean | undefined,
 *           inForce?: unknown, problem?: string, onType: (value: string | boolean) => void,
 *           about?: { open: boolean, id: string, onToggle: () => void } }} field  about: the button for its card
 */
export function parameterField({ parameter, id, typed, inForce, problem, onType, about }) {
  const { name, kind, summary } = parameter;
  const label = humanised(name);
  const title = `${summary} (${rangeOf(parameter)})`;
  if (kind === "bool") {
    const toggle = html`<label class="switch field" title=${title}>
      <input id=${id} type="checkbox" .checked=${live(Boolean(typed ?? parameter.default))} @change=${(/** @type {any} */ e) => onType(e.target.checked)} />
      <span>${label}</span>
    </label>`;
    return about ? html`<div class="field parameter" data-kind="bool">${toggle}${aboutButton(label, about)}</div>` : toggle;
  }
  return html`<div class="field ${about ? "parameter" : ""}" title=${title}>
    <label for=${id}>${label}</label>
    ${kind === "choice" ? choice(parameter, id, typed, onType) : kind === "texts" ? texts(id, typed, inForce, onType) : number(parameter, id, typed, inForce, problem, onType)}
    ${about ? aboutButton(label, about) : nothing}
    <span class="unseen" id="${id}-summary">${title}</span>
    ${problem ? html`<p class="note" data-problem>${problem}</p>` : nothing}
  </div>`;
}

/**
 * Behind the field in the order of the keyboard, beside the label to the eye.
 * @param {string} label
 * @param {{ open: boolean, id: string, onToggle: () => void }} about
 */
const aboutButton = (label, { open, id, onToggle }) =>
  html`<button
    type="button"
    class="quiet about"
    aria-label="About ${label}"
    aria-expanded=${open ? "true" : "false"}
    aria-controls=${open ? id : nothing}
    title=${open ? "Close (Esc)" : `About ${label}`}
    @click=${onToggle}
  >
    <span aria-hidden="true">?</span>
  </button>`;

/**
 * @param {import("app/core/settings.js").Parameter} parameter
 * @param {string} id
 * @param {string | boolean | undefined} typed
 * @param {(value: string) => void} onType
 */
function choice({ choices, default: fallback }, id, typed, onType) {
  return html`<select id=${id} aria-describedby="${id}-summary" @change=${(/** @type {any} */ e) => onType(e.target.value)}>
    ${choices.map((word) => html`<option value=${word} .selected=${live(word === (typed || fallback))}>${humanised(word)}</option>`)}
  </select>`;
}

/**
 * A text a line, and beneath it the texts as they are understood.
 * @param {string} id
 * @param {string | boolean | undefined} typed
 * @param {unknown} inForce
 * @param {(value: string) => void} onType
 */
function texts(id, typed, inForce, onType) {
  const read = textsIn(String(typed ?? ""));
  return html`<textarea
      id=${id}
      rows="2"
      spellcheck="false"
      autocomplete="off"
      placeholder=${Array.isArray(inForce) && inForce.length ? typedOf(inForce) : "one text a line; \\n is a line break"}
      .value=${live(String(typed ?? ""))}
      aria-describedby="${id}-summary ${id}-read"
      @input=${(/** @type {any} */ e) => onType(e.target.value)}
    ></textarea>
    <p class="note texts" id="${id}-read" data-testid="texts" ?hidden=${!read.length}>${read.map((text) => html`<code title=${JSON.stringify(text)}>${shownAs(text)}</code> `)}</p>`;
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
