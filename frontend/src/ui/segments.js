import { html } from "lit";

/**
 * One of a few, side by side. Buttons, not fields: the page's keys go on working from here.
 * @param {{ label: string, testid: string, value: string, options: readonly { value: string, name: string, title: string }[], choose: (value: any) => void }} control
 */
export function segments({ label, testid, value, options, choose }) {
  const key = (/** @type {KeyboardEvent} */ event) => {
    const by = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    if (!by) return;
    event.preventDefault();
    event.stopPropagation();
    const next = (options.findIndex((option) => option.value === value) + by + options.length) % options.length;
    const buttons = /** @type {HTMLElement} */ (event.currentTarget).querySelectorAll("button");
    choose(options[next].value);
    buttons[next]?.focus();
  };
  return html`<div class="segments" role="radiogroup" aria-label=${label} data-testid=${testid} @keydown=${key}>
    ${options.map(
      (option) => html`<button
        type="button"
        role="radio"
        aria-checked=${option.value === value ? "true" : "false"}
        tabindex=${option.value === value ? 0 : -1}
        title=${option.title}
        data-value=${option.value}
        @click=${() => choose(option.value)}
      >
        ${option.name}
      </button>`,
    )}
  </div>`;
}
