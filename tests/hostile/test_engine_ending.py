"""SIGTERM ends the process whatever it does, and an engine that is dead or stuck ends it by itself.

How long that may take is a number in `inference_service.ending`; here it is enough that it ends at all, as without it
none of these would.
"""

from pathlib import Path

import grpc
import pytest
from grpc import StatusCode as Code
from grpc_health.v1 import health_pb2, health_pb2_grpc

from inference_service import ending
from inference_service.rpc import server
from tests.hostile.held_service import HELD
from tests.patience import PATIENCE as WAIT
from tests.service.calls import read_refusal
from tests.service.process import Process
from unmask.v1 import session_service_pb2 as pb

SCRIPT = Path(__file__).with_name("held_service.py")


class Held(Process):
    """A service that holds something."""

    def held(self):
        assert self.printed.get(timeout=WAIT) == HELD


@pytest.fixture
def start(tmp_path):
    started = []

    def start(what, **variables):
        started.append(Held(tmp_path / "sessions.sqlite3", SCRIPT, what, **variables))
        return started[-1]

    yield start
    for one in started:
        one.kill()
        one.wait(WAIT)


def test_the_bounds_leave_room():
    parts = server.PASS_SECONDS + 1 + server.CALLS_SECONDS + server.STORE_SECONDS
    assert parts < ending.GRACE < 10


def test_while_a_pass_does_not_end(start):
    """Every open call is answered."""
    service = start("hold_pass")
    api = service.ready()
    session = api.create().id
    watch = api.sessions.WatchSession(pb.WatchSessionRequest(session_id=session), timeout=WAIT)
    next(watch)
    step = api.sessions.Step(pb.StepRequest(session_id=session), timeout=WAIT)
    service.held()
    looks = [api.sessions.Predict.future(pb.PredictRequest(session_id=session), timeout=WAIT) for _ in range(3)]
    service.terminate()
    for answer in (lambda: list(step), *(look.result for look in looks)):
        with pytest.raises(grpc.RpcError) as caught:
            answer()
        assert read_refusal(caught.value).code == Code.UNAVAILABLE
    with pytest.raises(grpc.RpcError):
        list(watch)
    assert service.wait(WAIT) == 0


@pytest.mark.parametrize("what", ["hold_loader", "hold_another_thread"])
def test_while_a_thread_does_not_end(start, what):
    service = start(what)
    service.held()
    if what != "hold_loader":
        service.ready()
    service.terminate()
    assert service.wait(WAIT) == 0


@pytest.mark.parametrize("what", ["hold_loop", "hold_pool"])
def test_while_the_event_loop_or_every_thread_of_its_pool_is_held(start, what):
    service = start(what)
    api = service.ready()
    service.held()
    call = api.sessions.GetSession.future(pb.GetSessionRequest(session_id="none"), timeout=WAIT)
    service.terminate()
    assert call.exception() is not None
    assert service.wait(WAIT) == 0


def test_while_the_store_does_not_answer(start):
    service = start("hold_store")
    api = service.ready()
    session = api.create().id
    step = api.sessions.Step(pb.StepRequest(session_id=session), timeout=WAIT)
    service.held()
    service.terminate()
    with pytest.raises(grpc.RpcError):
        list(step)
    assert service.wait(WAIT) == 0


def test_a_dead_engine_is_said_by_health_and_ends_the_process(start):
    check_fault(start("kill_engine"), "ENGINE_DEAD")


def test_a_stuck_engine_is_said_by_health_and_ends_the_process(start):
    service = start("hold_pass", UNMASK_STALL_SECONDS="1")
    check_fault(service, "ENGINE_STALLED")
    assert any("stuck in a pass of" in line for line in service.errors), service.errors


def check_fault(service, reason):
    api = service.ready()
    session = api.create().id
    health = health_pb2_grpc.HealthStub(api.channel).Watch(health_pb2.HealthCheckRequest(), timeout=WAIT)
    assert next(health).status == health_pb2.HealthCheckResponse.SERVING
    step = api.sessions.Step(pb.StepRequest(session_id=session), timeout=WAIT)
    with pytest.raises(grpc.RpcError) as caught:
        list(step)
    refused = read_refusal(caught.value)
    assert (refused.code, refused.reason) == (Code.UNAVAILABLE, reason)
    assert refused.retry
    assert next(health).status == health_pb2.HealthCheckResponse.NOT_SERVING
    assert service.wait(WAIT) == 1
