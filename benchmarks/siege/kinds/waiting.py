"""Whether a process and what it has started are at work. No attacks."""

from __future__ import annotations

import time
from collections.abc import Callable

import psutil

from benchmarks.siege.processes import family

BUSY = 0.6  # of one core: what a client that asks all the time takes stays below


def spent(pid: int) -> float:
    """Seconds of processor that a process and its living children have taken."""
    total = 0.0
    for process in family(pid):
        try:
            times = process.cpu_times()
            total += times.user + times.system
        except psutil.Error:
            pass
    return total


def busy(pid: int, seconds: float = 0.3) -> bool:
    before = spent(pid)
    time.sleep(seconds)
    return spent(pid) - before > BUSY * seconds


def seconds_until(done: Callable[[], bool], most: float) -> float | None:
    """How long it took until something was so; None if it took longer than `most`."""
    begun = time.monotonic()
    while time.monotonic() - begun < most:
        if done():
            return time.monotonic() - begun
        time.sleep(0.02)
    return None
