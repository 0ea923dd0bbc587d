"""A lock for each key, there for as long as somebody has it or waits for it."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field


@dataclass(eq=False)
class _Holders:
    """A lock, and how many threads have it or wait for it."""

    lock: threading.RLock = field(default_factory=threading.RLock)
    count: int = 0


class Locks:
    def __init__(self):
        self._lock = threading.Lock()  # of what follows; held for no read and no fold: nobody waits for another's
        self._holders: dict[str, _Holders] = {}

    @contextmanager
    def alone(self, key: str) -> Iterator[None]:
        """Holds one session, or one request id, against other threads: what is slow about one is slow for it alone."""
        with self._lock:
            holders = self._holders.setdefault(key, _Holders())
            holders.count += 1
        try:
            with holders.lock:
                yield
        finally:
            with self._lock:
                holders.count -= 1
                if not holders.count:
                    del self._holders[key]
