"""A recording's revisions as a terminal shows them."""

from dataclasses import dataclass
from functools import cached_property

from rich.console import Console
from rich.text import Text

from unmask.frames import GIVEN, OPEN
from unmask.recording import Canvas, Canvases, canvases
from unmask.recording.text import named, pieces, printable
from unmask.v1.frame_pb2 import CAUSE_REWIND, Cause, Draft, Frame
from unmask.v1.model_service_pb2 import Token
from unmask.v1.recording_pb2 import Recording

HOLE = "·"  # an open position of which no draft is known
CHANGED, COMMITTED_STYLE, BY_HAND, DRAFT, STATUS = "bold black on green", "cyan", "magenta", "dim italic", "bold"


@dataclass(frozen=True)
class Show:
    """A recording with what is asked of it again and again."""

    recording: Recording

    @property
    def head(self) -> int:
        """The newest revision."""
        return self.recording.frames[-1].revision

    @cached_property
    def canvases(self) -> Canvases:
        return canvases(self.recording)

    @cached_property
    def known(self) -> dict[int, Token]:
        return named(self.recording)

    @cached_property
    def names(self) -> dict[int, str]:
        """The branch names, by the revision that they were given to."""
        return {revision: name for name, revision in self.recording.branch_names.items()}

    @cached_property
    def drafts(self) -> dict[int, Draft]:
        """The drafts of predictions, by their revision."""
        return {prediction.revision: prediction.draft for prediction in self.recording.predictions}


@dataclass(frozen=True)
class View:
    """One revision: what stands at each position, the frame, and the line about it.

    draft: by position, for those that are open. changed: positions that the frame changed.
    """

    canvas: Canvas
    frame: Frame
    shown: list[str]
    draft: dict[int, str]
    changed: frozenset[int]
    status: str


def view(show: Show, revision: int, before: int | None) -> View:
    """before: the revision shown just before, if any."""
    frame, canvas = show.canvases.frames[revision], show.canvases.at(revision)
    draft = frame.draft if frame.HasField("draft") else show.drafts.get(revision, Draft())
    drafted = dict(zip(draft.positions, draft.tokens, strict=True)) if not frame.splices else {}
    still = {position: id for position, id in drafted.items()
             if position < len(canvas.tokens) and canvas.tokens[position] is None}
    # Each by itself: neighbours of a draft are seldom drafted to go with it.
    words = {position: pieces([id], show.known)[0] for position, id in still.items()}
    changed = frozenset(change.position for change in frame.changes)
    return View(canvas, frame, pieces(canvas.tokens, show.known), words, changed, status(show, frame, canvas, before))


def status(show: Show, frame: Frame, canvas: Canvas, before: int | None) -> str:
    """revision 12 of 64 · step · 40 open · mean p 0.83"""
    cause = Cause.Name(frame.cause).removeprefix("CAUSE_").lower()
    parts = [f"revision {frame.revision} of {show.head}", f"{cause}, {frame.substep}" if frame.substep else cause,
             f"{canvas.tokens.count(None)} open"]
    if frame.summary.HasField("mean_probability"):
        parts.append(f"mean p {frame.summary.mean_probability:.2f}")
    if frame.cause == CAUSE_REWIND:
        parts.append(f"back at revision {frame.parent_revision}")
    elif before is not None and frame.parent_revision != before:
        parts.append(f"branches off revision {frame.parent_revision}")
    if frame.revision in show.names:
        parts.append(f'"{show.names[frame.revision]}"')
    parts += frame.summary.approximations
    return printable(" · ".join(parts))


def drawn(seen: View) -> Text:
    """The status line and the canvas below it."""
    return Text.assemble((f"{seen.status}\n\n", STATUS), canvas_text(seen))


def fitted(seen: View, console: Console, top: int) -> tuple[Text, int]:
    """The same, cut to the terminal's height; and the line of the canvas that is on top.

    top: the line that was on top before. It stays there as long as some of what changed is to be seen.
    """
    lines = canvas_text(seen).wrap(console, console.width)
    height = max(1, console.height - 3)  # the status, the empty line below it, and one for the cursor
    changed = [index for index, line in enumerate(lines) if any(span.style == CHANGED for span in line.spans)]
    if changed and not any(top <= index < top + height for index in changed):
        top = changed[0] - height // 2
    top = max(0, min(top, len(lines) - height))
    return Text.assemble((f"{seen.status}\n\n", STATUS), Text("\n").join(lines[top:top + height])), top


def canvas_text(seen: View) -> Text:
    """The canvas, with true line breaks where they are decided."""
    text = Text()
    for position, state in enumerate(seen.canvas.states):
        if state == OPEN:
            piece = seen.draft.get(position, HOLE).replace("\n", "↵")
            style = CHANGED if position in seen.changed else DRAFT
        else:
            piece = seen.shown[position]
            style = (CHANGED if position in seen.changed else BY_HAND if position in seen.canvas.by_hand
                     else "" if state == GIVEN else COMMITTED_STYLE)
        text.append(printable(piece), style)
    return text


def lines(seen: View) -> str:
    """The status, and what the frame changed: position and token."""
    changes = [f"{change.position} {quoted(seen, change.position)}" for change in seen.frame.changes]
    return f"{seen.status}: {', '.join(changes)}" if changes else seen.status


def quoted(seen: View, position: int) -> str:
    if seen.canvas.tokens[position] is None:
        return "open"
    return '"{}"'.format(printable(seen.shown[position]).replace("\n", "\\n"))
