import { test } from "node:test";
import assert from "node:assert/strict";
import * as protobuf from "app/net/protobuf.js";
import { ClientEnvelopeSchema, ServerEnvelopeSchema } from "app/net/gen/unmask/v1/envelope_pb.js";
import { BadRequestSchema, ErrorInfoSchema } from "app/net/gen/google/rpc/error_details_pb.js";
import { SessionService } from "app/net/gen/unmask/v1/session_service_pb.js";
import { Backoff } from "app/net/backoff.js";
import { Socket } from "app/net/socket.js";
import { Calls } from "app/net/calls.js";
import { Client } from "app/net/client.js";

/** Generated messages have no declarations. @type {any} */
const { create, fromBinary, toBinary } = protobuf;

globalThis.CustomEvent ??= /** @type {any} */ (class extends Event {
  /** @param {string} type  @param {{ detail?: unknown }} [more] */
  constructor(type, { detail } = {}) {
    super(type);
    this.detail = detail;
  }
});

/** A WebSocket whose other end is the test. */
class FakeWebSocket extends EventTarget {
  static all = [];
  sent = [];
  constructor() {
    super();
    FakeWebSocket.all.push(this);
  }
  send(bytes) {
    this.sent.push(fromBinary(ClientEnvelopeSchema, bytes));
  }
  open() {
    this.dispatchEvent(new Event("open"));
  }
  close() {
    this.dispatchEvent(new Event("close"));
  }
  tell(id, event) {
    const bytes = toBinary(ServerEnvelopeSchema, create(ServerEnvelopeSchema, { id, event }));
    const data = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength);
    this.dispatchEvent(Object.assign(new Event("message"), { data }));
  }
  answer(id, method, fields) {
    const typeUrl = `type.googleapis.com/${method.output.typeName}`;
    this.tell(id, { case: "message", value: { typeUrl, value: toBinary(method.output, create(method.output, fields)) } });
  }
  end(id, code = 0, message = "", details = []) {
    this.tell(id, { case: "status", value: { code, message, details } });
  }
}

function connected() {
  const waits = [];
  const socket = new Socket("ws://here/ws", { make: () => /** @type {any} */ (new FakeWebSocket()), backoff: new Backoff({ random: () => 1 }), wait: (run, ms) => (waits.push({ run, ms }), 0) });
  const calls = new Calls(socket);
  socket.connect();
  const wire = () => FakeWebSocket.all.at(-1);
  wire().open();
  return { socket, calls, client: new Client(calls), wire, waits };
}

const { watchSession, step, getSession } = SessionService.method;

test("waiting times grow to a limit and are spread", () => {
  const longest = new Backoff({ random: () => 1 });
  assert.deepEqual([1, 2, 3, 4, 5, 6, 7].map(() => longest.next()), [0.5, 1, 2, 4, 8, 10, 10]);
  longest.reset();
  assert.equal(longest.next(), 0.5);
  assert.equal(new Backoff({ random: () => 0 }).next(), 0.25);
});

test("a lost socket tries again, after the time it told", () => {
  const { socket, wire, waits } = connected();
  const told = [];
  socket.addEventListener("lost", (/** @type {any} */ { detail }) => told.push(detail));
  const first = wire();
  first.close();
  assert.deepEqual(told, [0.5]);
  assert.equal(socket.isOpen, false);
  waits.find(({ ms }) => ms === 500).run();
  assert.notEqual(wire(), first);
  wire().close();
  assert.deepEqual(told, [0.5, 1]);
});

test("a call carries its method and request, and yields what comes until the status", async () => {
  const { calls, wire } = connected();
  const got = [];
  const reading = (async () => {
    for await (const { event } of calls.stream(watchSession, { sessionId: "s", afterRevision: 4n })) got.push(Number(event.value.revision));
  })();
  await null;
  const [{ id, action }] = wire().sent;
  assert.equal(action.value.method, "unmask.v1.SessionService/WatchSession");
  assert.equal(action.value.request.typeUrl, "type.googleapis.com/unmask.v1.WatchSessionRequest");
  assert.equal(fromBinary(watchSession.input, action.value.request.value).afterRevision, 4n);
  wire().answer(id, watchSession, { event: { case: "frame", value: { revision: 5n } } });
  wire().answer(id, watchSession, { event: { case: "frame", value: { revision: 6n } } });
  wire().end(id);
  await reading;
  assert.deepEqual(got, [5, 6]);
  assert.equal(wire().sent.length, 1, "an ended call is not cancelled");
});

test("stopping sends a cancel, keeps what still comes and ends quietly", async () => {
  const { calls, wire } = connected();
  const stop = new AbortController();
  const got = [];
  const reading = (async () => {
    for await (const message of calls.stream(step, { sessionId: "s" }, { signal: stop.signal })) got.push(message);
  })();
  await null;
  const [{ id }] = wire().sent;
  stop.abort();
  assert.equal(wire().sent.at(-1).action.case, "cancel");
  wire().answer(id, step, { event: { case: "frame", value: { revision: 1n } } });
  wire().end(id, 1, "cancelled");
  await reading;
  assert.equal(got.length, 1);
  assert.equal(wire().sent.length, 2, "one cancel is enough");
});

