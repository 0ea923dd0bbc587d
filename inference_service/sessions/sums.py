"""Checksums: what was kept is what comes back, in the place where it was kept.

A CRC-32 finds every damage of up to 32 bits in a row and all but one in four thousand million of any other. It is no
protection against somebody who writes the file on purpose. What it is made of names session and revision, so that
rows that changed places are noticed too.
"""

import struct
from collections.abc import Callable
from math import nan
from zlib import crc32

NO_SUM = nan  # equal to nothing
_place = struct.Struct("<qqq").pack


def checksum(body: bytes, *facts: str | int | float | None) -> int:
    """Of some bytes, and of what they belong to."""
    return crc32(body, crc32(repr(facts).encode()))


def matches(kept: int, body: bytes, *facts: str | int | float | None) -> bool:
    """Whether a kept checksum is that of the bytes and facts. Damage may have changed their types."""
    return isinstance(body, bytes) and kept == checksum(body, *facts)


def frame_sum(place: int | float, body: bytes) -> int | float:
    """The checksum of a frame's bytes at its place in the tree: see tree_sums. That of none is the place's own."""
    return crc32(body, place) if isinstance(body, bytes) and isinstance(place, int) else NO_SUM


def tree_sums(session_id: str) -> Callable[[int, int, int], int | float]:
    """Of a session: the checksum of a revision, its parent and its cause; equal to none where those are no numbers."""
    start = crc32(session_id.encode())

    def place(revision: int, parent: int, cause: int) -> int | float:
        try:
            return crc32(_place(revision, parent, cause), start)
        except struct.error:
            return NO_SUM

    return place
