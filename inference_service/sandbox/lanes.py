"""How many children there are at once, and who waits for whom: in the order of arrival, no longer than the call."""

import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager

from inference_service.errors import Exhausted
from inference_service.sandbox import scope

MOST_WAITING = 32  # of one lane
WAIT = 60.0  # seconds that a call without a deadline waits
RETRY = 2.0  # seconds


class Lane:
    """A number of places. A place that is given back goes to whoever has waited longest."""

    def __init__(self, places: int):
        self._free = places
        self._waiting: deque[threading.Event] = deque()
        self._lock = threading.Lock()

    @contextmanager
    def place(self) -> Iterator[None]:
        """Holds a place. Raises Exhausted where too many wait or one waits too long, and as Scope.check."""
        self._take()
        try:
            yield
        finally:
            self._give()

    def _take(self) -> None:
        now = scope.current()
        now.check()
        with self._lock:
            if self._free:
                self._free -= 1
                return
            if len(self._waiting) >= MOST_WAITING:
                raise _busy()
            turn = threading.Event()
            self._waiting.append(turn)
        with now.cancelled.calling(turn.set):
            turn.wait(now.remaining(WAIT))
        with self._lock:
            if turn not in self._waiting:  # the place was given, even if the call ended at the same time
                return
            self._waiting.remove(turn)
        now.check()
        raise _busy()

    def _give(self) -> None:
        with self._lock:
            if self._waiting:
                self._waiting.popleft().set()
            else:
                self._free += 1


def _busy() -> Exhausted:
    return Exhausted("too much is being compiled for others at the moment; try again", reason="COMPILER_BUSY",
                     retry_after=RETRY)
