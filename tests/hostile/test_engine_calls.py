"""Calls that are ended in every way a caller has, while the engine works for them: it outlives all of them."""

import threading
import time
from dataclasses import replace
from types import SimpleNamespace

import grpc
import pytest
import torch
from grpc import StatusCode as Code
from grpc_health.v1 import health_pb2, health_pb2_grpc

from inference_service.config import Config
from inference_service.local import running
from inference_service.models import library
from inference_service.rpc.admission import Kind
from inference_service.rpc.session.step import KEPT_FOR_READER
from inference_service.sampling.registry import SAMPLERS
from tests.fakes import FakeDenoiser
from tests.service.calls import WAIT, Api, refusal
from unmask.v1 import session_service_pb2 as pb


@pytest.fixture(scope="module")
def api(tmp_path_factory):
    """A server that loads made-up models alone: `api.fakes`, by name."""
    fakes = {}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(library, "load", lambda source, **more: fakes[source])
        store = tmp_path_factory.mktemp("store") / "sessions.sqlite3"
        with running(Config(port=0, store=str(store), model="none", model_policy="local")) as server:
            api = Api(server)
            api.fakes = fakes
            yield api
            api.channel.close()


@pytest.fixture
def fake(api):
    def make(**options):
        name = f"made-up-{len(api.fakes)}"
        api.fakes[name] = FakeDenoiser(name, **options)
        api.server.library.load(name)
        return SimpleNamespace(name=name, model=api.fakes[name])

    return make


class Gate:
    """Lets one pass through and holds the next."""

    def __init__(self):
        self.left, self.held, self.opened = 1, threading.Event(), threading.Event()

    def __call__(self, canvases):
        self.left -= 1
        if self.left < 0:
            self.held.set()
            assert self.opened.wait(WAIT)


@pytest.fixture
def gate():
    gate = Gate()
    yield gate
    gate.opened.set()


def rewind(api, session):
    return api.sessions.Rewind(pb.RewindRequest(session_id=session, revision=0), timeout=0.02)


def step(api, session):
    return api.sessions.Step(pb.StepRequest(session_id=session, count=1), timeout=0.02)


def select(api, session):
    return api.sessions.Select(pb.SelectRequest(session_id=session, selections=[pb.Selection(position=4, token=1)]),
                               timeout=0.02)


def delete(api, session):
    return api.sessions.DeleteSession.with_call(pb.DeleteSessionRequest(session_id=session), timeout=0.02)


@pytest.mark.parametrize("change", [rewind, step, select, delete])
def test_who_gives_up_waiting_for_a_stopped_run_takes_nothing_with_it(api, fake, gate, change):
    model = fake(before=gate)
    session = api.create(model=model.name).id
    run = api.sessions.Step(pb.StepRequest(session_id=session), timeout=WAIT)
    next(run)
    assert gate.held.wait(WAIT)
    run.cancel()
    refused = refusal(change, api, session)
    assert refused.code == Code.DEADLINE_EXCEEDED
    deadline = time.monotonic() + WAIT
    while api.server.admission.calls(Kind.INTERACTIVE):  # the server has not heard of it yet, and would go on
        assert time.monotonic() < deadline
    gate.opened.set()
    other = api.create(model=model.name).id
    assert len(api.step(other)) == 8, "the engine lives"
    frame, = api.rewind(session, 0)
    assert frame.revision >= 2
    health = health_pb2_grpc.HealthStub(api.channel)
    assert health.Check(health_pb2.HealthCheckRequest(), timeout=WAIT)


def test_a_look_that_is_given_up_takes_nothing_with_it(api, fake, gate):
    gate.left = 0
    model = fake(before=gate)
    session = api.create(model=model.name).id
    call = api.sessions.Predict.future(pb.PredictRequest(session_id=session), timeout=0.02)
    assert call.code() == Code.DEADLINE_EXCEEDED
    gate.opened.set()
    assert len(api.step(session)) == 8


