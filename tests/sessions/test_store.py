"""The SQLite store: compare-and-set, request ids, kept states, names, pages, times, and what a broken file says."""

import inspect
import sqlite3
import threading
from contextlib import closing
from dataclasses import replace

import pytest

from inference_service.errors import Exhausted, ServiceError
from inference_service.sessions import schema
from inference_service.sessions.store import Conflict, Entry, Missing, Row, SQLiteStore, Store

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
    with pytest.raises(Conflict):
        create(store, "t", request_id="made")
    with pytest.raises(Missing):
        store.load("t")
    create(store, "u")


def test_deleting_takes_everything(store, path):
    create(store)
    store.append("s", 0, steps(b"f1"), 11.0, "r", {1: b"s1"})
    store.name("s", "mine", 1)
    tables = ("session", "frame", "request", "state", "name")

    def counts():
        with closing(sqlite3.connect(path)) as db:
            return [db.execute(f"SELECT COUNT(*) FROM {table}").fetchone()[0] for table in tables]

    assert counts() == [1, 2, 1, 1, 1]
    store.delete("s")
    assert counts() == [0, 0, 0, 0, 0]


# ---- states, trimming, names ----

def test_states_are_kept_with_the_frames_that_they_come_with(store, path):
    create(store)
    store.append("s", 0, steps(b"f1", b"f2"), 11.0, "", {2: b"s2"})
    with pytest.raises(Conflict):
        store.append("s", 0, steps(b"lost"), 12.0, "", {1: b"lost"})
    for one in (store, SQLiteStore(path)):
        assert one.load("s").bases == one.load("s", 2).bases == [2]
        assert one.base("s", 2) == b"s2"
        for session_id, revision in (("s", 1), ("s", 3), ("t", 2)):
            with pytest.raises(Missing):
                one.base(session_id, revision)


def test_the_size_of_a_session_is_that_of_its_frames(store):
    create(store)
    store.append("s", 0, steps(b"four", b"five5"), 11.0, "")
    create(store, "t")
    assert store.sizes("s") == [2, 4, 5]
    assert store.row("s").size == 11


def test_trimming_drops_frames_and_never_the_tree(store, path):
    create(store)
    store.append("s", 0, steps(b"f1", b"f2"), 11.0, "r", {1: b"s1", 2: b"s2"})
    store.append("s", 2, steps(b"f3", b"f4"), 12.0, "", {4: b"s4"})
    create(store, "t")
    before = store.load("s")
    row = store.trim("s", 4, 3, {0: b"root", 3: b"s3"})
    for one in (store, SQLiteStore(path)):
        kept = one.load("s")
        assert kept.row == row == replace(before.row, first=3, size=4)
        assert kept.tree == before.tree
        assert one.frames("s", 0, 9) == [b"", b"", b"", b"f3", b"f4"]
        assert one.sizes("s") == [0, 0, 0, 2, 2]
        assert kept.bases == [0, 3, 4]
        assert [one.base("s", revision) for revision in kept.bases] == [b"root", b"s3", b"s4"]
        assert one.request("s", "r") == (1, 2)
        assert bodies(one, "t") == [b"f0"]
    assert store.append("s", 4, steps(b"f5"), 13.0, "").size == 6
    with pytest.raises(Missing):
        store.trim("x", 0, 1, {})


def test_trimming_a_session_that_has_gone_on_changes_nothing(store):
    create(store)
    store.append("s", 0, steps(b"f1", b"f2"), 11.0, "")
    before = store.load("s")
    with pytest.raises(Conflict):
        store.trim("s", 1, 1, {1: b"s1"})
    assert store.load("s") == before
    assert bodies(store) == [b"f0", b"f1", b"f2"]


def test_no_frame_is_made_from_one_that_is_gone(store):
    """But from one whose state is kept."""
    create(store)
    store.append("s", 0, steps(b"f1", b"f2", b"f3"), 11.0, "")
    store.trim("s", 3, 3, {1: b"s1", 3: b"s3"})
    before = store.load("s")
    with pytest.raises(Conflict):
        store.append("s", 3, [Entry(2, STEP, b"lost")], 12.0, "r")
    assert store.load("s") == before and store.request("s", "r") is None
    store.append("s", 3, [Entry(1, STEP, b"f4"), Entry(3, STEP, b"f5")], 12.0, "")
    assert bodies(store) == [b"", b"", b"", b"f3", b"f4", b"f5"]


def test_a_session_that_was_made_elsewhere_comes_in_whole(store, path):
    gone = [Entry(-1, 1, b""), Entry(0, STEP, b"")]
    row = store.create("s", b"origin", [*gone, Entry(1, STEP, b"f2"), Entry(1, REWIND, b"f33")], 10.0, 100.0, "import",
                       2, {1: b"s1"}, {"mine": 2})
    for one in (store, SQLiteStore(path)):
        kept = one.load("s")
        assert kept.row == row == Row("s", 3, 10.0, 100.0, 2, 5)
        assert kept.tree == [(-1, 1), (0, STEP), (1, STEP), (1, REWIND)]
        assert one.frames("s", 2, 3) == [b"f2", b"f33"]
        assert (kept.bases, one.base("s", 1), one.names("s")) == ([1], b"s1", {"mine": 2})
        assert one.created_by("import") == "s"


def test_a_name_is_on_one_revision_and_a_revision_has_one_name(store, path):
    create(store)
    create(store, "t")
    store.name("t", "a", 5)
    for name, revision in (("a", 0), ("b", 1), ("c", 2), ("a", 3), ("d", 1)):
        store.name("s", name, revision)
    for one in (store, SQLiteStore(path)):
        assert one.names("s") == {"a": 3, "c": 2, "d": 1}
        assert one.names("t") == {"a": 5}
    assert store.unname("s", "a") is True
    assert store.unname("s", "a") is store.unname("x", "a") is False
    assert store.names("s") == {"c": 2, "d": 1}
    assert store.names("t") == {"a": 5}
    with pytest.raises(Missing):
        store.name("x", "a", 0)
    assert store.names("x") == {}


# ---- the list ----

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
    with pytest.raises(Exhausted) as caught:
        store.append("s", 0, steps(b"x" * 100_000), 11.0, "r")
    assert (caught.value.reason, store.trouble.reason) == ("STORE_FULL", "STORE_FULL")
    assert bodies(store) == [b"f0"]
    store._db.execute(f"PRAGMA max_page_count = {pages + 100}")
    store.append("s", 0, steps(b"x" * 100_000), 11.0, "r")
    assert store.row("s").head == 1 and store.trouble is None


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
    assert caught.value.reason == ("STORE_DAMAGED" if what == "text" else "STORE_UNREADABLE")
    assert "s.sqlite3" in caught.value.message
    if what == "text":
        assert path.read_text().startswith("this is no database")


def test_memory_keeps_nothing():
    store = SQLiteStore(":memory:")
    create(store)
    assert store.row("s").head == 0
    with pytest.raises(Missing):
        SQLiteStore(":memory:").row("s")


def taken(method):
    """Name, kind and default of each of a method's parameters."""
    return [(one.name, one.kind, one.default) for one in inspect.signature(method).parameters.values()]


def test_the_protocol_takes_what_the_store_takes():
    """Names, order and what may be left out: what is written against the protocol can call the store."""
    for name, promised in vars(Store).items():
        if inspect.isfunction(promised) and not name.startswith("_"):
            assert taken(promised) == taken(getattr(SQLiteStore, name)), name
