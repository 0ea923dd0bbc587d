"""What every reader of a recording relies on. Each refusal names the frame, or what else it is about."""

from collections.abc import Container

from unmask.canvas import canvas_of, fold
from unmask.frames import COMMITTED, GIVEN, OPEN, Canvas
from unmask.recording.bad import BadRecording
from unmask.recording.folding import walk
from unmask.recording.values import (
    Ids,
    check_ascending,
    check_draft,
    check_enums,
    check_sampler_state,
    check_settings,
    check_times,
    invalid,
)
from unmask.v1.frame_pb2 import CAUSE_CREATE, CAUSE_EDIT, CAUSE_REWIND, CAUSE_SELECT, CAUSE_STEP, Change, Frame
from unmask.v1.prediction_pb2 import Prediction
from unmask.v1.recording_pb2 import Recording
from unmask.v1.session_pb2 import Session

FORMAT = "unmask.recording"
VERSION = 1
MOST_POSITIONS = 1 << 17  # of a canvas: what is put into it takes no bytes in the file
MOST_NAME = 80  # characters of a branch's name
CAUSES = (CAUSE_STEP, CAUSE_SELECT, CAUSE_REWIND, CAUSE_EDIT)


def check(recording: Recording) -> None:
    """Raises BadRecording unless its frames can be folded, and every id, position and revision in it exists."""
    check_kind(recording.format, recording.version)
    if not recording.HasField("session"):
        raise invalid("the recording has no session")
    start, model = recording.session, recording.model
    told = [message.mask_token for message in (start, model) if message.HasField("mask_token")]
    masked = not model.attention.append_only if model.HasField("attention") else model.bidirectional
    if not told and masked:
        raise invalid("neither the session nor the model says which id is the mask")
    ids = Ids(model.vocabulary_size, told[0] if told else None)  # a model that reads from left to right has none
    check_times(recording, "the recording")
    check_session(start, ids, "session")
    check_order(recording)
    first = recording.frames[0]
    settled = first if start.revision == 0 else start
    if not settled.HasField("settings"):
        raise invalid(f"{'frame 0' if settled is first else 'session'}: has no settings")
    if start.revision == 0 and (COMMITTED in start.canvas.states or start.canvas.by_hand or start.canvas.protected):
        raise invalid("session: at revision 0 whatever is decided is given, and nothing is chosen or protected")
    check_parts(first, len(start.canvas.tokens), MOST_POSITIONS, ids)
    sizes = {session.revision: len(session.canvas.tokens) for session in (start, *recording.bases)}
    for base in recording.bases:
        check_session(base, ids, f"base {base.revision}")

    def after(frame: Frame, before: Canvas) -> Canvas:
        canvas = check_frame(frame, before, ids)
        sizes[frame.revision] = len(canvas.tokens)
        return canvas

    walk(recording, after)
    for prediction in recording.predictions:
        check_prediction(prediction, sizes, ids)
    check_names(recording, sizes)


def check_kind(name: object, version: object) -> None:
    """Raises BadRecording unless this is a recording of a version that is read here."""
    if name != FORMAT:
        raise BadRecording(f'this is no recording: its format is {str(name)[:40]!r} and not "{FORMAT}"',
                           "NOT_A_RECORDING")
    if isinstance(version, int) and version > VERSION:
        raise BadRecording(f"the recording is of version {version}; versions up to {VERSION} are read here, so a newer"
                           " Unmask is needed", "LATER_VERSION")
    if version in (None, 0):
        raise invalid(f"the recording does not say its version; {VERSION} is the only one")


# ---- the sessions that it begins from ----

def check_session(session: Session, ids: Ids, where: str) -> None:
    tokens, states, size = session.canvas.tokens, session.canvas.states, len(session.canvas.tokens)
    if len(states) != size:
        raise invalid(f"{where}: the canvas has {size} tokens and {len(states)} states; every position has both")
    if not 1 <= size <= MOST_POSITIONS:
        raise invalid(f"{where}: a canvas has 1 to {MOST_POSITIONS} positions; this one has {size}")
    if session.prompt_length > size:
        raise invalid(f"{where}: the prompt takes {session.prompt_length} positions of a canvas of {size}")
    for position, (token, state) in enumerate(zip(tokens, states, strict=True)):
        if state in (COMMITTED, GIVEN):
            ids.check_decided(token, f"{where}, position {position}")
        elif state != OPEN:
            raise invalid(f"{where}, position {position}: is neither open nor committed nor given")
    check_ascending(session.canvas.by_hand, size, f"{where}: by_hand")
    check_ascending(session.canvas.protected, size, f"{where}: protected")
    check_decided(canvas_of(session), where)
    check_sampler_state(session.sampler_state, where)
    check_settings(session.settings, where)
    check_times(session, where)
    check_times(session.summary, where)
    check_enums(session.summary, where)


# ---- the frames ----

