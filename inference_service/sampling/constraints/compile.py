"""From a spec to what the two kinds of model need. Keep the result with the model and the spec; it can be shared."""

import threading
from functools import cached_property

from inference_service.sampling.constraints import automaton, grammars, schemas
from inference_service.sampling.constraints.classes import moves_of
from inference_service.sampling.constraints.positions import Positions
from inference_service.sampling.constraints.prefix import Prefixes
from inference_service.sampling.constraints.spec import Spec
from inference_service.sampling.constraints.vocabulary import Vocabulary
from inference_service.sampling.constraints.witness import Witnesses


class Compiled:
    """A spec over a vocabulary. Safe to share between threads; what any order needs is made when it is asked for."""

    def __init__(self, spec: Spec, vocabulary: Vocabulary):
        self.spec = spec
        self.vocabulary = vocabulary
        self.prefixes = Prefixes(self._matcher, vocabulary)
        self._lock = threading.Lock()

    def any_order(self) -> Positions | Witnesses:
        """For a canvas filled in any order: exact where the texts are a regular language, else sound.

        Raises ConstraintError where the automaton would take more than the limits of automaton.py and classes.py. That
        is known after seconds at most; most take less than one.
        """
        with self._lock:
            return self._any_order

    def _matcher(self):
        return grammars.first_matcher(self.spec, self.vocabulary)

    @cached_property
    def _any_order(self):
        spec = self.spec
        if spec.kind == "choice":
            found = automaton.of_texts(spec.value)
        else:
            regex = grammars.without_anchors(spec.value) if spec.kind == "regex" else None
            if spec.kind == "json_schema":
                regex = schemas.regex_of(schemas.read(spec.value))
            if regex is None:
                return Witnesses(self._matcher, self.vocabulary)
            found = automaton.of_regex(regex)
        return Positions(moves_of(found, self.vocabulary), self.vocabulary)


def compiled(spec: Spec, vocabulary: Vocabulary) -> Compiled:
    """The spec, checked. Takes milliseconds. Raises ConstraintError where it is wrong or nothing matches it."""
    return Compiled(spec, vocabulary)
