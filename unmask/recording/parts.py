"""A serialized recording read part by part, so that one made to fill memory is refused before it does.

An empty message takes two bytes on the wire and a hundred in memory. A recording has none of them in numbers: whatever
it lists says at least where it belongs.
"""

from google.protobuf.message import DecodeError

from unmask.recording.bad import BadRecording
from unmask.v1.recording_pb2 import Recording

MOST_PARTS = 4_000_000  # frames, tokens, predictions and so on; a server keeps a million revisions of a session
MOST_PART_BYTES = 1 << 24
LEAST_ENTRY_BYTES = 4  # of a change, splice or candidate: tag, length, and the number of a position or token
VARINT, FIXED64, DELIMITED, FIXED32 = 0, 1, 2, 5  # the wire types that are in use
SINGLE = {field.number for field in Recording.DESCRIPTOR.fields if not field.is_repeated}


def recording_of(data: bytes) -> Recording:
    """The recording that was serialized. Raises DecodeError, and BadRecording where it is too large."""
    recording, at, count = Recording(), 0, 0
    seen: set[int] = set()
    while at < len(data):
        number, end = part(data, at)
        count += 1
        if count > MOST_PARTS:
            raise too_many()
        if end - at > MOST_PART_BYTES:
            raise BadRecording(f"a part of the recording takes {end - at:,} bytes; {MOST_PART_BYTES:,} are the most"
                               " that are read", "TOO_LARGE")
        if number in SINGLE and number in seen:
            raise DecodeError(f"field {number} is there twice")
        seen.add(number)
        recording.MergeFromString(data[at:end])
        if entries(recording, number) > 2 + (end - at) // LEAST_ENTRY_BYTES:
            raise BadRecording("a part of the recording lists nothing but empty entries", "INVALID")
        at = end
    return recording


def entries(recording: Recording, number: int) -> int:
    """How many messages the part that was just read lists."""
    if number == Recording.FRAMES_FIELD_NUMBER:
        return sum(len(frame.changes) + len(frame.splices) for frame in recording.frames[-1:])
    if number == Recording.PREDICTIONS_FIELD_NUMBER:
        return sum(1 + len(position.candidates) for last in recording.predictions[-1:] for position in last.candidates)
    return len(recording.model.samplers) if number == Recording.MODEL_FIELD_NUMBER else 0


def part(data: bytes, at: int) -> tuple[int, int]:
    """The number of the field that begins here, and where it ends."""
    tag, at = varint(data, at)
    kind = tag & 7
    if kind == VARINT:
        _, at = varint(data, at)
    elif kind == DELIMITED:
        length, at = varint(data, at)
        at += length
    elif kind in (FIXED64, FIXED32):
        at += 8 if kind == FIXED64 else 4
    else:
        raise DecodeError(f"wire type {kind}")
    if at > len(data):
        raise DecodeError("truncated")
    return tag >> 3, at


def varint(data: bytes, at: int) -> tuple[int, int]:
    """A number, and where it ends."""
    value = 0
    for shift in range(0, 70, 7):
        if at >= len(data):
            break
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
    raise DecodeError("truncated")


def too_many() -> BadRecording:
    return BadRecording(f"the recording has more than {MOST_PARTS:,} parts, the most that are read", "TOO_LARGE")
