// Filling in an example. What was typed by hand and is replaced can be had back.
import { exampleFields, losesTyped } from "app/core/prompting.js";

export class Examples {
  #store;
  #troubles;

  /** @param {{ store: import("app/core/state.js").PageStore, troubles: import("app/actions/troubles.js").Troubles }} parts */
  constructor({ store, troubles }) {
    this.#store = store;
    this.#troubles = troubles;
  }

  /**
   * @param {import("app/core/prompting.js").Example} example
   * @param {readonly import("app/core/prompting.js").Example[]} examples  all of them: their texts nobody typed
   */
  take(example, examples) {
    const { form } = this.#store.state;
    const fields = exampleFields(form, example);
    this.#store.dispatch({ type: "form.changed", fields });
    if (!losesTyped(form, fields, examples)) return;
    const { prompt, chat, system, turns, specialTokens, addSpecialTokens, length } = form;
    this.#troubles.news("An example took the place of what you typed.", "", { label: "Undo", event: { type: "form.changed", fields: { prompt, chat, system, turns, specialTokens, addSpecialTokens, length } } });
  }
}
