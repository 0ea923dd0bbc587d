"""Text written from left to right: exactly what may come next, by llguidance.

A matcher stands at the end of a text and is moved, not made anew: what two texts have in common is kept, the rest is
rolled back or consumed. Each caller's key has a matcher of its own, so sessions that take turns do not push one back
and forth.
"""

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import torch
from llguidance import LLMatcher

from inference_service.sampling.constraints import effort
from inference_service.sampling.constraints.grammars import stuck, too_complex
from inference_service.sampling.constraints.spec import ConstraintError, Progress
from inference_service.sampling.constraints.vocabulary import Vocabulary

KEPT = 64  # matchers of one constraint, tens of kB each


@dataclass(frozen=True)
class Prefix:
    """After some tokens. allowed: what may come next, bool [V], on the CPU; the ends are among it iff the text matches.

    progress: where the text stands. Complete where it has ended, or nothing but an end can follow.
    """

    allowed: torch.Tensor
    progress: Progress


@dataclass
class _Stand:
    matcher: LLMatcher
    tokens: list[int]


class Prefixes:
    """A constraint on text written from left to right. Safe to share between threads.

    Raises ConstraintError, from any method, where llguidance meets a limit of its own on the way.
    """

    def __init__(self, make: Callable[[], LLMatcher], vocabulary: Vocabulary):
        """make: gives a matcher before the first token."""
        self._make = make
        self._first = make()
        self._vocabulary = vocabulary
        self._stands: OrderedDict[Hashable, _Stand] = OrderedDict()
        self._lock = threading.Lock()

    def after(self, tokens: Sequence[int], key: Hashable = None) -> Prefix:
        """What may follow some tokens, the generated part up to here.

        key: whose text it is, such as a session and its branch; any will do, and the same one is quicker.
        """
        text, ended = self._text(tokens)
        with self._using():
            stand, fit = self._moved(text, key)
            matches = fit == len(text) and stand.matcher.is_accepting()
            if fit < len(text) or ended:
                allowed = np.zeros(self._vocabulary.width, bool)
                if ended and matches:
                    allowed |= self._vocabulary.end_mask
                return Prefix(torch.from_numpy(allowed), Progress.COMPLETE if matches else Progress.VIOLATED)
            allowed = mask(stand.matcher, self._vocabulary)
        over = not (allowed & self._vocabulary.ordinary).any()
        if not matches and over:
            return Prefix(torch.from_numpy(allowed), Progress.VIOLATED)  # the vocabulary cannot write what is left
        return Prefix(torch.from_numpy(allowed), Progress.INCOMPLETE if not matches else
                      Progress.COMPLETE if over else Progress.MATCHED)

    def fits(self, tokens: Sequence[int], before: Sequence[int] = (), key: Hashable = None) -> int:
        """How many of some tokens, from the first, can follow others: all of them where a person may put them there.

        Ends count: one fits where the text is a match, and after it only ends do. Other special tokens do not.
        """
        text, ended = self._text(before)
        with self._using():
            stand, fit = self._moved(text, key)
            if fit < len(text):
                return 0
            return self._fitting(stand.matcher.deep_copy(), tokens, ended)

    def _fitting(self, matcher, tokens, ended):
        if ended and not matcher.is_accepting():
            return 0
        for count, token in enumerate(tokens):
            if token in self._vocabulary.ends:
                if not ended and not matcher.is_accepting():
                    return count
                ended = True
            elif ended or self._vocabulary.is_special(token) or not matcher.try_consume_tokens([token]):
                return count
            if matcher.is_error():
                raise too_complex(matcher)
        return len(tokens)

    @contextmanager
    def _using(self):
        """One thread at a time. Copies of a matcher share what a limit has broken, so then all are made anew."""
        with self._lock:
            try:
                yield
            except ConstraintError:
                self._stands.clear()
                self._first = self._make()
                raise

    def forget(self, key: Hashable) -> None:
        """Let go of what is kept for a key."""
        with self._lock:
            self._stands.pop(key, None)

    def _text(self, tokens):
        """The ordinary tokens up to the first end, and whether there is one."""
        text = []
        for token in tokens:
            if token in self._vocabulary.ends:
                return text, True
            if not self._vocabulary.is_special(token):
                text.append(int(token))
        return text, False

    def _moved(self, text, key):
        """A matcher as far along a text as it goes, and how far that is."""
        effort.check()
        stand = self._stands.pop(key, None)
        if stand is None or stand.matcher.is_error():
            stand = _Stand(self._first.deep_copy(), [])
        same = 0
        while same < min(len(stand.tokens), len(text)) and stand.tokens[same] == text[same]:
            same += 1
        if back := len(stand.tokens) - same:
            if not stand.matcher.rollback(back) or stand.matcher.is_error():
                stand, same = _Stand(self._first.deep_copy(), []), 0
            del stand.tokens[same:]
        more = stand.matcher.try_consume_tokens(text[same:]) if len(text) > same else 0
        if stand.matcher.is_error():
            raise too_complex(stand.matcher)
        stand.tokens += text[same : same + more]
        self._stands[key] = stand
        while len(self._stands) > KEPT:
            self._stands.popitem(last=False)
        return stand, len(stand.tokens)


def mask(matcher: LLMatcher, vocabulary: Vocabulary) -> np.ndarray:
    """What a matcher lets come next, bool [V]: ordinary tokens, and all ends where the text is a match."""
    bits = np.frombuffer(matcher.compute_bitmask(), np.uint8)
    if stuck(matcher):
        return np.zeros(vocabulary.width, bool)
    if matcher.is_error():
        raise too_complex(matcher)
    allowed = np.unpackbits(bits, count=vocabulary.width, bitorder="little").view(bool)
    allowed &= vocabulary.ordinary
    if matcher.is_accepting():
        allowed |= vocabulary.end_mask
    return allowed
