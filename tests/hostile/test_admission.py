"""Too much at once: every call ends in its answer or in a refusal that says whose limit it is and when to come back.

Servers here have small bounds; health is answered whatever is refused.
"""

import re
import threading
from contextlib import contextmanager

import grpc
import pytest
from grpc import StatusCode as Code
from grpc_health.v1 import health_pb2, health_pb2_grpc

from inference_service.config import Config
from inference_service.errors import Exhausted
from inference_service.rpc.admission import Admission, Bound, Kind
from inference_service.rpc.server import admission_for
from tests.conftest import GOLDEN
from tests.fakes import FakeDenoiser
from tests.service.calls import WAIT, Api, read_refusal, refusal
from unmask.v1 import model_service_pb2 as models_pb
from unmask.v1 import prompt_pb2, session_pb2
from unmask.v1 import session_service_pb2 as pb
from unmask.v1.session_service_pb2_grpc import SessionServiceStub
from web_gateway.config import Settings


class Gate:
    """Holds passes until it is opened."""

    def __init__(self):
        self.held, self.opened = threading.Event(), threading.Event()

    def __call__(self, canvases):
        self.held.set()
        assert self.opened.wait(WAIT)


@pytest.fixture
def gate(made_up_models):
    gate = Gate()
    made_up_models["gated"] = FakeDenoiser("gated", before=gate)
    yield gate
    gate.opened.set()


@contextmanager
def client(server):
    """Somebody on a connection of their own."""
    api = Api(server)
    api.health = health_pb2_grpc.HealthStub(api.channel)
    try:
        yield api
    finally:
        api.channel.close()


def exhausted(refused, reason, limit, scope):
    assert refused.code is Code.RESOURCE_EXHAUSTED
    assert (refused.reason, refused.metadata) == (reason, {"limit": str(limit), "scope": scope})
    assert refused.retry > 0


def healthy(api):
    return api.health.Check(health_pb2.HealthCheckRequest(), timeout=WAIT).status


def watch(api, id):
    """A session followed, once the server has taken the call up."""
    call = api.sessions.WatchSession(pb.WatchSessionRequest(session_id=id), timeout=WAIT)
    next(call)
    return call


def refused_watch(api, id):
    return refusal(api.sessions.WatchSession, pb.WatchSessionRequest(session_id=id), timeout=WAIT)


def test_watchers_are_bounded_and_everything_else_goes_on(serve, gate):
    with serve(model="gated", connection_watches=2, max_watches=3) as server, client(server) as one, client(
            server) as other:
        server.library.load("")
        id = one.create().id
        watches = [watch(one, id) for _ in range(2)]
        exhausted(refused_watch(one, id), "TOO_MANY_WATCHES", 2, "connection")
        watches.append(watch(other, id))
        exhausted(refused_watch(other, id), "TOO_MANY_WATCHES", 3, "server")
        for api in (one, other):
            assert healthy(api) == health_pb2.HealthCheckResponse.NOT_SERVING
            assert api.get(id).id == id
            assert len(api.sessions.ListSessions(pb.ListSessionsRequest()).sessions) == 1
        watches[0].cancel()
        assert eventually(lambda: watch(one, id))


def eventually(call):
    """The call's answer, once its place is free: the server learns of a cancelled call in its own time."""
    while True:
        try:
            return call()
        except grpc.RpcError as error:
            assert read_refusal(error).code is Code.RESOURCE_EXHAUSTED


def test_watches_of_health_are_bounded_and_checks_are_not(serve):
    with serve(connection_watches=1) as server, client(server) as api:
        followed = api.health.Watch(health_pb2.HealthCheckRequest(), timeout=WAIT)
        assert next(followed).status == health_pb2.HealthCheckResponse.NOT_SERVING
        exhausted(refusal(api.health.Watch, health_pb2.HealthCheckRequest(), timeout=WAIT), "TOO_MANY_WATCHES", 1,
                  "connection")
        checks = [api.health.Check.future(health_pb2.HealthCheckRequest(), timeout=WAIT) for _ in range(100)]
        assert all(check.result().status for check in checks)
        followed.cancel()


