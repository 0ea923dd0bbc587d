"""A file of an earlier schema becomes one of today's: whole, or not at all."""

import random
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp

from inference_service.errors import DataLoss, ServiceError
from inference_service.rpc.codec import ProtoCodec, tree_of
from inference_service.sessions import schema
from inference_service.sessions.collection import Sessions
from inference_service.sessions.frame import Cause
from inference_service.sessions.limits import Limits
from inference_service.sessions.store import SQLiteStore
from tests.patience import PATIENCE as WAIT
from tests.sessions.making import MASK, Clock, commit_step
from unmask.v1 import frame_pb2, session_pb2, settings_pb2

ROOT = Path(__file__).parents[2]
NOW = 1_700_000_000
OPEN, GIVEN = session_pb2.Canvas.POSITION_STATE_OPEN, session_pb2.Canvas.POSITION_STATE_GIVEN

SCHEMA_1 = """
PRAGMA journal_mode = WAL;
CREATE TABLE session (
    id TEXT PRIMARY KEY, origin BLOB NOT NULL, head INTEGER NOT NULL,
    update_time REAL NOT NULL, expire_time REAL NOT NULL, created_by TEXT UNIQUE
) WITHOUT ROWID;
CREATE INDEX session_by_use ON session (update_time DESC, id);
CREATE INDEX session_by_expiry ON session (expire_time);
CREATE TABLE frame (
    session_id TEXT NOT NULL REFERENCES session (id) ON DELETE CASCADE,
    revision INTEGER NOT NULL, body BLOB NOT NULL,
    PRIMARY KEY (session_id, revision)
) WITHOUT ROWID;
CREATE TABLE request (
    session_id TEXT NOT NULL REFERENCES session (id) ON DELETE CASCADE,
    request_id TEXT NOT NULL, first INTEGER NOT NULL, last INTEGER NOT NULL,
    PRIMARY KEY (session_id, request_id)
) WITHOUT ROWID;
PRAGMA user_version = 1;
"""


def origin(session_id, given, prompt_length):
    """A Session message as schema 1 kept it: the mask is nowhere but in the canvas."""
    return session_pb2.Session(
        id=session_id, model="tiny", state=session_pb2.Session.STATE_IDLE, prompt_length=prompt_length,
        settings=settings_pb2.Settings(), create_time=Timestamp(seconds=NOW), update_time=Timestamp(seconds=NOW),
        expire_time=Timestamp(seconds=NOW + 1000),
        canvas=session_pb2.Canvas(tokens=[MASK if token is None else token for token in given],
                                  states=[OPEN if token is None else GIVEN for token in given]))


def frame(revision, parent, cause, changes=(), open_count=0, forwards=0, state="", draft=(), substep=""):
    """A Frame message with the fields that schema 1 knew."""
    message = frame_pb2.Frame(
        revision=revision, parent_revision=parent, cause=cause, sampler_state=state, substep=substep,
        create_time=Timestamp(seconds=NOW + revision, nanos=500_000_000),
        summary=frame_pb2.Summary(open_count=open_count, forward_count=int(cause == frame_pb2.CAUSE_STEP),
                                  total_forward_count=forwards, compute_time=Duration(nanos=4_000_000), pending=True),
        changes=[frame_pb2.Change(position=position, token=token, probability=0.5 if token else None)
                 for position, token in changes])
    if revision == 0:
        message.settings.sampler, message.settings.seed = "llada", 7
        message.settings.parameters.update({"steps": 4, "temperature": 0.5})
    if draft:
        message.draft.MergeFrom(frame_pb2.Draft(
            positions=draft, tokens=[3] * len(draft), probabilities=bytes(len(draft)), entropies=bytes(len(draft)),
            predicted_at=parent))
    return message


CREATE, STEP, SELECT, REWIND = (frame_pb2.Cause.Value(f"CAUSE_{name}") for name in (
    "CREATE", "STEP", "SELECT", "REWIND"))
