"""Sessions in memory: the last used ones, and those that somebody changes or follows."""

import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import islice

from inference_service.sessions.session import Session
from inference_service.sessions.store import Row


@dataclass(eq=False)
class LiveSession:
    """A session in memory. busy: one of Step, Select, Edit and Rewind is running on it.

    names_version: counts the changes of its branches' names. listeners: called, from any thread, whenever it changes.
    """

    session: Session
    row: Row
    busy: bool = False
    deleted: bool = False
    names_version: int = 0
    listeners: set[Callable[[], None]] = field(default_factory=set)

    @property
    def idle(self) -> bool:
        return not self.busy and not self.listeners

    def tell(self) -> None:
        """Tells everybody who follows that it has changed."""
        for listener in tuple(self.listeners):
            listener()


class LiveSessions:
    """Those in memory by id. most: how many; more only while they are not idle. Thread-safe."""

    def __init__(self, most: int):
        self._most = most
        self._live: OrderedDict[str, LiveSession] = OrderedDict()  # the one used longest ago first
        self._lock = threading.Lock()

    def get(self, session_id: str) -> LiveSession | None:
        return self._live.get(session_id)

    def keep(self, live: LiveSession) -> LiveSession:
        """Holds a session as the last used one, and lets go of idle ones beyond the limit."""
        with self._lock:
            self._live[live.row.session_id] = live
            self._live.move_to_end(live.row.session_id)
            surplus = len(self._live) - self._most
            if surplus > 0:
                idle = (key for key, other in self._live.items() if other.idle and other is not live)
                for session_id in list(islice(idle, surplus)):
                    del self._live[session_id]
        return live

    def drop(self, session_id: str) -> None:
        """Forgets a session that is not kept any more, and tells those who follow it."""
        with self._lock:
            live = self._live.pop(session_id, None)
        if live:
            live.deleted = True
            live.tell()
