"""Positions taken out of a canvas and put in, and where that leaves the others."""

from collections.abc import Iterable, Sequence
from typing import Protocol

from unmask.frames.canvas import Canvas


class Splice(Protocol):
    """Positions taken out, and open ones put in, at a position of the canvas that the splices before it left."""

    @property
    def position(self) -> int: ...
    @property
    def removed(self) -> int: ...
    @property
    def inserted(self) -> int: ...


def carried(values: Sequence[int | None], splices: Iterable[Splice]) -> list[int | None]:
    """Values, one a position, as splices leave them; None for each position that was put in."""
    values = list(values)
    for splice in splices:
        values[splice.position:splice.position + splice.removed] = [None] * splice.inserted
    return values


def spliced(canvas: Canvas, splices: Iterable[Splice]) -> Canvas:
    """The canvas with positions taken out and put in.

    The prompt loses what is taken out before its end, and gains what is put in before it.
    """
    prompt_length, given, by_hand, protected = canvas.prompt_length, canvas.given, canvas.by_hand, canvas.protected
    for splice in splices:
        at, end, shift = splice.position, splice.position + splice.removed, splice.inserted - splice.removed
        if at < prompt_length:
            prompt_length += splice.inserted - min(splice.removed, prompt_length - at)
        given, by_hand, protected = (
            frozenset(position if position < at else position + shift for position in positions
                      if not at <= position < end) for positions in (given, by_hand, protected))
    return Canvas(tuple(carried(canvas.tokens, splices)), prompt_length, given, by_hand, protected)
