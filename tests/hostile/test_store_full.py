"""A disk with no room left: nothing that was kept is lost, sessions can be deleted, work goes on when there is room.

On a real file system of a few MiB, which takes the right to mount; without it these tests are skipped, and say so.
"""

import asyncio
import os
import sqlite3
import subprocess
import sys
from contextlib import suppress

import grpc
import pytest
from google.rpc import code_pb2, error_details_pb2
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_status import rpc_status

from inference_service.config import Config
from inference_service.errors import Exhausted
from inference_service.local import running
from inference_service.rpc.codec import ProtoCodec
from inference_service.sessions.collection import Sessions
from inference_service.sessions.limits import Limits
from inference_service.sessions.store import Entry, SQLiteStore
from tests.conftest import GOLDEN
from tests.sessions.making import Clock, create, step
from unmask.v1 import prompt_pb2, settings_pb2
from unmask.v1 import session_service_pb2 as pb
from unmask.v1.session_service_pb2_grpc import SessionServiceStub

RESERVE = 2 << 20
WAIT = 100
SERVING, NOT_SERVING = health_pb2.HealthCheckResponse.SERVING, health_pb2.HealthCheckResponse.NOT_SERVING


@pytest.fixture
def disk(tmp_path):
    """A folder that is a disk of its own, of 12 MiB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    made = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=12m", "tmpfs", str(folder)], capture_output=True,
                          text=True) if sys.platform == "linux" else None
    if made is None or made.returncode:
        pytest.skip(f"NO FULL DISK HERE: a file system cannot be mounted ({made and made.stderr.strip()})")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def fill(folder, leave=0):
    """Takes the disk's room but for some bytes, until the file is gone."""
    path = folder / "filling"
    with open(path, "ab", buffering=0) as file, suppress(OSError):
        while True:
            file.write(bytes(1 << 16))
    if leave:
        os.truncate(path, path.stat().st_size - leave)
    return path


def free(folder):
    disk = os.statvfs(folder)
    return disk.f_bavail * disk.f_frsize


def refused(call, *arguments):
    with pytest.raises(Exhausted) as caught:
        call(*arguments)
    assert caught.value.reason == "STORE_FULL" and caught.value.retry_after > 0
    assert "/" not in caught.value.message and "sqlite" not in caught.value.message


def frames(number, size):
    return [Entry(-1, 1, b"first"), *(Entry(at, 2, os.urandom(size)) for at in range(number))]


def test_what_was_kept_stays_and_the_same_store_goes_on_when_there_is_room(disk):
    store = SQLiteStore(disk / "s.sqlite3", reserve=RESERVE)
    sessions = Sessions(store, ProtoCodec(), Limits(), Clock())
    ids = [create(sessions).session.origin.session_id for _ in range(3)]
    step(sessions, ids[0], {3: 0})
    filling, made = fill(disk), 1
    with pytest.raises(Exhausted) as caught:
        for made in range(1, 100_000):  # the log's own room is used up first
            step(sessions, ids[0], {3: made % 90})
    assert caught.value.reason == store.trouble.reason == "STORE_FULL"
    session = sessions.get(ids[0]).session
    assert session.head == made and session.state().tokens[3] == (made - 1) % 90
    refused(step, sessions, ids[0], {4: 1})
    refused(create, sessions)
    refused(sessions.name, ids[0], "mine", 1)
    assert store.check().reason == "STORE_FULL"
    assert len(sessions.page(9, None)) == 3 and sessions.get(ids[1]).session.state().size == 7
    filling.unlink()
    assert store.check() is None
    step(sessions, ids[0], {4: 8})
    create(sessions)
    sessions.name(ids[0], "mine", 1)
    store.close()
    again = Sessions(SQLiteStore(disk / "s.sqlite3"), ProtoCodec(), Limits(), Clock()).get(ids[0]).session
    assert again.head == made + 1 and again.state().tokens[3:5] == ((made - 1) % 90, 8)


