"""How far a load is, and the way to stop it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from inference_service.errors import Aborted

Phase = Literal["inspecting", "downloading", "loading_weights", "warming_up"]


@dataclass(frozen=True)
class Progress:
    """phase: what is being done. done, total: bytes when downloading, tensors when they are loaded and when checked.

    total is 0 while unknown.
    """

    phase: Phase
    done: int = 0
    total: int = 0


class LoadCancelled(Aborted):
    """The caller gave up while the model was on its way; nothing of it stays in memory."""

    default_reason = "LOAD_CANCELLED"


class Reporter:
    """Passes progress on, and raises LoadCancelled as soon as the caller has given up."""

    def __init__(self, progress: Callable[[Progress], None], cancelled: Callable[[], bool]):
        self._progress = progress
        self._cancelled = cancelled

    def check(self) -> None:
        """Raises LoadCancelled where the caller has given up."""
        if self._cancelled():
            raise LoadCancelled("loading was cancelled")

    def __call__(self, phase: Phase, done: int = 0, total: int = 0) -> None:
        self.check()
        self._progress(Progress(phase, done, total))
