"""From a spec to what the two kinds of model need. Keep the result with the model and the spec; it can be shared.

A child process compiles it first (`proving`), within limits; what is done here is what it has got through.
"""

import json
import math
import re
import threading

import numpy as np

from inference_service.sampling.constraints import grammars
from inference_service.sampling.constraints.classes import Moves
from inference_service.sampling.constraints.completion import BYTES
from inference_service.sampling.constraints.positions import Positions
from inference_service.sampling.constraints.prefix import Prefixes
from inference_service.sampling.constraints.spec import ConstraintError, Spec, TooComplex
from inference_service.sampling.constraints.vocabulary import Vocabulary
from inference_service.sampling.constraints.witness import Witnesses
from inference_service.sandbox import processes
from inference_service.sandbox.limits import MIB, Limits, Refused, Stopped

LIMITS = Limits(seconds=10, memory=1024 * MIB, output=192 * MIB)
FAR = 64  # counts in braces, multiplied, that will hardly be quick; it says who waits for whom, no more
_COUNT = re.compile(r"\{(?:\d*,)?(\d+),?\}")


class Compiled:
    """A spec over a vocabulary. Safe to share between threads.

    Raises ConstraintError, from its making and any_order, where the spec is wrong, nothing matches it, or it takes too
    much; and what processes.run raises.
    """

    def __init__(self, spec: Spec, vocabulary: Vocabulary, any_order: bool = False):
        self.spec = spec
        self.vocabulary = vocabulary
        self._lock = threading.Lock()  # not a cached_property: before Python 3.12 all objects share that one's lock
        self._prefixes: Prefixes | None = None
        self._any_order: Positions | Witnesses | None = None
        self._grammar = ""
        self._prove(any_order)

    @property
    def prefixes(self) -> Prefixes:
        """For text written from left to right."""
        with self._lock:
            if self._prefixes is None:
                self._prefixes = Prefixes(self._matcher, self.vocabulary)
            return self._prefixes

    def any_order(self) -> Positions | Witnesses:
        """For a canvas filled in any order: exact where the texts are a regular language, else sound."""
        with self._lock:
            if self._any_order is None:
                self._prove(any_order=True)
            assert self._any_order is not None
            return self._any_order

    @property
    def size(self) -> int:
        """Bytes of the tables made so far; what llguidance keeps of its own is not in it."""
        return self._any_order.size if isinstance(self._any_order, Positions) else 0

    def _matcher(self):
        return grammars.first_matcher(self._grammar, self.vocabulary)

    def _prove(self, any_order: bool) -> None:
        spec, vocabulary = self.spec, self.vocabulary
        answer, blobs = _proved(spec, vocabulary, any_order)
        if not blobs:
            raise _wrong_answer()
        self._grammar = blobs[0].decode()
        if len(blobs) > 1:
            self._any_order = Positions(_moves(answer, blobs[1:], vocabulary), vocabulary)
        elif any_order:
            self._any_order = Witnesses(self._matcher, lambda: grammars.first_matcher(self._grammar, BYTES), vocabulary)
        else:
            self._prefixes = Prefixes(self._matcher, vocabulary)


def compiled(spec: Spec, vocabulary: Vocabulary, any_order: bool = False) -> Compiled:
    """The spec, checked. any_order: with what a canvas needs that is filled in any order. See Compiled for errors."""
    return Compiled(spec, vocabulary, any_order)


def _proved(spec: Spec, vocabulary: Vocabulary, any_order: bool) -> tuple[dict, list[bytes]]:
    heavy = any_order and spec.kind == "regex" and math.prod(
        max(int(count[1][:9]), 1) for count in _COUNT.finditer(spec.text)) >= FAR
    try:
        return processes.run("inference_service.sampling.constraints.proving:prove",
                             {"kind": spec.kind, "any_order": any_order}, [json.dumps(spec.value).encode()],
                             vocabulary.base, heavy=heavy, slow_limits=LIMITS)
    except Refused as refused:
        message, line, column = (refused.told.get(name) for name in ("message", "line", "column"))
        raise ConstraintError(str(message), *(place if isinstance(place, int) else None for place in (line, column))
                              ) from None
    except Stopped as stopped:
        raise _too_complex(stopped, any_order) from None


def _too_complex(stopped: Stopped, any_order: bool) -> TooComplex:
    allowed = {"time": f"{LIMITS.seconds} seconds", "memory": f"{LIMITS.memory >> 20} MiB",
               "output": f"tables of {LIMITS.output >> 20} MiB"}.get(stopped.limit)
    large = "it is too large for a canvas that is filled in any order" if any_order else "it is too large"
    return TooComplex(f"{large}: compiling it takes more than {allowed}; smaller counts, fewer rules or less nesting"
                      " help" if allowed else "it is too complex to be compiled; fewer rules, less nesting and smaller"
                      " numbers help", stopped.limit)


def _moves(answer: dict, tables: list[bytes], vocabulary: Vocabulary) -> Moves:
    """The tables of an automaton as a child made them, held to what reading them relies on."""
    try:
        by_state, class_of, accepts, sources, targets = (
            np.frombuffer(table, kind) for table, kind in zip(tables, (
                np.int16, np.int32, np.bool_, np.int32, np.int32), strict=True))
        states, start = answer["states"], answer["start"]
        by_state = by_state.reshape(states, -1)
        right = (len(accepts) == states and len(class_of) == vocabulary.width and len(sources) == len(targets)
                 and 0 <= start < states and by_state.shape[1] > 0 and all(
                     0 <= table.min(initial=0) and table.max(initial=0) < most for table, most in (
                         (by_state, states), (class_of, by_state.shape[1]), (sources, states), (targets, states))))
    except (KeyError, TypeError, ValueError):
        right = False
    if not right:
        raise _wrong_answer()
    return Moves(by_state, class_of, accepts, start, sources, targets)


def _wrong_answer() -> TooComplex:
    return TooComplex("it could not be compiled", "crash")
