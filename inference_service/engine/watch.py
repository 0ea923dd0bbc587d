"""A thread beside the engine's that notices when it is dead, or has not moved for too long."""

import threading
from collections.abc import Callable
from dataclasses import dataclass

LOOK_SECONDS = 1.0


@dataclass
class Pulse:
    """What the engine's thread does. doing: "" while it waits for work. beats: counts what it began."""

    doing: str = ""
    beats: int = 0

    def begin(self, what: str) -> None:
        self.doing = what
        self.beats += 1


class Watch:
    """Calls `on_dead` or `on_stalled(what it does)`, once, and ends.

    stall_seconds: how long one thing may take. What counts are this thread's own looks, so that a process that was
    held as a whole, or a machine that slept, is no stall.
    """

    def __init__(self, thread: threading.Thread, pulse: Pulse, stall_seconds: float, on_dead: Callable[[], None],
                 on_stalled: Callable[[str], None], look_seconds: float = LOOK_SECONDS):
        self._thread, self._pulse = thread, pulse
        self._looks = max(1, round(stall_seconds / look_seconds))
        self._look_seconds = look_seconds
        self._on_dead, self._on_stalled = on_dead, on_stalled
        self._ended = threading.Event()
        threading.Thread(target=self._run, name="engine-watch", daemon=True).start()

    def end(self) -> None:
        self._ended.set()

    def _run(self) -> None:
        seen, still = -1, 0
        while not self._ended.wait(self._look_seconds):
            if not self._thread.is_alive():
                if not self._ended.is_set():
                    self._on_dead()
                return
            beats, doing = self._pulse.beats, self._pulse.doing
            still = still + 1 if doing and beats == seen else 0
            seen = beats
            if still >= self._looks:
                self._on_stalled(doing)
                return
