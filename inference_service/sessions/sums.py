"""Checksums: what was kept is what comes back, in the place where it was kept.

A CRC-32 finds every damage of up to 32 bits in a row and all but one in four thousand million of any other. It is no
protection against somebody who writes the file on purpose. What it is made of names session and revision, so that
rows that changed places are noticed too.
"""

import struct
from collections.abc import Callable
from zlib import crc32

_place = struct.Struct("<qqq").pack


def checksum(body: bytes, *facts: str | int | float | None) -> int:
    """Of some bytes, and of what they belong to."""
    return crc32(body, crc32(repr(facts).encode()))


def matches(kept: int, body: bytes, *facts: str | int | float | None) -> bool:
    """Whether a kept checksum is that of the bytes and facts. Damage may have changed their types."""
    return isinstance(body, bytes) and kept == checksum(body, *facts)


def frame_sum(place: int, body: bytes) -> int:
    """The checksum of a frame's bytes at its place in the tree: see tree_sums. That of none is the place's own."""
    return crc32(body, place)


def tree_sums(session_id: str) -> Callable[[int, int, int], int]:
    """Of a session: the checksum of a revision, its parent and its cause."""
    start = crc32(session_id.encode())
    return lambda revision, parent, cause: crc32(_place(revision, parent, cause), start)


def in_its_place(sums: Callable[[int, int, int], int], revision: int, parent: int, cause: int, kept: int) -> bool:
    """Whether a row of the tree is as it was kept."""
    try:
        return kept == sums(revision, parent, cause)
    except struct.error:  # no numbers any more
        return False
