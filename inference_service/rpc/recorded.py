"""Sessions as recordings and back; the files themselves are `unmask.recording`'s."""

import json
from contextlib import suppress
from importlib.metadata import version
from platform import python_version
from time import time

import unmask
from inference_service.engine.jobs import constraint_at
from inference_service.errors import FailedPrecondition, InvalidField, NotFound, ServiceError
from inference_service.models.denoiser import Denoiser
from inference_service.models.library import Library
from inference_service.rpc import convert
from inference_service.sampling.registry import SAMPLERS
from inference_service.sessions.frame import Cause, ConstraintProgress
from inference_service.sessions.live import LiveSession
from inference_service.sessions.log import Log
from inference_service.sessions.session import Session
from inference_service.sessions.state import Origin
from inference_service.sessions.tree import Tree
from unmask import recording as files
from unmask.v1 import model_service_pb2, prediction_pb2, recording_pb2, session_pb2

MOST_IN_STATE = 2**31
PACKAGES = ("torch", "transformers", "tokenizers", "numpy")


def record(live: LiveSession, names: dict[str, int], denoiser: Denoiser | None,
           predictions: list[prediction_pb2.Prediction]) -> recording_pb2.Recording:
    """A session as a recording. denoiser: its model, if that is in memory."""
    session, first = live.session, live.session.first
    frames = session.log.between(first, session.head)  # more may come while the rest is put together
    base = lambda revision: convert.base_to_proto(session.origin, session.state(revision), revision)  # noqa: E731
    made = recording_pb2.Recording(
        format=files.FORMAT, version=files.VERSION, create_time=convert.timestamp(time()),
        model=_model(session.origin, denoiser), checkpoint=_checkpoint(denoiser),
        versions=_versions(), session=base(first),
        frames=map(convert.frame_to_proto, frames),
        bases=[base(revision) for revision in session.roots(first) if revision < first],
        branch_names={name: at for name, at in names.items() if at >= first}, predictions=predictions)
    made.session.head_revision, made.session.first_revision = frames[-1].revision, first
    if denoiser and denoiser.text:
        made.tokens.extend(convert.token_to_proto(denoiser.text.token(id)) for id in sorted(_ids(made)))
    return made


def _versions() -> dict[str, str]:
    return {"unmask": unmask.__version__, "python": python_version(), **{name: version(name) for name in PACKAGES}}


def _checkpoint(denoiser: Denoiser | None) -> str:
    return f"sha256:{denoiser.info.checkpoint_hash}" if denoiser else ""


def _model(origin: Origin, denoiser: Denoiser | None) -> model_service_pb2.Model:
    if denoiser is None:
        return model_service_pb2.Model(name=origin.model, mask_token=origin.mask_token)
    text = denoiser.text
    return convert.model_to_proto(origin.model, denoiser.info, model_service_pb2.Model.STATE_READY, False,
                                  text is not None, text is not None and text.has_chat_template)


def _ids(made: recording_pb2.Recording) -> set[int]:
    """Every token that a recording shows."""
    ids = {made.session.mask_token} if made.session.HasField("mask_token") else set()
    for session in (made.session, *made.bases):
        ids.update(session.canvas.tokens)
    for frame in made.frames:
        ids.update(change.token for change in frame.changes if change.HasField("token"))
        ids.update(frame.draft.tokens)
    for prediction in made.predictions:
        ids.update(prediction.draft.tokens)
        ids.update(candidate.token for position in prediction.candidates for candidate in position.candidates)
    return ids


def check_for_a_server(made: recording_pb2.Recording) -> None:
    """What costs or misleads a server, and no reader. Raises InvalidField."""
    for message in (made.session, *made.bases, *made.frames):
        if message.sampler_state and not _sound(message.sampler_state, message.revision):
            raise InvalidField("chunk", f"revision {message.revision}: sampler_state is none that a sampler could have"
                                        " left", reason="INVALID")


def _sound(text: str, revision: int) -> bool:
    """Whether a sampler's state is a record whose numbers lie where counts, shares and earlier revisions do."""
    def bounded(value: object) -> bool:
        if isinstance(value, dict):
            return all(map(bounded, value.values()))
        if isinstance(value, list):
            return all(map(bounded, value))
        return isinstance(value, str | bool | None) or (isinstance(value, int | float) and 0 <= value <= MOST_IN_STATE)

    try:
        state = json.loads(text)
    except (ValueError, RecursionError):
        return False
    recalled = state.get("revision", 0) if isinstance(state, dict) else None
    return isinstance(recalled, int) and recalled <= revision and bounded(state)


