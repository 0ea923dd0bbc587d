// What leaves the page and comes back: recordings, links, programs.
import { UNAVAILABLE } from "app/core/errors.js";
import { asGrpc, asJson, asPython, callsTo, copyHindrance, notesOf, SESSION_ID } from "app/core/copy-as.js";
import { LINK, linkOf, readLink, unpackedLink } from "app/core/permalink.js";
import { startModel } from "app/core/models.js";
import { busy, offline } from "app/core/readiness.js";
import { shownRevision } from "app/core/state.js";
import { download } from "app/actions/download.js";

/** @typedef {import("app/core/state.js").State} State */
/** @typedef {"python" | "grpc" | "json"} Language */

const WRITERS = { python: asPython, grpc: asGrpc, json: asJson };
const NAMES = { python: "Python", grpc: "gRPC", json: "JSON" };

/** Why something cannot be taken away or brought in; empty strings where it can. */
export function takeawayHindrances(/** @type {State} */ state) {
  const none = state.tree ? "" : "Start a session first.";
  const copy = none || (state.tree ? copyHindrance(state.tree) : "");
  const recorded = state.connection.state === "recorded" ? "That takes a server; this is a recording." : "";
  return {
    page: recorded ? none : offline(state) || none || busy(state),
    gif: none,
    recording: recorded || offline(state) || none,
    open: recorded || offline(state) || busy(state),
    link: recorded || (startModel(state) ? "" : "No model yet."),
    copy,
  };
}

export class Takeaway {
  #store;
  #session;
  #models;
  #connection;
  #troubles;
  /** A link that was opened, until the model is there to check it. @type {string | null} */
  #link = null;

