// Candidates for the position looked at, fetched when it is looked at.
import { UNAVAILABLE } from "app/core/errors.js";
import { inspected, trialWanted } from "app/core/selectors.js";
import { weighingKey } from "app/core/state.js";

const CANDIDATES = 10;
/** Milliseconds a position must be looked at before it is asked for: a slider passes many. */
const SETTLE = 90;
/** Milliseconds that the form must rest before its settings are tried. */
const TYPING = 220;

export class Inspection {
  #store;
  #client;
  #connection;
  #vocabulary;
  #timer = 0;
  #trialTimer = 0;
  /** The key of the trial that is waited for. */
  #trying = "";

  /**
   * @param {{ store: import("app/core/state.js").PageStore, client: import("app/net/client.js").Client,
   *           connection: import("app/actions/connection.js").Connection,
   *           vocabulary: import("app/actions/vocabulary.js").Vocabulary }} parts
   */
  constructor({ store, client, connection, vocabulary }) {
    this.#store = store;
    this.#client = client;
    this.#connection = connection;
    this.#vocabulary = vocabulary;
    store.addEventListener("change", () => {
      this.#later();
      this.#tryLater();
    });
  }

  look(/** @type {number | null} */ position) {
    this.#store.dispatch({ type: "position.looked", position });
  }

  /** Asks again for what could not be had. */
  retry() {
    const view = inspected(this.#store.state);
    if (view?.target) this.#put(weighingKey(view.target.revision, view.target.position), null);
  }

  #wanted() {
    const { state } = this.#store;
    const view = inspected(state);
    if (!view?.target || view.weighing !== undefined || !this.#connection.isReady || !state.tree || !state.view.asks) return null;
    // While steps run, every frame would ask again; the last one is enough.
    if (state.activity === "run" || state.activity === "step") return null;
    return { session: state.tree.id, revision: view.target.revision, position: view.target.position };
  }

  #later() {
    if (!this.#wanted()) return;
    clearTimeout(this.#timer);
    this.#timer = window.setTimeout(() => this.#ask(), SETTLE);
  }

  async #ask() {
    const wanted = this.#wanted();
    if (!wanted) return;
    const { session, revision, position } = wanted;
    const key = weighingKey(revision, position);
    this.#put(key, "asked");
    try {
      const [weighing] = await this.#client.getCandidates({ sessionId: session, revision, positions: [position], count: CANDIDATES });
      this.#vocabulary.need(weighing.candidates.map(({ token }) => token));
      this.#put(key, weighing, session);
    } catch (/** @type {any} */ error) {
      if (error.code === UNAVAILABLE) {
        this.#put(key, null, session);
        this.#connection.serviceLost(error);
      } else this.#put(key, { failed: error.message }, session);
    }
  }

  #untried() {
    const { state } = this.#store;
    const wanted = trialWanted(state);
    const idle = state.activity === null && state.view.asks && this.#connection.isReady;
    return wanted && idle && wanted.key !== state.trial?.key ? wanted : null;
  }

  #tryLater() {
    const key = this.#untried()?.key ?? "";
    if (key === this.#trying) return;
    this.#trying = key;
    clearTimeout(this.#trialTimer);
    if (key) this.#trialTimer = window.setTimeout(() => this.#try(), TYPING);
  }

  /** Asks what the form's distribution settings make of the logits at hand. */
  async #try() {
    const wanted = this.#untried();
    const session = this.#store.state.tree?.id;
    if (!wanted || !session) return;
    const { revision, position, settings, key } = wanted;
    try {
      const weighing = await this.#client.reprocess({ sessionId: session, revision, position, settings, count: CANDIDATES });
      this.#vocabulary.need(weighing.candidates.map(({ token }) => token));
      this.#store.dispatch({ type: "trial.received", session, trial: { key, weighing } });
    } catch (/** @type {any} */ error) {
      // What is in force stays in view; the step itself will say what is wrong.
      if (error.code === UNAVAILABLE) this.#connection.serviceLost(error);
      else this.#store.dispatch({ type: "trial.received", session, trial: { key, weighing: null } });
    }
  }

  #put(/** @type {string} */ key, /** @type {any} */ weighing, session = this.#store.state.tree?.id) {
    this.#store.dispatch({ type: "weighing.changed", session, key, weighing });
  }
}
