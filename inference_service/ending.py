"""How the process ends: asked by a signal or because of a fault, and within a bound whatever its threads do.

Python waits at its end for every thread of its pools, and a pass, a load or a compilation cannot be interrupted. So a
process that has stopped in order leaves at once; and as soon as ending begins, a thread of its own counts the seconds
and then leaves without asking anybody. What sessions committed is on disk before it is sent, so nothing is lost.
"""

import asyncio
import logging
import os
import signal
import socket
import sys
import threading
from collections.abc import Callable
from contextlib import suppress

log = logging.getLogger(__name__)

# From the beginning of the end to its forced one, in seconds. Whoever asks may count on 10.
GRACE = 9.0
SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Ending:
    """begun: set, on the event loop, once the process is to end. code: what it will exit with. Thread-safe."""

    def __init__(self):
        self.begun = asyncio.Event()
        self.code = 0
        self._loop = asyncio.get_running_loop()
        self._lock = threading.Lock()
        self._counting = False

    def begin(self, code: int = 0) -> None:
        """From now on the process ends within GRACE. The worst code of several stands."""
        with self._lock:
            self.code = max(self.code, code)
            first, self._counting = not self._counting, True
        if first:
            self._count()
        with suppress(RuntimeError):  # the loop is closed: it has ended already
            self._loop.call_soon_threadsafe(self.begun.set)

    def _count(self) -> None:
        def count() -> None:
            threading.Event().wait(GRACE)
            log.warning("ending without %s", ", ".join(sorted(_still_running())))
            leave(self.code)

        threading.Thread(target=count, name="ending", daemon=True).start()

    def listen(self) -> None:
        """Begins at SIGTERM and SIGINT, whatever the event loop does. On the main thread only.

        The interpreter's own handler writes a byte as soon as a signal comes, which a thread here waits for; handlers
        in Python would have to wait for the main thread.
        """
        reader, writer = socket.socketpair()
        writer.setblocking(False)
        for number in SIGNALS:
            signal.signal(number, lambda number, frame: None)
        signal.set_wakeup_fd(writer.fileno(), warn_on_full_buffer=False)

        def wait() -> None:
            while came := reader.recv(1):
                if came[0] in SIGNALS:
                    self.begin()

        threading.Thread(target=wait, name="signals", daemon=True).start()
        self._sockets = reader, writer  # kept open


def _still_running() -> list[str]:
    return [thread.name for thread in threading.enumerate()
            if thread not in (threading.current_thread(), threading.main_thread()) and thread.name != "signals"]


def leave(code: int) -> None:
    """Ends the process now, without Python's own end: that waits for threads, and takes seconds on a busy machine."""
    logging.shutdown()
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):  # nobody reads it any more
            stream.flush()
    os._exit(code)


async def bounded(function: Callable[[], object], seconds: float) -> bool:
    """Runs a function on a thread of its own, as those of a pool may all be stuck; whether it ended in time.

    Raises what it raises.
    """
    loop, ended = asyncio.get_running_loop(), asyncio.Event()
    raised: list[BaseException] = []

    def run() -> None:
        try:
            function()
        except BaseException as error:
            raised.append(error)
        finally:
            with suppress(RuntimeError):  # the loop has ended without it
                loop.call_soon_threadsafe(ended.set)

    threading.Thread(target=run, name="stopping", daemon=True).start()
    try:
        await asyncio.wait_for(ended.wait(), seconds)
    except TimeoutError:
        return False
    if raised:
        raise raised[0]
    return True
