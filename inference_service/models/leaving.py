"""A model that was taken out of use: what runs with it ends first, and then its memory is free."""

import ctypes
import gc
import threading
import weakref
from concurrent.futures import Future
from contextlib import suppress

import torch

from inference_service.models.denoiser import Denoiser

_FIRST_LOOK_SECONDS = 0.02
_LONGEST_PAUSE_SECONDS = 1.0
# Looks after which what only cycles hold is looked for: that stops every thread of Python for a moment.
_LOOKS_BEFORE_COLLECTING = 8


class Leaving:
    """A model on its way out. gone: done once nothing holds it and its memory went back to the system.

    Give it the last reference that is not in use; it holds none.
    """

    def __init__(self, name: str, denoiser: Denoiser):
        self.gone: Future[None] = Future()
        self.gone.set_running_or_notify_cancel()  # nobody ends it but this class
        parts = (denoiser, getattr(denoiser, "body", None), next(_weights(denoiser), None))
        self._parts = [weakref.ref(part) for part in parts if part is not None]
        self.thread = threading.Thread(target=self._watch, daemon=True, name=f"unload {name}"[:60])

    def begin(self) -> "Leaving":
        """Looks, from time to time, whether it has gone."""
        self.thread.start()
        return self

    def _watch(self) -> None:
        pause, looks, sleep = _FIRST_LOOK_SECONDS, 0, threading.Event()
        while any(part() is not None for part in self._parts):
            looks += 1
            if looks % _LOOKS_BEFORE_COLLECTING == 0:
                gc.collect()
            sleep.wait(pause)
            pause = min(2 * pause, _LONGEST_PAUSE_SECONDS)
        give_back()
        self.gone.set_result(None)


def _weights(denoiser: Denoiser):
    body = getattr(denoiser, "body", None)
    return body.parameters() if body is not None else iter(())


def give_back() -> None:
    """Gives memory that is free in this process back to the device and to the system."""
    if torch.accelerator.is_available():
        torch.accelerator.empty_cache()
    with suppress(OSError, AttributeError):  # glibc's alone
        ctypes.CDLL(None).malloc_trim(0)
