"""What a person can do to a canvas, a record for each kind; cells.py does it, edit_frame.py makes a frame of it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

Told = tuple[int, float | None]  # a token and its p_base, if known


@dataclass(frozen=True, slots=True)
class Mask:
    positions: Sequence[int]


@dataclass(frozen=True, slots=True)
class Unmask:
    """earlier: with what stood there before; otherwise with the draft."""

    positions: Sequence[int]
    earlier: bool


@dataclass(frozen=True, slots=True)
class Force:
    """tokens: from `position` on, one a position."""

    position: int
    tokens: Sequence[int]


@dataclass(frozen=True, slots=True)
class Replace:
    """tokens: None makes an open position. keep_length: what they leave of the span is open."""

    position: int
    count: int
    tokens: Sequence[int | None]
    keep_length: bool


@dataclass(frozen=True, slots=True)
class Protect:
    positions: Sequence[int]


@dataclass(frozen=True, slots=True)
class Unprotect:
    positions: Sequence[int]


@dataclass(frozen=True, slots=True)
class Insert:
    position: int
    count: int


@dataclass(frozen=True, slots=True)
class Delete:
    position: int
    count: int


@dataclass(frozen=True, slots=True)
class DeleteLast:
    count: int


@dataclass(frozen=True, slots=True)
class Append:
    """turn: what follows the answer, None where it leaves a position open. length: open positions after it.

    capped: fewer of them where the context leaves less.
    """

    turn: Sequence[int | None]
    length: int
    capped: bool = False


Edit = Mask | Unmask | Force | Replace | Protect | Unprotect | Insert | Delete | DeleteLast | Append


@dataclass(frozen=True, slots=True)
class EditFacts:
    """What edits may ask for.

    draft: the likeliest token of positions open at the revision edited. earlier: by position, what last stood at some
    positions of it, and whether that was given. ends: the tokens that end an answer. append_only: the canvas has one
    open position, at its end, for as long as fewer than `most` tokens are written.
    """

    draft: Mapping[int, Told]
    earlier: Callable[[Sequence[int]], Mapping[int, tuple[int, bool]]]
    ends: Sequence[int]
    context_length: int
    append_only: bool = False
    most: int = 0
