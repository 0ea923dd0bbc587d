"""The canvases of a recording, folded from its frames.

The rules are those of inference_service/sessions/state.py, on the API's messages.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

from unmask.v1.frame_pb2 import CAUSE_EDIT, CAUSE_SELECT, Frame
from unmask.v1.recording_pb2 import Recording
from unmask.v1.session_pb2 import Canvas as CanvasMessage
from unmask.v1.session_pb2 import Session

OPEN = CanvasMessage.POSITION_STATE_OPEN
COMMITTED = CanvasMessage.POSITION_STATE_COMMITTED
GIVEN = CanvasMessage.POSITION_STATE_GIVEN
BY_HAND = (CAUSE_SELECT, CAUSE_EDIT)


@dataclass(frozen=True, slots=True)
class Canvas:
    """A canvas at one revision. tokens: one a position, None where it is open. The sets hold positions."""

    tokens: tuple[int | None, ...]
    prompt_length: int
    given: frozenset[int] = frozenset()
    by_hand: frozenset[int] = frozenset()
    protected: frozenset[int] = frozenset()

    @property
    def states(self) -> tuple[int, ...]:
        """OPEN, COMMITTED or GIVEN, one a position."""
        return tuple(OPEN if token is None else GIVEN if position in self.given else COMMITTED
                     for position, token in enumerate(self.tokens))


def canvas_of(session: Session) -> Canvas:
    """The canvas that a Session message shows."""
    canvas = session.canvas
    return Canvas(
        tuple(None if state == OPEN else token for token, state in zip(canvas.tokens, canvas.states, strict=True)),
        session.prompt_length, frozenset(position for position, state in enumerate(canvas.states) if state == GIVEN),
        frozenset(canvas.by_hand), frozenset(canvas.protected))


def fold(canvas: Canvas, frame: Frame) -> Canvas:
    """The canvas after a frame, from its parent's."""
    tokens, start = list(canvas.tokens), canvas.prompt_length
    given, by_hand, protected = canvas.given, canvas.by_hand, canvas.protected
    for splice in frame.splices:
        at, end, shift = splice.position, splice.position + splice.removed, splice.inserted - splice.removed
        tokens[at:end] = [None] * splice.inserted
        if at < start:
            start += splice.inserted - min(splice.removed, start - at)
        given, by_hand, protected = (
            frozenset(position if position < at else position + shift for position in positions
                      if not at <= position < end) for positions in (given, by_hand, protected))
    for change in frame.changes:
        tokens[change.position] = change.token if change.HasField("token") else None
    touched = {change.position for change in frame.changes}
    by_hand -= touched
    if frame.cause in BY_HAND:
        given = (given - touched) | {change.position for change in frame.changes if change.given}
        by_hand |= {position for position in touched if tokens[position] is not None} - given
        protected -= {position for position in touched if tokens[position] is None}
    if frame.HasField("prompt_length"):
        start = frame.prompt_length
        given |= {position for position in range(start) if tokens[position] is not None}
        by_hand -= given
    protected = (protected - set(frame.unprotected)) | set(frame.protected)  # in this order: a position may be in both
    return Canvas(tuple(tokens), start, given, by_hand - set(frame.unprotected), protected)


def roots(recording: Recording) -> dict[int, Canvas]:
    """The canvases that take no folding, by revision."""
    return {session.revision: canvas_of(session) for session in (*recording.bases, recording.session)}


def canvases(recording: Recording) -> "Canvases":
    """The canvases of a recording that was checked."""
    return Canvases(recording)


class Canvases:
    """Every canvas of a recording, by revision. Going from one to its child folds one frame."""

    def __init__(self, recording: Recording):
        self.frames = {frame.revision: frame for frame in recording.frames}
        self._roots = roots(recording)
        self._last: dict[int, Canvas] = {}

    def way(self, revision: int) -> list[int]:
        """The revisions from a canvas that takes no folding to this one. Raises KeyError for one not recorded."""
        back = [revision]
        while back[-1] not in self._roots:
            back.append(self.frames[back[-1]].parent_revision)
        return back[::-1]

    def at(self, revision: int) -> Canvas:
        """The canvas at a revision. Raises KeyError for one not recorded."""
        known = self._roots | self._last
        ahead, at = [], revision
        while at not in known:
            ahead.append(self.frames[at])
            at = ahead[-1].parent_revision
        canvas = known[at]
        for frame in reversed(ahead):
            canvas = fold(canvas, frame)
        self._last = {revision: canvas}
        return canvas


def walk(recording: Recording, after: Callable[[Frame, Canvas], Canvas]) -> None:
    """Calls `after` with each frame and the canvas that it was made from; it returns the frame's own canvas.

    Not with the first frame: its canvas is the session's. Every parent has to be older and recorded. Of siblings the
    one with the fewest descendants goes first, so that of n frames at most log2(n) canvases are held at a time.
    """
    children: dict[int, list[Frame]] = {}
    descendants: Counter[int] = Counter()
    for frame in reversed(recording.frames[1:]):
        descendants[frame.parent_revision] += 1 + descendants[frame.revision]
        children.setdefault(frame.parent_revision, []).append(frame)
    for siblings in children.values():
        siblings.sort(key=lambda frame: -descendants[frame.revision])
    waiting = [(frame, canvas) for revision, canvas in roots(recording).items() for frame in children.get(revision, ())]
    while waiting:
        frame, before = waiting.pop()
        canvas = after(frame, before)
        waiting += [(child, canvas) for child in children.get(frame.revision, ())]
