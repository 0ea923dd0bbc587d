"""What a whole text's ids are in its parts: it is encoded once and cut where its tokens end."""

from collections.abc import Sequence
from itertools import pairwise

Offsets = Sequence[tuple[int, int]]


def cut(ids: Sequence[int], offsets: Offsets, edges: Sequence[int]) -> list[list[int] | None]:
    """The ids between neighbouring edges, None for a part with an edge that is within a token.

    offsets: first and behind the last character of each token. edges: ascending, at least two, in characters; the last
    is the text's end.
    """
    places = [_place(offsets, edge, edge == edges[-1]) for edge in edges]
    return [None if begin is None or end is None else list(ids[begin:end]) for begin, end in pairwise(places)]


def _place(offsets: Offsets, edge: int, last: bool) -> int | None:
    """How many tokens stand before an edge, None where it is within one, or what stands before it is in no token.

    Some tokenizers leave a space out of the offsets: then it may be a part of the token behind the edge.
    """
    if last or edge == 0:
        return len(offsets) if last else 0
    count, high = 0, len(offsets)
    while count < high:  # they ascend
        middle = (count + high) // 2
        if offsets[middle][1] <= edge:
            count = middle + 1
        else:
            high = middle
    if count and offsets[count - 1][1] < edge:
        return None
    return count if count and (count == len(offsets) or offsets[count][0] >= edge) else None
