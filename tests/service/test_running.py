"""Calls that overlap, end early or come twice: deadlines, cancelling, watching, replay, many at once."""

import queue
import threading

import grpc
import pytest
import torch
from grpc import StatusCode as Code

from inference_service.engine import faults
from inference_service.errors import InvalidField
from tests.fakes import MASK, FakeDenoiser
from tests.service.calls import WAIT, Api, read_refusal, refusal, settings
from unmask.v1 import session_pb2
from unmask.v1 import session_service_pb2 as pb


class Gate:
    """Lets the first `free` passes through and holds the others until opened."""

    def __init__(self, free=0):
        self.left, self.held, self.opened = free, threading.Event(), threading.Event()

    def __call__(self, canvases):
        self.left -= 1
        if self.left < 0:
            self.held.set()
            assert self.opened.wait(WAIT)


@pytest.fixture
def gate():
    gate = Gate(free=2)
    yield gate
    gate.opened.set()


class Watcher:
    """A WatchSession read by a thread of its own."""

    def __init__(self, api, session_id, after=None):
        self.call = api.sessions.WatchSession(pb.WatchSessionRequest(session_id=session_id, after_revision=after),
                                              timeout=WAIT)
        self.seen, self.ended = queue.Queue(), queue.Queue()
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self):
        try:
            for answer in self.call:
                if answer.WhichOneof("event") != "names" or answer.names.revisions:
                    self.seen.put(getattr(answer, answer.WhichOneof("event")))
        except grpc.RpcError as error:
            self.ended.put(read_refusal(error))

    def next(self, count):
        return [self.seen.get(timeout=WAIT) for _ in range(count)]


def begin(api, session_id, timeout=WAIT, **more):
    return api.sessions.Step(pb.StepRequest(session_id=session_id, **more), timeout=timeout)


# ---- ending early ----

def test_a_deadline_leaves_whole_revisions_and_a_free_session(api, fake, gate):
    session = api.create(model=fake(before=gate).name)
    refused = refusal(begin, api, session.id, timeout=1.5)
    assert refused.code == Code.DEADLINE_EXCEEDED
    threading.Timer(0.1, gate.opened.set).start()  # the pass that was running takes its time
    frame, = api.step(session.id, 1)
    assert frame.revision == api.get(session.id).head_revision <= 3  # fewer where two passes take all of the time
    assert len(api.step(session.id)) == 8 - frame.revision


def test_cancelling_stops_the_run_and_the_next_step_works_at_once(api, fake):
    name = fake(context=512, before=lambda canvases: threading.Event().wait(0.01)).name
    for _ in range(5):
        session = api.create(model=name, length=300)
        call = begin(api, session.id)
        got = [next(call).frame.revision for _ in range(3)]
        call.cancel()
        frame = None
        while frame is None:
            try:
                frame, = api.step(session.id, 1)
            except grpc.RpcError as error:  # two calls of one channel may arrive in either order
                assert read_refusal(error).reason == "SESSION_BUSY"
        now = api.get(session.id)
        assert got == [1, 2, 3]
        assert 3 < now.head_revision == frame.revision < 300
        assert now.state == session_pb2.Session.STATE_IDLE


def test_a_reader_that_stops_reading_blocks_nobody(api, fake):
    """The stream is full and its call cancelled in the middle of a write."""
    name = fake(context=512).name
    session = api.create(model=name, length=450)
    call = begin(api, session.id, draft=True)
    next(call)
    watcher = Watcher(api, session.id, after=0)
    watcher.next(200)
    assert api.step(api.create(model=name).id)
    call.cancel()
    before = api.get(session.id).head_revision
    assert before >= 200
    frame, = api.select(session.id, {10: 1})
    assert frame.revision > before - 1
    watcher.call.cancel()


def test_cancelling_a_look_disturbs_nothing(api, fake, gate):
    gate.left = 0
    session = api.create(model=fake(before=gate).name)
    call = api.sessions.Predict.future(pb.PredictRequest(session_id=session.id), timeout=WAIT)
    assert gate.held.wait(WAIT)
    call.cancel()
    gate.opened.set()
    assert len(api.step(session.id)) == 8


# ---- at the same time ----

