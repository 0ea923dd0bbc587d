import { html } from "lit";
import { live } from "lit/directives/live.js";
import { PageElement } from "app/ui/page-element.js";
import { KEYS } from "app/ui/keys.js";
import * as icons from "app/ui/icons.js";

/** The sheet of keys. */
class Keys extends PageElement {
  /** @override */
  watched(/** @type {import("app/core/state.js").State} */ { view }) {
    return [view.keys];
  }

  render() {
    const { keys } = this.state.view;
    const parts = Map.groupBy(KEYS, ({ in: part }) => part);
    return html`<dialog class="card keys" aria-labelledby="keys-title" closedby="any" data-testid="keys">
      <form method="dialog">
        <header>
          <h2 id="keys-title">Keys</h2>
          <button class="quiet" aria-label="Close">${icons.close}</button>
        </header>
      </form>
      <label class="switch">
        <input
          type="checkbox"
          data-testid="single-keys"
          .checked=${live(keys)}
          @change=${(/** @type {any} */ e) => this.dispatch({ type: "view.changed", view: { keys: e.target.checked } })}
        />
        <span>Single-key shortcuts${keys ? "" : ": off, the others still work"}</span>
      </label>
      <div class="key-parts" ?data-off=${!keys}>
        ${[...parts].map(
          ([part, entries]) => html`<section>
            <h3>${part}</h3>
            <dl>
              ${entries.map(
                (entry) => html`<div ?data-single=${entry.act && entry.keys[0].length === 1}>
                  <dt>${entry.shift ? html`<kbd>⇧</kbd>` : ""}${entry.keys.map((key) => html`<kbd>${key}</kbd>`)}</dt>
                  <dd>${entry.does}</dd>
                </div>`,
              )}
            </dl>
          </section>`,
        )}
      </div>
    </dialog>`;
  }
}

customElements.define("um-keys", Keys);
