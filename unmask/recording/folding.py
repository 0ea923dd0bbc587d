"""The canvases of a recording, folded from its frames."""

from collections import Counter
from collections.abc import Callable

from unmask.canvas import canvas_of, fold
from unmask.frames import Canvas
from unmask.v1.frame_pb2 import Frame
from unmask.v1.recording_pb2 import Recording


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
