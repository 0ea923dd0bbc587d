// The recording that comes with the page: shown where there is no server, or
// when somebody wants to see one.
import { readArchive } from "app/core/archive.js";
import { recordedPage } from "app/recorded-page.js";

/** Where it is, from the page. */
const FILE = "demo/run.json";
const TOUCHES = ["pointerdown", "keydown", "wheel"];

export class Demo {
  #store;
  #troubles;
  #show;
  /** The server was there once. */
  #reached = false;
  #unasked = false;
  #touched = false;
  #away = false;

  /**
   * @param {{ store: import("app/core/state.js").PageStore, connection: import("app/actions/connection.js").Connection,
   *           socket: EventTarget, troubles: import("app/actions/troubles.js").Troubles,
   *           show: (page: import("app/ui/page-element.js").Page | null) => void }} parts
   *   show: puts a page in the document's place; null: the live one
   */
  constructor({ store, connection, socket, troubles, show }) {
    this.#store = store;
    this.#troubles = troubles;
    this.#show = show;
    socket.addEventListener("open", () => (this.#reached = true));
    socket.addEventListener("lost", () => {
      if (!this.#reached && !this.#away) this.watch({ unasked: true, tour: !store.state.view.toured });
    });
    // Who has touched nothing came for the live page.
    connection.addEventListener("ready", () => {
      if (this.#away && this.#unasked && !this.#touched) this.leave();
    });
  }

  /** The store of the live page, which goes on behind the recording. */
  get live() {
    return this.#store;
  }

  /** It was opened because the server did not answer. */
  get unasked() {
    return this.#unasked;
  }

  async watch({ tour = false, unasked = false } = {}) {
    if (this.#away) return;
    this.#away = true;
    try {
      const answer = await fetch(new URL(FILE, document.baseURI));
      if (!answer.ok) throw new Error(`The server answered ${answer.status}.`);
      const recording = readArchive(await answer.text());
      // The server may have come meanwhile.
      if (unasked && this.#reached) {
        this.#away = false;
        return;
      }
      this.#open(recording, tour, unasked);
    } catch (error) {
      this.#away = false;
      // Nobody asked for it: then the connection is the news, and it is told already.
      if (!unasked) this.#troubles.tell("Opening the recorded run", { code: 13, message: String(/** @type {Error} */ (error).message), reason: "", metadata: {}, fields: [], retryAfter: null, method: FILE });
    }
  }

  #open(/** @type {import("app/core/archive.js").Recorded} */ recording, /** @type {boolean} */ tour, /** @type {boolean} */ unasked) {
    const { theme, toured } = this.#store.state.view;
    const page = recordedPage(recording, { view: { theme, toured }, demo: this });
    this.#unasked = unasked;
    this.#touched = false;
    const touched = () => (this.#touched = true);
    for (const touch of TOUCHES) document.addEventListener(touch, touched, { capture: true, once: true });
    // What is chosen here is meant for the page.
    page.store.addEventListener("change", () => {
      const { view } = page.store.state;
      const own = this.#store.state.view;
      if (view.theme !== own.theme || view.toured !== own.toured) this.#store.dispatch({ type: "view.changed", view: { theme: view.theme, toured: view.toured } });
    });
    this.#show(page);
    if (tour) page.touring.begin();
  }

  /** Back to the live page. */
  leave() {
    this.#away = false;
    this.#show(null);
  }
}
