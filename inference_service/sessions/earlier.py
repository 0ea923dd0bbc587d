"""What last stood at a position that is open now: looked for on the way back from a revision."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice, takewhile

from inference_service.sessions.frame import Frame
from inference_service.sessions.session import Session

PAGE = 256  # frames that are looked at at once
Told = tuple[int, bool]  # a token, and whether it was given


def earlier_at(session: Session, base: int) -> Callable[[Sequence[int]], Mapping[int, Told]]:
    """Finds what last stood at positions of a revision, on the way to it; what stands there still included.

    Given some positions: by position the token and whether it was given, in one look back for all of them. Those at
    which nothing has stood are left out.
    """
    now = session.state(base)

    def find(positions: Sequence[int]) -> Mapping[int, Told]:
        found = {position: (token, position in now.given)
                 for position in positions if (token := now.tokens[position]) is not None}
        traces = [Trace(position, position) for position in positions if position not in found]
        way, oldest = takewhile(lambda revision: revision > session.first, session.tree.way(base)), base
        while traces and (page := list(islice(way, PAGE))):
            for frame in session.log.at(page):
                traces = [trace for trace in traces if trace.back(frame, found)]
            oldest = session.tree.parent(page[-1])
        if traces:
            root = session.state(oldest)
            found |= {trace.asked: (token, trace.given or trace.at in root.given)
                      for trace in traces if (token := root.tokens[trace.at]) is not None}
        return found

    return find


@dataclass
class Trace:
    """A position followed back in time. at: where it is in the canvas looked at. opened: whether it has been since."""

    asked: int
    at: int
    opened: bool = False
    given: bool = False

    def back(self, frame: Frame, found: dict[int, Told]) -> bool:
        """Goes back over a frame; False once it is known what stood there, or that nothing did."""
        change = next((change for change in frame.changes if change.position == self.at), None)
        if self.opened and frame.start is not None and self.at < frame.start:
            self.given = True  # what is decided when a turn is appended is given
        if change is None:
            return self._through(frame)
        if change.token is None:
            self.opened = True
        elif self.opened:
            found[self.asked] = change.token, self.given or change.given
            return False
        return self._through(frame)

    def _through(self, frame: Frame) -> bool:
        """To where it was before the frame's splices; False where they put it in."""
        for splice in reversed(frame.splices):
            if self.at >= splice.position + splice.inserted:
                self.at += splice.removed - splice.inserted
            elif self.at >= splice.position:
                return False
        return True