# Two steps, back to the first, a token by hand, a position opened again, a step.
TREE = [
    frame(0, -1, CREATE, open_count=4),
    frame(1, 0, STEP, [(3, 11)], 3, 1, '{"block":0,"step":1}', draft=(3, 4, 5, 6)),
    frame(2, 1, STEP, [(4, 12), (5, 13)], 1, 2, '{"block":0,"step":2}', draft=(4, 5, 6), substep="final"),
    frame(3, 1, REWIND, open_count=3, forwards=1, state='{"block":0,"step":1}'),
    frame(4, 3, SELECT, [(6, 21)], 2, 1, '{"block":0,"step":1}'),
    frame(5, 4, SELECT, [(3, None)], 3, 1),
    frame(6, 5, STEP, [(3, 14)], 2, 2, '{"block":0,"step":1}'),
]
CANVASES = [
    (1, 2, 3, None, None, None, None),
    (1, 2, 3, 11, None, None, None),
    (1, 2, 3, 11, 12, 13, None),
    (1, 2, 3, 11, None, None, None),
    (1, 2, 3, 11, None, None, 21),
    (1, 2, 3, None, None, None, 21),
    (1, 2, 3, 14, None, None, 21),
]
# A prompt with an open position, and a word fixed at the end.
FILL = [frame(0, -1, CREATE, open_count=3), frame(1, 0, STEP, [(1, 31)], 2, 1)]


def write(path, many=0, size=200):
    """A file of schema 1, with a session of many frames if asked for: a third of them rewinds."""
    path.parent.mkdir(parents=True, exist_ok=True)
    chance = random.Random(0)
    with closing(sqlite3.connect(path)) as db:
        db.executescript(SCHEMA_1)
        sessions = {"tree": (origin("tree", (1, 2, 3, None, None, None, None), 3), TREE, None),
                    "fill": (origin("fill", (1, None, 3, None, None, 9), 3), FILL, "made by")}
        if many:
            frames = [FILL[0], *(frame(number, number - 1, REWIND if number % 3 == 0 else STEP, open_count=3,
                                       state=str(chance.getrandbits(4 * size))) for number in range(1, many))]
            sessions["long"] = origin("long", (1, None, None, None), 1), frames, None
        for session_id, (first, frames, made_by) in sessions.items():
            db.execute("INSERT INTO session VALUES (?, ?, ?, ?, ?, ?)",
                       (session_id, first.SerializeToString(), len(frames) - 1, NOW + len(frames), NOW + 1000.0,
                        made_by))
            db.executemany("INSERT INTO frame VALUES (?, ?, ?)",
                           [(session_id, one.revision, one.SerializeToString()) for one in frames])
        db.execute("INSERT INTO request VALUES ('tree', 'two steps', 1, 2)")
        db.commit()
    return path


def dump(path):
    """The version, and all that the tables are and have."""
    with closing(sqlite3.connect(path)) as db:
        return db.execute("PRAGMA user_version").fetchone()[0], list(db.iterdump())


def opened(path, now=NOW + 10):
    return Sessions(SQLiteStore(path, tree_of), ProtoCodec(), Limits(), Clock(now))


def check_small_sessions(path):
    """The sessions of every file that `write` makes, with today's eyes."""
    store = SQLiteStore(path, tree_of)
    for session_id, frames in (("tree", TREE), ("fill", FILL)):
        bodies = [one.SerializeToString() for one in frames]
        kept = store.load(session_id)
        assert store.frames(session_id, 0, 99) == bodies, "not a byte of a frame changes"
        assert kept.tree == [(one.parent_revision, one.cause) for one in frames]
        assert (kept.row.head, kept.row.first, kept.row.size) == (len(frames) - 1, 0, sum(map(len, bodies)))
        assert (kept.row.update_time, kept.row.expire_time) == (NOW + len(frames), NOW + 1000)
        assert kept.bases == [] and store.names(session_id) == {}
    assert store.request("tree", "two steps") == (1, 2)
    assert store.created_by("made by") == "fill"
    store.close()
    with closing(sqlite3.connect(path)) as db:
        assert db.execute("PRAGMA integrity_check").fetchall() == [("ok",)]


