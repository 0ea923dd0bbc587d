"""The tables of the SQLite store, and how a file of an earlier version becomes one of this version.

A file says its version in PRAGMA user_version. Each step below leads from one version to the next and is done in
one transaction, so a file is of one version or of the next, whenever the process dies.
"""

import sqlite3
from collections.abc import Callable
from pathlib import Path
from time import sleep

from inference_service.errors import FailedPrecondition

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

STEPS = [FIRST, WITH_TREE]
MIGRATION_SECONDS = 600  # that a server waits for another one to bring the file up to date


def opened(path: str | Path, tree_of: TreeOf | None = None) -> sqlite3.Connection:
    """The database with this version's tables. Raises OSError, sqlite3.Error, or FailedPrecondition for a later one.

    tree_of: parent and cause of a frame's bytes.
    """
    if str(path) != ":memory:":
        Path(path).parent.mkdir(parents=True, exist_ok=True)
    db = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
    try:
        db.execute(f"PRAGMA busy_timeout = {1000 * MIGRATION_SECONDS}")
        _write_ahead(db)
        db.executescript("PRAGMA synchronous = NORMAL; PRAGMA foreign_keys = ON;")
        _migrate(db, path, tree_of or (lambda body: (-1, 0)))
        db.execute("PRAGMA busy_timeout = 5000")
    except BaseException:
        db.close()
        raise
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


def _version(db: sqlite3.Connection) -> int:
    return db.execute("PRAGMA user_version").fetchone()[0]
