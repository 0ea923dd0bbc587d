"""Loads on threads of their own, one at a time; one that was cancelled is left to end by itself and holds up nobody."""

import contextvars
import threading
from collections.abc import Callable
from concurrent import futures

from inference_service.errors import Aborted, Exhausted, Internal
from inference_service.models.denoiser import Denoiser
from inference_service.models.progress import LoadCancelled, Progress

_POLL_SECONDS = 0.1
# Loads that were cancelled and have not ended yet, such as in a read of a disk that does not answer.
_MOST_ENDING = 4


class Load:
    """A model on its way. result: the Denoiser, or why there is none; LoadCancelled as soon as it is cancelled."""

    def __init__(self, name: str):
        self.name = name
        self.result: futures.Future[Denoiser] = futures.Future()
        self.result.set_running_or_notify_cancel()  # nobody ends it but this class
        self.thread: threading.Thread | None = None
        self._cancelled = threading.Event()
        self._lock = threading.Lock()

    @classmethod
    def done(cls, name: str, denoiser: Denoiser) -> "Load":
        """One that has nothing to do."""
        load = cls(name)
        load.result.set_result(denoiser)
        return load

    def cancelled(self) -> bool:
        return self._cancelled.is_set()

    def cancel(self) -> None:
        """Ends it for whoever waits, at once; its thread ends where it next asks. Nothing where it has ended."""
        self._cancelled.set()
        self.settle(lambda: self.result.set_exception(LoadCancelled("loading was cancelled")))

    def settle(self, how: Callable[[], None]) -> bool:
        """Ends it in a way; False where it has ended already."""
        with self._lock:
            if self.result.done():
                return False
            how()
            return True

    def wait(self, cancelled: Callable[[], bool]) -> Denoiser:
        """Blocks until it ends. Raises what it failed with, LoadCancelled once `cancelled` says so."""
        while not futures.wait([self.result], _POLL_SECONDS).done:
            if cancelled():
                self.cancel()
        return self.result.result()


class Loads:
    """The load that is on its way, and those that were cancelled and have not ended. Not thread-safe: see Library."""

    def __init__(self):
        self._current: Load | None = None
        self._ending: list[threading.Thread] = []

    @property
    def name(self) -> str | None:
        """What is being loaded, None for nothing."""
        if self._current and self._current.result.done():
            # Not kept: with what came of it, or what an error holds, a model would never leave the memory.
            if self._current.thread:
                self._ending.append(self._current.thread)
            self._current = None
        return self._current.name if self._current else None

    def begin(self, name: str, work: Callable[[Callable[[Progress], None], Callable[[], bool]], Denoiser],
              progress: Callable[[Progress], None], keep: Callable[[Denoiser], None]) -> Load:
        """Starts a load. Raises Aborted while another one is on its way, Exhausted while too many have not ended.

        work: loads, reports and asks whether it was cancelled. progress: gets no report after the load was cancelled.
        keep: called with what was loaded, unless it was cancelled, before anybody learns that it is there.
        """
        if self.name is not None:
            raise Aborted(f"the model {self.name!r} is being loaded; wait for it or cancel it", reason="MODEL_LOADING",
                          retry_after=5.0)
        self._ending = [thread for thread in self._ending if thread.is_alive()]
        if len(self._ending) >= _MOST_ENDING:
            raise Exhausted(f"{len(self._ending)} loads were cancelled and have not ended yet; each may hold memory",
                            reason="LOADS_ENDING", retry_after=5.0)
        load = self._current = Load(name)

        def report(told: Progress) -> None:
            if not load.cancelled():
                progress(told)

        def run() -> None:
            try:
                denoiser = work(report, load.cancelled)
            except BaseException as error:  # also what a library written elsewhere panics with
                told = error if isinstance(error, Exception) else Internal(f"{name!r} does not load")
                load.settle(lambda: load.result.set_exception(told))
            else:
                def kept() -> None:
                    keep(denoiser)
                    load.result.set_result(denoiser)

                load.settle(kept)

        # A daemon: one that hangs must not keep the process from ending. It sees the call that it is for.
        load.thread = threading.Thread(target=contextvars.copy_context().run, args=(run,), daemon=True,
                                       name=f"load {name}"[:60])
        load.thread.start()
        return load
