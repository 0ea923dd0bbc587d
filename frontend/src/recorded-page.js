// A page of a recording: everything that looks, and nothing that asks a server.
import { Store } from "app/core/store.js";
import { initialState, reduce } from "app/core/state.js";
import { offline } from "app/core/readiness.js";
import { Archive } from "app/actions/archive.js";
import { Examples } from "app/actions/examples.js";
import { Gif } from "app/actions/gif.js";
import { Playing } from "app/actions/playing.js";
import { Progress } from "app/actions/progress.js";
import { Takeaway } from "app/actions/takeaway.js";
import { Touring } from "app/actions/touring.js";
import { Troubles } from "app/actions/troubles.js";
import { Watched } from "app/actions/watched.js";

/**
 * @param {import("app/core/archive.js").Recorded} recording
 * @param {{ view?: Partial<import("app/core/state.js").State["view"]>, demo?: import("app/actions/demo.js").Demo | null }} [about]
 *   demo: the way back to a page with a server; null: there is none
 * @returns {import("app/ui/page-element.js").Page}
 */
export function recordedPage(recording, { view = {}, demo = null } = {}) {
  const store = new Store(reduce, initialState({ view: /** @type {any} */ ({ theme: "auto", delay: 250, heat: true, ...view }) }), (notify) => requestAnimationFrame(notify));
  store.dispatch({ type: "recording.opened", recording });
  const refuse = () => (store.dispatch({ type: "key.refused", why: offline(store.state) }), true);
  const look = (/** @type {number | null} */ position) => store.dispatch({ type: "position.looked", position });
  const troubles = new Troubles({ store, connection: still });
  const progress = new Progress({ store, troubles });
  const playing = new Playing({ store });
  const made = {
    store,
    demo,
    playing,
    progress,
    inspection: { look, retry() {} },
    watched: new Watched({ store, client: still, connection: /** @type {any} */ (Object.assign(new EventTarget(), { isReady: false })), vocabulary: still, troubles }),
    session: stillBut({ togglePick: refuse, addPick: refuse }),
    takeaway: new Takeaway({ store, session: still, connection: null, troubles }),
    // A page that was saved has no modules to read any more.
    archive: demo ? new Archive({ store, client: null, troubles, progress }) : null,
    gif: new Gif({ store, troubles, progress }),
    examples: new Examples({ store, troubles }),
    touring: new Touring({ store }),
  };
  // Actions that are made later are still here too.
  return absent(/** @type {any} */ (made), still);
}

/** An object whose missing parts are `instead`; those that libraries look for are missing. */
const absent = (/** @type {any} */ held, /** @type {unknown} */ instead) =>
  new Proxy(held, { get: (_, name) => (name in held ? held[name] : typeof name === "symbol" || name === "then" || name.startsWith("_$") ? undefined : instead) });

/** Stands for what would change something: nothing comes of it. Controls that ask for it say why. */
const stillBut = (/** @type {any} */ deeds) => absent(deeds, () => undefined);

/** @type {any} */
const still = stillBut({});
