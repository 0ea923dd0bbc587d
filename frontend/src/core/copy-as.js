// What the page did, as calls that do it again: a program, gRPC, frames of the
// gateway's WebSocket. The noise of a step depends on the number of the revision
// that it starts from, so every revision up to the one shown is made again,
// those of other branches too.
import { ownCache, sameCache } from "app/core/caches.js";
import { alike } from "app/core/constraints.js";
import { carried, folded, GIVEN, OPEN, range } from "app/core/canvas.js";
import { readsLeftToRight } from "app/core/left-to-right.js";
import { sameValue } from "app/core/settings.js";
import { frameOf, traced } from "app/core/tree.js";

/**
 * @typedef {import("app/core/tree.js").Tree} Tree
 * @typedef {import("app/core/tree.js").Settings} Settings
 * @typedef {import("app/core/canvas.js").Canvas} Canvas
 * @typedef {import("app/core/settings.js").Model} Model
 *
 * @typedef {object} Asked  what a session was started with
 * @property {string} id
 * @property {string} prompt
 * @property {boolean} chat
 * @property {import("app/core/prompting.js").Message[]} [earlier]  of a chat, before the prompt
 * @property {{ specialTokens?: boolean, addSpecialTokens?: boolean }} [reading]  of the prompt, where it is not as it is by itself
 * @property {{ offset: number, text: string }[]} words
 *
 * @typedef {object} Call
 * @property {"CreateSession" | "Step" | "Select" | "Edit" | "Rewind"} method
 * @property {Record<string, any>} request  by protobuf's JSON mapping, without the session's id
 * @property {number} first  the first revision that it makes
 * @property {number} last
 * @property {string} note  what of it is not exact
 */

/** Why a session cannot be made again; empty where it can. */
export function copyHindrance(/** @type {Tree} */ tree) {
  if (tree.first > 0) return "The oldest revisions are not kept any more, so the beginning is not known.";
  if (tree.revisions.some(({ settings }) => !settings || settings.sampler === "imported")) return "A plain history has no settings by which it could be computed again.";
  return "";
}

/**
 * The calls that make a session's revisions up to one.
 * @param {Tree} tree
 * @param {number} revision
 * @param {{ asked: Asked | null, model: Model | null, isSpecial: (token: number) => boolean }} known
 * @returns {Call[]}
 */
export function callsTo(tree, revision, { asked, model, isSpecial }) {
  const mask = model?.maskToken ?? 0;
  const calls = [call("CreateSession", created(tree, asked?.id === tree.id ? asked : null, model), 0)];
  for (let at = 1; at <= revision; at++) {
    const frame = tree.revisions[at];
    const before = tree.revisions[frame.parent];
    const from = frame.parent === at - 1 ? {} : { fromRevision: String(frame.parent) };
    const settings = frame.settings && frame.settings !== before.settings ? frame.settings : null;
    const last = calls[calls.length - 1];
    if (frame.cause === "step") {
      const joins = last.method === "Step" && !settings && frame.parent === at - 1;
      if (joins) {
        last.request.count += 1;
        last.last = at;
      } else calls.push(call("Step", { count: 1, ...(settings ? { settings: changed(settings, before.settings, model) } : {}), ...from }, at));
    } else if (frame.cause === "select") {
      const selections = frame.changes.map(({ position, token }) => ({ position, ...(token === null ? {} : { token }) }));
      calls.push(call("Select", { selections, ...from }, at));
    } else if (frame.cause === "rewind") {
      calls.push(call("Rewind", { revision: String(frame.parent) }, at));
    } else {
      const { edits, note } = readsLeftToRight(model) ? rightwards(tree, at, isSpecial) : editsOf(tree, at, mask, isSpecial);
      calls.push(call("Edit", { edits, ...from }, at, note));
    }
  }
  return calls;
}

/** @returns {Call} */
const call = (/** @type {Call["method"]} */ method, /** @type {Call["request"]} */ request, /** @type {number} */ at, note = "") => ({ method, request, first: at, last: at, note });

