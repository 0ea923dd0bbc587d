"""The values that stand in a recording: ids, positions, times."""

import json
import math
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise

from google.protobuf.message import Message

from unmask.recording.bad import BadRecording
from unmask.v1.frame_pb2 import Draft
from unmask.v1.settings_pb2 import Settings

FIRST_SECOND, LAST_SECOND = -62_135_596_800, 253_402_300_799  # of a timestamp: the years 1 to 9999


def invalid(message: str) -> BadRecording:
    return BadRecording(message, "INVALID")


@dataclass(frozen=True)
class Ids:
    """Which ids a token may have. vocabulary: how many there are, 0 where that is not known. mask: None for none."""

    vocabulary: int
    mask: int | None

    def check(self, id: int, where: str) -> None:
        if self.vocabulary and id >= self.vocabulary:
            raise invalid(f"{where}: the vocabulary's ids are 0 to {self.vocabulary - 1}; got {id}")

    def check_decided(self, id: int, where: str) -> None:
        self.check(id, where)
        if id == self.mask:
            raise invalid(f"{where}: {id} is the mask; an open position has no token")


def check_ascending(numbers: Iterable[int], end: int, where: str) -> None:
    """Each once, in ascending order, and below `end`."""
    numbers = list(numbers)
    if numbers and max(numbers) >= end:
        raise invalid(f"{where}: must be below {end}; got {max(numbers)}")
    for one, other in pairwise(numbers):
        if one >= other:
            raise invalid(f"{where}: must ascend; {other} follows {one}")


def check_sampler_state(text: str, where: str) -> None:
    try:
        whole = not text or isinstance(json.loads(text), dict)
    except (ValueError, RecursionError):
        whole = False
    if not whole:
        raise invalid(f"{where}: sampler_state must be a JSON object, or empty")


def check_settings(settings: Settings, where: str) -> None:
    for name, value in settings.parameters.fields.items():
        if not math.isfinite(value.number_value):
            raise invalid(f"{where}: the parameter {name[:40]!r} must be a finite number")


def check_times(message: Message, where: str) -> None:
    """Of the times and durations that a message itself has."""
    for field, value in message.ListFields():
        kind = field.message_type.name if field.message_type else ""
        if kind == "Timestamp" and not (FIRST_SECOND <= value.seconds <= LAST_SECOND and 0 <= value.nanos < 10**9):
            raise invalid(f"{where}: {field.name} must be in the years 1 to 9999")
        if kind == "Duration" and not (0 <= value.seconds <= LAST_SECOND and 0 <= value.nanos < 10**9):
            raise invalid(f"{where}: {field.name} must not be negative, nor longer than 8,000 years")


def check_enums(message: Message, where: str) -> None:
    """Of the named values that a message itself has: none of a number without a name."""
    for field, value in message.ListFields():
        if field.enum_type and not field.is_repeated and value not in field.enum_type.values_by_number:
            raise invalid(f"{where}: {field.name} has no value with the number {value}")


def check_draft(draft: Draft, size: int, ids: Ids, where: str) -> None:
    count = len(draft.positions)
    check_ascending(draft.positions, size, f"{where}: draft")
    if len(draft.tokens) != count:
        raise invalid(f"{where}: the draft has {count} positions and {len(draft.tokens)} tokens; it has one each")
    for token in draft.tokens:
        ids.check(token, f"{where}: draft")
    for name in ("probabilities", "entropies"):
        if len(getattr(draft, name)) not in (0, count):
            raise invalid(f"{where}: the draft's {name} are one byte for each of {count} positions, or empty; there are"
                          f" {len(getattr(draft, name))}")
