"""Messages between the service and its children: a JSON object, and blobs of bytes behind it.

On the wire: the length of the JSON in four bytes, the JSON, the blobs; their lengths stand in the JSON under "sizes".
"""

import json
import socket
from collections.abc import Sequence
from typing import Any

MOST_HEADER = 16 << 20

Message = tuple[dict[str, Any], list[bytes]]


def packed(header: dict[str, Any], blobs: Sequence[bytes] = ()) -> bytes:
    text = json.dumps({**header, "sizes": [len(blob) for blob in blobs]}).encode()
    return b"".join([len(text).to_bytes(4, "big"), text, *blobs])


def unpacked(data: bytes | bytearray) -> Message | None:
    """The message that some bytes are; None where they are none, for a child may have ended in the middle of one."""
    view = memoryview(data)
    end = 4 + int.from_bytes(view[:4], "big")
    if len(view) < 4 or not end <= len(view) or end > MOST_HEADER:
        return None
    try:
        header = json.loads(bytes(view[4:end]))
    except (ValueError, RecursionError):
        return None
    sizes = header.pop("sizes", None) if isinstance(header, dict) else None
    if not isinstance(sizes, list) or not all(type(size) is int and size >= 0 for size in sizes):
        return None
    if end + sum(sizes) != len(view):
        return None
    blobs = []
    for size in sizes:
        blobs.append(bytes(view[end : end + size]))
        end += size
    return header, blobs


def received(sock: socket.socket) -> Message:
    """The next message of a socket that blocks. Raises EOFError where the other end is gone."""
    def exactly(count: int) -> bytes:
        parts = []
        while count:
            part = sock.recv(min(count, 1 << 20))
            if not part:
                raise EOFError
            parts.append(part)
            count -= len(part)
        return b"".join(parts)

    header = json.loads(exactly(int.from_bytes(exactly(4), "big")))
    return header, [exactly(size) for size in header.pop("sizes")]
