"""A file in which bits have changed: damage is an error that names it, never data, and takes nothing else away."""

import random
import sqlite3
import subprocess
import sys
from contextlib import closing, suppress
from pathlib import Path

import pytest

from inference_service.errors import DataLoss, NotFound, OutOfRange, ServiceError
from inference_service.rpc.codec import ProtoCodec
from inference_service.sessions.collection import Sessions
from inference_service.sessions.limits import Limits
from inference_service.sessions.store import SQLiteStore
from inference_service.sessions.stored import BASE_EVERY
from tests.sessions.making import Clock, commit_step, create, step

STEPS = 12
DAMAGED = 6  # the revision that most tests damage


@pytest.fixture
def path(tmp_path):
    return tmp_path / "s.sqlite3"


def opened(path):
    return Sessions(SQLiteStore(path), ProtoCodec(), Limits(), Clock())


@pytest.fixture
def ids(path):
    """A session of STEPS steps in one line with a branch that begins at revision 3, and another one."""
    sessions = opened(path)
    one, other = (create(sessions).session.origin.session_id for _ in range(2))
    for number in range(STEPS):
        step(sessions, one, {3 + number % 4: number}, request_id=f"r{number}")
    with sessions.lease(one, from_revision=3) as turn:
        commit_step(turn, {5: 77}, base=3)
    sessions.name(one, "mine", 3)
    step(sessions, other, {3: 1})
    sessions._store.close()
    return one, other


def change(path, statement, *arguments):
    with closing(sqlite3.connect(path)) as db, db:
        assert db.execute(statement, arguments).rowcount > 0