function created(/** @type {Tree} */ tree, /** @type {Asked | null} */ asked, /** @type {Model | null} */ model) {
  const { canvas, settings } = tree.revisions[0];
  const { length, promptLength } = canvas;
  const prompt = !asked
    ? { tokens: { ids: tokensIn(canvas, 0, promptLength, model?.maskToken ?? 0) } }
    : asked.chat
      ? { chat: { messages: [...(asked.earlier ?? []), { role: "user", content: asked.prompt }] }, ...asked.reading }
      : { text: asked.prompt, ...asked.reading };
  const words = asked ? asked.words : runs(range(length).filter((at) => at >= promptLength && canvas.states[at] !== OPEN)).map(([from, to]) => ({ offset: from - promptLength, tokens: { ids: tokensIn(canvas, from, to, 0) } }));
  const all = /** @type {Settings} */ (settings);
  // From left to right the canvas grows; how far, the settings say, and the length stands for it.
  const { max_tokens: most, ...parameters } = all.parameters;
  const begun = readsLeftToRight(model) ? { length: Number(most), settings: { ...all, parameters } } : { length: length - promptLength, settings: all };
  return {
    model: tree.model,
    prompt,
    length: begun.length,
    ...(words.length ? { wordConstraints: words } : {}),
    settings: changed(begun.settings, null, model),
  };
}

/** Settings without what holds anyway: after other ones, or, at the beginning, after the defaults. */
function changed(/** @type {Settings} */ settings, /** @type {Settings | null} */ before, /** @type {Model | null} */ model) {
  const { sampler, parameters, seed, constraint = null, cache = null } = settings;
  const described = model?.name ? model.samplers.find(({ name }) => name === sampler) : undefined;
  const held = before?.sampler === sampler ? before.parameters : Object.fromEntries((described?.parameters ?? []).map((parameter) => [parameter.name, parameter.default]));
  const own = Object.entries(parameters).filter(([name, value]) => !sameValue(held[name], value));
  return { sampler, ...(own.length ? { parameters: Object.fromEntries(own) } : {}), ...(seed !== null && seed !== before?.seed ? { seed } : {}), ...(alike(constraint, before?.constraint) ? {} : { constraint: constraintJson(constraint) }), ...(sameCache(model, cache, before?.cache) ? {} : { cache: cache ?? { name: ownCache(model)?.name } }) };
}

/** By protobuf's JSON mapping; without a kind it takes the one in force away. */
function constraintJson(/** @type {import("app/core/constraints.js").Constraint | null} */ constraint) {
  if (!constraint) return {};
  const { kind, value } = constraint;
  return kind === "choice" ? { choice: { options: value } } : { [kind === "json_schema" ? "jsonSchema" : kind]: value };
}

// ---- edits ----

/**
 * Edits that make a frame's canvas of its parent's, however it was made.
 * @param {Tree} tree
 * @param {number} revision
 * @param {number} mask
 * @param {(token: number) => boolean} isSpecial
 * @returns {{ edits: Record<string, any>[], note: string }}
 */
function editsOf(tree, revision, mask, isSpecial) {
  const frame = tree.revisions[revision];
  const before = tree.revisions[frame.parent].canvas;
  const sources = carried(range(before.length), frame.splices);
  if (frame.promptLength !== null) return turnOf(before, frame.canvas, sources, frame.promptLength, mask, isSpecial);

  /** @type {Record<string, any>[]} */
  const edits = [];
  for (const { position, removed, inserted } of frame.splices) {
    // In this order: what is put in before the prompt's end is prompt.
    if (inserted) edits.push({ insert: { position, count: inserted } });
    if (removed) edits.push({ delete: { position: position + inserted, count: removed } });
  }
  const moved = frame.splices.length ? folded(before, frameOf({ splices: frame.splices })) : before;
  const { canvas } = frame;
  const opened = frame.changes.filter(({ token, position, given }) => token === null || (!given && moved.states[position] === GIVEN));
  if (opened.length) edits.push({ mask: { positions: opened.map(({ position }) => position) } });

  const supplied = new Set(frame.changes.filter(({ given, position }) => given && moved.states[position] !== GIVEN).map(({ position }) => position));
  let note = "";
  for (const [from, to] of runs([...supplied])) {
    const ids = tokensIn(canvas, from, to, mask);
    const wasGiven = range(to - from).every((at) => moved.states[from + at] === OPEN && givenBefore(tree, frame.parent, sources[from + at], ids[at]));
    const stays = (/** @type {number} */ at) => moved.states[at] === GIVEN && canvas.states[at] === GIVEN;
    if (wasGiven) edits.push({ unmask: { positions: range(to - from).map((at) => from + at), source: "SOURCE_EARLIER" } });
    // A given span grows by given positions.
    else if (from > 0 && stays(from - 1)) edits.push({ delete: { position: from, count: to - from } }, replaced(from - 1, [canvas.tokens[from - 1], ...ids]));
    else if (to < canvas.length && stays(to)) edits.push({ delete: { position: from, count: to - from } }, replaced(from, [...ids, canvas.tokens[to]]));
    else {
      ids.forEach((token, at) => edits.push({ forceToken: { position: from + at, token } }));
      note = "tokens that were given are committed by hand here";
    }
  }
  for (const { position, token } of frame.changes) {
    if (token !== null && !supplied.has(position)) edits.push({ forceToken: { position, token } });
  }
  if (frame.unprotected.length) edits.push({ unprotect: { positions: frame.unprotected } });
  if (frame.protected.length) edits.push({ protect: { positions: frame.protected } });
  return edits.length ? { edits, note } : nothingOf(before);
}