test("leaving the loop cancels the call", async () => {
  const { calls, wire } = connected();
  const reading = (async () => {
    for await (const _ of calls.stream(step, {})) break;
  })();
  await null;
  wire().answer(wire().sent[0].id, step, {});
  await reading;
  assert.equal(wire().sent.at(-1).action.case, "cancel");
});

test("an error brings its reason and its fields", async () => {
  const { calls, wire } = connected();
  const asking = calls.unary(getSession, { sessionId: "x" });
  await null;
  const detail = (schema, fields) => ({ typeUrl: `type.googleapis.com/${schema.typeName}`, value: toBinary(schema, create(schema, fields)) });
  wire().end(wire().sent[0].id, 3, "session_id: unknown", [
    detail(ErrorInfoSchema, { reason: "INVALID_FIELD", metadata: { allowed: "1 to 2" } }),
    detail(BadRequestSchema, { fieldViolations: [{ field: "session_id", description: "unknown" }] }),
  ]);
  await assert.rejects(asking, (/** @type {any} */ error) => {
    assert.equal(error.code, 3);
    assert.equal(error.reason, "INVALID_FIELD");
    assert.deepEqual(error.metadata, { allowed: "1 to 2" });
    assert.deepEqual(error.fields, [{ field: "session_id", description: "unknown" }]);
    return true;
  });
});

test("a lost connection ends every call with UNAVAILABLE", async () => {
  const { calls, wire } = connected();
  const asking = calls.unary(getSession, {});
  await null;
  wire().close();
  await assert.rejects(asking, { code: 14, reason: "DISCONNECTED" });
  await assert.rejects(calls.unary(getSession, {}), { code: 14 }, "nor can one begin");
});

