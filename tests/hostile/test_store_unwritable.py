"""A store that cannot be written: read-only, held by another process, removed, with a disk that gives errors."""

import os
import shutil
import sqlite3
import subprocess
import sys
import threading
from contextlib import closing

import pytest

from inference_service.errors import FailedPrecondition, Unavailable
from inference_service.rpc.codec import ProtoCodec
from inference_service.sessions import faults, files, schema
from inference_service.sessions.collection import Sessions
from inference_service.sessions.limits import Limits
from inference_service.sessions.store import Entry, SQLiteStore
from tests.sessions.making import Clock, create, step

WAIT = 100


@pytest.fixture
def path(tmp_path):
    return tmp_path / "s.sqlite3"


@pytest.fixture
def store(path):
    store = filled(path)
    yield store
    store.close()


def filled(path):
    """A store with a session, and one that is over."""
    store = SQLiteStore(path)
    store.create("s", b"origin", [Entry(-1, 1, b"f0")], 10.0, 2e9, "made", names={"mine": 0})
    store.create("old", b"origin", [Entry(-1, 1, b"f0")], 1.0, 4.0, "")
    return store


def append(store, body=b"frame"):
    head = store.row("s").head
    return store.append("s", head, [Entry(head, 2, body)], 11.0, f"r{head}").head


WRITES = {
    "create": lambda store: store.create("t", b"", [Entry(-1, 1, b"f0")], 10.0, 2e9, ""),
    "append": append,
    "trim": lambda store: store.trim("s", store.row("s").head, 0, {}),
    "extend": lambda store: store.extend("s", 3e9),
    "delete": lambda store: store.delete("s"),
    "expire": lambda store: store.expire(5.0),
    "name": lambda store: store.name("s", "other", 0),
    "unname": lambda store: store.unname("s", "mine"),
}


def every_write_is(store, kind, reason):
    for name, write in WRITES.items():
        with pytest.raises(kind) as caught:
            write(store)
        assert caught.value.reason == reason, name
        assert "/" not in caught.value.message and "sqlite" not in caught.value.message.lower()
        assert store.trouble.reason == reason


def every_read_works(store, head=0):
    assert store.load("s").row.head == store.row("s").head == head
    assert store.frames("s", 0, 0) == [b"f0"] and len(store.sizes("s")) == head + 1
    assert store.names("s") == {"mine": 0} and store.created_by("made") == "s"
    assert store.request("s", "none") is None
    assert [row.session_id for row in store.page(5.0, 9, None)] == ["s"] and store.count(5.0) == 1


def test_read_only(store):
    store._db.execute("PRAGMA query_only = ON")
    every_write_is(store, FailedPrecondition, "STORE_READ_ONLY")
    every_read_works(store)
    assert store.check().reason == "STORE_READ_ONLY"
    store._db.execute("PRAGMA query_only = OFF")
    assert store.check() is None is store.trouble
    assert append(store) == 1


def test_a_write_that_succeeds_ends_the_trouble(store):
    store._db.execute("PRAGMA query_only = ON")
    with pytest.raises(FailedPrecondition):
        append(store)
    store._db.execute("PRAGMA query_only = OFF")
    append(store)
    assert store.trouble is None


@pytest.mark.parametrize("which", ["", "-wal"])
def test_a_file_that_the_file_system_protects(path, which):
    """As root is stopped too: by the immutable flag."""
    if os.geteuid() != 0 or not shutil.which("chattr"):
        pytest.skip("NO READ-ONLY FILE HERE: only root can set the immutable flag")
    store = filled(path)
    flagged = subprocess.run(["chattr", "+i", f"{path}{which}"], capture_output=True, text=True)
    if flagged.returncode:
        pytest.skip(f"NO READ-ONLY FILE HERE: {flagged.stderr.strip()}")
    try:
        if which:  # the log takes what is written; the file itself is written now and then
            every_write_is(store, FailedPrecondition, "STORE_READ_ONLY")
            every_read_works(store)
            assert store.check().reason == "STORE_READ_ONLY"
        else:  # it is served as far as it can be
            other = SQLiteStore(path)
            assert other.trouble.reason == "STORE_READ_ONLY"
            every_write_is(other, FailedPrecondition, "STORE_READ_ONLY")
            every_read_works(other)
            other.close()
    finally:
        subprocess.run(["chattr", "-i", f"{path}{which}"], check=True)
    assert store.check() is None
    assert append(store) == 1
    store.close()