/**
 * The same where a text is written from left to right: behind the prompt all from
 * the first difference on is put in the place of what stood there.
 * @param {Tree} tree
 * @param {number} revision
 * @param {(token: number) => boolean} isSpecial
 * @returns {{ edits: Record<string, any>[], note: string }}
 */
function rightwards(tree, revision, isSpecial) {
  const frame = tree.revisions[revision];
  const { canvas, settings } = frame;
  const before = tree.revisions[frame.parent].canvas;
  if (frame.promptLength !== null) {
    const { edits: [{ append }], note } = editsOf(tree, revision, 0, isSpecial);
    return { edits: [{ append: { ...append, length: Number(settings?.parameters.max_tokens) } }], note };
  }
  const same = (/** @type {number} */ at) => at < before.length && before.states[at] === canvas.states[at] && (canvas.states[at] === OPEN || before.tokens[at] === canvas.tokens[at]);
  const from = range(canvas.length).findIndex((at) => !same(at));
  const first = from < 0 ? canvas.length : from;
  if (first < canvas.promptLength || (first === canvas.length && first === before.length)) return editsOf(tree, revision, 0, isSpecial);
  const decided = range(canvas.length).filter((at) => at >= first && canvas.states[at] !== OPEN);
  if (decided.length) {
    const note = decided.every((at) => canvas.byHand[at]) ? "" : "what moved is committed by hand here";
    return { edits: [{ replace: { position: first, count: before.length - first, tokens: { ids: decided.map((at) => canvas.tokens[at]) } } }], note };
  }
  return { edits: [first === before.length ? { insert: { position: first, count: 1 } } : { mask: { positions: [first] } }], note: "" };
}

const replaced = (/** @type {number} */ position, /** @type {number[]} */ ids) => ({ replace: { position, count: 1, tokens: { ids } } });

/** An edit that changes nothing is a revision too. */
function nothingOf(/** @type {Canvas} */ canvas) {
  const { states } = canvas;
  const open = states.indexOf(OPEN);
  if (open >= 0) return { edits: [{ mask: { positions: [open] } }], note: "" };
  const kept = states.findIndex((state, position) => state === GIVEN || canvas.protected[position] === 1);
  return { edits: [{ protect: { positions: [Math.max(kept, 0)] } }], note: kept < 0 ? "a position is protected that was not" : "" };
}

/** Whether a position was given when it was last decided, and what stood there. */
function givenBefore(/** @type {Tree} */ tree, /** @type {number} */ revision, /** @type {number} */ position, /** @type {number} */ token) {
  if (position < 0) return false;
  for (const { place, held } of traced(tree, revision, position)) {
    const state = held.canvas.states[place];
    if (state !== OPEN) return state === GIVEN && held.canvas.tokens[place] === token;
  }
  return false;
}

/**
 * A turn that was appended, as the tokens that it was made of.
 * @param {Canvas} before
 * @param {Canvas} canvas
 * @param {number[]} sources
 * @param {number} promptLength
 * @param {number} mask
 * @param {(token: number) => boolean} isSpecial
 */
function turnOf(before, canvas, sources, promptLength, mask, isSpecial) {
  const put = sources.indexOf(-1);
  const kept = put < 0 ? sources.length : put;
  const ids = tokensIn(canvas, kept, promptLength, mask);
  // The turn began with the token that closed the answer, which stayed where it was.
  const closed = kept > before.promptLength && isSpecial(canvas.tokens[kept - 1]);
  const same = sources.slice(0, kept).every((source, at) => source === at && canvas.tokens[at] === before.tokens[at] && before.states[at] !== OPEN);
  const turn = { tokens: { ids: closed ? [canvas.tokens[kept - 1], ...ids] : ids } };
  return { edits: [{ append: { turn, length: canvas.length - promptLength } }], note: same ? "" : "the edits before the turn are not here" };
}

