"""What keeps sessions: the interface, and SQLite behind it.

A store sees bytes. It promises three things: an append is atomic and happens only if the newest
revision is the expected one (compare-and-set), what was acknowledged survives the process, and a
request id is remembered with the frames that it made.
"""

import sqlite3
import threading
from collections.abc import Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from inference_service.errors import FailedPrecondition


@dataclass(frozen=True, slots=True)
class Row:
    """A session as the list shows it. head: newest revision. Times in seconds since 1970."""

    session_id: str
    head: int
    update_time: float
    expire_time: float


class Conflict(Exception):
    """The newest revision is another one than expected: somebody else appended."""


class Missing(KeyError):
    """No such session."""


class Store(Protocol):
    """Where sessions are kept. All methods may be called from any thread."""

    def create(self, session_id: str, origin: bytes, frame: bytes, now: float, expire_time: float,
               request_id: str) -> None: ...
    def append(self, session_id: str, expected_head: int, frames: Sequence[bytes], now: float,
               request_id: str) -> None: ...
    def load(self, session_id: str) -> tuple[bytes, list[bytes], Row]: ...
    def row(self, session_id: str) -> Row: ...
    def extend(self, session_id: str, expire_time: float) -> None: ...
    def page(self, now: float, limit: int, before: tuple[float, str] | None) -> list[Row]: ...
    def count(self, now: float) -> int: ...
    def delete(self, session_id: str) -> None: ...
    def expire(self, now: float) -> list[str]: ...
    def request(self, session_id: str, request_id: str) -> tuple[int, int] | None: ...
    def created_by(self, request_id: str) -> str | None: ...
    def close(self) -> None: ...


SCHEMA_VERSION = 1
SCHEMA = """
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


class SQLiteStore:
    """Sessions in one SQLite file, or in memory with the path ":memory:".

    Write-ahead log with synchronous = NORMAL: what was committed survives the death of the process
    at any moment; a power cut may take the last commits, never the file's consistency.
    """

    def __init__(self, path: str | Path):
        self._lock = threading.Lock()
        try:
            self._db = _opened(path)
        except (OSError, sqlite3.Error) as error:
            raise FailedPrecondition(f"the session store {path} cannot be used: {error}; set UNMASK_STORE to another"
                                     " file", reason="STORE_UNREADABLE") from None

    @contextmanager
    def _write(self):
        with self._lock:
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield self._db
                self._db.execute("COMMIT")
            except BaseException:
                if self._db.in_transaction:  # a full disk has rolled it back already
                    self._db.execute("ROLLBACK")
                raise

    def _read(self, query: str, *arguments):
        with self._lock:
            return self._db.execute(query, arguments).fetchall()

    def create(self, session_id, origin, frame, now, expire_time, request_id):
        with self._write() as db:
            db.execute("INSERT INTO session VALUES (?, ?, 0, ?, ?, ?)",
                       (session_id, origin, now, expire_time, request_id or None))
            db.execute("INSERT INTO frame VALUES (?, 0, ?)", (session_id, frame))

    def append(self, session_id, expected_head, frames, now, request_id):
        """Adds frames after expected_head. Raises Conflict or Missing and changes nothing."""
        last = expected_head + len(frames)
        with self._write() as db:
            updated = db.execute("UPDATE session SET head = ?, update_time = ? WHERE id = ? AND head = ?",
                                 (last, now, session_id, expected_head)).rowcount
            if not updated:
                exists = db.execute("SELECT 1 FROM session WHERE id = ?", (session_id,)).fetchone()
                raise Conflict(session_id) if exists else Missing(session_id)
            db.executemany("INSERT INTO frame VALUES (?, ?, ?)",
                           [(session_id, expected_head + 1 + i, body) for i, body in enumerate(frames)])
            if request_id:
                db.execute("INSERT INTO request VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE SET last = excluded.last",
                           (session_id, request_id, expected_head + 1, last))

    def load(self, session_id):
        """The origin, the frames in order, and the row. Raises Missing."""
        with self._lock:
            found = self._db.execute("SELECT origin FROM session WHERE id = ?", (session_id,)).fetchone()
            if not found:
                raise Missing(session_id)
            frames = self._db.execute("SELECT body FROM frame WHERE session_id = ? ORDER BY revision",
                                      (session_id,)).fetchall()
        return found[0], [body for (body,) in frames], self.row(session_id)

    def row(self, session_id):
        rows = self._read("SELECT id, head, update_time, expire_time FROM session WHERE id = ?", session_id)
        if not rows:
            raise Missing(session_id)
        return Row(*rows[0])

    def extend(self, session_id, expire_time):
        with self._write() as db:
            db.execute("UPDATE session SET expire_time = ? WHERE id = ?", (expire_time, session_id))

    def page(self, now, limit, before):
        """Live sessions, the latest changed first, starting after the (update_time, id) of `before`."""
        time, session_id = before or (float("inf"), "")
        rows = self._read("SELECT id, head, update_time, expire_time FROM session WHERE expire_time > ?"
                          " AND (update_time < ? OR (update_time = ? AND id > ?))"
                          " ORDER BY update_time DESC, id LIMIT ?", now, time, time, session_id, limit)
        return [Row(*row) for row in rows]

    def count(self, now):
        return self._read("SELECT COUNT(*) FROM session WHERE expire_time > ?", now)[0][0]

    def delete(self, session_id):
        with self._write() as db:
            db.execute("DELETE FROM session WHERE id = ?", (session_id,))

    def expire(self, now):
        """Deletes the sessions whose time was over before `now`; returns their ids."""
        with self._write() as db:
            gone = [row[0] for row in db.execute("SELECT id FROM session WHERE expire_time <= ?", (now,)).fetchall()]
            db.executemany("DELETE FROM session WHERE id = ?", [(session_id,) for session_id in gone])
        return gone

    def request(self, session_id, request_id):
        """First and last revision that a request made, or None if it is not known."""
        rows = self._read("SELECT first, last FROM request WHERE session_id = ? AND request_id = ?",
                          session_id, request_id)
        return rows[0] if rows else None

    def created_by(self, request_id):
        rows = self._read("SELECT id FROM session WHERE created_by = ?", request_id)
        return rows[0][0] if rows else None

    def close(self):
        with self._lock:
            self._db.close()


def _opened(path: str | Path) -> sqlite3.Connection:
    """The database with its schema. Raises OSError, sqlite3.Error, or FailedPrecondition for another schema."""
    if str(path) != ":memory:":
        Path(path).parent.mkdir(parents=True, exist_ok=True)
    db = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
    try:
        db.executescript("PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA foreign_keys = ON;"
                         " PRAGMA busy_timeout = 5000;")
        version = db.execute("PRAGMA user_version").fetchone()[0]
        if version == 0:
            db.executescript(f"BEGIN; {SCHEMA} PRAGMA user_version = {SCHEMA_VERSION}; COMMIT;")
        elif version != SCHEMA_VERSION:
            raise FailedPrecondition(f"the session store {path} has schema {version}; this version of Unmask reads"
                                     f" {SCHEMA_VERSION}", reason="STORE_UNREADABLE")
    except BaseException:
        db.close()
        raise
    return db