def test_a_folder_that_was_made_read_only_is_told_at_start(path):
    filled(path).close()
    mounted = subprocess.run(f"mount --bind {path.parent} {path.parent} && mount -o remount,ro,bind {path.parent}",
                             shell=True, capture_output=True, text=True)
    if mounted.returncode:
        pytest.skip(f"NO READ-ONLY FOLDER HERE: {mounted.stderr.strip()}")
    try:
        with pytest.raises(FailedPrecondition) as caught:
            SQLiteStore(path)
    finally:
        subprocess.run(["umount", str(path.parent)], check=True)
    assert caught.value.reason == "STORE_READ_ONLY"
    assert "s.sqlite3" in caught.value.message and "make the file and its folder writable" in caught.value.message
    assert SQLiteStore(path).row("s").head == 0


def test_a_new_store_in_a_read_only_folder_is_told(tmp_path):
    folder = tmp_path / "folder"
    folder.mkdir()
    SQLiteStore(folder / "s.sqlite3").close()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "ro", "tmpfs", str(folder)], capture_output=True, text=True)
    if mounted.returncode:
        pytest.skip(f"NO READ-ONLY FOLDER HERE: a file system cannot be mounted ({mounted.stderr.strip()})")
    try:
        with pytest.raises(FailedPrecondition) as caught:
            SQLiteStore(folder / "new" / "s.sqlite3")
    finally:
        subprocess.run(["umount", str(folder)], check=True)
    assert caught.value.reason == "STORE_READ_ONLY" and "s.sqlite3" in caught.value.message


HOLDER = """
import sqlite3, sys
db = sqlite3.connect(sys.argv[1], isolation_level=None)
db.execute("BEGIN IMMEDIATE")
print("HELD", flush=True)
sys.stdin.readline()
"""


