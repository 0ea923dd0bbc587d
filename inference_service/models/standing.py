"""Whether the files that a model was read from are still the same: by name, size, time and place on the disk."""

import os
import stat
from dataclasses import dataclass
from pathlib import Path

from inference_service.models.files import is_read

Stamp = tuple[tuple[str, int, int, int], ...]  # of each file: name, bytes, nanoseconds, inode


@dataclass(frozen=True)
class Files:
    """The files of a checkpoint folder as they stood when they were read."""

    folder: Path
    stamp: Stamp

    @classmethod
    def of(cls, folder: Path) -> "Files":
        """As they stand now. Raises OSError."""
        return cls(folder, stamp_of(folder))

    def changed(self) -> bool:
        """Whether other ones stand there now. Where none can be seen any more, nothing has taken their place: False."""
        try:
            now = stamp_of(self.folder)
        except OSError:
            return False
        return bool(now) and now != self.stamp


def stamp_of(folder: Path) -> Stamp:
    """Of every file of the folder that a load may read; links count as what they lead to. Raises OSError."""
    found = []
    with os.scandir(folder) as entries:
        for entry in entries:
            if not is_read(entry.name):
                continue
            try:
                told = entry.stat()
            except OSError:  # a link to nowhere, or gone since it was listed
                continue
            if stat.S_ISREG(told.st_mode):
                found.append((entry.name, told.st_size, told.st_mtime_ns, told.st_ino))
    return tuple(sorted(found))
