"""From a spec to what the two kinds of model need. Keep the result with the model and the spec; it can be shared."""

import threading
from contextlib import nullcontext

from inference_service.sampling.constraints import automaton, grammars, schemas
from inference_service.sampling.constraints.classes import moves_of
from inference_service.sampling.constraints.completion import BYTES
from inference_service.sampling.constraints.positions import Positions
from inference_service.sampling.constraints.prefix import Prefixes
from inference_service.sampling.constraints.spec import Spec
from inference_service.sampling.constraints.vocabulary import Vocabulary
from inference_service.sampling.constraints.witness import Witnesses

LARGE = 1000  # states; tables over more are made one at a time, so that many at once leave room for the small ones
_large = threading.Lock()


class Compiled:
    """A spec over a vocabulary. Safe to share between threads; what any order needs is made when it is asked for."""

    def __init__(self, spec: Spec, vocabulary: Vocabulary):
        self.spec = spec
        self.vocabulary = vocabulary
        self.prefixes = Prefixes(self._matcher, vocabulary)
        self._lock = threading.Lock()  # not a cached_property: before Python 3.12 all objects share that one's lock
        self._made: Positions | Witnesses | None = None

    def any_order(self) -> Positions | Witnesses:
        """For a canvas filled in any order: exact where the texts are a regular language, else sound.

        Raises ConstraintError where the automaton would take more than the limits of automaton.py and classes.py. That
        is known after seconds at most; most take less than one.
        """
        with self._lock:
            if self._made is None:
                self._made = self._make()
            return self._made

    @property
    def size(self) -> int:
        """Bytes of the tables made so far; what llguidance keeps of its own is not in it."""
        return self._made.size if isinstance(self._made, Positions) else 0

    def _matcher(self):
        return grammars.first_matcher(self.spec, self.vocabulary)

    def _make(self):
        spec = self.spec
        if spec.kind == "choice":
            found = automaton.of_texts(spec.value)
        else:
            regex = grammars.without_anchors(spec.value) if spec.kind == "regex" else None
            if spec.kind == "json_schema":
                regex = schemas.regex_of(schemas.read(spec.value))
            if regex is None:
                return Witnesses(self._matcher, lambda: grammars.first_matcher(spec, BYTES), self.vocabulary)
            found = automaton.of_regex(regex)
        with _large if len(found.moves) > LARGE else nullcontext():
            return Positions(moves_of(found, self.vocabulary), self.vocabulary)


def compiled(spec: Spec, vocabulary: Vocabulary) -> Compiled:
    """The spec, checked. Takes milliseconds. Raises ConstraintError where it is wrong or nothing matches it."""
    return Compiled(spec, vocabulary)