def test_deleting_frees_room_again_and_again(disk):
    """What one session took another one can have, without the disk becoming larger."""
    path = disk / "s.sqlite3"
    store = SQLiteStore(path, reserve=RESERVE)
    made = []

    def until_full():
        with pytest.raises(Exhausted) as caught:
            for _ in range(1000):
                name = f"s{len(made)}"
                store.create(name, b"origin", frames(20, 10_000), 1.0, 2e9, "")
                made.append(name)
        assert caught.value.reason == "STORE_FULL"

    until_full()
    assert len(made) > 10
    for _ in range(5):
        before = len(made)
        for name in made[before - 4:]:
            store.delete(name)
        assert store.count(0) == before - 4
        del made[before - 4:]
        until_full()
        assert len(made) >= before - 2, "the room can be used again"
    assert sorted(row.session_id for row in store.page(0, 1000, None)) == sorted(made)
    for name in made:
        assert len(store.frames(name, 0, 99)) == 21
    store.close()
    with sqlite3.connect(path) as db:
        assert db.execute("PRAGMA integrity_check").fetchall() == [("ok",)]


@pytest.mark.parametrize("restarted", [False, True])
def test_on_a_disk_that_others_have_filled_a_session_can_be_deleted(disk, restarted):
    """Not a byte is free, and the log has no room of its own yet."""
    path = disk / "s.sqlite3"
    store = SQLiteStore(path, reserve=RESERVE)
    for name in ("a", "b", "c"):
        store.create(name, b"origin", frames(30, 10_000), 1.0, 2e9, "")
    if restarted:
        store.close()
    fill(disk)
    assert free(disk) == 0
    if restarted:
        store = SQLiteStore(path, reserve=RESERVE)
    else:
        refused(lambda: [store.append("a", 30 + at, [Entry(0, 2, bytes(100_000))], 1.0, "") for at in range(99)])
    store.delete("b")
    assert [row.session_id for row in store.page(0, 9, None)] in (["a", "c"], ["c", "a"])
    assert store.append("c", 30, [Entry(0, 2, b"more")], 2.0, "").head == 31


def test_expired_sessions_are_swept_on_a_full_disk(disk):
    store = SQLiteStore(disk / "s.sqlite3", reserve=RESERVE)
    store.create("old", b"origin", frames(30, 10_000), 1.0, 5.0, "")
    store.create("new", b"origin", frames(30, 10_000), 1.0, 2e9, "")
    fill(disk)
    refused(lambda: [store.append("new", 30 + at, [Entry(0, 2, bytes(100_000))], 1.0, "") for at in range(99)])
    assert store.expire(10.0) == ["old"]


def test_without_a_reserve_it_is_refused_and_nothing_is_lost(disk):
    store = SQLiteStore(disk / "s.sqlite3")
    store.create("a", b"origin", frames(3, 100), 1.0, 2e9, "")
    fill(disk)
    refused(lambda: [store.append("a", 3 + at, [Entry(0, 2, bytes(100_000))], 1.0, "") for at in range(99)])
    head = store.row("a").head
    with suppress(Exhausted):
        store.delete("a")
        return
    assert store.row("a").head == head


def test_on_a_full_disk_a_new_store_says_so(disk):
    fill(disk)
    with pytest.raises(Exhausted) as caught:
        SQLiteStore(disk / "new.sqlite3", reserve=RESERVE)
    assert caught.value.reason == "STORE_FULL"
    assert "new.sqlite3" in caught.value.message and "make room" in caught.value.message


LIMITED = """
import resource, sys
from inference_service.errors import Exhausted
from inference_service.sessions.store import Entry, SQLiteStore

store = SQLiteStore(sys.argv[1])
store.create("s", b"origin", [Entry(-1, 1, b"first")], 1.0, 2e9, "")
hard = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
resource.setrlimit(resource.RLIMIT_FSIZE, (2_000_000, hard))
head = 0
try:
    for _ in range(100):
        head = store.append("s", head, [Entry(0, 2, bytes(100_000))], 1.0, "").head
except Exhausted as error:
    print(error.reason, store.row("s").head == head)
resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
print(store.check(), store.append("s", head, [Entry(0, 2, bytes(100_000))], 1.0, "").head == head + 1)
"""


