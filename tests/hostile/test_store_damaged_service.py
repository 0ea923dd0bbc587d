"""A damaged session through the API: what is sound is served, what is not is refused by name, and it can be deleted."""

import sqlite3
from contextlib import closing

import grpc
import pytest
from google.protobuf.json_format import MessageToDict
from google.rpc import error_details_pb2
from grpc_status import rpc_status

from inference_service.config import Config
from inference_service.local import running
from tests.conftest import GOLDEN
from tests.service.calls import Api
from unmask.v1 import session_service_pb2 as pb

WAIT = 100
STEPS, DAMAGED = 6, 4


@pytest.fixture
def service(tmp_path):
    """A server on a file in which a frame of a session was damaged, as it is after a restart; and another session."""
    store = str(tmp_path / "s.sqlite3")
    config = Config(port=0, store=store, model=str(GOLDEN))
    with running(config) as server:
        api = Api(server)
        api.load("")
        one, other = api.create(length=8, steps=8).id, api.create().id
        api.step(one, STEPS)
        api.channel.close()
    with closing(sqlite3.connect(store)) as db, db:
        (body,), = db.execute("SELECT content FROM frame WHERE session_id = ? AND revision = ?",
                              (one, DAMAGED)).fetchall()
        data = bytearray(body)
        data[len(data) // 2] ^= 1
        db.execute("UPDATE frame SET content = ? WHERE session_id = ? AND revision = ?", (bytes(data), one, DAMAGED))
    with running(config) as server:
        api = Api(server)
        api.load("")
        yield api, one, other
        api.channel.close()


def damage(call, request):
    with pytest.raises(grpc.RpcError) as caught:
        found = call(request, timeout=WAIT)
        if hasattr(found, "__next__"):
            list(found)
    assert caught.value.code() == grpc.StatusCode.DATA_LOSS, caught.value
    info = error_details_pb2.ErrorInfo()
    assert any(detail.Unpack(info) for detail in rpc_status.from_call(caught.value).details)
    assert info.reason == "STORE_DAMAGED"
    assert "/" not in caught.value.details() and "sqlite" not in caught.value.details()
    return dict(info.metadata)


def test_what_is_sound_is_served_and_what_is_not_is_named(service):
    api, one, other = service
    calls, named = api.sessions, {"session_id": one, "revision": str(DAMAGED)}
    for call, request in (
            (calls.GetSession, pb.GetSessionRequest(session_id=one)),
            (calls.GetSession, pb.GetSessionRequest(session_id=one, revision=DAMAGED)),
            (calls.Step, pb.StepRequest(session_id=one, count=1)),
            (calls.Predict, pb.PredictRequest(session_id=one)),
            (calls.Rewind, pb.RewindRequest(session_id=one, revision=DAMAGED + 1)),
            (calls.Export, pb.ExportRequest(session_id=one)),
            (calls.Verify, pb.VerifyRequest(session_id=one)),
            (calls.WatchSession, pb.WatchSessionRequest(session_id=one, after_revision=DAMAGED - 1)),
            (calls.CompareRevisions, pb.CompareRevisionsRequest(session_id=one, revision=1, other_revision=STEPS))):
        assert damage(call, request) == named, call
    for revision in range(DAMAGED):
        found = calls.GetSession(pb.GetSessionRequest(session_id=one, revision=revision), timeout=WAIT).session
        assert (found.revision, found.head_revision) == (revision, STEPS)
    assert api.get(other).id == other
    branches = calls.ListBranches(pb.ListBranchesRequest(session_id=one), timeout=WAIT).branches
    assert [(branch.leaf_revision, branch.length, branch.HasField("settings")) for branch in branches] == [
        (STEPS, STEPS + 1, False)]
    listed = calls.ListSessions(pb.ListSessionsRequest(), timeout=WAIT)
    assert [session.id for session in listed.sessions] == [other], MessageToDict(listed)


def test_a_watcher_gets_every_frame_before_the_damage(service):
    api, one, _ = service
    seen = []
    with pytest.raises(grpc.RpcError) as caught:
        for answer in api.sessions.WatchSession(pb.WatchSessionRequest(session_id=one), timeout=WAIT):
            if answer.HasField("frame"):
                seen.append(answer.frame.revision)
    assert caught.value.code() == grpc.StatusCode.DATA_LOSS
    assert seen == list(range(DAMAGED))


def test_one_goes_on_from_before_it(service):
    api, one, _ = service
    calls = api.sessions
    list(calls.Rewind(pb.RewindRequest(session_id=one, revision=DAMAGED - 1), timeout=WAIT))
    assert [answer.frame.revision for answer in calls.Step(pb.StepRequest(session_id=one, count=2), timeout=WAIT)] == [
        STEPS + 2, STEPS + 3]
    assert api.get(one).head_revision == STEPS + 3
    assert len(calls.ListSessions(pb.ListSessionsRequest(), timeout=WAIT).sessions) == 2


def test_it_can_be_deleted(service):
    api, one, other = service
    api.sessions.DeleteSession(pb.DeleteSessionRequest(session_id=one), timeout=WAIT)
    with pytest.raises(grpc.RpcError) as caught:
        api.get(one)
    assert caught.value.code() == grpc.StatusCode.NOT_FOUND
    assert api.get(other).id == other
