"""The canvases that the API's messages tell: what a Session shows, and what a Frame makes of it."""

from typing import NamedTuple

from unmask import frames
from unmask.frames import BY_HAND, GIVEN, OPEN, Canvas
from unmask.v1.frame_pb2 import Frame
from unmask.v1.session_pb2 import Session


class Change(NamedTuple):
    """A message's change as the fold takes it: with None where the message has no token."""

    position: int
    token: int | None
    given: bool


def canvas_of(session: Session) -> Canvas:
    """The canvas that a Session message shows. Raises ValueError unless it has as many tokens as states."""
    canvas = session.canvas
    return Canvas(
        tuple(None if state == OPEN else token for token, state in zip(canvas.tokens, canvas.states, strict=True)),
        session.prompt_length, frozenset(position for position, state in enumerate(canvas.states) if state == GIVEN),
        frozenset(canvas.by_hand), frozenset(canvas.protected))


def fold(canvas: Canvas, frame: Frame) -> Canvas:
    """The canvas after a frame, from its parent's; see unmask.frames."""
    changes = [Change(change.position, change.token if change.HasField("token") else None, change.given)
               for change in frame.changes]
    return frames.fold(canvas, frame.splices, changes, frame.cause in BY_HAND,
                       frame.prompt_length if frame.HasField("prompt_length") else None,
                       frame.protected, frame.unprotected)
