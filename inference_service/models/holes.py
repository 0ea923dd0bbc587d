"""Holes in a text: [[mask:3]] stands for three positions that the model decides, [[mask]] for one."""

import re

from inference_service.errors import InvalidField

HOLE = re.compile(r"\[\[mask(?::([^\[\]]*))?\]\]")


def split(text: str, most: int, field: str) -> list[str | int]:
    """The text between holes, and how many positions each hole has, in turn; begins and ends with text.

    A space before a hole is dropped: where tokens begin with their space, the hole's own bring it along.
    Raises InvalidField for a hole of less than 1 or more than `most` positions.
    """
    parts: list[str | int] = []
    at = 0
    for hole in HOLE.finditer(text):
        before = text[at:hole.start()]
        parts += [before.removesuffix(" "), _count(hole[1], most, field)]
        at = hole.end()
    return [*parts, text[at:]]


def _count(written: str | None, most: int, field: str) -> int:
    number = "1" if written is None else written.strip()
    if not number.isascii() or not number.isdecimal() or not 1 <= int(number[:9]) <= most:
        raise InvalidField(field, f"a hole such as [[mask:3]] must have 1 to {most} positions;"
                                  f" got [[mask:{written}]]")
    return int(number)
