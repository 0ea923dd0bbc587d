"""Where calls do what the event loop must not wait for: three kinds of threads, so that none takes another's.

brief: reading the store, folding a state, making a session's messages; tens of milliseconds.
long: tokenizing, comparing, files; up to seconds.
patient: waiting for a child process that compiles what a stranger wrote, until the call's deadline.

One connection has at most a share of a kind's threads at work, and its further calls wait for its own: another
connection's call finds a thread, whatever this one has sent. What waits is bounded, and refused with a type.
"""

import asyncio
import contextvars
import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from typing import TypeVar

from inference_service.errors import Exhausted
from inference_service.sandbox.scope import connection

T = TypeVar("T")


class Threads:
    """Threads for one kind of work. count: how many; share: of one connection, half by default.

    waiting: pieces of work that may wait for one, all together.
    """

    def __init__(self, name: str, count: int, waiting: int, share: int = 0):
        self._name = name
        self._pool = ThreadPoolExecutor(count, name)
        self._share = share or max(1, count // 2)
        self._most = count + waiting
        self._lock = threading.Lock()
        self._held = 0
        self._running: dict[str, int] = {}
        self._queues: dict[str, deque[tuple[Future, Callable]]] = {}

    async def __call__(self, do: Callable[..., T], *arguments) -> T:
        """What do(*arguments) returns, with the call's context variables. Raises Exhausted when too much waits."""
        return await asyncio.wrap_future(self.submit(do, *arguments))

    def submit(self, do: Callable[..., T], *arguments) -> Future:
        """The same as a future; cancelling it takes back work that has not begun."""
        work, key, result = partial(contextvars.copy_context().run, do, *arguments), connection.get(), Future()
        with self._lock:
            if self._held >= self._most:
                raise Exhausted(f"the server does {self._most} pieces of {self._name} work already; try again later",
                                reason="SERVER_BUSY", metadata={"limit": self._most, "scope": "server"},
                                retry_after=1.0)
            self._held += 1
            if self._running.get(key, 0) >= self._share:
                self._queues.setdefault(key, deque()).append((result, work))
                return result
            self._running[key] = self._running.get(key, 0) + 1
        self._pool.submit(self._work_off, key, result, work)
        return result

    def _work_off(self, key: str, result: Future, work: Callable) -> None:
        if result.set_running_or_notify_cancel():
            try:
                result.set_result(work())
            except BaseException as error:
                result.set_exception(error)
        with self._lock:
            self._held -= 1
            queue = self._queues.get(key)
            if queue:
                following = queue.popleft()
            else:
                following = None
                self._queues.pop(key, None)
                self._running[key] -= 1
                if not self._running[key]:
                    del self._running[key]
        if following:  # behind what others have sent meanwhile: each connection in its turn
            self._pool.submit(self._work_off, key, *following)


# Few: each that is busy in Python takes its turns from the event loop.
brief = Threads("brief", 8, 4096)
long = Threads("long", 4, 256)
# Many: they wait, and which of them goes on is decided by turns of connections, in sandbox.lanes.
patient = Threads("patient", 256, 256, share=16)


async def entered(manager):
    """What a context manager gives when it is entered, in a thread; left again at once if the call ends meanwhile."""
    entering = brief.submit(manager.__enter__)
    try:
        return await asyncio.wrap_future(entering)
    except asyncio.CancelledError:
        entering.add_done_callback(
            lambda done: done.cancelled() or done.exception() or manager.__exit__(None, None, None))
        raise
