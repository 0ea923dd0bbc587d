"""Holes in a text: [[mask:3]] stands for three positions that the model decides, [[mask]] for one."""

import re

from inference_service.errors import InvalidField

HOLE = re.compile(r"\[\[mask(?::([^\[\]]*))?\]\]")


def split(text: str, most: int, field: str) -> list[str | int]:
    """The text between holes, and how many positions each hole has, in turn; begins and ends with text.

    A space before a hole is dropped: where tokens begin with their space, the hole's own bring it along.
    Raises InvalidField for a hole of less than 1 position, and where all have more than `most` together.
    """
    parts: list[str | int] = []
    at = total = 0
    for hole in HOLE.finditer(text):
        before, count = text[at:hole.start()], _count(hole[1], most, field)
        total += count
        if total > most:  # said here, and not when all of them have been looked at
            raise InvalidField(field, f"its holes must have at most {most} positions together")
        parts += [before.removesuffix(" "), count]
        at = hole.end()
    return [*parts, text[at:]]


def _count(written: str | None, most: int, field: str) -> int:
    number = "1" if written is None else written.strip()
    if not number.isascii() or not number.isdecimal() or not 1 <= int(number[:9]) <= most:
        raise InvalidField(field, f"a hole such as [[mask:3]] must have 1 to {most} positions;"
                                  f" got [[mask:{written}]]")
    return int(number)