def test_a_limit_on_the_size_of_files_is_a_full_disk(tmp_path):
    ended = subprocess.run([sys.executable, "-c", LIMITED, str(tmp_path / "s.sqlite3")], capture_output=True, text=True,
                           timeout=WAIT)
    assert ended.stdout.split("\n")[:2] == ["STORE_FULL True", "None True"], ended.stderr


# ---- the service ----

def status(call, *arguments):
    """reason, code, and whether it says when to try again."""
    with pytest.raises(grpc.RpcError) as caught:
        list(call(*arguments, timeout=WAIT)) if hasattr(call, "_response_deserializer") else call(*arguments)
    found = rpc_status.from_call(caught.value)
    info, retry = error_details_pb2.ErrorInfo(), error_details_pb2.RetryInfo()
    packed = [detail for detail in found.details if detail.Unpack(info) or detail.Unpack(retry)]
    assert packed
    return info.reason, code_pb2.Code.Name(found.code), retry.retry_delay.seconds > 0, found.message


def test_the_service_on_a_full_disk(disk):
    """Typed refusals, health that says so and comes back, reading and deleting all the while."""
    with running(Config(port=0, store=str(disk / "s.sqlite3"), model=str(GOLDEN))) as server, \
            grpc.insecure_channel(server.address) as channel:
        server.library.load("")
        asyncio.run_coroutine_threadsafe(server.ready(), server._watching.get_loop()).result(WAIT)
        calls, health = SessionServiceStub(channel), health_pb2_grpc.HealthStub(channel)

        def new():
            return calls.CreateSession(pb.CreateSessionRequest(
                prompt=prompt_pb2.Prompt(tokens=prompt_pb2.TokenList(ids=[5, 6, 7] * 20)), length=16,
                settings=settings_pb2.Settings(sampler="llada", seed=1)), timeout=WAIT).session.id

        def steps(session_id):
            return [one.frame.revision for one in calls.Step(pb.StepRequest(session_id=session_id, count=1),
                                                             timeout=WAIT)]

        def health_until(service, wanted):
            for answer in health.Watch(health_pb2.HealthCheckRequest(service=service), timeout=WAIT):
                if answer.status == wanted:
                    return True

        kept = [new() for _ in range(3)]
        assert steps(kept[0]) == [1]
        assert health_until("unmask.v1.SessionService", SERVING)
        fill(disk)
        with pytest.raises(grpc.RpcError):
            for _ in range(100_000):
                kept.append(new())
        for refused in (new, lambda: steps(kept[0]), lambda: calls.NameBranch(
                pb.NameBranchRequest(session_id=kept[0], name="mine"), timeout=WAIT)):
            reason, code, retries, message = status(refused)
            assert (reason, code, retries) == ("STORE_FULL", "RESOURCE_EXHAUSTED", True)
            assert str(disk) not in message and "sqlite" not in message.lower()
        assert health_until("unmask.v1.SessionService", NOT_SERVING)
        for service in ("", "unmask.v1.ModelService"):
            assert health.Check(health_pb2.HealthCheckRequest(service=service), timeout=WAIT).status == SERVING
        read = calls.GetSession(pb.GetSessionRequest(session_id=kept[0]), timeout=WAIT).session
        assert read.revision == 1
        assert calls.ListSessions(pb.ListSessionsRequest(), timeout=WAIT).sessions
        (disk / "filling").unlink()
        assert health_until("unmask.v1.SessionService", SERVING)
        assert steps(kept[0]) == [2]
        gone = [new() for _ in range(5)]
        fill(disk)
        with pytest.raises(grpc.RpcError):
            for _ in range(100_000):
                gone.append(new())
        for session_id in gone[:100]:
            calls.DeleteSession(pb.DeleteSessionRequest(session_id=session_id), timeout=WAIT)
        assert steps(kept[0]) == [3] and new()
