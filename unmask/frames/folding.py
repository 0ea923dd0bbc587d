"""The fold: a frame's canvas of its parent's."""

from collections.abc import Collection
from typing import Protocol

from unmask.frames.canvas import Canvas
from unmask.frames.splicing import Splice, spliced


class Change(Protocol):
    """One position's new content. token None: open again. given: the token is part of what the user supplied."""

    @property
    def position(self) -> int: ...
    @property
    def token(self) -> int | None: ...
    @property
    def given(self) -> bool: ...


def fold(canvas: Canvas, splices: Collection[Splice], changes: Collection[Change], by_hand: bool,
         prompt_length: int | None = None, protected: Collection[int] = (),
         unprotected: Collection[int] = ()) -> Canvas:
    """The canvas after a frame, from its parent's.

    splices are done first; the positions of all else are those that they leave, and those of changes differ.
    by_hand: the changes are a person's choice; see Cause. prompt_length: set where a turn was appended: the prompt ends
    here, and all that is decided before is given. protected, unprotected: positions that samplers may not touch
    from now on, or may again. Raises IndexError for a change beyond the canvas.
    """
    if splices:
        canvas = spliced(canvas, splices)
    tokens, given, chosen, kept = canvas.tokens, canvas.given, canvas.by_hand, canvas.protected
    if changes:
        edited = list(tokens)
        for change in changes:
            edited[change.position] = change.token
        tokens = tuple(edited)
        touched = {change.position for change in changes} if by_hand or chosen else frozenset()
        if by_hand:
            given = (given - touched) | {change.position for change in changes if change.given}
            chosen = (chosen - touched) | {change.position for change in changes
                                           if change.token is not None and not change.given}
            kept = kept - {change.position for change in changes if change.token is None}
        elif not touched.isdisjoint(chosen):  # mostly they are, and a copy of all that was chosen is spared
            chosen = chosen - touched
    if prompt_length is None:
        prompt_length = canvas.prompt_length
    else:
        given = given | {position for position in range(prompt_length) if tokens[position] is not None}
        chosen = chosen - given
    if protected or unprotected:
        # One that is in both was picked by hand, is not any more, and is protected.
        kept = (kept - set(unprotected)) | set(protected)
        chosen = chosen - set(unprotected)
    return Canvas(tokens, prompt_length, given, chosen, kept)