test("what the client gives is plain: numbers, null, text", async () => {
  const { client, wire } = connected();
  const creating = client.createSession({ prompt: "hi", chat: true, length: null, words: [{ offset: 5, text: " upon" }], settings: { sampler: "llada", parameters: { steps: 8 }, seed: "18446744073709551615" } });
  await null;
  const [{ id, action }] = wire().sent;
  const { createSession } = SessionService.method;
  const request = fromBinary(createSession.input, action.value.request.value);
  assert.equal(request.settings.seed, 18446744073709551615n);
  assert.deepEqual(request.settings.parameters, { steps: 8 });
  assert.equal(request.prompt.source.value.messages[0].content, "hi");
  assert.equal(request.length, undefined);
  assert.deepEqual(request.wordConstraints.map(({ offset, content }) => [offset, content.case, content.value]), [[5, "text", " upon"]]);
  assert.match(request.requestId, /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  wire().answer(id, createSession, { session: { id: "s", promptLength: 1, canvas: { tokens: [5, 0], states: [3, 1] }, settings: { sampler: "llada", seed: 7n } } });
  wire().end(id);
  const session = await creating;
  assert.deepEqual(session.tokens, [5, 0]);
  assert.deepEqual(session.settings, { sampler: "llada", parameters: {}, seed: "7", constraint: null, cache: null });

  const frames = [];
  const watching = (async () => {
    for await (const { frame } of client.watch("s", 0, {})) frames.push(frame);
  })();
  await null;
  const call = wire().sent.at(-1).id;
  const changes = [{ position: 1, token: 0, probability: 0.5 }, { position: 2 }];
  const draft = { positions: [1], tokens: [9], probabilities: Uint8Array.of(255), entropies: Uint8Array.of(0), predictedAt: 0n };
  wire().answer(call, watchSession, { event: { case: "frame", value: { revision: 1n, parentRevision: 0n, cause: 2, changes, draft, substep: "final", summary: { computeTime: { seconds: 1n, nanos: 5e8 }, totalWallTime: { seconds: 3n }, pending: true, tokensBeforeEnd: 0 } } } });
  wire().end(call);
  await watching;
  const [frame] = frames;
  assert.deepEqual([frame.revision, frame.parent, frame.cause, frame.draft.predictedAt, frame.summary.seconds, frame.settings], [1, 0, "step", 0, 1.5, null]);
  assert.deepEqual(frame.changes, [{ position: 1, token: 0, probability: 0.5, given: false }, { position: 2, token: null, probability: null, given: false }]);
  assert.deepEqual([frame.substep, frame.summary.totalWallSeconds, frame.summary.pending, frame.summary.tokensBeforeEnd], ["final", 3, true, 0]);
});

test("a proposal has three kinds of changes, a reprocessing the weighing of one position", async () => {
  const { client, wire } = connected();
  const { propose, reprocess } = SessionService.method;
  const proposing = client.propose("s", 4, null, {});
  await null;
  const proposal = { revision: 4n, commits: [{ position: 1, token: 9, probability: 0.5 }], edits: [{ position: 2, token: 8, probability: 0.25 }], reopens: [{ position: 7 }] };
  wire().answer(wire().sent.at(-1).id, propose, proposal);
  wire().end(wire().sent.at(-1).id);
  assert.deepEqual(await proposing, {
    revision: 4,
    commits: [{ position: 1, token: 9, probability: 0.5 }],
    edits: [{ position: 2, token: 8, probability: 0.25 }],
    reopens: [7],
  });

  const trying = client.reprocess({ sessionId: "s", revision: 4, position: 5, settings: { sampler: "llada", parameters: { top_k: 2 }, seed: null }, count: 10 });
  await null;
  const { id, action } = wire().sent.at(-1);
  const request = fromBinary(reprocess.input, action.value.request.value);
  assert.deepEqual([request.revision, request.positions, request.candidateCount, request.settings.parameters, request.settings.seed], [4n, [5], 10, { top_k: 2 }, undefined]);
  const candidates = [{ position: 5, keptCount: 2, margin: 0.25, candidates: [{ token: 9, pBase: 0.5, pFinal: 1, kept: true }] }];
  wire().answer(id, reprocess, { revision: 4n, candidates, recomputed: true });
  wire().end(id);
  const weighing = await trying;
  assert.deepEqual([weighing.position, weighing.keptCount, weighing.margin, weighing.recomputed], [5, 2, 0.25, true]);
});

test("a call that adds frames says from where, an edit what is done", async () => {
  const { client, wire } = connected();
  const { edit, rewind, step: stepping } = SessionService.method;
  const asked = async (events, method) => {
    const reading = (async () => {
      for await (const _ of events);
    })();
    await null;
    const { id, action } = wire().sent.at(-1);
    wire().end(id);
    await reading;
    return fromBinary(method.input, action.value.request.value);
  };
  const edits = [
    { case: "replace", value: { position: 3, count: 1, content: { case: "text", value: " red" } } },
    { case: "mask", value: { positions: [4, 5] } },
  ];
  const place = { sessionId: "s", expected: 7, from: 2 };
  const request = await asked(client.edit({ ...place, edits, predict: true }, {}), edit);
  assert.deepEqual([request.expectedRevision, request.fromRevision, request.predict], [7n, 2n, true]);
  assert.deepEqual(request.edits.map(({ operation }) => operation.case), ["replace", "mask"]);
  assert.deepEqual([request.edits[0].operation.value.content.value, request.edits[1].operation.value.positions], [" red", [4, 5]]);
  assert.equal((await asked(client.step({ ...place, from: null, count: 1, settings: null, predict: false }, {}), stepping)).fromRevision, undefined);
  assert.equal((await asked(client.step({ ...place, from: 0, count: 1, settings: null, predict: false }, {}), stepping)).fromRevision, 0n);
  const ways = [];
  for (const to of /** @type {const} */ ([3, "undo", "redo"])) {
    const { revision, direction } = await asked(client.rewind({ sessionId: "s", expected: 7, to }, {}), rewind);
    ways.push([Number(revision), direction]);
  }
  assert.deepEqual(ways, [[3, 0], [0, 1], [0, 2]]);
});

test("a watch tells of names and of a history cut short", async () => {
  const { client, wire } = connected();
  const told = [];
  const watching = (async () => {
    for await (const event of client.watch("s", null, {})) told.push(event);
  })();
  await null;
  const { id } = wire().sent.at(-1);
  const canvas = { tokens: [5, 6], states: [3, 2], byHand: [1], protected: [1] };
  const splices = [{ position: 1, removed: 1, inserted: 2 }];
  for (const event of [
    { case: "session", value: { id: "s", revision: 4n, firstRevision: 4n, readOnly: true, canvas } },
    { case: "names", value: { revisions: { "first try": 9n } } },
    { case: "trimmed", value: { firstRevision: 6n } },
    { case: "frame", value: { revision: 5n, parentRevision: 4n, cause: 5, splices, promptLength: 2, protected: [0], unprotected: [1], readOnly: true, changes: [{ position: 1, token: 9, given: true }] } },
  ]) wire().answer(id, watchSession, { event });
  wire().end(id);
  await watching;
  const [{ session }, { names }, { trimmed }, { frame }] = told;
  assert.deepEqual([session.revision, session.readOnly, session.byHand, session.protected], [4, true, [1], [1]]);
  assert.deepEqual([...names], [["first try", 9]]);
  assert.equal(trimmed, 6);
  assert.deepEqual([frame.cause, frame.splices, frame.promptLength, frame.protected, frame.unprotected, frame.readOnly, frame.changes[0].given], ["edit", splices, 2, [0], [1], true, true]);
});
