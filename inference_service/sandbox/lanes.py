"""How many children there are, and who waits for whom: each connection for its own first, while its call lasts."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from inference_service.errors import Exhausted
from inference_service.sandbox import scope

MOST_WAITING = 32  # of one lane and one connection; of all there are no more than threads that may wait
WAIT = 60.0  # seconds that a call without a deadline waits
RETRY = 2.0  # seconds


class Lane:
    """A number of places.

    One that is given back goes to whoever has waited longest of the connection whose last turn is longest ago: of a
    hundred calls of another connection one or two go first, not all.
    """

    def __init__(self, places: int):
        self._free = places
        self._turns: dict[str, int] = {}  # which was the last, by connection; of those that wait
        self._count = 0
        self._waiting: list[tuple[str, threading.Event]] = []
        self._lock = threading.Lock()

    @contextmanager
    def place(self) -> Iterator[None]:
        """Holds a place. Raises Exhausted where too many wait or one waits too long, and as Scope.check."""
        self._take(scope.connection.get())
        try:
            yield
        finally:
            self._give()

    def _take(self, whose: str) -> None:
        now = scope.current()
        now.check()
        with self._lock:
            if self._free:
                self._free -= 1
                return
            if sum(other == whose for other, _ in self._waiting) >= MOST_WAITING:
                raise _busy()
            turn = threading.Event()
            mine = whose, turn
            self._waiting.append(mine)
        with now.cancelled.calling(turn.set):
            turn.wait(now.remaining(WAIT))
        with self._lock:
            if mine not in self._waiting:  # the place was given, even if the call ended at the same time
                return
            self._waiting.remove(mine)
        now.check()
        raise _busy()

    def _give(self) -> None:
        with self._lock:
            if self._waiting:
                following = min(self._waiting, key=lambda one: self._turns.get(one[0], 0))  # the first of those alike
                self._waiting.remove(following)
                self._count += 1
                self._turns[following[0]] = self._count
                self._turns = {whose: self._turns[whose] for whose, _ in self._waiting if whose in self._turns}
                following[1].set()
            else:
                self._free += 1


def _busy() -> Exhausted:
    return Exhausted("too much is being compiled for others at the moment; try again", reason="COMPILER_BUSY",
                     retry_after=RETRY)
