"""What keeps sessions: the interface, and SQLite behind it.

A store sees bytes. It promises three things: an append is atomic and happens only if the newest
revision is the expected one (compare-and-set), what was acknowledged survives the process, and a
request id is remembered with the frames that it made.
"""

import sqlite3
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from inference_service.errors import FailedPrecondition
from inference_service.sessions import schema


@dataclass(frozen=True, slots=True)
class Row:
    """A session as the list shows it. head: newest revision. Times in seconds since 1970.

    first: oldest revision that is kept. size: bytes of its frames.
    """

    session_id: str
    head: int
    update_time: float
    expire_time: float
    first: int = 0
    size: int = 0


@dataclass(frozen=True, slots=True)
class Entry:
    """A frame to keep: what the tree is made of, and the frame itself. cause: its number."""

    parent: int
    cause: int
    body: bytes


@dataclass(frozen=True, slots=True)
class Kept:
    """A session without its frames. tree: (parent, cause) of each revision. bases: revisions with a kept state."""

    origin: bytes
    row: Row
    tree: list[tuple[int, int]]
    bases: list[int]


class Conflict(Exception):
    """The newest revision is another one than expected: somebody else appended."""


class Missing(KeyError):
    """No such session."""


class Store(Protocol):
    """Where sessions are kept. All methods may be called from any thread.

    append, create: `bases` are states to keep with the frames, by revision.
    """

    def create(self, session_id: str, origin: bytes, entries: Sequence[Entry], now: float, expire_time: float,
               request_id: str, first: int, bases: Mapping[int, bytes], names: Mapping[str, int]) -> Row: ...
    def append(self, session_id: str, expected_head: int, entries: Sequence[Entry], now: float, request_id: str,
               bases: Mapping[int, bytes]) -> Row: ...
    def load(self, session_id: str, after: int) -> Kept: ...
    def frames(self, session_id: str, first: int, last: int) -> list[bytes]: ...
    def base(self, session_id: str, revision: int) -> bytes: ...
    def sizes(self, session_id: str) -> list[int]: ...
    def trim(self, session_id: str, expected_head: int, first: int, bases: Mapping[int, bytes]) -> Row: ...
    def row(self, session_id: str) -> Row: ...
    def extend(self, session_id: str, expire_time: float) -> None: ...
    def page(self, now: float, limit: int, before: tuple[float, str] | None) -> list[Row]: ...
    def count(self, now: float) -> int: ...
    def delete(self, session_id: str) -> None: ...
    def expire(self, now: float) -> list[str]: ...
    def request(self, session_id: str, request_id: str) -> tuple[int, int] | None: ...
    def created_by(self, request_id: str) -> str | None: ...
    def names(self, session_id: str) -> dict[str, int]: ...
    def name(self, session_id: str, name: str, revision: int) -> None: ...
    def unname(self, session_id: str, name: str) -> bool: ...
    def close(self) -> None: ...


ROW = "id, head, update_time, expire_time, first_revision, size"