@pytest.fixture
def path(tmp_path):
    return write(tmp_path / "s.sqlite3")


def test_every_session_reads_the_same(path):
    check_small_sessions(path)
    sessions = opened(path)
    tree = sessions.get("tree").session
    assert [tree.state(revision).tokens for revision in range(7)] == CANVASES
    assert [tree.state(revision).by_hand for revision in range(7)] == [frozenset()] * 4 + [frozenset({6})] * 3
    assert [tree.state(revision).total_forward_count for revision in range(7)] == [0, 1, 2, 1, 1, 1, 2]
    assert tree.state(4).sampler_state == {"block": 0, "step": 1} and tree.state(5).sampler_state == {}
    assert all(tree.state(revision).given == {0, 1, 2} for revision in range(7))
    assert all(tree.state(revision).start == 3 for revision in range(7))
    assert (tree.origin.mask_token, tree.origin.ttl, tree.origin.model) == (MASK, 1000, "tiny")
    assert tree.state(6).settings.parameters == {"steps": 4, "temperature": 0.5}
    assert tree.frame(2).draft.positions == (4, 5, 6) and tree.frame(2).substep == "final"
    assert [(line.leaf, line.fork) for line in tree.tree.lines()] == [(6, 1), (2, 0)]
    fill = sessions.get("fill").session
    assert fill.state().tokens == (1, 31, 3, None, None, 9)
    assert fill.state().given == {0, 2, 5}


def test_a_session_goes_on(path):
    sessions = opened(path)
    assert [one.revision for one in sessions.replay("tree", "two steps")] == [1, 2]
    with sessions.lease("tree", expected_revision=6, request_id="more") as turn:
        commit_step(turn, {4: 15})
        turn.commit(turn.session.rewind_frame(turn.session.undo_revision(), NOW))
        commit_step(turn, {5: 16})
    assert sessions.name("tree", "mine", 2) == 2
    again = opened(path)
    tree = again.get("tree").session
    assert tree.state().tokens == (1, 2, 3, 14, None, 16, 21)
    assert [tree.state(revision).tokens for revision in range(7)] == CANVASES
    assert [one.cause for one in again.replay("tree", "more")] == [Cause.STEP, Cause.REWIND, Cause.STEP]
    assert again.names("tree") == {"mine": 2}
    assert SQLiteStore(path).row("tree").size == sum(SQLiteStore(path).sizes("tree"))
    again.delete("tree")
    assert [row.session_id for row in again.page(9, None)] == ["fill"]


def of_schema_2(path, monkeypatch):
    """The file as schema 2 has it: with states and names, without checksums."""
    with monkeypatch.context() as patch:
        patch.setattr(schema, "STEPS", [schema.FIRST, schema.WITH_TREE])
        with closing(schema.opened(path, tree_of)) as db:
            db.execute("INSERT INTO state VALUES ('tree', 4, x'010203')")
            db.execute("INSERT INTO name VALUES ('tree', 'mine', 2)")
            db.execute("UPDATE frame SET body = x'' WHERE session_id = 'fill' AND revision = 0")
    assert dump(path)[0] == 2
    return path


