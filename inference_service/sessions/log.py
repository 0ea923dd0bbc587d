"""The frames of a session by revision: those read lately in memory, the others where they are kept."""

import threading
from collections import OrderedDict
from collections.abc import Callable

from inference_service.errors import DataLoss
from inference_service.sessions.frame import Frame

KEPT = 512
PAGE = 128

Read = Callable[[int, int], list[Frame]]  # the frames of the revisions from the first to the last


def nothing_kept(first: int, last: int) -> list[Frame]:
    raise IndexError(f"no frames {first} to {last}")


class Log:
    """Frames, fetched by `read` when they are not at hand. Thread-safe."""

    def __init__(self, read: Read = nothing_kept, kept: int = KEPT):
        self._read = read
        self._kept = kept
        self._frames: OrderedDict[int, Frame] = OrderedDict()
        self._lock = threading.Lock()

    def add(self, frame: Frame) -> None:
        """The newest frame."""
        with self._lock:
            self._frames[frame.revision] = frame
            while len(self._frames) > self._kept:
                self._frames.popitem(last=False)

    def between(self, first: int, last: int) -> list[Frame]:
        """The frames of the revisions from the first to the last."""
        with self._lock:
            held = [self._frames.get(revision) for revision in range(first, last + 1)]
        found = [frame for frame in held if frame is not None]
        return found if len(found) == len(held) else self._read(first, last)

    def at(self, revisions: list[int]) -> list[Frame]:
        """The frames of some revisions in the order asked, fetched in pages."""
        found: dict[int, Frame] = {}
        for revision in revisions:
            if revision in found:
                continue
            with self._lock:
                held = self._frames.get(revision)
            if held:
                found[revision] = held
            else:  # ancestors lie side by side nearly always
                ahead = [other for other in revisions if revision <= other < revision + PAGE and other not in found]
                found |= {frame.revision: frame for frame in self._page(ahead)}
        return [found[revision] for revision in revisions]

    def _page(self, wanted: list[int]) -> list[Frame]:
        """The frames of some revisions, and of those between them unless one is damaged."""
        try:
            return self._read(min(wanted), max(wanted))
        except DataLoss:
            return [self._read(revision, revision)[0] for revision in wanted]
