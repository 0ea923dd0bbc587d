import { html } from "lit";
import { PageElement } from "app/ui/page-element.js";
import { KEYS } from "app/ui/keys.js";
import * as icons from "app/ui/icons.js";

/** The sheet of keys. */
class Keys extends PageElement {
  /** @override */
  watched() {
    return [];
  }

  render() {
    return html`<dialog class="card keys" aria-labelledby="keys-title" closedby="any">
      <form method="dialog">
        <header>
          <h2 id="keys-title">Keys</h2>
          <button class="quiet" aria-label="Close">${icons.close}</button>
        </header>
      </form>
      <dl>
        ${KEYS.map(
          ({ keys, shift, does }) => html`<div>
            <dt>${shift ? html`<kbd>⇧</kbd>` : ""}${keys.map((key) => html`<kbd>${key}</kbd>`)}</dt>
            <dd>${does}</dd>
          </div>`,
        )}
      </dl>
    </dialog>`;
  }
}

customElements.define("um-keys", Keys);
