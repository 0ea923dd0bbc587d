"""What keeps sessions: the interface, and SQLite behind it.

A store sees bytes. It promises four things: an append is atomic and happens only if the newest
revision is the expected one (compare-and-set), what was acknowledged survives the process, a
request id is remembered with the frames that it made, and what comes back is what was kept.
"""

import logging
import sqlite3
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol, TypeVar

from inference_service.errors import Exhausted, FailedPrecondition, ServiceError
from inference_service.sessions import faults, files, schema
from inference_service.sessions.faults import damaged
from inference_service.sessions.sums import checksum, frame_sum, matches, tree_sums

log = logging.getLogger(__name__)
Result = TypeVar("Result")


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

    append, create: `bases` are states to keep with the frames, by revision. trouble: why nothing can be written at
    present, None if all is well; check: the same, tried anew. Every method raises the errors of sessions.faults.
    """

    @property
    def trouble(self) -> ServiceError | None: ...
    def check(self) -> ServiceError | None: ...

    def create(self, session_id: str, origin: bytes, entries: Sequence[Entry], now: float, expire_time: float,
               request_id: str, first: int = 0, bases: Mapping[int, bytes] | None = None,
               names: Mapping[str, int] | None = None) -> Row: ...
    def append(self, session_id: str, expected_head: int, entries: Sequence[Entry], now: float, request_id: str,
               bases: Mapping[int, bytes] | None = None) -> Row: ...
    def load(self, session_id: str, after: int = -1) -> Kept: ...
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


ROW = "id, head, update_time, expires, first_revision, size"
RETRY_MS = 200  # that a write waits for another process that has held the file for long already


class SQLiteStore:
    """Sessions in one SQLite file, or in memory with the path ":memory:".

    Write-ahead log with synchronous = NORMAL: what was committed survives the death of the process
    at any moment; a power cut may take the last commits, never the file's consistency.
    tree_of: (parent, cause) of a frame's bytes, for files of versions that kept them nowhere else.
    reserve: bytes of the disk that are kept for deleting sessions when it is full.

    Checksums cover everything but the keys by which a request or a name is found: a session's row and origin, each
    frame with its place in the tree, each kept state, name and request. They are compared whenever something is read,
    and what does not match raises STORE_DAMAGED, or is left out of a list. A session that is damaged can be deleted.

    A fault that keeps anything from being written is remembered as `trouble` until a write succeeds; `check` tries
    one. Reading goes on meanwhile, on a connection of its own.
    """

    def __init__(self, path: str | Path, tree_of: Callable[[bytes], tuple[int, int]] | None = None, reserve: int = 0):
        self._lock = threading.RLock()  # of the connection that writes
        self._read_lock = self._lock if str(path) == ":memory:" else threading.RLock()
        self._tree_of = tree_of
        self._trouble: ServiceError | None = None
        self._said: set[str] = set()  # the damaged sessions that the log has
        self._open = self._closed = False
        self._path = None
        try:
            if str(path) != ":memory:":
                self._path = files.prepared(Path(path))
                self._reserve = files.Reserve(self._path, reserve)
            self._connect()
        except (OSError, sqlite3.Error) as error:
            found = faults.fault(error, self._path or Path(path).absolute())
            reason = found.reason if found else "STORE_UNREADABLE"
            if found is None or reason == "STORE_UNREADABLE":
                kind: type[ServiceError] = FailedPrecondition  # trying again would not help
            else:
                kind = type(found)
            raise kind(
                f"the session store {path} cannot be used: {error}; {HELP.get(reason, HELP[''])}",
                reason=reason) from None
        if self._path:
            self._reserve.make()
            self._remember(self._tried())  # a file that can only be read is served so

    def _connect(self) -> None:
        """Opens the connections; on a full disk with the room of the reserve."""
        try:
            self._db = schema.opened(self._path or ":memory:", self._tree_of)
        except sqlite3.Error as error:
            if not (self._path and getattr(faults.fault(error, self._path), "reason", "") == "STORE_FULL"
                    and self._reserve.release()):
                raise
            self._db = schema.opened(self._path, self._tree_of)
        self._reader = self._db
        if self._path:
            try:
                self._reader = schema.connected(self._path)
                self._reader.executescript(f"PRAGMA query_only = ON; PRAGMA busy_timeout = {schema.BUSY_MS};")
                self._reader.execute("SELECT 1 FROM session").fetchone()
            except sqlite3.Error:
                self._db.close()
                raise
            self._identity = files.identity(self._path)
        self._open = True

    # ---- faults ----

    @property
    def trouble(self) -> ServiceError | None:
        return self._trouble

    def check(self) -> ServiceError | None:
        """What keeps the store from being written. Tries it, if something did when it was last written."""
        if self._trouble:
            with self._lock:
                if not self._closed:
                    self._remember(self._tried())
        return self._trouble

    def _tried(self) -> ServiceError | None:
        """Writes something that changes nothing. What was wrong with it, or None."""
        try:
            self._find_files()
            with self._transaction() as db:
                db.execute(f"PRAGMA user_version = {db.execute('PRAGMA user_version').fetchone()[0]}")
        except (sqlite3.Error, OSError) as error:
            return faults.fault(error, self._path) or faults.unreadable()
        except ServiceError as error:
            return error
        was_full = self._trouble and self._trouble.reason == "STORE_FULL"
        return faults.full() if was_full and self._path and faults.no_room(self._path) else None

    def _find_files(self) -> None:
        """Raises FailedPrecondition where the file or its log are not those that are open.

        What would be written to a file that was removed is lost with the process. A log that was removed is put into
        the file and begun anew, unless another process has begun one.
        """
        if self._closed:
            raise faults.closed()
        if not self._path:
            return
        now = files.identity(self._path)
        if self._open and now == self._identity:
            return
        if now[0] != self._identity[0] or any(one not in (None, was) for one, was in zip(now, self._identity)):
            raise faults.moved()
        if self._open:
            unfinished, pages, moved = self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
            if unfinished or pages != moved:
                raise faults.moved()
        with self._read_lock:
            self._disconnect()
            self._connect()

    def _disconnect(self) -> None:
        with self._read_lock:
            self._open = False
            self._reader.close()
            self._db.close()

    def _remember(self, trouble: ServiceError | None) -> None:
        before = self._trouble and self._trouble.reason
        after = trouble and trouble.reason
        self._trouble = trouble
        if before != after:
            log.log(logging.ERROR if after else logging.INFO, "session store %s: %s", self._path or "in memory",
                    f"{after}: {trouble.message}" if trouble else "can be written again")
            if self._path and not after:
                self._reserve.make()
            if self._open and "STORE_BUSY" in (before, after):
                self._db.execute(f"PRAGMA busy_timeout = {RETRY_MS if after == 'STORE_BUSY' else schema.BUSY_MS}")

    def _failed(self, error: Exception, session_id: str) -> Exception:
        """The error for the caller. Called with the lock held."""
        if self._closed:
            return faults.closed()
        found = faults.fault(error, self._path, session_id)
        if not self._open:
            trouble = found or self._trouble or faults.unreadable()
            self._remember(trouble)
            return trouble
        if found is None:
            return error
        log.error("session store %s: %s (%s)", self._path or "in memory", error, found.reason)
        if found.reason in ("STORE_DAMAGED", "STORE_UNREADABLE"):  # of one page, perhaps: the rest may be well
            with suppress(sqlite3.Error), self._read_lock:
                for db in (self._db, self._reader):
                    db.execute("PRAGMA shrink_memory")  # what is mended on the disk is read again
            self._remember(self._tried())
        else:
            self._remember(found)
        return found

    def _damaged(self, session_id: str, revision: int | None = None) -> ServiceError:
        if session_id not in self._said and len(self._said) < 1000:
            self._said.add(session_id)
            log.error("session store %s: session %s is damaged%s", self._path or "in memory", session_id,
                      "" if revision is None else f" at revision {revision}")
        return damaged(session_id, revision)

    @contextmanager
    def _transaction(self):
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield self._db
            self._db.execute("COMMIT")
        except BaseException:
            if self._db.in_transaction:  # a full disk may have rolled it back already
                with suppress(sqlite3.Error):
                    self._db.execute("ROLLBACK")
            raise

    @contextmanager
    def _write(self, session_id: str = "", last: bool = True):
        """A transaction. last: nothing more comes with it, and its success ends the trouble there was."""
        with self._lock:
            try:
                self._find_files()
                before = self._db.total_changes
                with self._transaction() as db:
                    yield db
            except (sqlite3.Error, OSError) as error:
                raise self._failed(error, session_id) from error
            except FailedPrecondition as error:
                if error.reason == "STORE_READ_ONLY":
                    self._remember(error)
                raise
            if self._trouble and last and self._db.total_changes > before:
                self._remember(None)

    def _freed(self, work: Callable[[sqlite3.Connection], Result], session_id: str = "") -> Result:
        """What `work` returns, which deletes something. On a full disk it has the room of the reserve."""
        try:
            with self._write(session_id) as db:
                return work(db)
        except Exhausted:
            if not (self._path and self._reserve.release()):
                raise
        with self._lock:
            try:
                with self._write(session_id, last=False) as db:
                    return work(db)
            finally:
                with suppress(sqlite3.Error):  # the log's room is given back, its pages are in the file
                    self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
                self._reserve.make()
                self._remember(self._tried())

    @contextmanager
    def _reading(self, session_id: str = "", several: bool = True):
        """The file as it is at one moment. several: statements, which shall see the same."""
        try:
            with self._read_lock:
                db = self._reader
                if several:
                    db.execute("BEGIN")
                try:
                    yield db
                finally:
                    if several:
                        with suppress(sqlite3.Error):
                            db.execute("ROLLBACK")
        except (sqlite3.Error, OSError) as error:
            with self._lock:
                raise self._failed(error, session_id) from error

    def _read(self, session_id: str, query: str, *arguments):
        with self._reading(session_id, several=False) as db:
            return db.execute(query, arguments).fetchall()

    def _row(self, db, session_id: str) -> Row:
        """A session's row. Raises Missing, or DataLoss."""
        found = db.execute(f"SELECT {ROW}, sum FROM session WHERE id = ?", (session_id,)).fetchone()
        if not found:
            raise Missing(session_id)
        if not _is_row(found):
            raise self._damaged(session_id)
        return Row(*found[:-1])

    # ---- sessions ----

    def create(self, session_id, origin, entries, now, expire_time, request_id, first=0, bases=None, names=None):
        """A session with its first frames, from revision 0 on; frames before `first` have no body.

        Raises Conflict if the request id has made one already.
        """
        size = sum(len(entry.body) for entry in entries)
        row = Row(session_id, len(entries) - 1, float(now), float(expire_time), first, size)
        made_by = request_id or None
        with self._write() as db:
            if made_by and db.execute("SELECT 1 FROM session WHERE created_by = ?", (made_by,)).fetchone():
                raise Conflict(session_id)
            db.execute(f"INSERT INTO session ({ROW}, sum, origin, created_by, origin_sum) VALUES"
                       " (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                       (*_columns(row), _row_sum(row), origin, made_by, checksum(origin, session_id, made_by)))
            _put(db, session_id, 0, entries, bases or {})
            _put_names(db, session_id, names or {})
        return row

    def append(self, session_id, expected_head, entries, now, request_id, bases=None):
        """Adds frames after expected_head. Raises Conflict or Missing and changes nothing.

        What a frame is made from must be kept: it may have been dropped since the caller looked.
        """
        last, size = expected_head + len(entries), sum(len(entry.body) for entry in entries)
        with self._write(session_id) as db:
            row = self._row(db, session_id)
            if row.head != expected_head:
                raise Conflict(session_id)
            if any(entry.parent < row.first and not _has_state(db, session_id, entry.parent) for entry in entries):
                raise Conflict(session_id)
            row = Row(session_id, last, float(now), row.expire_time, row.first, row.size + size)
            _put_row(db, row)
            _put(db, session_id, expected_head + 1, entries, bases or {})
            if request_id:
                first = expected_head + 1
                db.execute("INSERT INTO request (session_id, request_id, first, last, sum) VALUES (?, ?, ?, ?, ?)"
                           " ON CONFLICT DO UPDATE SET last = excluded.last,"
                           " sum = checksum(x'', session_id, request_id, first, excluded.last)",
                           (session_id, request_id, first, last, checksum(b"", session_id, request_id, first, last)))
        return row

    def load(self, session_id, after=-1):
        """A session without its frames, the tree from behind a revision on. Raises Missing."""
        with self._reading(session_id) as db:
            row = self._row(db, session_id)
            origin, made_by, origin_sum = db.execute(
                "SELECT origin, created_by, origin_sum FROM session WHERE id = ?", (session_id,)).fetchone()
            tree = db.execute("SELECT revision, parent, cause, tree_sum FROM frame INDEXED BY frame_tree"
                              " WHERE session_id = ? AND revision > ? ORDER BY revision",
                              (session_id, after)).fetchall()
            bases = db.execute("SELECT revision FROM state WHERE session_id = ?", (session_id,)).fetchall()
        if not matches(origin_sum, origin, session_id, made_by):
            raise self._damaged(session_id)
        sums = tree_sums(session_id)
        for expected, place in enumerate(tree, after + 1):
            if place[0] != expected or place[3] != sums(*place[:3]):
                raise self._damaged(session_id, expected)
        if len(tree) != max(0, row.head - after):
            raise self._damaged(session_id)
        return Kept(origin, row, [(parent, cause) for _, parent, cause, _ in tree],
                    [revision for (revision,) in bases])

    def frames(self, session_id, first, last):
        """The frames of the revisions from the first to the last; fewer if some are not there."""
        rows = self._read(session_id, "SELECT revision, parent, cause, content, sum FROM frame"
                          " WHERE session_id = ? AND revision BETWEEN ? AND ? ORDER BY revision",
                          session_id, first, last)
        sums = tree_sums(session_id)
        for expected, (revision, parent, cause, body, kept) in enumerate(rows, first):
            if revision != expected or kept != frame_sum(sums(revision, parent, cause), body):
                raise self._damaged(session_id, expected)
        return [row[3] for row in rows]

    def base(self, session_id, revision):
        """A kept state. Raises Missing."""
        rows = self._read(session_id, "SELECT body, sum FROM state WHERE session_id = ? AND revision = ?",
                          session_id, revision)
        if not rows:
            raise Missing(session_id)
        body, kept = rows[0]
        if not matches(kept, body, session_id, revision):
            raise self._damaged(session_id, revision)
        return body

    def row(self, session_id):
        with self._reading(session_id, several=False) as db:
            return self._row(db, session_id)

    def sizes(self, session_id):
        """The size of each revision's frame in bytes."""
        rows = self._read(session_id, "SELECT revision, LENGTH(content) FROM frame WHERE session_id = ?"
                                      " ORDER BY revision", session_id)
        for expected, (revision, _) in enumerate(rows):
            if revision != expected:
                raise self._damaged(session_id, expected)
        return [size for _, size in rows]

    def trim(self, session_id, expected_head, first, bases):
        """Drops the frames before `first` and the states before it but those of `bases`, which it keeps.

        Raises Conflict and changes nothing if the newest revision is another one: it may need others. Or Missing.
        """
        with self._write(session_id) as db:
            row = self._row(db, session_id)
            if row.head != expected_head:
                raise Conflict(session_id)
            db.execute("UPDATE frame SET content = x'', sum = tree_sum WHERE session_id = ? AND revision < ?",
                       (session_id, first))
            db.execute("DELETE FROM state WHERE session_id = ? AND revision < ?", (session_id, first))
            _put(db, session_id, 0, (), bases)
            size = db.execute("SELECT SUM(LENGTH(content)) FROM frame WHERE session_id = ?", (session_id,)).fetchone()
            row = replace(row, first=first, size=size[0])
            _put_row(db, row)
        return row

    def extend(self, session_id, expire_time):
        with self._write(session_id) as db, suppress(Missing):
            _put_row(db, replace(self._row(db, session_id), expire_time=float(expire_time)))

    def page(self, now, limit, before):
        """Live sessions, the latest changed first, starting after the (update_time, id) of `before`.

        Damaged ones are left out, if it is their row that is damaged.
        """
        time, session_id = before or (float("inf"), "")
        found = []
        with self._reading() as db:
            rows = db.execute(f"SELECT {ROW}, sum FROM session WHERE expires > ?"
                              " AND (update_time < ? OR (update_time = ? AND id > ?))"
                              " ORDER BY update_time DESC, id", (now, time, time, session_id))
            while len(found) < limit and (row := rows.fetchone()):
                if _is_row(row):
                    found.append(Row(*row[:-1]))
                else:
                    self._damaged(str(row[0]))
            rows.close()
        return found

    def count(self, now):
        return self._read("", "SELECT COUNT(*) FROM session WHERE expires > ?", now)[0][0]

    def delete(self, session_id):
        """Deletes a session, damaged or not."""
        self._freed(lambda db: db.execute("DELETE FROM session WHERE id = ?", (session_id,)), session_id)

    def expire(self, now: float) -> list[str]:
        """Deletes the sessions whose time was over before `now`; returns their ids. A damaged row is no reason."""
        def work(db):
            rows = db.execute(f"SELECT {ROW}, sum FROM session WHERE expires <= ?", (now,)).fetchall()
            gone = [row[0] for row in rows if _is_row(row)]
            db.executemany("DELETE FROM session WHERE id = ?", [(session_id,) for session_id in gone])
            return gone

        return self._freed(work)

    # ---- requests and names ----

    def request(self, session_id, request_id):
        """First and last revision that a request made, or None if it is not known."""
        rows = self._read(session_id, "SELECT first, last, sum FROM request WHERE session_id = ? AND request_id = ?",
                          session_id, request_id)
        if not rows:
            return None
        first, last, kept = rows[0]
        if not matches(kept, b"", session_id, request_id, first, last):
            raise self._damaged(session_id)
        return first, last

    def created_by(self, request_id):
        rows = self._read("", "SELECT id, origin, origin_sum FROM session WHERE created_by = ?", request_id)
        if not rows:
            return None
        session_id, origin, kept = rows[0]
        if not matches(kept, origin, session_id, request_id):
            raise self._damaged(str(session_id))
        return session_id

    def names(self, session_id):
        """Revision by name. A damaged one is left out: the revision is there without it."""
        rows = self._read(session_id, "SELECT name, revision, sum FROM name WHERE session_id = ? ORDER BY name",
                          session_id)
        good = {name: revision for name, revision, kept in rows if matches(kept, b"", session_id, name, revision)}
        if len(good) < len(rows):
            self._damaged(session_id)
        return good

    def name(self, session_id, name, revision):
        """Gives a revision a name, in the place of its own and of the name's revision. Raises Missing."""
        with self._write(session_id) as db:
            if not db.execute("SELECT 1 FROM session WHERE id = ?", (session_id,)).fetchone():
                raise Missing(session_id)
            db.execute("DELETE FROM name WHERE session_id = ? AND (name = ? OR revision = ?)",
                       (session_id, name, revision))
            _put_names(db, session_id, {name: revision})

    def unname(self, session_id, name):
        """Takes a name away; whether it was there."""
        with self._write(session_id) as db:
            return db.execute("DELETE FROM name WHERE session_id = ? AND name = ?", (session_id, name)).rowcount > 0

    def close(self):
        with self._lock:
            if self._open and (not self._path or files.identity(self._path)[0] in (None, self._identity[0])):
                self._disconnect()  # of a file that was replaced, SQLite would remove the new one's log
            self._closed, self._open = True, False


HELP = {
    "STORE_FULL": "make room on its disk, or set UNMASK_STORE to a file on another one",
    "STORE_READ_ONLY": "make the file and its folder writable, or set UNMASK_STORE to another file",
    "STORE_BUSY": "end the process that holds it, or set UNMASK_STORE to another file",
    "STORE_DAMAGED": "it was left as it is; restore a copy, or set UNMASK_STORE to another file",
    "": "set UNMASK_STORE to another file",
}


def _columns(row: Row) -> tuple:
    return row.session_id, row.head, row.update_time, row.expire_time, row.first, row.size


def _row_sum(row: Row) -> int:
    return checksum(b"", *_columns(row))


def _is_row(found: tuple) -> bool:
    """Whether the columns of ROW and the checksum behind them are as they were kept."""
    return matches(found[-1], b"", *found[:-1])


def _put_row(db, row: Row) -> None:
    db.execute("UPDATE session SET head = ?, update_time = ?, expires = ?, first_revision = ?, size = ?, sum = ?"
               " WHERE id = ?", (row.head, row.update_time, row.expire_time, row.first, row.size, _row_sum(row),
                                 row.session_id))


def _put(db, session_id: str, first: int, entries: Sequence[Entry], bases: Mapping[int, bytes]) -> None:
    sums = tree_sums(session_id)
    db.executemany(
        "INSERT INTO frame (session_id, revision, parent, cause, tree_sum, content, sum) VALUES (?, ?, ?, ?, ?, ?, ?)",
        [(session_id, revision, entry.parent, entry.cause, place := sums(revision, entry.parent, entry.cause),
          entry.body, frame_sum(place, entry.body)) for revision, entry in enumerate(entries, first)])
    for revision, body in bases.items():
        db.execute("INSERT OR REPLACE INTO state (session_id, revision, body, sum) VALUES (?, ?, ?, ?)",
                   (session_id, revision, body, checksum(body, session_id, revision)))


def _has_state(db, session_id: str, revision: int) -> bool:
    return bool(db.execute("SELECT 1 FROM state WHERE session_id = ? AND revision = ?",
                           (session_id, revision)).fetchone())


def _put_names(db, session_id: str, names: Mapping[str, int]) -> None:
    db.executemany("INSERT INTO name (session_id, name, revision, sum) VALUES (?, ?, ?, ?)",
                   [(session_id, name, at, checksum(b"", session_id, name, at)) for name, at in names.items()])