  /**
   * @param {{ store: import("app/core/state.js").PageStore, session: import("app/actions/session.js").SessionActions,
   *           models?: import("app/actions/models.js").Models,
   *           connection: import("app/actions/connection.js").Connection | null,
   *           troubles: import("app/actions/troubles.js").Troubles }} parts
   *   connection: null for a page of a recording, which takes no links
   */
  constructor({ store, session, models, connection, troubles }) {
    this.#store = store;
    this.#session = session;
    this.#models = models;
    this.#connection = connection;
    this.#troubles = troubles;
    if (!connection) return;
    connection.addEventListener("ready", () => this.#read());
    window.addEventListener("hashchange", () => this.take());
  }

  // ---- recordings ----

  /** Downloads the session. */
  async save(/** @type {"binary" | "json"} */ form) {
    const { tree } = this.#store.state;
    if (!tree) return;
    try {
      const answer = await fetch(new URL(`recordings/${encodeURIComponent(tree.id)}?form=${form}`, document.baseURI));
      if (!answer.ok) throw await refusalOf(answer, "Export");
      download(await answer.blob(), `${tree.id}.${form === "json" ? "unmask.json" : "unmask"}`);
    } catch (error) {
      this.#troubles.tell("Saving the recording", unreached(error));
    }
  }

  /** Makes a session of a file and shows it. Until that has worked, what is shown stays. */
  async open(/** @type {File} */ file) {
    try {
      const address = new URL(`recordings?request_id=${newId()}`, document.baseURI);
      const answer = await fetch(address, { method: "POST", body: file, headers: { "Content-Type": "application/octet-stream" } });
      if (!answer.ok) throw await refusalOf(answer, "Import");
      const { session, notes = [] } = await answer.json();
      this.#session.open(session.id);
      this.#troubles.news("The recording is open.", notes.join(" "));
    } catch (error) {
      this.#troubles.tell(`Opening ${file.name}`, ofFile(unreached(error)));
    }
  }

  // ---- links ----

  async copyLink() {
    const { state } = this.#store;
    const { origin, pathname, search } = location;
    const done = await copied(`${origin}${pathname}${search}#${LINK}=${linkOf(startModel(state), state.form)}`);
    this.#told(done, "The link is copied.", "It fills in the form as it is now, and starts nothing by itself.");
  }

  /** Takes a link out of the address; it is read once the model is there. */
  take() {
    const link = new URLSearchParams(location.hash.slice(1)).get(LINK);
    if (link === null) return;
    history.replaceState(null, "", `${location.pathname}${location.search}`);
    this.#link = link;
    if (this.#connection?.isReady) this.#read();
  }

  #read() {
    if (this.#link === null) return;
    const link = unpackedLink(this.#link);
    this.#link = null;
    if (link) this.#fill(link);
    else this.#troubles.news("The link could not be read.", "It is cut off, or from a later version. The form is as it was.");
  }

  /** Fills in the form, with the link's model where the server has it at hand. */
  async #fill(/** @type {Record<string, unknown>} */ link) {
    const { form } = this.#store.state;
    await this.#models?.takeReady(link.m);
    const { fields, left } = readLink(startModel(this.#store.state), this.#store.state.form, link);
    this.#store.dispatch({ type: "form.changed", fields });
    const why = ["Nothing was started.", left.length ? `Left out: ${left.join("; ")}.` : ""].filter(Boolean).join(" ");
    const { dirty, ...before } = form;
    const undo = { label: "Undo", event: { type: "form.changed", fields: before } };
    this.#troubles.news("The form was filled in by a link.", why, undo);
  }

  // ---- programs ----

  async copyAs(/** @type {Language} */ language) {
    const { state } = this.#store;
    const { tree, asked, model, tokens } = state;
    if (!tree || copyHindrance(tree)) return;
    const own = model?.name === tree.model ? model : null;
    const calls = callsTo(tree, shownRevision(state), { asked, model: own, isSpecial: (token) => tokens.get(token)?.special ?? false });
    const done = await copied(WRITERS[language](calls));
    const asks = `It asks ${state.connection.state === "recorded" ? "a" : "the"} server at 127.0.0.1:50051.`;
    const more = { python: asks, grpc: asks, json: `Put the id that the first answer tells in the place of ${SESSION_ID}.` };
    const notes = language === "json" ? notesOf(calls) : [];
    this.#told(done, `Copied as ${NAMES[language]}.`, [`Every call up to revision ${shownRevision(state)}.`, more[language], ...notes].join(" "));
  }

  #told(/** @type {boolean} */ done, /** @type {string} */ what, /** @type {string} */ why) {
    if (done) this.#troubles.done(what, why);
    else this.#troubles.news("Nothing was copied.", "The browser does not let this page write to the clipboard.");
  }
}

/** A refusal as calls over the socket have it: the service's as JSON, the gateway's own as a line of text. */
async function refusalOf(/** @type {Response} */ answer, /** @type {string} */ method) {
  const text = await answer.text();
  const failure = { code: 2, message: `The server answered ${answer.status}.`, reason: "", metadata: {}, fields: [], retryAfter: null, method: `unmask.v1.SessionService/${method}` };
  try {
    const { code = 2, message = "", details = [] } = JSON.parse(text);
    const { reason = "", metadata = {} } = details.find((/** @type {any} */ detail) => detail.reason) ?? {};
    const fields = details.flatMap((/** @type {any} */ { fieldViolations = [] }) => fieldViolations);
    return { ...failure, code, message, reason, metadata, fields };
  } catch {
    const codes = /** @type {Record<number, number>} */ ({ 400: 3, 403: 7, 404: 5, 413: 3 });
    const said = answer.status === 413 ? "The file is larger than the server takes." : text.startsWith("<") ? failure.message : text.trim().slice(0, 300) || failure.message;
    return { ...failure, code: codes[answer.status] ?? 2, message: said };
  }
}

/** The page sends the file in pieces, which nobody has seen. @param {any} error */
function ofFile(error) {
  if (!error.fields?.some((/** @type {any} */ { field }) => field === "chunk")) return error;
  const message = error.message.replace(/^chunk: (.)/, (/** @type {string} */ _, /** @type {string} */ first) => first.toUpperCase());
  return { ...error, message, fields: [], reason: "UNREADABLE_FILE" };
}

/** fetch() knows one error, for a server that is not there. */
function unreached(/** @type {any} */ error) {
  if (!(error instanceof TypeError)) return error;
  return { code: UNAVAILABLE, message: "The server could not be reached.", reason: "", metadata: {}, fields: [], retryAfter: null, method: "recordings" };
}

/** Puts text on the clipboard; pages that came by plain http have only the old way. @returns {Promise<boolean>} */
async function copied(/** @type {string} */ text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    const held = /** @type {HTMLElement | null} */ (document.activeElement);
    const field = document.createElement("textarea");
    field.value = text;
    field.className = "copy-source";
    document.body.append(field);
    field.select();
    const done = document.execCommand("copy");
    field.remove();
    held?.focus();
    return done;
  }
}

const newId = () => [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("").replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