def test_runs_are_bounded_and_leave_room_for_a_single_step(serve, gate):
    with serve(model="gated", connection_streams=1, max_streams=2) as server, client(server) as one, client(
            server) as other, client(server) as third:
        server.library.load("")
        ids = [one.create().id for _ in range(5)]
        runs = [api.sessions.Step(pb.StepRequest(session_id=id, count=0), timeout=WAIT)
                for api, id in ((one, ids[0]), (other, ids[1]))]
        assert gate.held.wait(WAIT)
        taken = Admitted(server)
        taken.wait_for(Kind.STREAM, 2)
        exhausted(refusal(one.step, ids[2]), "TOO_MANY_STREAMS", 1, "connection")
        exhausted(refusal(third.step, ids[2]), "TOO_MANY_STREAMS", 2, "server")
        steps = [api.sessions.Step(pb.StepRequest(session_id=id, count=1), timeout=WAIT)
                 for api, id in ((one, ids[3]), (third, ids[4]))]
        taken.wait_for(Kind.INTERACTIVE, 2)
        assert one.get(ids[0]).id == ids[0]
        gate.opened.set()
        assert [len(list(call)) for call in steps] == [1, 1]
        assert [len(list(call)) for call in runs] == [8, 8]
        assert len(one.step(ids[2])) == 8


class Admitted:
    """How many calls a server has let in: to wait until what was sent has come."""

    def __init__(self, server):
        self._admission = server.admission

    def wait_for(self, kind, count):
        while self._admission.calls(kind) != count:
            threading.Event().wait(0.01)


def test_interactive_calls_are_bounded_by_connection(serve, gate):
    with serve(model="gated", connection_interactive=2) as server, client(server) as one, client(server) as other:
        server.library.load("")
        id = one.create().id
        waiting = [one.sessions.Predict.future(pb.PredictRequest(session_id=id), timeout=WAIT) for _ in range(2)]
        Admitted(server).wait_for(Kind.INTERACTIVE, 2)
        exhausted(refusal(one.get, id), "TOO_MANY_CALLS", 2, "connection")
        assert healthy(one)
        assert other.get(id).id == id
        gate.opened.set()
        assert all(call.result().prediction.draft.tokens for call in waiting)
        assert one.get(id).id == id


def test_an_interactive_call_has_a_place_in_a_queue_full_of_runs(serve, gate):
    with serve(model="gated", max_waiting=1) as server, client(server) as api:
        server.library.load("")
        ids = [api.create().id for _ in range(3)]
        run = api.sessions.Step(pb.StepRequest(session_id=ids[0]), timeout=WAIT)
        assert gate.held.wait(WAIT)
        exhausted(refusal(api.step, ids[1]), "QUEUE_FULL", 1, "server")
        predicted = api.sessions.Predict.future(pb.PredictRequest(session_id=ids[2]), timeout=WAIT)
        Admitted(server).wait_for(Kind.INTERACTIVE, 1)
        gate.opened.set()
        assert predicted.result().prediction.draft.tokens
        assert len(list(run)) == 8


def test_the_bytes_of_a_connection_are_bounded(serve):
    with serve(connection_bytes=4 << 20) as server, client(server) as one, client(server) as other:
        sent = []

        def pieces():
            for _ in range(64):
                sent.append(1)
                yield pb.ImportRequest(chunk=bytes(1 << 20))

        refused = refusal(one.sessions.Import, pieces(), timeout=WAIT)
        exhausted(refused, "TOO_MANY_BYTES", 4 << 20, "connection")
        assert refusal(one.get, "x").reason == refusal(other.get, "x").reason == "SESSION_NOT_FOUND"
        again = refusal(one.sessions.Import, iter([pb.ImportRequest(chunk=bytes(1 << 20))] * 3), timeout=WAIT)
        assert again.code is Code.INVALID_ARGUMENT, "what the first call held is free again"


def test_a_burst_while_the_loop_is_busy_is_answered_or_refused(serve, monkeypatch):
    """Calls that wait to be taken up: gRPC would drop some as CANCELLED, and say nothing of it."""
    opened = threading.Event()
    with serve(connection_interactive=50) as server, client(server) as api, client(server) as busy:
        monkeypatch.setattr(server.library, "names", lambda: opened.wait(WAIT) and [])
        holding = busy.models.ListModels.future(models_pb.ListModelsRequest(), timeout=WAIT)
        calls = [api.sessions.GetSession.future(pb.GetSessionRequest(session_id="x"), timeout=WAIT)
                 for _ in range(1600)]
        threading.Timer(2, opened.set).start()  # however many have come by then: all of them must end well
        ends = [read_refusal(call.exception()) for call in calls]
        assert not holding.exception()
        assert {(end.code, end.reason) for end in ends} <= {
            (Code.NOT_FOUND, "SESSION_NOT_FOUND"), (Code.RESOURCE_EXHAUSTED, "TOO_MANY_CALLS")}
        assert all(end.retry for end in ends if end.code is Code.RESOURCE_EXHAUSTED)


