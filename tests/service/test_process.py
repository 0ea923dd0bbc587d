"""The service as a process: killed in the middle, started again, stopped politely."""

import os
import signal
import subprocess
import sys

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from tests.patience import PATIENCE
from tests.service.calls import WAIT
from tests.service.process import ROOT
from unmask.v1 import model_service_pb2, session_pb2
from unmask.v1 import session_service_pb2 as pb


def test_a_killed_server_loses_nothing_that_it_sent_and_goes_on_with_the_same_tokens(start, api):
    """Then SIGTERM in the middle of a run: it ends at a boundary, and well."""
    prompt, length, chosen = [5, 6, 7], 300, {"seed": 11, "temperature": 1.0, "block_length": 100}
    first = start()
    one = first.ready()
    id = one.create(prompt, length, request_id="mine", **chosen).id
    call = one.sessions.Step(pb.StepRequest(session_id=id, draft=True, request_id="run"), timeout=WAIT)
    got = [next(call).frame for _ in range(6)]
    first.kill()
    got += drained(call)

    second = start()
    two = second.ready()
    health = health_pb2_grpc.HealthStub(two.channel)
    assert health.Check(health_pb2.HealthCheckRequest(), timeout=WAIT).status == health_pb2.HealthCheckResponse.SERVING
    now = two.get(id)
    assert got[-1].revision <= now.head_revision < length
    assert now.state == session_pb2.Session.STATE_IDLE
    assert two.create(prompt, length, request_id="mine").id == id
    watched = two.sessions.WatchSession(pb.WatchSessionRequest(session_id=id, after_revision=0), timeout=WAIT)
    assert [next(watched).frame for _ in got] == got
    watched.cancel()

    call = two.sessions.Step(pb.StepRequest(session_id=id), timeout=WAIT)
    seen = next(call).frame.revision
    second.send_signal(signal.SIGTERM)
    seen = max([seen, *(frame.revision for frame in drained(call))])
    assert second.wait(WAIT) == 0
    assert seen < length, "it was stopped in the middle"

    third = start()
    three = third.ready()
    assert three.get(id).head_revision >= seen
    three.step(id)
    same = api.create(prompt, length, **chosen)
    api.step(same.id)
    assert three.tokens(id) == api.tokens(same.id)

    # What the process began with is held by nothing of it: the answer comes once the model's memory is free.
    gone = three.models.UnloadModel(model_service_pb2.UnloadModelRequest(), timeout=WAIT).model
    assert gone.state == model_service_pb2.Model.STATE_UNLOADED


def drained(call):
    """The frames that still come before a call breaks off."""
    frames = []
    with pytest.raises(grpc.RpcError) as caught:
        for answer in call:
            frames.append(answer.frame)
    assert caught.value.code() == grpc.StatusCode.UNAVAILABLE
    return frames


@pytest.mark.parametrize(("variables", "words"), [
    ({"UNMASK_PORT": "high"}, "UNMASK_PORT"),
    ({"UNMASK_HOST": "0.0.0.0"}, "UNMASK_INSECURE"),
    ({"UNMASK_STORE": "/proc/nowhere/s"}, "/proc/nowhere/s"),
])
def test_a_setting_that_cannot_be_is_told_in_a_line(tmp_path, variables, words):
    environ = {**os.environ, "UNMASK_STORE": str(tmp_path / "s"), "UNMASK_PORT": "0", **variables}
    done = subprocess.run([sys.executable, "-m", "inference_service"], cwd=ROOT, env=environ, capture_output=True,
                          text=True, timeout=PATIENCE)
    assert done.returncode in (1, 2)
    assert words in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""
