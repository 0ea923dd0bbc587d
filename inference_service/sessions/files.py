"""The files of the SQLite store: readable by their owner alone, still where they were, and room kept for a deletion."""

import logging
import os
import stat
from contextlib import suppress
from pathlib import Path

log = logging.getLogger(__name__)

OURS = stat.S_IRUSR | stat.S_IWUSR
BESIDE = ("", "-wal", "-shm")  # the database, its log and the log's index, whose modes SQLite takes from the database
DISK_SHARE = 2 / 3  # of what is free that the reserve may take: the log needs the rest to go on

Identity = tuple[tuple[int, int] | None, ...]


def prepared(path: Path) -> Path:
    """Makes the file and the folders that lead to it, or takes others' access to the file away. The path, resolved.

    What is made is its owner's alone from the first moment, whatever the umask. A folder that is there stays as it is:
    it may hold more than the store. Raises OSError.
    """
    path = Path(os.path.realpath(path))
    for folder in reversed([folder for folder in path.parents if not folder.exists()]):
        with suppress(FileExistsError):
            folder.mkdir(mode=0o700)
            folder.chmod(0o700)  # what the umask took away
    try:
        file = os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR | os.O_CLOEXEC, OURS)
        os.fchmod(file, OURS)
        os.close(file)
    except FileExistsError:
        # Never opened here: closing it would drop the locks that SQLite holds in this process.
        for end in (*BESIDE, "-journal"):
            _make_private(Path(f"{path}{end}"))
    return path


def _make_private(path: Path) -> None:
    try:
        mode = path.stat().st_mode
        if stat.S_ISREG(mode) and mode & 0o077:
            path.chmod(stat.S_IMODE(mode) & 0o700)
    except FileNotFoundError:
        pass
    except OSError as error:
        log.warning("others may read the session store %s: %s", path, error.strerror)


def identity(path: Path) -> Identity:
    """Which files the store's names lead to at present."""
    name = str(path)
    return _inode(name), _inode(name + "-wal"), _inode(name + "-shm")


def _inode(path: str) -> tuple[int, int] | None:
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_dev, found.st_ino


class Reserve:
    """A file beside the store that takes up `size` bytes: room in which sessions can be deleted on a full disk."""

    def __init__(self, path: Path, size: int):
        self._path = Path(f"{path}-reserve")
        self._size = size

    def release(self) -> bool:
        """Gives the room back to the disk; whether there was any."""
        with suppress(OSError):
            had = self._path.stat().st_blocks > 0
            self._path.unlink()
            return had
        return False

    def make(self) -> None:
        """Takes as much of the room again as leaves the store some to work in."""
        if not self._size:
            return
        with suppress(OSError):
            disk = os.statvfs(self._path.parent)
            had = self._path.stat().st_blocks * 512 if self._path.exists() else 0
            size = min(self._size, int((disk.f_bavail * disk.f_frsize + had) * DISK_SHARE))
            if size > had:
                _take(self._path, size)


def _take(path: Path, size: int) -> None:
    """Blocks of the disk, not just a length."""
    file = os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC | getattr(os, "O_NOFOLLOW", 0), OURS)
    try:
        os.fchmod(file, OURS)
        if hasattr(os, "posix_fallocate"):
            os.posix_fallocate(file, 0, size)
        else:
            os.pwrite(file, bytes(size), 0)
    finally:
        os.close(file)