def test_2000_runs_at_once_end_in_frames_or_in_a_typed_refusal(serve, made_up_models):
    made_up_models["quick"] = FakeDenoiser("quick")
    with serve(model="quick", connection_streams=64, max_waiting=32) as server, client(server) as api:
        server.library.load("")
        ids = [api.create().id for _ in range(40)]
        calls = [api.sessions.Step(pb.StepRequest(session_id=ids[number % 40]), timeout=WAIT)
                 for number in range(2000)]
        ends = set()
        for call in calls:
            try:
                ends.add(f"{len(list(call))} frames")
            except grpc.RpcError as error:
                refused = read_refusal(error)
                assert refused.code is not Code.RESOURCE_EXHAUSTED or refused.retry
                ends.add(refused.reason)
        # A session that another of these calls has run to its end, or runs, is refused like anybody's.
        assert ends <= {"8 frames", "TOO_MANY_STREAMS", "QUEUE_FULL", "SESSION_BUSY", "CANVAS_COMPLETE",
                        "SERVER_BUSY"}
        assert {"8 frames", "TOO_MANY_STREAMS"} <= ends


def test_a_slow_reader_gets_every_frame_of_its_run(serve, made_up_models):
    """More frames than are kept for a reader: the rest comes from the store."""
    made_up_models["long"] = FakeDenoiser("long", context=600)
    with serve(model="long") as server, client(server) as api:
        server.library.load("")
        prompt = prompt_pb2.Prompt(tokens=prompt_pb2.TokenList(ids=[1, 2]))
        id = api.sessions.CreateSession(pb.CreateSessionRequest(prompt=prompt, length=512)).session.id
        # Flow control as tight as a gateway's: what is not read stays with the server.
        narrow = grpc.insecure_channel(server.address, options=[("grpc.http2.bdp_probe", 0)])
        call = SessionServiceStub(narrow).Step(pb.StepRequest(session_id=id, draft=True), timeout=WAIT)
        while api.get(id).state != session_pb2.Session.STATE_COMPLETE:  # it runs on by itself, and nobody reads
            threading.Event().wait(0.01)
        frames = [answer.frame.revision for answer in call]
        assert frames == list(range(1, api.get(id).head_revision + 1))
        narrow.close()


def test_the_gateway_fits_the_bounds_of_a_connection():
    """All that a gateway lets in comes over one connection."""
    gateway = Settings()
    config = Config()
    bounds = admission_for(config)
    for most in (config.connection_interactive, config.connection_streams, config.connection_watches):
        assert most >= gateway.max_calls
    assert config.connection_watches >= 2 * gateway.max_sockets, "two sessions compared in every page"
    assert config.connection_bytes >= gateway.max_recording_bytes
    assert bounds.most_calls > config.connection_interactive + config.connection_streams + config.connection_watches


def test_the_limits_are_documented_as_they_are():
    page = (GOLDEN.parents[2] / "docs" / "limits.md").read_text()
    told = dict(re.findall(r"^\| `UNMASK_(\w+)` \| ([^|]+?) \|", page, re.M))
    units = {"": 1, "MiB": 1 << 20, "GiB": 1 << 30}
    for name, default in told.items():
        number, _, unit = default.partition(" ")
        assert Config.model_fields[name.lower()].default == int(number) * units[unit], name
    assert {name for name in Config.model_fields if name.startswith(("connection_", "max_waiting"))} <= {
        name.lower() for name in told}


def test_places_and_bytes_are_given_back():
    admission = Admission({kind: Bound(1, 2) for kind in Kind}, Bound(10, 15))
    one = admission.take(Kind.WATCH, "one")
    one.hold(10)
    with pytest.raises(Exhausted):
        one.hold(1)
    with pytest.raises(Exhausted):
        admission.take(Kind.WATCH, "one")
    other = admission.take(Kind.WATCH, "other")
    with pytest.raises(Exhausted) as caught:
        other.hold(6)
    assert caught.value.metadata["scope"] == "server"
    with pytest.raises(Exhausted) as caught:
        admission.take(Kind.WATCH, "third")
    assert caught.value.metadata["scope"] == "server"
    one.close()
    other.hold(6)
    assert admission.take(Kind.WATCH, "one")
    other.close()
    assert admission.calls(Kind.WATCH) == 1
