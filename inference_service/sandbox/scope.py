"""The call that some work is for: until when, and whether anybody still waits for it.

A context variable: `asyncio.to_thread` and tasks carry it on, so code deep in a thread sees it without being handed it.
A thread that works for several calls enters the scope of each.
"""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field

from inference_service.errors import Cancelled, DeadlineExceeded


class Cancellation:
    """A flag that is set once, from any thread, and calls those who asked for it."""

    def __init__(self):
        self._event = threading.Event()
        self._lock = threading.Lock()
        self._callbacks: dict[object, Callable[[], None]] = {}

    def set(self) -> None:
        with self._lock:
            self._event.set()
            callbacks, self._callbacks = list(self._callbacks.values()), {}
        for callback in callbacks:
            callback()

    def is_set(self) -> bool:
        return self._event.is_set()

    def wait(self, timeout: float | None = None) -> bool:
        """Whether it was set within some seconds."""
        return self._event.wait(timeout)

    @contextmanager
    def calling(self, callback: Callable[[], None]) -> Iterator[None]:
        """Calls back once when it is set within the block, at once if it is; from whichever thread sets it.

        The callback must be quick and must not raise: wake or kill what is waited for, no more.
        """
        key = object()
        with self._lock:
            already = self._event.is_set()
            if not already:
                self._callbacks[key] = callback
        if already:
            callback()
        try:
            yield
        finally:
            with self._lock:
                self._callbacks.pop(key, None)


@dataclass(frozen=True)
class Scope:
    """deadline: when the caller gives up, by time.monotonic(), None for never. cancelled: set when the call has ended.

    It is set at the end of every call, answered or not: work that outlives its call has nobody waiting for it.
    """

    deadline: float | None = None
    cancelled: Cancellation = field(default_factory=Cancellation)

    def remaining(self, most: float) -> float:
        """Seconds until the deadline, at least 0 and at most `most`."""
        return most if self.deadline is None else min(most, max(0.0, self.deadline - time.monotonic()))

    def check(self) -> None:
        """Raises Cancelled or DeadlineExceeded where nobody waits any more."""
        if self.cancelled.is_set():
            raise Cancelled("the call has ended")
        if self.deadline is not None and time.monotonic() >= self.deadline:
            raise DeadlineExceeded("the call's deadline has passed")


# Whose call it is: of what waits, each connection has its turn.
connection: ContextVar[str] = ContextVar("connection", default="")

_NOBODYS = Scope()
_scope: ContextVar[Scope] = ContextVar("scope", default=_NOBODYS)


def current() -> Scope:
    """The scope of the call that this is for; one that never ends where there is none."""
    return _scope.get()


def begin(seconds: float | None) -> Scope:
    """Makes a new scope the current one until the task or thread ends. seconds: until its deadline, None for none."""
    scope = Scope(None if seconds is None else time.monotonic() + seconds)
    _scope.set(scope)
    return scope


@contextmanager
def entered(scope: Scope) -> Iterator[Scope]:
    """A scope as the current one within a block: for a thread that works for several calls, or for nobody."""
    token = _scope.set(scope)
    try:
        yield scope
    finally:
        _scope.reset(token)