def flipped(path, table, column, where="", *arguments):
    """Flips one bit in the middle of a value."""
    with closing(sqlite3.connect(path)) as db, db:
        for rowid, value in enumerate(db.execute(f"SELECT {column} FROM {table} {where}", arguments).fetchall()):
            data = bytearray(value[0])
            data[len(data) // 2] ^= 4
            db.execute(f"UPDATE {table} SET {column} = ? {where}", (bytes(data), *arguments))
            assert rowid == 0


def damage(call, *arguments, **named):
    with pytest.raises(DataLoss) as caught:
        call(*arguments, **named)
    assert caught.value.reason == "STORE_DAMAGED"
    return caught.value


OF_FRAME = "WHERE session_id = ? AND revision = ?"


def test_a_flipped_bit_in_a_frame_is_named_and_takes_nothing_else(path, ids):
    one, other = ids
    expected = [opened(path).get(one).session.state(revision).tokens for revision in range(STEPS + 2)]
    flipped(path, "frame", "content", OF_FRAME, one, DAMAGED)
    sessions = opened(path)
    session = sessions.get(one).session
    for revision in range(STEPS + 2):
        if DAMAGED <= revision <= STEPS:
            error = damage(session.state, revision)
            assert error.metadata == {"session_id": one, "revision": str(DAMAGED)}
            assert "s.sqlite3" not in error.message
        else:
            assert session.state(revision).tokens == expected[revision]
    assert [session.frame(revision).revision for revision in range(STEPS + 2) if revision != DAMAGED]
    damage(session.frame, DAMAGED)
    damage(lambda: session.frames)
    assert sessions.replay(one, "r3")[0].revision == 4
    assert damage(sessions.replay, one, f"r{DAMAGED - 1}").metadata["revision"] == str(DAMAGED)
    assert sessions.names(one) == {"mine": 3}
    assert sessions.get(other).session.state().tokens[3] == 1
    assert {row.session_id for row in sessions.page(9, None)} == {one, other}


def test_damage_beside_the_way_to_a_revision_is_no_matter(path, ids):
    """Frames are read in pages, and another branch's lie among them."""
    one, _ = ids
    expected = opened(path).get(one).session.state(STEPS + 1).tokens
    flipped(path, "frame", "content", OF_FRAME, one, DAMAGED)
    assert opened(path).get(one).session.state(STEPS + 1).tokens == expected


def test_one_goes_on_from_before_the_damage(path, ids):
    one, _ = ids
    flipped(path, "frame", "content", OF_FRAME, one, STEPS)
    flipped(path, "frame", "content", OF_FRAME, one, STEPS + 1)
    sessions = opened(path)
    damage(step, sessions, one, {3: 1})
    with sessions.lease(one) as turn:
        turn.commit(turn.session.rewind_frame(STEPS - 1, 1.0))
        commit_step(turn, {4: 55})
    again = opened(path).get(one).session
    assert again.head == STEPS + 3 and again.state().tokens[4] == 55
    damage(again.state, STEPS)


def test_nothing_is_kept_that_is_made_from_damage(path, ids):
    one, _ = ids
    sessions = opened(path)
    frame = sessions.get(one).session.step_frame([], sessions.get(one).session.frame(1).summary, 1.0, base=DAMAGED)
    flipped(path, "frame", "content", OF_FRAME, one, DAMAGED)
    fresh = opened(path)
    with pytest.raises(DataLoss), fresh.lease(one) as turn:
        turn.commit(frame)
    assert fresh._store.row(one).head == STEPS + 1


def test_a_damaged_session_can_be_deleted(path, ids):
    one, other = ids
    change(path, "UPDATE session SET head = 3 WHERE id = ?", one)
    change(path, "UPDATE frame SET content = 'x', parent = 9 WHERE session_id = ?", one)
    sessions = opened(path)
    damage(sessions.get, one)
    sessions.delete(one)
    with pytest.raises(NotFound):
        sessions.get(one)
    with closing(sqlite3.connect(path)) as db:
        assert db.execute("SELECT DISTINCT session_id FROM frame").fetchall() == [(other,)]


# Each changes one value of a session. What reads it must say that it is damaged.
ROWS = {
    "origin": ("UPDATE session SET origin = CAST(origin || 'x' AS BLOB) WHERE id = ?", "get"),
    "head": ("UPDATE session SET head = head - 1 WHERE id = ?", "get"),
    "expiry": ("UPDATE session SET expires = 1.0 WHERE id = ?", "get"),
    "use": ("UPDATE session SET update_time = update_time + 1 WHERE id = ?", "get"),
    "size": ("UPDATE session SET size = size + 1 WHERE id = ?", "get"),
    "first": ("UPDATE session SET first_revision = 2 WHERE id = ?", "get"),
    "no head": ("UPDATE session SET head = 'x' WHERE id = ?", "get"),
    "checksum": ("UPDATE session SET sum = sum + 1 WHERE id = ?", "get"),
    "parent": ("UPDATE frame SET parent = 1 WHERE session_id = ? AND revision = 5", "get"),
    "cause": ("UPDATE frame SET cause = 3 WHERE session_id = ? AND revision = 5", "get"),
    "no parent": ("UPDATE frame SET parent = x'00' WHERE session_id = ? AND revision = 5", "get"),
    "a row that is gone": ("DELETE FROM frame WHERE session_id = ? AND revision = 5", "get"),
    "the newest row is gone": (f"DELETE FROM frame WHERE session_id = ? AND revision = {STEPS + 1}", "get"),
    "the number of a row": ("UPDATE frame SET revision = 99 WHERE session_id = ? AND revision = 5", "get"),
    "no bytes": ("UPDATE frame SET content = 'text' WHERE session_id = ? AND revision = 5", "state"),
    "an empty frame": ("UPDATE frame SET content = x'' WHERE session_id = ? AND revision = 5", "state"),
    "another's frame": ("UPDATE frame SET content = (SELECT content FROM frame AS f WHERE f.session_id ="
                        " frame.session_id AND f.revision = 4) WHERE session_id = ? AND revision = 5", "state"),
    "the checksum of a frame": ("UPDATE frame SET sum = 0 WHERE session_id = ? AND revision = 5", "state"),
    "a request": ("UPDATE request SET last = last + 1 WHERE session_id = ? AND request_id = 'r4'", "replay"),
}


@pytest.mark.parametrize("what", ROWS)
def test_every_value_is_covered(path, ids, what):
    statement, use = ROWS[what]
    one, other = ids
    change(path, statement, one)
    sessions = opened(path)
    if use == "get":
        error = damage(sessions.get, one)
    elif use == "state":
        error = damage(sessions.get(one).session.state, 8)
    else:
        error = damage(sessions.replay, one, "r4")
    assert error.metadata["session_id"] == one
    assert sessions.get(other).session.state().tokens[3] == 1
    assert other in [row.session_id for row in sessions.page(9, None)]


def test_two_rows_that_changed_places_are_noticed(path, ids):
    columns = "parent, cause, tree_sum, content, sum"
    with closing(sqlite3.connect(path)) as db, db:
        rows = {revision: db.execute(f"SELECT {columns} FROM frame {OF_FRAME}", (ids[0], revision)).fetchone()
                for revision in (4, 5)}
        for revision, row in ((4, rows[5]), (5, rows[4])):
            db.execute(f"UPDATE frame SET ({columns}) = (?, ?, ?, ?, ?) {OF_FRAME}", (*row, ids[0], revision))
    assert damage(opened(path).get, ids[0]).metadata["revision"] == "4"


def test_the_frames_of_another_session_are_noticed(path, ids):
    one, other = ids
    change(path, "DELETE FROM frame WHERE session_id = ?", other)
    change(path, "UPDATE frame SET session_id = ? WHERE session_id = ? AND revision < 2", other, one)
    damage(opened(path).get, other)


def test_a_row_that_is_damaged_is_left_out_of_the_list_and_the_pages_go_on(path):
    sessions = opened(path)
    clock = sessions._clock
    ids = []
    for _ in range(7):
        clock.now += 1
        ids.append(create(sessions).session.origin.session_id)
    for damaged in (ids[2], ids[4], ids[5]):
        change(path, "UPDATE session SET size = size + 1 WHERE id = ?", damaged)
    seen, before = [], None
    while rows := sessions.page(2, before):
        seen += [row.session_id for row in rows]
        before = rows[-1].update_time, rows[-1].session_id
    assert seen == [ids[6], ids[3], ids[1], ids[0]]


def test_a_lease_that_is_damaged_ends_no_session(path, ids):
    change(path, "UPDATE session SET expires = 1.0 WHERE id = ?", ids[0])
    sessions = opened(path)
    sessions.sweep()
    damage(sessions.get, ids[0])
    sessions._clock.now += 10**9
    sessions.sweep()
    assert sessions._store.count(0) == 1, "the sound one was over"


def test_a_damaged_name_is_left_out(path, ids):
    change(path, "UPDATE name SET revision = revision + 1 WHERE session_id = ?", ids[0])
    sessions = opened(path)
    assert sessions.names(ids[0]) == {}
    sessions.name(ids[0], "mine", 5)
    assert sessions.names(ids[0]) == {"mine": 5}


def test_a_damaged_state_is_made_again_of_the_frames(path):
    sessions = opened(path)
    one = create(sessions).session.origin.session_id
    with sessions.lease(one) as turn:
        for number in range(BASE_EVERY + 10):
            commit_step(turn, {3 + number % 4: number % 90})
    expected = sessions.get(one).session.state().tokens
    with closing(sqlite3.connect(path)) as db:
        (base,), = db.execute("SELECT revision FROM state WHERE session_id = ?", (one,)).fetchall()
    flipped(path, "state", "body", OF_FRAME, one, base)
    session = opened(path).get(one).session
    assert session.state().tokens == expected
    damage(opened(path)._store.base, one, base)
    flipped(path, "frame", "content", OF_FRAME, one, base - 3)
    error = damage(opened(path).get(one).session.state)
    assert error.metadata["revision"] == str(base - 3)


def test_a_damaged_state_that_stands_for_dropped_frames_is_named(path):
    sessions = opened(path)
    one = create(sessions).session.origin.session_id
    with sessions.lease(one) as turn:
        for number in range(20):
            commit_step(turn, {3 + number % 4: number})
    store, session = sessions._store, sessions.get(one).session
    store.trim(one, 20, 10, {10: ProtoCodec().state_to_bytes(session.origin, 10, session.state(10))})
    assert opened(path).get(one).session.state().tokens == session.state().tokens
    flipped(path, "state", "body", OF_FRAME, one, 10)
    error = damage(opened(path).get(one).session.state)
    assert error.metadata["revision"] == "10"


def test_a_step_is_kept_although_the_rows_that_it_would_drop_are_gone(path):
    sessions = Sessions(SQLiteStore(path), ProtoCodec(), Limits(session_bytes=1), Clock())
    one = create(sessions).session.origin.session_id
    for number in range(6):
        step(sessions, one, {3 + number % 4: number})
    assert sessions.get(one).session.first == 6, "all but the newest were dropped"
    change(path, "DELETE FROM frame WHERE session_id = ? AND revision BETWEEN 1 AND 4", one)
    step(sessions, one, {5: 88})
    assert sessions.get(one).session.state().tokens[5] == 88
    assert damage(sessions._store.sizes, one).metadata["revision"] == "1"


def test_what_cannot_be_decoded_is_damage_also_with_the_right_checksum(path, ids):
    """As in a file that was damaged before it had checksums."""
    store = SQLiteStore(path)
    store._db.execute("UPDATE frame SET content = x'ffffff', sum = frame_sum(tree_sum, x'ffffff') WHERE revision = 1")
    assert damage(opened(path).get(ids[0]).session.state).metadata["revision"] == "1"


def everything(path):
    """All that a server says of a file's sessions: by session and revision a state's tokens, or that it is damaged."""
    found = {}
    sessions = opened(path)
    try:
        for row in sessions.page(100, None):
            try:
                session = sessions.get(row.session_id).session
            except DataLoss:
                continue
            for revision in range(session.head + 1):
                with suppress(DataLoss):
                    found[row.session_id, revision] = session.state(revision).tokens
    finally:
        sessions._store.close()
    return found


@pytest.mark.parametrize("seed", range(40))
def test_wherever_a_bit_flips_what_is_served_is_right(tmp_path, seed):
    """In any page of the file: keys, pages' heads, pointers, indices, bytes."""
    path, chance = tmp_path / "s.sqlite3", random.Random(seed)
    sessions = opened(path)
    for number in range(3):
        one = create(sessions, given=range(1, 40)).session.origin.session_id
        for at in range(8):
            step(sessions, one, {39 + (at + number) % 4: at})
    sessions._store.close()
    right = everything(path)
    assert len(right) == 27
    data = bytearray(path.read_bytes())
    for _ in range(chance.choice([1, 1, 3, 50])):
        data[chance.randrange(100 if seed % 2 else 4096, len(data))] ^= 1 << chance.randrange(8)
    path.write_bytes(data)
    try:
        found = everything(path)
    except ServiceError as error:
        assert error.reason in ("STORE_DAMAGED", "STORE_UNREADABLE"), error.message
        return
    wrong = {key: tokens for key, tokens in found.items() if right.get(key) != tokens}
    assert not wrong


@pytest.mark.parametrize("seed", range(10))
def test_a_bit_that_flips_in_the_log_leaves_sessions_at_a_whole_revision(tmp_path, seed):
    """The log as a killed process leaves it. What comes behind the damage is gone; nothing is wrong."""
    chance, path = random.Random(seed), tmp_path / "s.sqlite3"
    sessions = opened(path)
    one = create(sessions).session.origin.session_id
    for number in range(STEPS):
        step(sessions, one, {3 + number % 4: number})
    right = [sessions.get(one).session.state(revision).tokens for revision in range(STEPS + 1)]
    killed = tmp_path / "killed.sqlite3"
    killed.write_bytes(path.read_bytes())
    log = bytearray(Path(f"{path}-wal").read_bytes())
    at = chance.randrange(32, len(log))  # behind its head
    log[at] ^= 1 << chance.randrange(8)
    Path(f"{killed}-wal").write_bytes(log)
    store = SQLiteStore(killed)
    found = [row.session_id for row in store.page(0, 9, None)]
    store.close()
    if not found:  # before the session was created
        return
    session = opened(killed).get(one).session
    assert [session.state(revision).tokens for revision in range(session.head + 1)] == right[:session.head + 1]
    sessions._store.close()


def test_a_server_is_not_started_on_a_damaged_file_and_leaves_it_as_it_is(tmp_path):
    path = tmp_path / "s.sqlite3"
    SQLiteStore(path).close()
    data = bytearray(path.read_bytes())
    data[:16] = b"not what it was!"
    path.write_bytes(data)
    ended = subprocess.run([sys.executable, "-m", "inference_service"], capture_output=True, text=True, timeout=100,
                           env={"UNMASK_STORE": str(path), "UNMASK_PORT": "0", "PATH": ""})
    assert ended.returncode not in (0, None)
    assert ended.stdout == "" and "Traceback" not in ended.stderr
    last = ended.stderr.strip().splitlines()[-1]
    assert str(path) in last and "not a database" in last and "UNMASK_STORE" in last
    assert path.read_bytes() == data


def test_a_revision_that_never_was_is_no_damage(path, ids):
    with pytest.raises(OutOfRange):
        opened(path).get(ids[0]).session.check_revision(99)