/** Numbers in ascending order as spans, the ends left out. @returns {[number, number][]} */
function runs(/** @type {number[]} */ positions) {
  /** @type {[number, number][]} */
  const spans = [];
  for (const at of positions) {
    const last = spans[spans.length - 1];
    if (last && last[1] === at) last[1] = at + 1;
    else spans.push([at, at + 1]);
  }
  return spans;
}

const tokensIn = (/** @type {Canvas} */ { tokens, states }, /** @type {number} */ from, /** @type {number} */ to, /** @type {number} */ mask) =>
  range(to - from).map((at) => (states[from + at] === OPEN ? mask : tokens[from + at]));

// ---- as text ----

const EXACT = "Every revision is made again, those of other branches too: the noise of a step depends on its number.";
const branches = (/** @type {Call[]} */ calls) => calls.some(({ request }) => "fromRevision" in request);
const told = (/** @type {Call} */ { first, last, note }) => (note ? `Revision ${first === last ? first : `${first} to ${last}`} is not exactly as it was: ${note}.` : "");

/** A program for the Python client, which ends with the text. */
export function asPython(/** @type {Call[]} */ calls, address = "127.0.0.1:50051") {
  const [{ request }, ...others] = calls;
  const edits = others.some(({ method }) => method === "Edit");
  const needsPrompt = others.some((one) => one.request.edits?.some((/** @type {any} */ edit) => edit.append));
  const { prompt, length, wordConstraints = [], settings, model } = request;
  const words = wordConstraints.map((/** @type {any} */ { offset, text, tokens }) => `${offset}: ${python(text ?? tokens.ids)}`);
  const source = prompt.tokens ? python(prompt.tokens.ids) : python(prompt.text ?? saidAtOnce(prompt.chat.messages));
  const { specialTokens, addSpecialTokens } = prompt;
  const reading = [...(specialTokens === undefined ? [] : [`special_tokens=${python(specialTokens)}`]), ...(addSpecialTokens === undefined ? [] : [`add_special_tokens=${python(addSpecialTokens)}`])];
  const create = [source, ...(prompt.text === undefined ? [] : ["raw=True"]), ...reading, `model=${python(model)}`, `length=${length}`, ...(words.length ? [`words={${words.join(", ")}}`] : []), ...keywords(settings)];
  return lines([
    "import unmask",
    edits ? "from unmask import edits" : null,
    needsPrompt ? "from unmask.v1.prompt_pb2 import Prompt, TokenList" : null,
    "",
    branches(calls) ? `# ${EXACT}` : null,
    `with unmask.connect(${python(address)}) as client:`,
    `    session = client.create(${create.join(", ")})`,
    ...others.flatMap((one) => [told(one) ? `    # ${told(one)}` : null, `    ${pythonCall(one)}`]),
    "    print(session.text)",
  ]);
}

/** One message of the user is text to the client; more are turns. @param {import("app/core/prompting.js").Message[]} messages */
const saidAtOnce = (messages) => (messages.length === 1 && messages[0].role === "user" ? messages[0].content : messages);

/** @param {Call} one */
function pythonCall({ method, request }) {
  const from = request.fromRevision === undefined ? [] : [`from_revision=${request.fromRevision}`];
  const given = (/** @type {string[]} */ ...parts) => [...parts, ...from].join(", ");
  if (method === "Step") return `list(session.step(${given(String(request.count))}${request.settings ? `, ${keywords(request.settings).join(", ")}` : ""}))`;
  if (method === "Rewind") return `session.rewind(${request.revision})`;
  if (method === "Edit") return `session.edit(${given(...request.edits.map(pythonEdit))})`;
  const tokens = request.selections.map((/** @type {any} */ { position, token = null }) => `${position}: ${python(token)}`);
  return `session.select(${given(`{${tokens.join(", ")}}`)})`;
}

/** @param {Record<string, any>} edit */
function pythonEdit(edit) {
  const [[name, value]] = Object.entries(edit);
  const positions = () => value.positions.join(", ");
  if (name === "unmask") return `edits.unmask(${positions()}, earlier=True)`;
  if (name === "insert" || name === "delete") return `edits.${name}(${value.position}, ${value.count})`;
  if (name === "forceToken") return `edits.force(${value.position}, ${value.token})`;
  if (name === "replace") return `edits.replace(${value.position}, ${value.count}, ${python(value.tokens.ids)})`;
  if (name === "append") return `edits.append(Prompt(tokens=TokenList(ids=${python(value.turn.tokens.ids)})), ${value.length})`;
  return `edits.${name}(${positions()})`;
}

