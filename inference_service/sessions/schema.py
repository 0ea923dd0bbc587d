"""The tables of the SQLite store, and how a file of an earlier version becomes one of this version.

A file says its version in PRAGMA user_version. Each step below leads from one version to the next and is done in
one transaction, so a file is of one version or of the next, whenever the process dies.
"""

import sqlite3
from collections.abc import Callable
from pathlib import Path
from time import sleep
from urllib.parse import quote

from inference_service.errors import FailedPrecondition
from inference_service.sessions.sums import checksum, frame_sum, tree_sums

TreeOf = Callable[[bytes], tuple[int, int]]

FIRST = """
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
"""

# The tree beside the frames, so that a long session opens without reading them; states to fold from; names;
# how far back a session reaches and how large it is.
WITH_TREE = """
ALTER TABLE session ADD COLUMN first_revision INTEGER NOT NULL DEFAULT 0;
ALTER TABLE session ADD COLUMN size INTEGER NOT NULL DEFAULT 0;
ALTER TABLE frame ADD COLUMN parent INTEGER NOT NULL DEFAULT -1;
ALTER TABLE frame ADD COLUMN cause INTEGER NOT NULL DEFAULT 0;
UPDATE frame SET parent = parent_of(body), cause = cause_of(body);
UPDATE session SET size = (SELECT COALESCE(SUM(LENGTH(body)), 0) FROM frame WHERE session_id = id);
CREATE INDEX frame_tree ON frame (session_id, revision, parent, cause);
CREATE TABLE state (
    session_id TEXT NOT NULL REFERENCES session (id) ON DELETE CASCADE,
    revision INTEGER NOT NULL, body BLOB NOT NULL,
    PRIMARY KEY (session_id, revision)
) WITHOUT ROWID;
CREATE TABLE name (
    session_id TEXT NOT NULL REFERENCES session (id) ON DELETE CASCADE,
    name TEXT NOT NULL, revision INTEGER NOT NULL,
    PRIMARY KEY (session_id, name)
) WITHOUT ROWID;
"""

# Checksums; what is there already gets them as it is. The index has the tree's own, so that a session opens without its
# frames. Two columns have new names: a server of an earlier version, which keeps no checksums, shall fail on this
# file and not write to it.
WITH_SUMS = """
ALTER TABLE session RENAME COLUMN expire_time TO expires;
ALTER TABLE frame RENAME COLUMN body TO content;
ALTER TABLE session ADD COLUMN origin_sum INTEGER NOT NULL DEFAULT -1;
ALTER TABLE session ADD COLUMN sum INTEGER NOT NULL DEFAULT -1;
ALTER TABLE frame ADD COLUMN tree_sum INTEGER NOT NULL DEFAULT -1;
ALTER TABLE frame ADD COLUMN sum INTEGER NOT NULL DEFAULT -1;
ALTER TABLE state ADD COLUMN sum INTEGER NOT NULL DEFAULT -1;
ALTER TABLE name ADD COLUMN sum INTEGER NOT NULL DEFAULT -1;
ALTER TABLE request ADD COLUMN sum INTEGER NOT NULL DEFAULT -1;
UPDATE session SET origin_sum = checksum(origin, id, created_by),
    sum = checksum(x'', id, head, update_time, expires, first_revision, size);
UPDATE frame SET tree_sum = tree_sum(session_id, revision, parent, cause);
UPDATE frame SET sum = frame_sum(tree_sum, content);
UPDATE state SET sum = checksum(body, session_id, revision);
UPDATE name SET sum = checksum(x'', session_id, name, revision);
UPDATE request SET sum = checksum(x'', session_id, request_id, first, last);
DROP INDEX frame_tree;
CREATE INDEX frame_tree ON frame (session_id, revision, parent, cause, tree_sum);
"""

STEPS = [FIRST, WITH_TREE, WITH_SUMS]
MIGRATION_SECONDS = 600  # that a server waits for another one to bring the file up to date
BUSY_MS = 5000  # that a write waits for another process
LARGEST_LOG = 8 << 20  # bytes of the write-ahead log that stay on the disk once they are in the database


def opened(path: str | Path, tree_of: TreeOf | None = None) -> sqlite3.Connection:
    """The database with this version's tables. Raises OSError, sqlite3.Error, or FailedPrecondition for a later one.

    path: an existing file, perhaps empty, or ":memory:". tree_of: parent and cause of a frame's bytes.
    """
    db = connected(path)
    try:
        db.execute(f"PRAGMA busy_timeout = {1000 * MIGRATION_SECONDS}")
        _write_ahead(db)
        # What a statement may have to undo stays in memory, so that a full disk elsewhere stops nothing.
        db.executescript("PRAGMA synchronous = NORMAL; PRAGMA foreign_keys = ON; PRAGMA temp_store = MEMORY;"
                         f"PRAGMA journal_size_limit = {LARGEST_LOG};")
        _migrate(db, path, tree_of or (lambda body: (-1, 0)))
        db.execute(f"PRAGMA busy_timeout = {BUSY_MS}")
    except BaseException:
        db.close()
        raise
    return db


def connected(path: str | Path) -> sqlite3.Connection:
    """A connection to a file that exists, or to the memory. Text that damage made unreadable is no error here."""
    name = path if str(path) == ":memory:" else f"file:{quote(str(path))}?mode=rw"
    db = sqlite3.connect(name, uri=True, check_same_thread=False, isolation_level=None)
    db.text_factory = lambda text: text.decode(errors="replace")
    return db


def _write_ahead(db: sqlite3.Connection) -> None:
    """Turns the write-ahead log on. While another process does the same, SQLite refuses at once and does not wait."""
    for _ in range(200):
        try:
            db.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError as error:
            if "locked" not in str(error):
                raise
            sleep(0.05)
    raise sqlite3.OperationalError("another process holds the file")


def _migrate(db: sqlite3.Connection, path: str | Path, tree_of: TreeOf) -> None:
    db.create_function("parent_of", 1, lambda body: tree_of(body)[0], deterministic=True)
    db.create_function("cause_of", 1, lambda body: tree_of(body)[1], deterministic=True)
    for name, count, function in (("checksum", -1, checksum), ("frame_sum", 2, frame_sum),
                                  ("tree_sum", 4, lambda session_id, *place: tree_sums(session_id)(*place))):
        db.create_function(name, count, _or_none(function), deterministic=True)
    while (version := _version(db)) != len(STEPS):
        if version > len(STEPS):
            raise FailedPrecondition(f"the session store {path} has schema {version}; this version of Unmask reads up"
                                     f" to {len(STEPS)}", reason="STORE_UNREADABLE")
        db.execute("BEGIN IMMEDIATE")
        try:
            if _version(db) == version:  # nobody else was faster
                for statement in STEPS[version].split(";"):
                    db.execute(statement)
                db.execute(f"PRAGMA user_version = {version + 1}")
            db.execute("COMMIT")
        except BaseException:
            if db.in_transaction:
                db.execute("ROLLBACK")
            raise


def _or_none(function: Callable[..., float]) -> Callable[..., int]:
    """The checksum, or one that matches nothing where damage has left no bytes or numbers to make it of."""
    def sum_of(*values) -> int:
        try:
            return int(function(*values))
        except (TypeError, ValueError, AttributeError):
            return -1

    return sum_of


def _version(db: sqlite3.Connection) -> int:
    return db.execute("PRAGMA user_version").fetchone()[0]