class SQLiteStore:
    """Sessions in one SQLite file, or in memory with the path ":memory:".

    Write-ahead log with synchronous = NORMAL: what was committed survives the death of the process
    at any moment; a power cut may take the last commits, never the file's consistency.
    tree_of: (parent, cause) of a frame's bytes, for files of versions that kept them nowhere else.
    """

    def __init__(self, path: str | Path, tree_of: Callable[[bytes], tuple[int, int]] | None = None):
        self._lock = threading.Lock()
        try:
            self._db = schema.opened(path, tree_of)
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

    # ---- sessions ----

    def create(self, session_id, origin, entries, now, expire_time, request_id, first=0, bases=None, names=None):
        """A session with its first frames, from revision 0 on; frames before `first` have no body."""
        size = sum(len(entry.body) for entry in entries)
        row = Row(session_id, len(entries) - 1, now, expire_time, first, size)
        with self._write() as db:
            db.execute(f"INSERT INTO session ({ROW}, origin, created_by) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                       (session_id, row.head, now, expire_time, first, size, origin, request_id or None))
            _put(db, session_id, 0, entries, bases or {})
            _put_names(db, session_id, names or {})
        return row

    def append(self, session_id, expected_head, entries, now, request_id, bases=None):
        """Adds frames after expected_head. Raises Conflict or Missing and changes nothing.

        What a frame is made from must be kept: it may have been dropped since the caller looked.
        """
        last, size = expected_head + len(entries), sum(len(entry.body) for entry in entries)
        with self._write() as db:
            rows = db.execute("UPDATE session SET head = ?, update_time = ?, size = size + ? WHERE id = ? AND head = ?"
                              f" RETURNING {ROW}", (last, now, size, session_id, expected_head)).fetchall()
            if not rows:
                exists = db.execute("SELECT 1 FROM session WHERE id = ?", (session_id,)).fetchone()
                raise Conflict(session_id) if exists else Missing(session_id)
            first = Row(*rows[0]).first
            if any(entry.parent < first and not _has_state(db, session_id, entry.parent) for entry in entries):
                raise Conflict(session_id)
            _put(db, session_id, expected_head + 1, entries, bases or {})
            if request_id:
                db.execute("INSERT INTO request VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE SET last = excluded.last",
                           (session_id, request_id, expected_head + 1, last))
        return Row(*rows[0])

    def load(self, session_id, after=-1):
        """A session without its frames, the tree from behind a revision on. Raises Missing."""
        with self._lock:
            found = self._db.execute(f"SELECT origin, {ROW} FROM session WHERE id = ?", (session_id,)).fetchone()
            if not found:
                raise Missing(session_id)
            tree = self._db.execute("SELECT parent, cause FROM frame INDEXED BY frame_tree WHERE session_id = ?"
                                    " AND revision > ? ORDER BY revision", (session_id, after)).fetchall()
            bases = self._db.execute("SELECT revision FROM state WHERE session_id = ?", (session_id,)).fetchall()
        return Kept(found[0], Row(*found[1:]), tree, [revision for (revision,) in bases])

    def frames(self, session_id, first, last):
        """The frames of the revisions from the first to the last; fewer if some are not there."""
        return [body for (body,) in self._read("SELECT body FROM frame WHERE session_id = ? AND revision BETWEEN ?"
                                               " AND ? ORDER BY revision", session_id, first, last)]

    def base(self, session_id, revision):
        """A kept state. Raises Missing."""
        rows = self._read("SELECT body FROM state WHERE session_id = ? AND revision = ?", session_id, revision)
        if not rows:
            raise Missing(session_id)
        return rows[0][0]

    def row(self, session_id):
        rows = self._read(f"SELECT {ROW} FROM session WHERE id = ?", session_id)
        if not rows:
            raise Missing(session_id)
        return Row(*rows[0])

    def sizes(self, session_id):
        """The size of each revision's frame in bytes."""
        return [size for (size,) in self._read("SELECT LENGTH(body) FROM frame WHERE session_id = ? ORDER BY revision",
                                               session_id)]

    def trim(self, session_id, expected_head, first, bases):
        """Drops the frames before `first` and the states before it but those of `bases`, which it keeps.

        Raises Conflict and changes nothing if the newest revision is another one: it may need others. Or Missing.
        """
        with self._write() as db:
            head = db.execute("SELECT head FROM session WHERE id = ?", (session_id,)).fetchone()
            if head != (expected_head,):
                raise Conflict(session_id) if head else Missing(session_id)
            db.execute("UPDATE frame SET body = x'' WHERE session_id = ? AND revision < ?", (session_id, first))
            db.execute("DELETE FROM state WHERE session_id = ? AND revision < ?", (session_id, first))
            _put(db, session_id, 0, (), bases)
            rows = db.execute("UPDATE session SET first_revision = ?, size = (SELECT SUM(LENGTH(body)) FROM frame"
                              f" WHERE session_id = id) WHERE id = ? RETURNING {ROW}", (first, session_id)).fetchall()
        return Row(*rows[0])

    def extend(self, session_id, expire_time):
        with self._write() as db:
            db.execute("UPDATE session SET expire_time = ? WHERE id = ?", (expire_time, session_id))

    def page(self, now, limit, before):
        """Live sessions, the latest changed first, starting after the (update_time, id) of `before`."""
        time, session_id = before or (float("inf"), "")
        rows = self._read(f"SELECT {ROW} FROM session WHERE expire_time > ?"
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

    # ---- requests and names ----

    def request(self, session_id, request_id):
        """First and last revision that a request made, or None if it is not known."""
        rows = self._read("SELECT first, last FROM request WHERE session_id = ? AND request_id = ?",
                          session_id, request_id)
        return rows[0] if rows else None

    def created_by(self, request_id):
        rows = self._read("SELECT id FROM session WHERE created_by = ?", request_id)
        return rows[0][0] if rows else None

    def names(self, session_id):
        """Revision by name."""
        return dict(self._read("SELECT name, revision FROM name WHERE session_id = ? ORDER BY name", session_id))

    def name(self, session_id, name, revision):
        """Gives a revision a name, in the place of its own and of the name's revision. Raises Missing."""
        with self._write() as db:
            if not db.execute("SELECT 1 FROM session WHERE id = ?", (session_id,)).fetchone():
                raise Missing(session_id)
            db.execute("DELETE FROM name WHERE session_id = ? AND (name = ? OR revision = ?)",
                       (session_id, name, revision))
            _put_names(db, session_id, {name: revision})

    def unname(self, session_id, name):
        """Takes a name away; whether it was there."""
        with self._write() as db:
            return db.execute("DELETE FROM name WHERE session_id = ? AND name = ?", (session_id, name)).rowcount > 0

    def close(self):
        with self._lock:
            self._db.close()


def _put(db, session_id: str, first: int, entries: Sequence[Entry], bases: Mapping[int, bytes]) -> None:
    db.executemany("INSERT INTO frame (session_id, revision, parent, cause, body) VALUES (?, ?, ?, ?, ?)",
                   [(session_id, first + i, entry.parent, entry.cause, entry.body) for i, entry in enumerate(entries)])
    db.executemany("INSERT OR REPLACE INTO state VALUES (?, ?, ?)",
                   [(session_id, revision, body) for revision, body in bases.items()])


def _has_state(db, session_id: str, revision: int) -> bool:
    return bool(db.execute("SELECT 1 FROM state WHERE session_id = ? AND revision = ?",
                           (session_id, revision)).fetchone())


def _put_names(db, session_id: str, names: Mapping[str, int]) -> None:
    db.executemany("INSERT INTO name VALUES (?, ?, ?)", [(session_id, name, at) for name, at in names.items()])