def check_order(recording: Recording) -> None:
    """Revisions without gaps; parents and causes that can be."""
    first = recording.session.revision
    if first < 0:
        raise invalid(f"session: revisions count from 0; got {first}")
    if not recording.frames:
        raise invalid(f"the recording has no frame; the first is that of the session's revision, {first}")
    older = [base.revision for base in recording.bases]
    check_ascending(sorted(older), first, "bases")
    if older and min(older) < 0:
        raise invalid(f"base {min(older)}: revisions count from 0")
    for revision, frame in enumerate(recording.frames, first):
        where, parent = f"frame {frame.revision}", frame.parent_revision
        if frame.revision != revision:
            raise invalid(f"{where}: frame {revision} has to stand here; frames count from the session's revision on")
        if revision == 0:
            if parent != -1 or frame.cause != CAUSE_CREATE:
                raise invalid("frame 0: is the creation, with parent -1")
            continue
        if frame.cause not in CAUSES:
            raise invalid(f"{where}: no cause of a frame has the number {frame.cause}")
        if not 0 <= parent < revision:
            raise invalid(f"{where}: a parent is older than its frame; got {parent}")
        if revision > first and parent < first and parent not in older:
            raise invalid(f"{where}: its parent {parent} is neither a frame nor among the bases")


def check_frame(frame: Frame, before: Canvas, ids: Ids) -> Canvas:
    """The frame's canvas, once it is known that it can be folded."""
    where, cause = f"frame {frame.revision}", frame.cause
    edited = [name for name in ("prompt_length", "protected", "unprotected")
              if (frame.HasField(name) if name == "prompt_length" else len(getattr(frame, name)))]
    if edited and cause != CAUSE_EDIT:
        raise invalid(f"{where}: only an edit has {edited[0]}")
    if (frame.splices or frame.changes) and cause == CAUSE_REWIND:
        raise invalid(f"{where}: a rewind has its parent's canvas, no splices and no changes")
    size = len(before.tokens)
    check_parts(frame, check_splices(frame, size, where), size, ids)
    if cause == CAUSE_STEP:
        for change in frame.changes:
            if change.position in before.given or change.position in before.protected:
                raise invalid(f"{where}: no step changes position {change.position}, which is given or protected")
    canvas = fold(before, frame)
    check_decided(canvas, where)
    return canvas


def check_splices(frame: Frame, size: int, where: str) -> int:
    """How many positions the canvas has after the splices."""
    for splice in frame.splices:
        if splice.position + splice.removed > size:
            raise invalid(f"{where}: a splice takes positions {splice.position} to"
                          f" {splice.position + splice.removed} out of a canvas of {size}")
        size += splice.inserted - splice.removed
        if not 1 <= size <= MOST_POSITIONS:
            raise invalid(f"{where}: a canvas has 1 to {MOST_POSITIONS} positions; a splice makes {size}")
    return size


def check_parts(frame: Frame, size: int, drafted: int, ids: Ids) -> None:
    """What can be checked of a frame by itself. size, drafted: positions of its canvas, and of the one before."""
    where = f"frame {frame.revision}"
    check_ascending([change.position for change in frame.changes], size, f"{where}: changes")
    for change in frame.changes:
        check_change(change, frame, ids, where)
    check_ascending(frame.protected, size, f"{where}: protected")
    check_ascending(frame.unprotected, size, f"{where}: unprotected")
    if frame.prompt_length > size:
        raise invalid(f"{where}: the prompt takes {frame.prompt_length} positions of a canvas of {size}")
    check_draft(frame.draft, drafted, ids, where)
    check_sampler_state(frame.sampler_state, where)
    if frame.HasField("cache_revision") and not 0 <= frame.cache_revision <= frame.parent_revision:
        raise invalid(f"{where}: cache_revision has to be that of an earlier frame; got {frame.cache_revision}")
    check_settings(frame.settings, where)
    check_times(frame, where)
    check_times(frame.summary, where)
    check_enums(frame.summary, where)


def check_change(change: Change, frame: Frame, ids: Ids, where: str) -> None:
    if change.HasField("token"):
        ids.check_decided(change.token, f"{where}, position {change.position}")
    if change.given and frame.cause != CAUSE_EDIT:
        raise invalid(f"{where}, position {change.position}: only an edit gives a token")


def check_decided(canvas: Canvas, where: str) -> None:
    for position in canvas.given | canvas.by_hand | canvas.protected:
        if canvas.tokens[position] is None:
            raise invalid(f"{where}, position {position}: is open, and what is given, protected or chosen is not")


# ---- what is said beside them ----

def check_prediction(prediction: Prediction, sizes: dict[int, int], ids: Ids) -> None:
    """sizes: positions of each revision's canvas."""
    where = f"prediction at revision {prediction.revision}"
    if prediction.revision not in sizes:
        raise invalid(f"{where}: there is no such revision")
    size = sizes[prediction.revision]
    check_draft(prediction.draft, size, ids, where)
    for position in prediction.candidates:
        if position.position >= size:
            raise invalid(f"{where}: positions are 0 to {size - 1}; got {position.position}")
        for candidate in position.candidates:
            ids.check(candidate.token, f"{where}, position {position.position}")


def check_names(recording: Recording, known: Container[int]) -> None:
    named: dict[int, str] = {}
    for name, revision in recording.branch_names.items():
        where = f"branch name {name[:MOST_NAME]!r}"
        if not 1 <= len(name) <= MOST_NAME or not name.isprintable() or not name.strip():
            raise invalid(f"{where}: has to be 1 to {MOST_NAME} characters, none of them a control character, and not"
                          " only spaces")
        if revision not in known:
            raise invalid(f"{where}: there is no revision {revision}")
        if named.setdefault(revision, name) != name:
            raise invalid(f"{where}: revision {revision} has a name already, {named[revision]!r}")