def test_what_schema_2_kept_gets_checksums(path, monkeypatch):
    of_schema_2(path, monkeypatch)
    with closing(sqlite3.connect(path)) as db:
        before = db.execute("SELECT * FROM frame ORDER BY 1, 2").fetchall()
    store = SQLiteStore(path, tree_of)
    with closing(sqlite3.connect(path)) as db:
        after = db.execute("SELECT session_id, revision, content, parent, cause FROM frame ORDER BY 1, 2").fetchall()
        sums = [db.execute(f"SELECT MIN({column}) FROM {table}").fetchone()[0] for table, column in (
            ("session", "sum"), ("session", "origin_sum"), ("frame", "sum"), ("frame", "tree_sum"), ("state", "sum"),
            ("name", "sum"), ("request", "sum"))]
    assert after == before and min(sums) >= 0
    assert store.frames("tree", 0, 9) == [one.SerializeToString() for one in TREE]
    assert store.frames("fill", 0, 9) == [b"", FILL[1].SerializeToString()]
    assert (store.base("tree", 4), store.names("tree")) == (b"\1\2\3", {"mine": 2})
    assert store.request("tree", "two steps") == (1, 2) and store.created_by("made by") == "fill"
    assert [row.session_id for row in store.page(0, 9, None)] == ["tree", "fill"]


def test_one_damaged_frame_of_schema_2_keeps_no_file_from_being_used(path, monkeypatch):
    of_schema_2(path, monkeypatch)
    with closing(sqlite3.connect(path)) as db, db:
        db.execute("UPDATE frame SET body = 'text' WHERE session_id = 'tree' AND revision = 5")
        db.execute("UPDATE state SET body = NULLIF('text', 'other') WHERE session_id = 'tree'")
        db.execute("UPDATE frame SET parent = 'text' WHERE session_id = 'fill' AND revision = 1")
    store = SQLiteStore(path, tree_of)
    assert store.frames("tree", 0, 4) == [one.SerializeToString() for one in TREE[:5]]
    for call in (lambda: store.frames("tree", 5, 5), lambda: store.base("tree", 4), lambda: store.load("fill")):
        with pytest.raises(DataLoss):
            call()


def test_a_server_of_schema_2_that_still_runs_fails_and_writes_nothing(path, monkeypatch):
    """It would keep frames without checksums, which would look damaged."""
    of_schema_2(path, monkeypatch)
    with closing(sqlite3.connect(path)) as old:
        SQLiteStore(path, tree_of).close()
        for statement in ("INSERT INTO frame (session_id, revision, parent, cause, body) VALUES ('tree', 7, 6, 2, x'')",
                          "UPDATE frame SET body = x'' WHERE session_id = 'tree' AND revision < 3",
                          "UPDATE session SET expire_time = 1 WHERE id = 'tree'",
                          "INSERT INTO session (id, head, update_time, expire_time, first_revision, size, origin)"
                          " VALUES ('new', 0, 1, 2, 0, 0, x'')",
                          "INSERT INTO state VALUES ('tree', 5, x'')", "INSERT INTO name VALUES ('tree', 'more', 5)",
                          "INSERT INTO request VALUES ('tree', 'r', 5, 5)"):
            with pytest.raises(sqlite3.OperationalError):
                old.execute(statement)


STATEMENTS = {name: getattr(schema, name).split(";") for name in ("WITH_TREE", "WITH_SUMS")}


@pytest.mark.parametrize("step, done", [(name, done) for name, found in STATEMENTS.items()
                                        for done in range(len(found))])
def test_a_statement_that_fails_leaves_the_file_as_it_was(path, monkeypatch, step, done):
    if step == "WITH_SUMS":
        with monkeypatch.context() as patch:
            patch.setattr(schema, "STEPS", [schema.FIRST, schema.WITH_TREE])
            schema.opened(path, tree_of).close()
    before = dump(path)
    with monkeypatch.context() as patch:
        steps = [getattr(schema, name) for name in ("FIRST", "WITH_TREE", "WITH_SUMS")]
        at = 1 if step == "WITH_TREE" else 2
        patch.setattr(schema, "STEPS", [*steps[:at], ";".join([*STATEMENTS[step][:done], "fails here"])])
        with pytest.raises(ServiceError, match="syntax error"):
            SQLiteStore(path, tree_of)
    assert dump(path) == before
    check_small_sessions(path)