def test_one_change_at_a_time(api, fake, gate):
    session = api.create(model=fake(before=gate).name, request_id="busy")
    call = begin(api, session.id)
    assert [next(call).frame.revision for _ in range(2)] == [1, 2]
    assert gate.held.wait(WAIT)
    for other in (lambda: api.step(session.id), lambda: api.select(session.id, {4: 1}),
                  lambda: api.rewind(session.id, 0), lambda: api.sessions.DeleteSession(
                      pb.DeleteSessionRequest(session_id=session.id))):
        refused = refusal(other)
        assert (refused.code, refused.reason) == (Code.ABORTED, "SESSION_BUSY")
    now = api.get(session.id)
    assert (now.state, now.head_revision) == (session_pb2.Session.STATE_RUNNING, 2)
    gate.opened.set()
    assert [answer.frame.revision for answer in call] == [3, 4, 5, 6, 7, 8]
    assert api.get(session.id).state == session_pb2.Session.STATE_COMPLETE


def test_too_many_calls_are_refused_with_a_time_to_come_back(serve, made_up_models):
    gate = Gate()
    made_up_models["slow"] = FakeDenoiser("slow", before=gate)
    with serve(model="slow", max_waiting=1, max_waiting_interactive=1) as server:
        api = Api(server)
        server.library.load("")
        sessions = [api.create().id for _ in range(3)]
        calls = [api.sessions.Predict.future(pb.PredictRequest(session_id=id), timeout=WAIT) for id in sessions[:1]]
        assert gate.held.wait(WAIT)
        run = begin(api, sessions[1])
        while api.get(sessions[1]).state != session_pb2.Session.STATE_RUNNING:
            pass
        before = api.standing(sessions[2])
        for call in (lambda: api.step(sessions[2]), lambda: api.predict(sessions[2])):
            refused = refusal(call)
            assert (refused.code, refused.reason) == (Code.RESOURCE_EXHAUSTED, "QUEUE_FULL")
            assert refused.retry > 0
        assert api.standing(sessions[2]) == before
        gate.opened.set()
        assert calls[0].result().prediction.revision == 0
        assert len(list(run)) == 8
        assert len(api.step(sessions[2])) == 8


def test_a_device_fault_is_told_and_reported(serve, made_up_models, monkeypatch):
    lost = torch.AcceleratorError("CUDA error: device-side assert triggered")

    def fails(device):
        raise lost

    monkeypatch.setattr(faults, "probe", fails)
    monkeypatch.setattr(faults, "_in_use", lambda: [None])

    def broken(canvases):
        if canvases[0][0] == 9:
            raise lost

    made_up_models["broken"] = FakeDenoiser("broken", before=broken)
    with serve(model="broken") as server:
        api = Api(server)
        server.library.load("")
        session = api.create((9,))
        refused = refusal(api.step, session.id)
        assert (refused.code, refused.reason) == (Code.INTERNAL, "DEVICE_ERROR")
        assert api.get(session.id).head_revision == 0
        patience = threading.Event()
        for _ in range(500):  # told to the loop right after
            if server._failed.is_set():
                break
            patience.wait(0.02)
        assert server._failed.is_set(), "run() ends the process with 1"


def test_eight_sessions_at_once_are_as_each_alone(api):
    def create(number):
        more = {3: {"cfg_scale": 1.0}, 5: {"sampler": "ranked", "strategy": "random"}, 6: {"remasking": "random"}}
        return api.create(list(range(1 + number, 3 + 2 * number)), 16, seed=number, temperature=1.0,
                          **more.get(number, {}))

    alone = []
    for number in range(8):
        session = create(number)
        api.step(session.id)
        alone.append(api.tokens(session.id))
    sessions = [create(number) for number in range(8)]
    ready, failed = threading.Barrier(8), []

    def run(session):
        ready.wait()
        try:
            api.step(session.id)
        except Exception as error:
            failed.append(error)

    threads = [threading.Thread(target=run, args=[session]) for session in sessions]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    assert not failed
    assert [api.tokens(session.id) for session in sessions] == alone


# ---- twice ----

