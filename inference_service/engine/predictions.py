"""The newest predictions, kept on the device within a byte budget.

Logits are never part of a session: what is no longer here is computed again when asked for.
"""

import threading
from collections import OrderedDict
from dataclasses import dataclass

from inference_service.engine.reading import Reading
from inference_service.models.denoiser import ModelInfo
from inference_service.sampling.sampler import Prediction

# Session, revision, cfg_scale, reach, what was read of an earlier pass, and the model as it was loaded.
Key = tuple[str, int, float, int, Reading | None, ModelInfo]


@dataclass(frozen=True)
class Kept:
    """A prediction with what it cost. compute_seconds: device time."""

    prediction: Prediction
    compute_seconds: float

    @property
    def size(self) -> int:
        logits = self.prediction.logits
        return logits.numel() * logits.element_size()


class Predictions:
    """Least recently used ones go first when the budget, in bytes, is spent."""

    def __init__(self, budget: int):
        self._budget = budget
        self._size = 0
        self._kept: OrderedDict[Key, Kept] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: Key, positions: list[int]) -> Kept | None:
        """The prediction if it is kept and covers the positions."""
        with self._lock:
            kept = self._kept.get(key)
            if kept is None or not set(positions) <= set(kept.prediction.positions):
                return None
            self._kept.move_to_end(key)
            return kept

    def put(self, key: Key, kept: Kept) -> None:
        if kept.size > self._budget:  # it would drive out all others and then itself
            return
        with self._lock:
            replaced = self._kept.pop(key, None)
            self._size += kept.size - (replaced.size if replaced else 0)
            self._kept[key] = kept
            while self._size > self._budget and self._kept:
                _, dropped = self._kept.popitem(last=False)
                self._size -= dropped.size

    def forget(self, info: ModelInfo) -> None:
        """Drops those of one model."""
        with self._lock:
            for key in [key for key in self._kept if key[-1].load_number == info.load_number]:
                self._size -= self._kept.pop(key).size

    def clear(self) -> int:
        """Drops all of them; returns their bytes."""
        with self._lock:
            size, self._size = self._size, 0
            self._kept.clear()
            return size
