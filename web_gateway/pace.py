"""How long a transfer may keep its thread waiting, and how much a socket may ask in a second."""

import select
import time


class Pace:
    """A patience that grows with what has been moved.

    grace: seconds that may be waited in all before anything has moved.
    rate: bytes that earn another second. Only waiting counts, so the other side of the transfer may take its time.
    """

    def __init__(self, grace: float, rate: float):
        self._left = grace
        self._rate = rate

    def moved(self, size: int):
        self._left += size / self._rate

    def wait(self, fileno: int, events: int):
        """Waits until the descriptor is ready for `events` (select.POLLIN or POLLOUT). Raises TimeoutError."""
        began = time.monotonic()
        poll = select.poll()  # select() knows no descriptor above 1023
        poll.register(fileno, events)
        ready = poll.poll(max(0, self._left * 1000))
        self._left -= time.monotonic() - began
        if not ready:
            raise TimeoutError("the client is too slow")


class Rate:
    """So many things a second, and `burst` at once. Not thread-safe."""

    def __init__(self, per_second: float, burst: float):
        self._per_second = per_second
        self._burst = self._left = burst
        self._at = time.monotonic()

    def take(self, count: int = 1):
        self._left -= count

    def wait(self) -> float:
        """Seconds until there may be more."""
        now = time.monotonic()
        self._left = min(self._burst, self._left + (now - self._at) * self._per_second)
        self._at = now
        return max(0.0, -self._left / self._per_second)
