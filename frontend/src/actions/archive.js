// Saves the session as one file that needs no server: a page that replays it.
// All that can be asked about it there has to be asked of the server now.
import { archiveOf, idsIn } from "app/core/archive.js";
import { OPEN } from "app/core/canvas.js";
import { moduleOf, pageFile, titleOf } from "app/core/page-file.js";
import { BEGINNING, beginningOf } from "app/core/sessions.js";
import { deedsOf } from "app/core/tree.js";
import { weighingOf } from "app/core/weighing.js";
import { weighingKey } from "app/core/state.js";
import { download } from "app/actions/download.js";

/** @typedef {import("app/core/state.js").Weighing} Weighing */
/** @typedef {import("app/core/tree.js").Tree} Tree */

const CANDIDATES = 10;
/** Positions in one call, as many as the service takes. */
const MOST_POSITIONS = 64;
/** Ids in one call. */
const MOST_IDS = 8192;

/** What the page is made of, beside the modules that src/replay.js reaches. */
const ENTRY = "src/replay.js";
const UNFOLD = "src/unfold.js";
const ICON = "favicon.svg";

export class Archive {
  #store;
  #client;
  #troubles;
  #progress;

  /**
   * @param {{ store: import("app/core/state.js").PageStore, client: import("app/net/client.js").Client | null,
   *           troubles: import("app/actions/troubles.js").Troubles, progress: import("app/actions/progress.js").Progress }} parts
   *   client: null where there is no server; then what is not held is left out
   */
  constructor({ store, client, troubles, progress }) {
    this.#store = store;
    this.#client = client;
    this.#troubles = troubles;
    this.#progress = progress;
  }

  /** Downloads the session as a page. */
  savePage() {
    return this.#progress.during("Saving as a page", async (signal, told) => {
      const { tree } = this.#store.state;
      if (!tree) return;
      const archive = await this.#archive(tree, signal, told);
      const made = await madeOf(archive, titleOf(this.#prompt(tree), archive.model.name), signal);
      signal.throwIfAborted();
      download(new Blob([made], { type: "text/html" }), `${tree.id}.html`);
      const less = this.#store.state.view.asks ? "" : " The model is off: of the candidates, it holds those that were looked at.";
      this.#troubles.done("The page is saved.", `It opens in any browser, asks no server and sends nothing.${less}`);
    });
  }

