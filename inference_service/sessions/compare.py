"""How two canvases differ: which positions are the same place, and which tokens agree."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

Tokens = Sequence[int | None]
MOST_PAIRS = 1 << 23  # of positions with the same token, that are looked at to pair two stretches: about a second


@dataclass(frozen=True)
class Span:
    """A run of positions that agree, or do not. Where it is in each canvas and how many positions it has there."""

    equal: bool
    position: int
    count: int
    other_position: int
    other_count: int


@dataclass(frozen=True)
class Comparison:
    """spans: the canvases from left to right. exact: no position had to be paired by its token."""

    spans: tuple[Span, ...]
    exact: bool

    @property
    def equal_count(self) -> int:
        return sum(span.count for span in self.spans if span.equal)


def compare(one: Tokens, other: Tokens, sources: Sequence[int | None], other_sources: Sequence[int | None],
            ) -> Comparison:
    """Aligns two canvases whose positions come from those of a common one, or were put in since (None).

    Positions from the same source are paired. Where positions were put in on both sides between two such pairs, what
    lies there is paired by position where it is as long, and else by its tokens, which is a guess.
    """
    place = {source: position for position, source in enumerate(other_sources) if source is not None}
    anchors = [(position, place[source]) for position, source in enumerate(sources) if source in place]
    pairs: list[tuple[int, int]] = []
    exact, at, other_at = True, 0, 0
    for position, other_position in [*anchors, (len(one), len(other))]:
        if None in sources[at:position] and None in other_sources[other_at:other_position]:
            between = _paired(one[at:position], other[other_at:other_position])
            pairs += [(at + left, other_at + right) for left, right in between]
            exact = False
        if position < len(one):
            pairs.append((position, other_position))
        at, other_at = position + 1, other_position + 1
    return Comparison(_spans(one, other, pairs), exact)


def by_position(size: int) -> list[int | None]:
    """The sources of a canvas that is compared position by position."""
    return list(range(size))


def by_token(size: int) -> list[int | None]:
    """The sources of a canvas that shares no position with the other one."""
    return [None] * size


def _paired(one: Tokens, other: Tokens) -> list[tuple[int, int]]:
    """Pairs of positions of two stretches, as far as can be guessed."""
    if len(one) == len(other):
        return [(position, position) for position in range(len(one))]
    # An open position is like any other one: only what is decided can tell which belong together.
    keys, other_keys = [_key(token) for token in one], [_key(token) for token in other]
    matcher, counts = SequenceMatcher(None, keys, other_keys, autojunk=False), Counter(other_keys)
    alike = [counts[key] for key in keys]
    pairs, stretches, left = [], [(0, len(one), 0, len(other))], MOST_PAIRS
    while stretches:
        begin, end, other_begin, other_end = stretches.pop()
        left -= sum(alike[begin:end])
        if left < 0:  # too many to weigh: what both begin and end with
            ends = _ends(one[begin:end], other[other_begin:other_end])
            pairs += [(begin + at, other_begin + other_at) for at, other_at in ends]
            continue
        at, other_at, size = matcher.find_longest_match(begin, end, other_begin, other_end)
        pairs += [(at + i, other_at + i) for i in range(size)]
        if size:
            stretches += [(begin, at, other_begin, other_at), (at + size, end, other_at + size, other_end)]
    return sorted(pairs)


def _ends(one: Tokens, other: Tokens) -> list[tuple[int, int]]:
    """The pairs of what two stretches begin with alike, and end with alike."""
    short = min(len(one), len(other))
    begin = next((i for i in range(short) if one[i] != other[i]), short)
    end = next((i for i in range(short - begin) if one[-1 - i] != other[-1 - i]), short - begin)
    return [*((i, i) for i in range(begin)), *((len(one) - i, len(other) - i) for i in range(end, 0, -1))]


def _key(token: int | None) -> int:
    return -1 if token is None else token


def _spans(one: Tokens, other: Tokens, pairs: list[tuple[int, int]]) -> tuple[Span, ...]:
    """Runs of pairs with the same token, and what lies between them."""
    spans: list[Span] = []
    equal = [pair for pair in pairs if one[pair[0]] == other[pair[1]]]
    at = other_at = 0
    for position, other_position in [*equal, (len(one), len(other))]:
        if position > at or other_position > other_at:
            spans.append(Span(False, at, position - at, other_at, other_position - other_at))
        if position < len(one):
            last = spans[-1] if spans else None
            if last and last.equal:
                spans[-1] = Span(True, last.position, last.count + 1, last.other_position, last.other_count + 1)
            else:
                spans.append(Span(True, position, 1, other_position, 1))
        at, other_at = position + 1, other_position + 1
    return tuple(spans)
