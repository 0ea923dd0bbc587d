"""Constraints made ready for a model, kept for those who ask again."""

import threading
from collections import OrderedDict
from weakref import WeakValueDictionary

from inference_service.errors import Unavailable
from inference_service.models.denoiser import Denoiser, ModelInfo
from inference_service.sampling.constraints.compile import Compiled, compiled
from inference_service.sampling.constraints.spec import Spec
from inference_service.sampling.constraints.vocabulary import Vocabulary
from inference_service.sandbox import processes
from inference_service.sandbox.lanes import Lane
from inference_service.sessions.frame import Constraint

COMPILED_KEPT = 64
COMPILED_BYTES = 256 << 20  # of their tables together; the last used one stays whatever it takes


class CompiledConstraints:
    """Vocabularies and compiled constraints, the last used ones. Thread-safe; two that ask for one make it once.

    One that is being made keeps nobody waiting who asks for another.
    """

    def __init__(self):
        self._vocabularies: dict[ModelInfo, Vocabulary] = {}
        self._compiled: OrderedDict[tuple[ModelInfo, Constraint], Compiled] = OrderedDict()
        self._held: WeakValueDictionary[tuple[ModelInfo, Constraint], Compiled] = WeakValueDictionary()
        self._lock = threading.Lock()  # of what is here; never held while something is made
        self._making: WeakValueDictionary[object, Lane] = WeakValueDictionary()

    def get(self, denoiser: Denoiser, constraint: Constraint) -> Compiled:
        """A constraint with all that the model's way of writing needs. Raises ConstraintError."""
        key = denoiser.info, constraint
        if found := self._known(key):
            return found
        if processes.barred():
            raise Unavailable("the constraint is not compiled any more; try again", reason="CONSTRAINT_NOT_READY",
                              retry_after=1.0)
        turn = self._turn(key)
        with turn.place():
            if found := self._known(key):
                return found
            made = compiled(Spec(constraint.kind, constraint.value), self._vocabulary(denoiser),
                            not denoiser.info.attention.append_only)
            with self._lock:
                self._compiled[key] = self._held[key] = made
                size = sum(one.size for one in self._compiled.values())
                while len(self._compiled) > COMPILED_KEPT or size > COMPILED_BYTES and len(self._compiled) > 1:
                    size -= self._compiled.popitem(last=False)[1].size
            return made

    def forget(self, info: ModelInfo) -> None:
        """Drops what is kept for one model."""
        with self._lock:
            for one in [one for one in self._vocabularies if one.load_number == info.load_number]:
                del self._vocabularies[one]
            for key in [key for key in self._compiled if key[0].load_number == info.load_number]:
                del self._compiled[key]

    def _known(self, key: tuple[ModelInfo, Constraint]) -> Compiled | None:
        with self._lock:
            if key in self._compiled:
                self._compiled.move_to_end(key)
            return self._compiled.get(key) or self._held.get(key)

    def _turn(self, key: object) -> Lane:
        """Of those who want the same thing made, one at a time; gone with the last of them."""
        with self._lock:
            return self._making.setdefault(key, Lane(1))

    def _vocabulary(self, denoiser: Denoiser) -> Vocabulary:
        info, text = denoiser.info, denoiser.text
        assert text is not None  # `constraining.active` looks for it first
        turn = self._turn(info)
        with turn.place():
            if info not in self._vocabularies:
                self._vocabularies[info] = Vocabulary(text.vocabulary(info.vocabulary_size), info.end_tokens)
            return self._vocabularies[info]


KEPT = CompiledConstraints()  # of this process