  /** What was asked: as it was typed here, or else how it begins on the canvas. */
  #prompt(/** @type {Tree} */ { revisions, first }) {
    const { asked, tokens } = this.#store.state;
    if (asked) return asked.prompt;
    const { canvas } = revisions[first];
    const ids = Array.from(canvas.tokens.subarray(0, Math.min(canvas.promptLength, BEGINNING)));
    return beginningOf(ids.map((id, at) => (canvas.states[at] === OPEN ? null : (tokens.get(id) ?? null))));
  }

  /** @param {Tree} tree @param {AbortSignal} signal @param {(done: number, total: number) => void} told */
  async #archive(tree, signal, told) {
    const weighings = await this.#weighings(tree, signal, told);
    await this.#name(idsIn(tree, weighings), signal);
    return archiveOf({ ...this.#store.state, tree }, weighings);
  }

  /** What the model weighed wherever a token was committed: held already, or asked for now. */
  async #weighings(/** @type {Tree} */ tree, /** @type {AbortSignal} */ signal, /** @type {(done: number, total: number) => void} */ told) {
    /** @type {Map<string, Weighing>} */
    const weighings = new Map();
    for (const [key, held] of this.#store.state.weighings) if (held !== "asked" && !("failed" in held)) weighings.set(key, held);
    // Each of those would be a pass of a model that is switched off.
    if (!this.#client || !this.#store.state.view.asks) return weighings;
    const calls = callsFor(tree, weighings);
    for (const [done, { revision, positions }] of calls.entries()) {
      told(done, calls.length);
      signal.throwIfAborted();
      const answer = await this.#client.getCandidates({ sessionId: tree.id, revision, positions, count: CANDIDATES });
      for (const weighing of answer) weighings.set(weighingKey(revision, weighing.position), weighing);
    }
    told(calls.length, calls.length);
    return weighings;
  }

  async #name(/** @type {Iterable<number>} */ all, /** @type {AbortSignal} */ signal) {
    const { tokens, model } = this.#store.state;
    if (!this.#client || !model?.hasTokenizer) return;
    const ids = [...all].filter((id) => !tokens.has(id));
    for (let at = 0; at < ids.length; at += MOST_IDS) {
      signal.throwIfAborted();
      const named = await this.#client.detokenize(model.name, ids.slice(at, at + MOST_IDS));
      this.#store.dispatch({ type: "tokens.received", model: model.name, tokens: named });
    }
  }
}

/**
 * The calls that tell what was weighed where tokens were committed, and is not known.
 * @param {Tree} tree
 * @param {ReadonlyMap<string, Weighing>} known
 */
export function callsFor(tree, known) {
  /** @type {Map<number, Set<number>>} */
  const wanted = new Map();
  for (const held of tree.revisions.slice(tree.first)) {
    if (!held || held.parent < tree.first) continue;
    for (const [position, deed] of deedsOf(tree, held.revision)) {
      if (deed !== "committed" && deed !== "edited") continue;
      const target = weighingOf(tree, held.revision, position);
      if (!target || known.has(weighingKey(target.revision, target.position))) continue;
      wanted.set(target.revision, (wanted.get(target.revision) ?? new Set()).add(target.position));
    }
  }
  return [...wanted].flatMap(([revision, all]) => {
    const positions = [...all].sort((a, b) => a - b);
    return Array.from({ length: Math.ceil(positions.length / MOST_POSITIONS) }, (_, i) => ({
      revision,
      positions: positions.slice(i * MOST_POSITIONS, (i + 1) * MOST_POSITIONS),
    }));
  });
}

/** The page's own files, as they were served, in one. */
async function madeOf(/** @type {unknown} */ archive, /** @type {string} */ title, /** @type {AbortSignal} */ signal) {
  const map = JSON.parse(document.querySelector('script[type="importmap"]')?.textContent ?? "{}").imports;
  const base = document.baseURI;
  const text = async (/** @type {string} */ path) => {
    const answer = await fetch(new URL(path, base), { signal });
    if (!answer.ok) throw new Error(`${path} could not be read: the server answered ${answer.status}.`);
    return answer.text();
  };
  const sheets = /** @type {HTMLLinkElement[]} */ ([...document.querySelectorAll('link[rel="stylesheet"]')]);
  const [modules, unfold, icon, ...styles] = await Promise.all([crawled(ENTRY, map, text), text(UNFOLD), text(ICON), ...sheets.map(({ href }) => text(href))]);
  const libraries = new Set([...modules.keys()].flatMap((path) => /^vendor\/.+@[\d.]+\//.exec(path)?.[0] ?? []));
  const licences = await Promise.all([...libraries].map(async (folder) => `${folder}\n\n${await text(`${folder}LICENSE`)}`));
  const nonce = [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  return pageFile({
    modules: await folded(JSON.stringify(Object.fromEntries(modules))),
    entry: ENTRY,
    unfold,
    licences: licences.join("\n\n"),
    styles,
    icon,
    archive: JSON.stringify(archive),
    title,
    nonce,
  });
}

async function folded(/** @type {string} */ text) {
  const stream = new Blob([text]).stream().pipeThrough(new CompressionStream("gzip"));
  const bytes = new Uint8Array(await new Response(stream).arrayBuffer());
  let binary = "";
  for (let at = 0; at < bytes.length; at += 4096) binary += String.fromCharCode(...bytes.subarray(at, at + 4096));
  return btoa(binary);
}

/** A module and all that it imports. */
async function crawled(/** @type {string} */ entry, /** @type {Record<string, string>} */ map, /** @type {(path: string) => Promise<string>} */ read) {
  /** @type {Map<string, string>} */
  const modules = new Map();
  const visit = async (/** @type {string} */ path) => {
    if (modules.has(path)) return;
    modules.set(path, "");
    const { text, imports } = moduleOf(await read(path), (specifier) => resolved(specifier, path, map));
    modules.set(path, text);
    await Promise.all(imports.map(visit));
  };
  await visit(entry);
  return modules;
}

/** Where the import map, or a relative address, leads: a path from the page's folder, without the version in an address. */
function resolved(/** @type {string} */ specifier, /** @type {string} */ from, /** @type {Record<string, string>} */ map) {
  const key = Object.keys(map)
    .filter((name) => specifier === name || (name.endsWith("/") && specifier.startsWith(name)))
    .sort((a, b) => b.length - a.length)[0];
  const target = key === undefined ? new URL(specifier, `page:/${from}`) : new URL(map[key] + specifier.slice(key.length), "page:/");
  return target.pathname.slice(1).replace(/^src@\w+\//, "src/");
}