def test_a_frame_that_cannot_be_read_leaves_the_file_as_it_was(path):
    with closing(sqlite3.connect(path)) as db:
        db.execute("UPDATE frame SET body = 'no frame' WHERE session_id = 'tree' AND revision = 5")
        db.commit()
    before = dump(path)
    with pytest.raises(ServiceError) as caught:
        SQLiteStore(path, tree_of)
    assert caught.value.reason == "STORE_UNREADABLE"
    assert dump(path) == before


def test_a_later_version_is_refused_and_left_alone(path):
    SQLiteStore(path, tree_of).close()
    with closing(sqlite3.connect(path)) as db:
        db.execute(f"PRAGMA user_version = {len(schema.STEPS) + 1}")
    before = dump(path)
    with pytest.raises(ServiceError, match=f"schema {len(schema.STEPS) + 1}"):
        SQLiteStore(path, tree_of)
    assert dump(path) == before


# ---- processes ----

# Opens a file. With a number, it says so when that many frames have been read, and waits for a line before it goes on.
OPENER = """
import sys
from inference_service.rpc.codec import tree_of
from inference_service.sessions.store import SQLiteStore

path, stop, read = sys.argv[1], int(sys.argv[2]), 0

def slowly(body):
    global read
    read += 1
    if read == stop:
        print("IN THE MIDDLE", flush=True)
        sys.stdin.readline()
    return tree_of(body)

print("OPENING", flush=True)
sys.stdin.readline()
store = SQLiteStore(path, slowly)
print("OPENED", store.row("tree").head, read > 0, flush=True)
"""


class Opener:
    def __init__(self, path, stop=0):
        self.process = subprocess.Popen([sys.executable, "-c", OPENER, str(path), str(stop)], cwd=ROOT, text=True,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def hears(self, line):
        said = self.process.stdout.readline()
        assert said == f"{line}\n", self.process.communicate()[1]

    def goes_on(self):
        self.process.stdin.write("\n")
        self.process.stdin.flush()


@pytest.fixture
def opener():
    openers = []

    def start(*arguments):
        openers.append(Opener(*arguments))
        return openers[-1]

    yield start
    for one in openers:
        one.process.kill()
        one.process.communicate(timeout=WAIT)


def test_a_process_killed_in_the_middle_leaves_the_file_as_it_was(tmp_path, opener):
    path = write(tmp_path / "s.sqlite3", many=4000, size=1000)
    before, wal = dump(path), Path(f"{path}-wal")
    one = opener(path, 6000)
    one.hears("OPENING")
    one.goes_on()
    one.hears("IN THE MIDDLE")
    assert wal.stat().st_size > 100_000, "half of it is on the disk already"
    one.process.send_signal(signal.SIGKILL)
    assert one.process.wait(WAIT) == -signal.SIGKILL
    assert dump(path) == before
    assert before[0] == 1
    check_small_sessions(path)
    assert dump(path)[0] == len(schema.STEPS)
    kept = SQLiteStore(path).load("long")
    assert kept.tree[:5] == [(-1, CREATE), (0, STEP), (1, STEP), (2, REWIND), (3, STEP)]
    assert len(kept.tree) == 4000


def test_of_two_processes_at_once_one_migrates_and_both_read(tmp_path, opener):
    path = write(tmp_path / "s.sqlite3", many=2000)
    one, other = opener(path, 1000), opener(path)
    one.hears("OPENING")
    other.hears("OPENING")
    one.goes_on()
    one.hears("IN THE MIDDLE")
    other.goes_on()
    one.goes_on()
    one.hears("OPENED 6 True")
    other.hears("OPENED 6 False")
    check_small_sessions(path)


def test_processes_that_open_a_new_file_at_once_both_have_it(tmp_path, opener):
    openers = [opener(tmp_path / "new.sqlite3") for _ in range(2)]
    for one in openers:
        one.hears("OPENING")
    for one in openers:
        one.goes_on()
    for one in openers:
        assert "Missing: 'tree'" in one.process.communicate(timeout=WAIT)[1]
    assert dump(tmp_path / "new.sqlite3")[0] == len(schema.STEPS)
