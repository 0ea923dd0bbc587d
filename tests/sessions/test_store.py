"""The SQLite store: compare-and-set, request ids, pages, times, and what a broken file says."""

import sqlite3
import threading

import pytest

from inference_service.errors import ServiceError
from inference_service.sessions import schema
from inference_service.sessions.store import Conflict, Entry, Missing, SQLiteStore

VERSION = len(schema.STEPS)
STEP, REWIND = 2, 4


@pytest.fixture
def path(tmp_path):
    return tmp_path / "deep" / "er" / "s.sqlite3"


@pytest.fixture
def store(path):
    store = SQLiteStore(path)
    yield store
    store.close()


def create(store, session_id="s", now=10.0, expire_time=100.0, request_id=""):
    store.create(session_id, b"origin", [Entry(-1, 1, b"f0")], now, expire_time, request_id)


def steps(*bodies, parent=0):
    return [Entry(parent + number, STEP, body) for number, body in enumerate(bodies)]


def bodies(store, session_id="s"):
    return store.frames(session_id, 0, store.row(session_id).head)


def test_what_is_kept_comes_back_in_order(store, path):
    create(store)
    store.append("s", 0, steps(b"f1"), 11.0, "")
    store.append("s", 1, steps(b"f2", b"f3"), 12.0, "")
    for one in (store, SQLiteStore(path)):
        kept, row = one.load("s"), one.row("s")
        assert kept.origin == b"origin" and bodies(one) == [b"f0", b"f1", b"f2", b"f3"]
        assert one.frames("s", 1, 2) == [b"f1", b"f2"]
        assert kept.tree == [(-1, 1), (0, STEP), (0, STEP), (1, STEP)]
        assert one.load("s", 1).tree == kept.tree[2:]
        assert (row.session_id, row.head, row.update_time, row.expire_time) == ("s", 3, 12.0, 100.0)
        assert (row.first, row.size) == (0, 8) and kept.row == row


@pytest.mark.parametrize("expected", [-1, 0, 2, 99])
def test_an_append_after_another_revision_changes_nothing(store, expected):
    create(store)
    store.append("s", 0, steps(b"f1"), 11.0, "")
    before = store.load("s")
    with pytest.raises(Conflict):
        store.append("s", expected, steps(b"lost"), 12.0, "r")
    assert store.load("s") == before
    assert store.request("s", "r") is None


def test_of_many_appends_at_once_one_wins(store, path):
    create(store)
    stores = [SQLiteStore(path) for _ in range(4)]
    won, lost = [], []
    ready = threading.Barrier(len(stores))

    def run(number):
        ready.wait()
        try:
            stores[number].append("s", 0, steps(b"by %d" % number), 11.0, "")
            won.append(number)
        except Conflict:
            lost.append(number)

    threads = [threading.Thread(target=run, args=[number]) for number in range(len(stores))]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    assert len(won) == 1 and len(lost) == 3
    assert bodies(store) == [b"f0", b"by %d" % won[0]]


def test_an_unknown_session_is_missing(store):
    for call in (lambda: store.load("x"), lambda: store.row("x"), lambda: store.append("x", 0, steps(b""), 1.0, "")):
        with pytest.raises(Missing):
            call()
    store.delete("x")
    store.extend("x", 5.0)
    assert store.request("x", "r") is store.created_by("r") is None


def test_request_ids_are_remembered_by_session(store):
    create(store, request_id="made")
    create(store, "t")
    store.append("s", 0, steps(b"f1"), 11.0, "r")
    store.append("s", 1, steps(b"f2"), 12.0, "r")
    store.append("s", 2, steps(b"f3"), 13.0, "q")
    assert store.request("s", "r") == (1, 2)
    assert store.request("s", "q") == (3, 3)
    assert store.request("t", "r") is None
    assert store.created_by("made") == "s"
    store.delete("s")
    assert store.request("s", "r") is store.created_by("made") is None


def test_a_create_request_id_is_taken_once(store):
    create(store, request_id="made")
    with pytest.raises(sqlite3.IntegrityError):
        create(store, "t", request_id="made")
    with pytest.raises(Missing):
        store.load("t")
    create(store, "u")


def test_deleting_takes_everything(store, path):
    create(store)
    store.append("s", 0, steps(b"f1"), 11.0, "r")
    store.delete("s")
    store.close()
    with sqlite3.connect(path) as db:
        assert [db.execute(f"SELECT COUNT(*) FROM {table}").fetchone()[0]
                for table in ("session", "frame", "request")] == [0, 0, 0]


def test_pages_go_from_the_latest_change_on_and_skip_nothing(store):
    for number in range(7):
        create(store, f"s{number}", now=10.0 + number // 2)  # in pairs of the same time
    create(store, "over", now=50.0, expire_time=60.0)
    store.append("s0", 0, steps(b"f1"), 20.0, "")
    seen, before = [], None
    while rows := store.page(60.0, 3, before):
        seen += [row.session_id for row in rows]
        before = rows[-1].update_time, rows[-1].session_id
    assert seen == ["s0", "s6", "s4", "s5", "s2", "s3", "s1"]
    assert store.count(60.0) == 7
    assert store.count(59.0) == 8


def test_expiry_deletes_what_is_over_and_says_which(store):
    create(store, "a", expire_time=20.0)
    create(store, "b", expire_time=30.0)
    store.extend("a", 40.0)
    assert store.expire(19.0) == []
    assert store.expire(30.0) == ["b"]
    assert store.row("a").expire_time == 40.0


def test_a_full_disk_loses_nothing_and_is_survived(store):
    create(store)
    pages = store._db.execute("PRAGMA page_count").fetchone()[0]
    store._db.execute(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(sqlite3.Error, match="full"):
        store.append("s", 0, steps(b"x" * 100_000), 11.0, "r")
    assert bodies(store) == [b"f0"]
    store._db.execute(f"PRAGMA max_page_count = {pages + 100}")
    store.append("s", 0, steps(b"x" * 100_000), 11.0, "r")
    assert store.row("s").head == 1


def test_another_schema_is_refused_by_number_and_left_alone(store, path):
    store._db.execute(f"PRAGMA user_version = {VERSION + 1}")
    with pytest.raises(ServiceError, match=f"schema {VERSION + 1}.*reads up to {VERSION}") as caught:
        SQLiteStore(path)
    assert caught.value.reason == "STORE_UNREADABLE"
    assert store._db.execute("PRAGMA user_version").fetchone()[0] == VERSION + 1


@pytest.mark.parametrize("what", ["folder", "text", "below a file", "other tables"])
def test_a_file_that_is_no_store_is_named(tmp_path, what):
    path = tmp_path / "s.sqlite3"
    if what == "folder":
        path.mkdir()
    elif what == "other tables":
        with sqlite3.connect(path) as db:
            db.execute("CREATE TABLE session (id TEXT)")
    else:
        path.write_text("this is no database " * 100)
    with pytest.raises(ServiceError) as caught:
        SQLiteStore(path / "s.sqlite3" if what == "below a file" else path)
    assert caught.value.reason == "STORE_UNREADABLE"
    assert "s.sqlite3" in caught.value.message
    if what == "text":
        assert path.read_text().startswith("this is no database")


def test_memory_keeps_nothing():
    store = SQLiteStore(":memory:")
    create(store)
    assert store.row("s").head == 0
    with pytest.raises(Missing):
        SQLiteStore(":memory:").row("s")