/** What Client.create and Session.step call their own, and Python's words. */
const TAKEN = new Set(["prompt", "raw", "model", "length", "words", "sampler", "seed", "parameters", "count", "draft", "from_revision", "constraint", "cache", "special_tokens", "add_special_tokens", "lambda", "from", "in", "is"]);

/** @param {{ sampler: string, parameters?: Record<string, unknown>, seed?: string, constraint?: any, cache?: import("app/core/tree.js").CacheChoice }} settings */
function keywords({ sampler, parameters = {}, seed, constraint, cache }) {
  // Where a parameter is called as something else of the client's is, all go in a dictionary.
  const clash = Object.keys(parameters).some((name) => TAKEN.has(name));
  const own = clash ? [`parameters=${python(parameters)}`] : Object.entries(parameters).map(([name, value]) => `${name}=${python(value)}`);
  return [`sampler=${python(sampler)}`, ...own, ...(seed === undefined ? [] : [`seed=${seed}`]), ...(constraint ? [`constraint=${python(inPython(constraint))}`] : []), ...(cache ? [`cache=${python(cacheKeyword(cache))}`] : [])];
}

/** A name alone where nothing else is to be said. */
function cacheKeyword(/** @type {import("app/core/tree.js").CacheChoice} */ { name, parameters = {} }) {
  const set = Object.entries(parameters).filter(([, value]) => value !== null);
  return set.length ? { name, ...Object.fromEntries(set) } : name;
}

/** The client takes the texts of a choice, and names kinds as the protos do. */
const inPython = (/** @type {any} */ { choice, jsonSchema, ...others }) => (choice ? { choice: choice.options } : jsonSchema === undefined ? others : { json_schema: jsonSchema });

/** A program for the generated stubs. */
export function asGrpc(/** @type {Call[]} */ calls, address = "127.0.0.1:50051") {
  const [first, ...others] = calls;
  return lines([
    "import grpc",
    "from google.protobuf.json_format import ParseDict",
    "from unmask.v1 import model_service_pb2, session_service_pb2 as pb",
    "from unmask.v1.model_service_pb2_grpc import ModelServiceStub",
    "from unmask.v1.session_service_pb2_grpc import SessionServiceStub",
    "",
    branches(calls) ? `# ${EXACT}` : null,
    `channel = grpc.insecure_channel(${python(address)})`,
    "sessions = SessionServiceStub(channel)",
    `create = ${python(first.request)}`,
    "session = sessions.CreateSession(ParseDict(create, pb.CreateSessionRequest())).session",
    ...others.flatMap((one) => [
      told(one) ? `# ${told(one)}` : null,
      `list(sessions.${one.method}(ParseDict(${python(one.request)}, pb.${one.method}Request(session_id=session.id))))`,
    ]),
    "session = sessions.GetSession(pb.GetSessionRequest(session_id=session.id)).session",
    "ids = [token for token, state in list(zip(session.canvas.tokens, session.canvas.states))[session.prompt_length:] if state != 1]",
    "print(ModelServiceStub(channel).Detokenize(model_service_pb2.DetokenizeRequest(model=session.model, ids=ids)).text)",
  ]);
}

/** What stands for the session's id, which the answer to the first frame tells. */
export const SESSION_ID = "SESSION_ID";

/** The text frames that a browser sends to the gateway, in a list: each to be sent once the one before has its status. */
export function asJson(/** @type {Call[]} */ calls) {
  const frames = calls.map(({ method, request }, at) => ({
    id: at + 1,
    call: {
      method: `unmask.v1.SessionService/${method}`,
      request: { "@type": `type.googleapis.com/unmask.v1.${method}Request`, ...(at ? { sessionId: SESSION_ID } : {}), ...request },
    },
  }));
  return `[\n${frames.map((frame) => JSON.stringify(frame)).join(",\n")}\n]\n`;
}

/** What JSON has no comments for. */
export const notesOf = (/** @type {Call[]} */ calls) => calls.map(told).filter(Boolean);

const lines = (/** @type {(string | null)[]} */ all) => `${all.filter((line) => line !== null).join("\n")}\n`;

/** A value as Python writes it. A string of JSON is one of Python too. @returns {string} */
function python(/** @type {unknown} */ value) {
  if (value === null || value === undefined) return "None";
  if (typeof value === "boolean") return value ? "True" : "False";
  if (Array.isArray(value)) return `[${value.map(python).join(", ")}]`;
  if (typeof value === "object") return `{${Object.entries(value).map(([name, held]) => `${JSON.stringify(name)}: ${python(held)}`).join(", ")}}`;
  return JSON.stringify(value);
}
