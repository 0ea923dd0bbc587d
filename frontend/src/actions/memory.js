// What a visit leaves behind in the browser: the form, the view, the session and
// the place in it. Each tab remembers its own, so that two do not overwrite each
// other; a new tab begins with what was left last, in whichever.
import { leftBehind } from "app/core/comparing.js";
import { TAKEN, takenOver } from "app/core/former-page.js";

const KEY = "unmask";

/**
 * @typedef {object} Memories
 * @property {Storage | null} tab  outlasts a reload
 * @property {Storage | null} browser  outlasts the tab
 */

/** @returns {Memories} */
export function memories() {
  return { tab: allowed(() => window.sessionStorage), browser: allowed(() => window.localStorage) };
}

/** @param {() => Storage} storage  throws where it is forbidden */
function allowed(storage) {
  try {
    return storage();
  } catch {
    return null;
  }
}

/** @param {Memories} memories */
export function recall({ tab, browser }) {
  return read(tab) ?? read(browser) ?? {};
}

/**
 * The same with the settings that another page of this address left in the
 * browser: once, and without touching what that page wrote.
 * @param {Memories} memories
 * @param {any} kept
 */
export function takeOver({ browser }, kept) {
  const none = { kept, taken: /** @type {string[]} */ ([]) };
  try {
    if (!browser || browser.getItem(TAKEN) !== null) return none;
    const all = takenOver(kept, (key) => browser.getItem(key));
    if (all.taken.length) browser.setItem(TAKEN, "1");
    return all;
  } catch {
    // Without a mark it would be done at every visit: rather not at all.
    return none;
  }
}

function read(/** @type {Storage | null} */ storage) {
  try {
    const kept = JSON.parse(storage?.getItem(KEY) ?? "null");
    return kept && typeof kept === "object" ? kept : null;
  } catch {
    return null;
  }
}

/**
 * Writes down what is worth keeping, a moment after it changed.
 * @param {import("app/core/state.js").PageStore} store
 * @param {import("app/actions/place.js").Place} place
 * @param {Memories} memories
 */
export function keep(store, place, { tab, browser }) {
  let last = "";
  let timer = 0;
  store.addEventListener("change", () => {
    clearTimeout(timer);
    timer = window.setTimeout(write, 250);
  });
  window.addEventListener("pagehide", write);
  function write() {
    const { form, ranking, view, writing, saying, watched, compare, models, scoring, recovering } = store.state;
    const { session, tokens } = watched;
    const text = JSON.stringify({ form, ranking, view, writing, saying, wish: models.wish, watched: { session, tokens }, compare: leftBehind(compare), scoring: scoring.form, recovering: recovering.form, session: place.left?.session ?? null, place: place.left });
    if (text === last) return;
    last = text;
    for (const storage of [tab, browser]) {
      try {
        storage?.setItem(KEY, text);
      } catch {
        // A full or forbidden storage only costs the convenience.
      }
    }
  }
}