def test_a_repeated_request_answers_as_the_first(api):
    session = api.create()
    frames = api.step(session.id, 3, request_id="a")
    assert api.step(session.id, 3, request_id="a") == frames
    assert api.step(session.id, request_id="a", expected_revision=0) == frames, "whatever it expected then"
    selected = api.select(session.id, {10: 4}, request_id="b")
    assert api.select(session.id, {10: 4}, request_id="b") == selected
    back = api.rewind(session.id, 1, request_id="c")
    assert api.rewind(session.id, 1, request_id="c") == back
    assert api.get(session.id).head_revision == 5
    *again, prediction = api.step(session.id, 3, request_id="a", predict=True)
    assert again == frames
    assert prediction.revision == 5


def test_a_request_id_belongs_to_its_session(api):
    for session in (api.create(), api.create()):
        assert [frame.revision for frame in api.step(session.id, 2, request_id="same")] == [1, 2]


def test_a_refused_request_can_be_sent_again(api):
    session = api.create()
    refusal(api.step, session.id, 1, request_id="x", settings=settings(steps=0))
    assert len(api.step(session.id, 1, request_id="x")) == 1


# ---- watching ----

def test_watching_from_the_beginning_tells_everything_once(api):
    session = api.create(seed=2, temperature=1)
    made = api.step(session.id, 3)
    watcher = Watcher(api, session.id)
    first, frame0, *rest = watcher.next(5)
    assert (first.id, first.revision, first.canvas) == (session.id, 0, session.canvas)
    assert (frame0.revision, frame0.parent_revision, frame0.cause) == (0, -1, 1)
    assert frame0.settings == session.settings
    assert rest == made
    made = api.step(session.id, 2) + api.select(session.id, {3: 9}) + api.rewind(session.id, 0) + api.step(session.id)
    assert watcher.next(len(made)) == made
    assert watcher.seen.empty()
    watcher.call.cancel()


def test_watching_goes_on_after_a_revision_for_any_number(api):
    session = api.create()
    made = api.step(session.id, 4)
    watchers = [Watcher(api, session.id, after) for after in (0, 2, 4)]
    made += api.step(session.id)
    assert [watcher.next(count) for watcher, count in zip(watchers, (8, 6, 4), strict=True)] == [
        made, made[2:], made[4:]]
    watchers[0].call.cancel()
    more = api.rewind(session.id, 1)
    assert watchers[1].next(1) == watchers[2].next(1) == more
    [watcher.call.cancel() for watcher in watchers]


def test_watching_ends_when_the_session_is_deleted(api):
    session, other = api.create(), api.create()
    watchers = [Watcher(api, session.id), Watcher(api, session.id, 0)]
    bystander = Watcher(api, other.id, 0)
    watchers[0].next(2)
    api.sessions.DeleteSession(pb.DeleteSessionRequest(session_id=session.id))
    for watcher in watchers:
        refused = watcher.ended.get(timeout=WAIT)
        assert (refused.code, refused.reason) == (Code.NOT_FOUND, "SESSION_NOT_FOUND")
    made = api.step(other.id, 1)
    assert bystander.next(1) == made
    bystander.call.cancel()


def test_a_watcher_that_leaves_is_forgotten(api):
    session = api.create()
    watchers = [Watcher(api, session.id) for _ in range(3)]
    [watcher.next(2) for watcher in watchers]
    listeners = api.server._sessions.get(session.id).listeners
    assert len(listeners) == 3
    [watcher.call.cancel() for watcher in watchers]
    patience = threading.Event()
    for _ in range(600):
        if not listeners:
            break
        patience.wait(0.1)
    assert not listeners


# ---- faults of one session ----

def test_a_session_of_another_model_of_the_same_name_is_refused_and_the_server_lives(api, fake):
    """As when a checkpoint is replaced: the store's sessions hold ids that the new one does not have."""
    def check(canvases):
        if any(canvas[0] == 12 for canvas in canvases):
            raise InvalidField("canvas", "holds a token id outside 0 to 11")

    name = fake(before=check).name
    lost, fine = api.create((12,), model=name), api.create((1,), model=name)
    refused = refusal(api.step, lost.id)
    assert (refused.code, refused.reason) == (Code.INVALID_ARGUMENT, "INVALID_FIELD")
    assert api.get(lost.id).head_revision == 0
    assert len(api.step(fine.id)) == 8
    assert MASK not in api.tokens(fine.id)
    assert not api.server._failed.is_set()
