"""Room for new sessions: a server keeps so many and no more."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from inference_service.errors import Exhausted
from inference_service.sessions.store import Store

SESSION_RETRY = 60.0  # seconds after which a session may have been deleted, or have expired


class Room:
    """most: how many sessions there may be in the store. Thread-safe."""

    def __init__(self, store: Store, most: int):
        self._store = store
        self._most = most
        self._coming = 0  # sessions that are being created
        self._lock = threading.Lock()

    @contextmanager
    def for_one(self, now: float) -> Iterator[None]:
        """Room for one more session, kept until it is in the store. Raises Exhausted."""
        with self._lock:
            self._coming += 1
        try:
            if self._store.count(now) + self._coming > self._most:
                raise Exhausted(f"the server keeps at most {self._most} sessions; delete some",
                                reason="SESSION_LIMIT", retry_after=SESSION_RETRY)
            yield
        finally:
            with self._lock:
                self._coming -= 1
