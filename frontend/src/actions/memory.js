// What a visit leaves behind in the browser: the form, the view, the session.
const KEY = "unmask";

export function recall(/** @type {Storage | null} */ storage) {
  try {
    const kept = JSON.parse(storage?.getItem(KEY) ?? "{}");
    return kept && typeof kept === "object" ? kept : {};
  } catch {
    return {};
  }
}

/** Writes down what is worth keeping, a moment after it changed. */
export function keep(/** @type {import("app/core/store.js").Store<any, any>} */ store, /** @type {Storage | null} */ storage) {
  let last = "";
  let timer = 0;
  store.addEventListener("change", () => {
    clearTimeout(timer);
    timer = window.setTimeout(write, 250);
  });
  window.addEventListener("pagehide", write);
  function write() {
    const { form, ranking, view, tree } = store.state;
    const text = JSON.stringify({ form, ranking, view, session: tree?.id ?? null });
    if (text === last) return;
    last = text;
    try {
      storage?.setItem(KEY, text);
    } catch {
      // A full or forbidden storage only costs the convenience.
    }
  }
}

/** The session named in the address, as in #session=abc. */
export const sessionInAddress = () => new URLSearchParams(location.hash.slice(1)).get("session");

export function nameInAddress(/** @type {string | null} */ id) {
  if (sessionInAddress() === id) return;
  const { pathname, search } = location;
  history.replaceState(null, "", `${pathname}${search}${id ? `#session=${encodeURIComponent(id)}` : ""}`);
}
