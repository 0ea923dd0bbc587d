"""What is wrong with the store, as errors for a caller. Nothing else knows SQLite's codes.

    STORE_FULL        RESOURCE_EXHAUSTED   no room on the disk, in the quota or under the limit of a file's size
    STORE_READ_ONLY   FAILED_PRECONDITION  the file cannot be written, or is not where it was: an operator has to act
    STORE_BUSY        UNAVAILABLE          another process holds the file
    STORE_DAMAGED     DATA_LOSS            what is kept is not what was written
    STORE_UNREADABLE  UNAVAILABLE          the disk gives errors; at start, any file that cannot be used

Their messages name no path: they reach clients. The operator's log has it.
"""

import errno
import os
import resource
import sqlite3
from pathlib import Path

from inference_service.errors import DataLoss, Exhausted, FailedPrecondition, ServiceError, Unavailable

RETRY_SECONDS = 5.0
LEAST_FREE = 1 << 20  # bytes; with less a disk counts as full
NO_ROOM = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
NOT_WRITABLE = {errno.EROFS, errno.EACCES, errno.EPERM}
BUSY = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_PROTOCOL}
DAMAGED = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}
DISK = {sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN}


def full() -> Exhausted:
    return Exhausted("the server has no room left to keep sessions; delete some, or try again later",
                     reason="STORE_FULL", retry_after=RETRY_SECONDS)


def read_only() -> FailedPrecondition:
    return FailedPrecondition("the server cannot write to its session store; sessions can be read and not changed",
                              reason="STORE_READ_ONLY")


def moved() -> FailedPrecondition:
    """Writing on would keep frames where nobody finds them again."""
    return FailedPrecondition("the file of the server's session store was removed or replaced; sessions can be read and"
                              " not changed until it is back", reason="STORE_READ_ONLY")


def busy() -> Unavailable:
    return Unavailable("another process holds the server's session store; try again", reason="STORE_BUSY",
                       retry_after=RETRY_SECONDS)


def unreadable() -> Unavailable:
    return Unavailable("the server's disk does not read or write the session store; try again",
                       reason="STORE_UNREADABLE", retry_after=RETRY_SECONDS)


def closed() -> Unavailable:
    return Unavailable("the server is shutting down; try another one or later", reason="DRAINING", retry_after=2.0)


def damaged(session_id: str = "", revision: int | None = None) -> DataLoss:
    """metadata: session_id and revision where one is known."""
    if not session_id:
        return DataLoss("the server's session store is damaged", reason="STORE_DAMAGED")
    if revision is None:
        return DataLoss(f"session {session_id} is damaged in the server's store", reason="STORE_DAMAGED",
                        metadata={"session_id": session_id})
    return DataLoss(f"revision {revision} of session {session_id} is damaged in the server's store, and with it what"
                    " was made from it; earlier revisions can be gone on from", reason="STORE_DAMAGED",
                    metadata={"session_id": session_id, "revision": revision})


def fault(error: Exception, path: Path | None = None, session_id: str = "") -> ServiceError | None:
    """The error for a caller; None where the store is not at fault, but whoever called it.

    path: the file, None in memory. SQLite says of a write that failed little more than that, so the file system is
    asked for the cause.
    """
    if isinstance(error, OSError):
        return full() if error.errno in NO_ROOM else read_only() if error.errno in NOT_WRITABLE else unreadable()
    kind = getattr(error, "sqlite_errorcode", 0) & 0xFF
    if kind == sqlite3.SQLITE_FULL:
        return full()
    if kind == sqlite3.SQLITE_READONLY or kind == sqlite3.SQLITE_PERM:
        return read_only()
    if kind in BUSY:
        return busy()
    if kind in DAMAGED:
        return damaged(session_id)
    if kind in DISK:
        return full() if path and no_room(path) else read_only() if path and not writable(path) else unreadable()
    return None


def no_room(path: Path) -> bool:
    """Whether the disk, the quota or the limit of a file's size leaves no room beside a file."""
    try:
        there = os.statvfs(path.parent)
        if there.f_bavail * there.f_frsize < LEAST_FREE:
            return True
        limit, _ = resource.getrlimit(resource.RLIMIT_FSIZE)
        largest = max(Path(f"{path}{end}").stat().st_size for end in ("", "-wal") if os.path.exists(f"{path}{end}"))
        if limit != resource.RLIM_INFINITY and largest + LEAST_FREE > limit:
            return True
        return _quota_is_spent(path.parent)
    except (OSError, ValueError):
        return False


def _quota_is_spent(folder: Path) -> bool:
    """Tries to have room, in a file without a name."""
    if not (hasattr(os, "O_TMPFILE") and hasattr(os, "posix_fallocate")):
        return False
    file = os.open(folder, os.O_TMPFILE | os.O_RDWR, 0o600)
    try:
        os.posix_fallocate(file, 0, LEAST_FREE)
        return False
    except OSError as error:
        return error.errno in NO_ROOM
    finally:
        os.close(file)


def writable(path: Path) -> bool:
    """Whether the file system lets the file, its log and its folder be written; also for root it may not."""
    return all(os.access(one, os.W_OK) for one in (path.parent, path, Path(f"{path}-wal")) if one.exists())
