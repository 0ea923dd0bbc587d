"""The shortest text that completes another under a grammar, byte by byte.

A matcher over single bytes answers in microseconds, whatever the model's vocabulary: of the bytes that may come next
those after which the same may follow are one, so inside a free string one letter stands for all, and the byte that
ends it is tried too. Breadth first; what has been seen often is not gone through again. A bounded search: a completion
may exist that it does not find.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from llguidance import LLMatcher

from inference_service.sampling.constraints import effort
from inference_service.sampling.constraints.grammars import stuck, too_complex
from inference_service.sampling.constraints.vocabulary import Vocabulary

BYTES = Vocabulary([bytes([byte]) for byte in range(255)] + [b"", b""], [256])  # 255 is in no text

MOVES = 40_000  # bytes tried, some microseconds each
CHAIN = 4096  # bytes that follow each other without a choice
LIKED = bytes(range(97, 123)) + bytes(range(48, 58)) + b' "' + bytes(range(32, 127))  # which of those alike goes first
RANK = np.full(256, len(LIKED))
for _rank, _byte in reversed(list(enumerate(LIKED))):
    RANK[_byte] = _rank


@dataclass(frozen=True)
class Place:
    """Where a text stands. allowed: the bytes that may come next, in the order of LIKED; mask: the same, to compare."""

    matcher: LLMatcher
    accepts: bool
    mask: bytes
    allowed: tuple[int, ...]
    before: tuple[bytes, ...] = ()  # the masks of the last bytes

    @property
    def key(self) -> tuple[bytes | bool, ...]:
        return self.accepts, self.mask, *self.before

    def after(self, piece: bytes) -> "Place | None":
        """Behind some more bytes, None where they cannot come."""
        effort.check()
        matcher = self.matcher.deep_copy()
        if matcher.try_consume_tokens(list(piece)) < len(piece):
            if matcher.is_error():
                raise too_complex(matcher)
            return None
        return place(matcher, (self.mask, *self.before[:2]))

    def follows(self, piece: bytes) -> bool:
        """Whether some bytes may come next."""
        return piece[0] < 255 and bool(self.mask[piece[0] >> 3] >> (piece[0] & 7) & 1) and (
            len(piece) == 1 or self.matcher.deep_copy().try_consume_tokens(list(piece)) == len(piece))

    def groups(self, usable: np.ndarray, deep: bool = False) -> Iterator[tuple[int, int, "Place"]]:
        """Of the bytes after which the same may follow: one, how many there are, where it leads; the fewest first.

        usable: which bytes are looked at, bool [256]. deep: the same must be true one byte further on.
        """
        found: dict[object, list] = {}
        for byte in self.allowed:
            if usable[byte] and (there := self.after(bytes([byte]))):
                key = there.accepts, there.mask
                if deep:
                    key = *key, *((one, two.accepts, two.mask) for one in there.allowed
                                  if (two := there.after(bytes([one]))))
                found.setdefault(key, [0, byte, there])[0] += 1
        for count, byte, there in sorted(found.values(), key=lambda one: one[0]):
            yield byte, count, there


def place(matcher: LLMatcher, before: tuple[bytes, ...] = ()) -> Place:
    """Where a matcher over bytes stands. Raises ConstraintError where it meets a limit."""
    bits = matcher.compute_bitmask()
    if stuck(matcher):
        bits = bytes(len(bits))
    elif matcher.is_error():
        raise too_complex(matcher)
    bits = bits[:32]
    allowed = np.flatnonzero(np.unpackbits(np.frombuffer(bits, np.uint8), count=255, bitorder="little"))
    return Place(matcher, matcher.is_accepting(), bits, tuple(allowed[np.argsort(RANK[allowed])].tolist()), before)


def shortest(begin: Place, usable: np.ndarray) -> bytes | None:
    """The shortest text from a place to a match, None where none is found.

    usable: bytes that the vocabulary can write on their own, bool [256].
    """
    if begin.accepts:
        return b""
    for visits, deep in ((2, False), (64, False), (2, True)):
        if (found := _shortest(begin, usable, visits, deep)) is not None:
            return found
    return None


def _shortest(begin, usable, visits, deep):
    seen, moves, level = {}, MOVES, [(b"", begin)]
    while level and moves > 0:
        level.sort(key=lambda one: len(one[0]))
        following = []
        for text, at in level:
            chain = 0
            while len(at.allowed) == 1 and not at.accepts and usable[at.allowed[0]] and chain < CHAIN:
                byte, chain = bytes(at.allowed), chain + 1
                at, text = at.after(byte), text + byte
                if at is None:
                    break
            if at is None:
                continue
            moves -= chain
            if at.accepts:
                return text
            seen[at.key] = seen.get(at.key, 0) + 1
            if seen[at.key] > max(visits, 64 // max(len(at.allowed), 1)):
                continue
            moves -= len(at.allowed) * (1 + 90 * deep)
            for byte, _, there in at.groups(usable, deep):
                if there.accepts:
                    return text + bytes([byte])
                following.append((text + bytes([byte]), there))
            if moves <= 0:
                break
        level = following
    return None
