"""What models keep of their passes, all together within one budget of bytes."""

import threading
from collections import OrderedDict
from typing import Any, Protocol


class Kept(Protocol):
    """Something that is kept. size: bytes on the device."""

    @property
    def size(self) -> int: ...


class Shelf:
    """Things by model and name; those not used for longest go first where all take more than `budget` bytes.

    A model is known by the number of its load (ModelInfo.load_number). Thread-safe.
    """

    def __init__(self, budget: int):
        self._budget = budget
        self._kept: OrderedDict[tuple[int, str], Kept] = OrderedDict()
        self._gone: set[int] = set()
        self._lock = threading.Lock()
        self.size = 0

    def get(self, model: int, name: str) -> Any:
        """What is kept under a name, None for nothing."""
        with self._lock:
            kept = self._kept.get((model, name))
            if kept is not None:
                self._kept.move_to_end((model, name))
            return kept

    def put(self, model: int, name: str, kept: Kept) -> None:
        with self._lock:
            if model in self._gone:
                return
            self._drop((model, name))
            self._kept[model, name] = kept
            self.size += kept.size
            while self.size > self._budget:
                self._drop(next(iter(self._kept)))

    def take(self, model: int, name: str) -> Any:
        """What is kept under a name, no longer kept; None for nothing. For what is changed in its place."""
        with self._lock:
            return self._drop((model, name))

    def drop(self, model: int) -> int:
        """Drops all of a model's; returns the bytes."""
        with self._lock:
            before = self.size
            for key in [key for key in self._kept if key[0] == model]:
                self._drop(key)
            return before - self.size

    def forget(self, model: int) -> None:
        """Drops all of a model's, and takes nothing of it any more."""
        with self._lock:
            self._gone.add(model)
        self.drop(model)

    def _drop(self, key: tuple[int, str]) -> Kept | None:
        kept = self._kept.pop(key, None)
        self.size -= kept.size if kept else 0
        return kept