def session_of(made: recording_pb2.Recording, library: Library) -> Session:
    """The session of a checked recording, in memory."""
    start, first = made.session, made.session.revision
    states = {base.revision: convert.state_from_proto(base) for base in (*made.bases, *([start] if first else ()))}
    frames = [convert.frame_from_proto(frame) for frame in made.frames]
    tree = Tree((revision - 1, Cause.STEP if revision else Cause.CREATE) for revision in range(first))
    for frame in frames:
        tree.add(frame.parent, frame.cause)
    return Session(_origin(start, made, library),
                   Log(lambda low, high: frames[low - first:high - first + 1]), tree, first, states,
                   states.__getitem__)


def _origin(start: session_pb2.Session, made: recording_pb2.Recording, library: Library) -> Origin:
    name = start.model or made.model.name or library.default
    given = tuple(token if state == convert.PositionState.POSITION_STATE_GIVEN else None
                  for token, state in zip(start.canvas.tokens, start.canvas.states, strict=True))
    told = [message.mask_token for message in (start, made.model) if message.HasField("mask_token")]
    mask = told[0] if told else None
    weights = start.weights
    with suppress(ServiceError):  # it is gone on with by what is here, and `notes` says where that is another
        denoiser = library.get(name)
        mask, weights = _mask_here(made, mask, denoiser), denoiser.info.weights
    created = start.create_time.ToNanoseconds() / 1e9
    # The lease of the session that was recorded has nothing to do with this one's.
    return Origin("", name, given, start.prompt_length, mask, created, 0.0, weights)


def _mask_here(made: recording_pb2.Recording, mask: int | None, denoiser: Denoiser) -> int | None:
    """What an open position shows here: this model's mask, which must stand nowhere as a token."""
    here = denoiser.info.mask_token
    return mask if here is None or (here != mask and here in _ids(made)) else here


def notes(made: recording_pb2.Recording, session: Session, library: Library) -> list[str]:
    """What is not as it was where the recording was made. Raises FailedPrecondition where it cannot be shown here."""
    name, found = session.origin.model, []
    if not (made.session.model or made.model.name):
        found.append(f"The recording names no model; it is taken to be of {name!r}.")
    try:
        state, denoiser = library.state(name)
    except NotFound:
        return [*found, f"There is no model {name!r} here: the session can be looked at, and not gone on with."]
    if denoiser is None:
        found.append(f"The model {name!r} is {state} here; load it to go on with the session.")
    elif (most := max([made.model.vocabulary_size - 1, *_ids(made)])) >= denoiser.info.vocabulary_size:
        raise FailedPrecondition(
            f"chunk: the recording was made with a model whose tokens go up to {most} at least; those of {name!r} here"
            f" go up to {denoiser.info.vocabulary_size - 1}", reason="OTHER_MODEL")
    elif made.checkpoint and made.checkpoint != _checkpoint(denoiser):
        found.append(f"The model {name!r} here is another checkpoint than the recording's: what it says will differ.")
    elif denoiser.info.mask_token != session.origin.mask_token:
        raise FailedPrecondition(f"chunk: the recording has token {denoiser.info.mask_token} in it, which is the mask"
                                 f" of {name!r} here", reason="OTHER_MODEL")
    was = made.session.weights
    if denoiser and made.checkpoint == _checkpoint(denoiser) and was not in ("", denoiser.info.weights):
        found.append(f"The model {name!r} here has other weights in memory, {denoiser.info.weights}, than the"
                     f" recording's, {was}: what it says will differ.")
    if denoiser and max(session.state(line.leaf).size for line in session.tree.lines()) > denoiser.info.context_length:
        found.append(f"The canvas is longer than the {denoiser.info.context_length} positions that {name!r} sees: the"
                     " session can be looked at, and not gone on with.")
    every = (made.session.settings, *(frame.settings for frame in made.frames))
    if denoiser and (told := _constraint_note(session, denoiser)):
        found.append(told)
    unknown = sorted({repr(one.sampler) for one in every if one.ByteSize() and one.sampler not in SAMPLERS})
    if unknown:
        found.append(f"No sampler here is called {', '.join(unknown)}; name another one to go on.")
    return found


def _constraint_note(session: Session, denoiser: Denoiser) -> str:
    """What is to be said of the constraint in force at the newest revision, "" for nothing."""
    try:
        stands = constraint_at(session, session.state(), denoiser)
    except ServiceError as error:
        return f"The constraint of the session cannot be followed here: {error.message}"
    if stands and stands.progress(session.state().tokens) is ConstraintProgress.VIOLATED:
        return "The text does not meet the session's constraint, and cannot any more."
    return ""