def test_another_process_that_holds_the_file(path, monkeypatch):
    """The first call waits for it, the next ones hardly, reading goes on; and then all is well again."""
    monkeypatch.setattr(schema, "BUSY_MS", 100)
    store = filled(path)
    holder = subprocess.Popen([sys.executable, "-c", HOLDER, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                              text=True)
    try:
        assert holder.stdout.readline() == "HELD\n"
        every_write_is(store, Unavailable, "STORE_BUSY")
        assert store.trouble.retry_after > 0
        every_read_works(store)
        assert store.check().reason == "STORE_BUSY"
    finally:
        holder.communicate("\n", timeout=WAIT)
    assert store.check() is None
    assert append(store) == 1
    store.close()


def test_reading_goes_on_while_a_write_waits(path, monkeypatch):
    monkeypatch.setattr(schema, "BUSY_MS", 1000 * WAIT)
    store = filled(path)
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        begun, ended = threading.Event(), threading.Event()

        def write():
            begun.set()
            append(store)
            ended.set()

        writer = threading.Thread(target=write, daemon=True)
        writer.start()
        assert begun.wait(WAIT)
        for _ in range(20):
            every_read_works(store)
        assert not ended.is_set()
        other.execute("ROLLBACK")
        assert ended.wait(WAIT)
        writer.join(WAIT)
    store.close()


# ---- files that go away ----

def test_a_file_that_was_moved_takes_no_frames_until_it_is_back(store, path):
    """What would be written there would be lost with the process."""
    append(store)
    path.rename(path.with_name("elsewhere"))
    every_write_is(store, FailedPrecondition, "STORE_READ_ONLY")
    every_read_works(store, head=1)
    assert store.check().reason == "STORE_READ_ONLY"
    assert not path.exists(), "none is made in its place"
    path.with_name("elsewhere").rename(path)
    assert store.check() is None
    assert append(store) == 2
    assert SQLiteStore(path).row("s").head == 2


def test_a_file_that_was_replaced_is_left_alone(store, path):
    append(store)
    for end in files.BESIDE:
        os.rename(f"{path}{end}", path.with_name(f"old{end}"))
    other = SQLiteStore(path)
    other.create("other", b"origin", [Entry(-1, 1, b"f0")], 10.0, 2e9, "")
    every_write_is(store, FailedPrecondition, "STORE_READ_ONLY")
    every_read_works(store, head=1)
    assert store.check().reason == "STORE_READ_ONLY"
    store.close()
    assert os.path.exists(f"{path}-wal"), "the log of the other one"
    assert other.row("other").head == 0 and other.count(0) == 1
    other.close()
    assert SQLiteStore(path).row("other").head == 0


@pytest.mark.parametrize("gone", [["-wal"], ["-shm"], ["-wal", "-shm"]])
def test_a_log_that_was_removed_is_lost_neither(store, path, gone):
    """The frames in it get into the file, and a new one is begun."""
    for number in range(5):
        append(store, b"frame %d" % number)
    for end in gone:
        os.unlink(f"{path}{end}")
    assert append(store) == 6
    assert store.trouble is None
    for one in (store, SQLiteStore(path)):
        assert one.frames("s", 1, 5) == [b"frame %d" % number for number in range(5)]
        assert one.row("s").head == 6


def test_the_folder_is_gone(tmp_path):
    path = tmp_path / "folder" / "s.sqlite3"
    store = filled(path)
    shutil.rmtree(path.parent)
    every_write_is(store, FailedPrecondition, "STORE_READ_ONLY")
    every_read_works(store)
    assert not path.parent.exists()


# ---- what SQLite says, and what a caller hears ----

@pytest.mark.parametrize("code, reason", [
    (sqlite3.SQLITE_FULL, "STORE_FULL"), (sqlite3.SQLITE_READONLY, "STORE_READ_ONLY"),
    (sqlite3.SQLITE_READONLY_DBMOVED, "STORE_READ_ONLY"), (sqlite3.SQLITE_BUSY_SNAPSHOT, "STORE_BUSY"),
    (sqlite3.SQLITE_LOCKED, "STORE_BUSY"), (sqlite3.SQLITE_CORRUPT_INDEX, "STORE_DAMAGED"),
    (sqlite3.SQLITE_NOTADB, "STORE_DAMAGED"), (sqlite3.SQLITE_IOERR_WRITE, "STORE_UNREADABLE"),
    (sqlite3.SQLITE_IOERR_SHMSIZE, "STORE_UNREADABLE"), (sqlite3.SQLITE_CANTOPEN, "STORE_UNREADABLE"),
])
def test_every_code_has_a_reason(path, code, reason):
    error = sqlite3.OperationalError("at /secret/path")
    error.sqlite_errorcode = code
    path.touch()
    found = faults.fault(error, path)
    assert found.reason == reason and "secret" not in found.message
    assert (found.retry_after is not None) == (reason in ("STORE_FULL", "STORE_BUSY", "STORE_UNREADABLE"))


def test_a_mistake_of_ours_is_no_fault_of_the_store(store):
    assert faults.fault(sqlite3.OperationalError("near SELEKT: syntax error")) is None
    with pytest.raises(sqlite3.OperationalError):
        store._read("s", "SELEKT 1")
    assert store.trouble is None


def test_an_error_of_the_disk_while_reading(store, monkeypatch):
    """One that passes: the store is written well meanwhile, so there is no trouble."""
    class Broken:
        def execute(self, query, *arguments):
            if query.startswith("SELECT"):
                error = sqlite3.OperationalError("disk I/O error")
                error.sqlite_errorcode = sqlite3.SQLITE_IOERR_READ
                raise error
            return reader.execute(query, *arguments)

    reader = store._reader
    with monkeypatch.context() as patch:
        patch.setattr(store, "_reader", Broken())
        for read in (lambda: store.load("s"), lambda: store.row("s"), lambda: store.frames("s", 0, 0),
                     lambda: store.page(0, 9, None), lambda: store.count(0), lambda: store.names("s"),
                     lambda: store.sizes("s"), lambda: store.created_by("made"), lambda: store.request("s", "r")):
            with pytest.raises(Unavailable) as caught:
                read()
            assert caught.value.reason == "STORE_UNREADABLE"
    assert store.trouble is None
    every_read_works(store)


def test_a_store_that_is_closed_says_that_the_server_stops(store):
    store.close()
    for call in [*WRITES.values(), lambda store: store.row("s"), lambda store: store.page(0, 9, None)]:
        with pytest.raises(Unavailable) as caught:
            call(store)
        assert caught.value.reason == "DRAINING"
    assert store.check() is None


def test_sessions_are_read_and_their_leases_go_on_while_nothing_can_be_written(path):
    clock = Clock()
    sessions = Sessions(SQLiteStore(path), ProtoCodec(), Limits(), clock)
    one = create(sessions, ttl=50.0).session.origin.session_id
    step(sessions, one, {3: 5})
    sessions._store._db.execute("PRAGMA query_only = ON")
    for _ in range(5):
        clock.now += 30
        assert sessions.get(one).session.state().tokens[3] == 5
    sessions._store._db.execute("PRAGMA query_only = OFF")
    clock.now += 30
    sessions.get(one)
    assert sessions._store.row(one).expire_time == clock.now + 50