@pytest.mark.parametrize("fail", [lambda: torch.empty(1 << 60), lambda: exec("raise MemoryError")],
                         ids=["torch", "python"])
def test_memory_that_a_pass_does_not_get_is_the_callers_to_wait_for(api, fake, fail):
    def before(canvases):
        if any(canvas[0] == 9 for canvas in canvases):
            fail()

    model = fake(before=before)
    greedy, modest = api.create((9,), model=model.name).id, api.create((1,), model=model.name).id
    for call in (lambda: api.step(greedy), lambda: api.predict(greedy)):
        refused = refusal(call)
        assert (refused.code, refused.reason) == (Code.RESOURCE_EXHAUSTED, "OUT_OF_MEMORY")
        assert refused.retry
    assert api.get(greedy).head_revision == 0
    assert len(api.step(modest)) == 8
    assert not api.server._failed.is_set()


@pytest.mark.parametrize("error", [TypeError, ValueError, KeyError, ZeroDivisionError, AttributeError, RuntimeError])
@pytest.mark.parametrize("sampler", ["llada", "klass", "credit"])
def test_a_samplers_own_error_is_ours_and_no_fault_of_the_state(api, fake, monkeypatch, caplog, sampler, error):
    model = fake()
    session = api.create(model=model.name, sampler=sampler).id
    api.step(session, 2)
    assert api.server._sessions.get(session).session.state().sampler_state

    def broken(prediction, context):
        raise error("secret")

    monkeypatch.setitem(SAMPLERS, sampler, replace(SAMPLERS[sampler], propose=broken))
    refused = refusal(api.step, session, 1)
    assert (refused.code, refused.reason) == (Code.INTERNAL, "INTERNAL")
    assert "secret" not in refused.message
    assert [record for record in caplog.records if record.exc_info and record.exc_info[0] is error]
    monkeypatch.undo()
    frame, = api.step(session, 1)
    assert frame.revision == 3


def test_overlapping_calls_that_end_at_random_leave_a_working_engine(api, fake):
    """Deadlines from none to plenty on every call that waits for the engine, all on a few sessions at once."""
    model = fake(context=128)
    sessions = [api.create(model=model.name, length=60).id for _ in range(4)]
    unexpected = []

    def go(number):
        session, short = sessions[number % 4], 0.001 * (number % 7 + 1)
        for turn, call in enumerate((
                lambda timeout: list(api.sessions.Step(pb.StepRequest(session_id=session), timeout=timeout)),
                lambda timeout: list(api.sessions.Rewind(pb.RewindRequest(session_id=session, revision=0),
                                                         timeout=timeout)),
                lambda timeout: api.sessions.Predict(pb.PredictRequest(session_id=session), timeout=timeout),
                lambda timeout: api.sessions.Propose(pb.ProposeRequest(session_id=session), timeout=timeout)) * 3):
            try:
                call(short * (turn + 1))
            except grpc.RpcError as error:
                if error.code() not in (Code.DEADLINE_EXCEEDED, Code.ABORTED, Code.FAILED_PRECONDITION,
                                        Code.RESOURCE_EXHAUSTED):
                    unexpected.append(error)

    threads = [threading.Thread(target=go, args=(number,)) for number in range(12)]
    [thread.start() for thread in threads]
    [thread.join(WAIT) for thread in threads]
    assert not unexpected
    for session in sessions:
        api.rewind(session, 0)
        assert len(api.step(session)) == 60
    assert not api.server._failed.is_set()


def test_an_engine_that_is_faster_than_the_call_loses_no_frame_of_it(api, fake, monkeypatch):
    """All steps are done before the call reads the first, and more of them than are kept in memory for it."""
    length = 2 * KEPT_FOR_READER
    session = api.create(model=fake(context=1024).name, length=length, steps=length).id
    submit = api.server._engine.submit

    def done(job, interactive):
        ticket = submit(job, interactive)
        ticket.result.result(WAIT)
        return ticket

    monkeypatch.setattr(api.server._engine, "submit", done)
    assert [frame.revision for frame in api.step(session)] == list(range(1, length + 1))
