"""Sessions of the service's own making, with every kind of frame, and the recordings of them."""

import random

from inference_service.errors import ServiceError
from inference_service.rpc import convert
from inference_service.sessions import edit_kinds as edits
from inference_service.sessions.edit_frame import edit_frame
from inference_service.sessions.frame import Change, Settings, Summary
from inference_service.sessions.log import Log
from inference_service.sessions.session import Session, first_frame
from inference_service.sessions.state import Origin
from inference_service.sessions.tree import Tree
from unmask.recording import FORMAT, VERSION
from unmask.v1.model_service_pb2 import Model, Token
from unmask.v1.prediction_pb2 import Candidate, PositionCandidates, Prediction
from unmask.v1.recording_pb2 import Recording

MASK, VOCABULARY, CONTEXT = 99, 100, 24
SETTINGS = Settings("llada", {"steps": 4, "temperature": 0.5, "remasking": "random"}, 2**64 - 1)
KNOWN = edits.EditFacts({}, lambda positions: {}, [98], CONTEXT)


def session(seed: int, frames: int = 40) -> Session:
    """A session with a tree of so many frames."""
    rng = random.Random(seed)
    given = [token(rng) if rng.random() < 0.5 else None for _ in range(rng.randrange(1, 8))]
    origin = Origin("an-id", "tiny", (*given, *[None] * rng.randrange(1, 6)), len(given), MASK, 1.7e9, 3600.0)
    made = Session(origin, Log(), Tree())
    made.append(first_frame(origin, SETTINGS))
    while made.head < frames:
        base = made.head if rng.random() < 0.7 else rng.randrange(made.head + 1)
        try:
            made.append(rng.choice([step, step, select, rewind, edit, edit, edit])(rng, made, base))
        except ServiceError:
            continue
    return made


def recording(made: Session, first: int = 0) -> Recording:
    """Of the frames from revision `first` on, as of a session that has lost those before."""
    state = lambda revision: convert.base_to_proto(made.origin, made.state(revision), revision)  # noqa: E731
    known = [Token(id=id, text=f"w{id}", bytes=f"w{id}".encode()) for id in range(VOCABULARY - 1)]
    predicted = Prediction(revision=first, candidates=[PositionCandidates(
        position=0, candidates=[Candidate(token=5, p_base=0.75, p_final=1, kept=True, logit=-3.5)])])
    return Recording(
        format=FORMAT, version=VERSION, create_time=convert.timestamp(1.75e9),
        model=Model(name="tiny", vocabulary_size=VOCABULARY, mask_token=MASK), checkpoint="sha256:00",
        versions={"unmask": "0.1.0", "torch": "2.10"}, session=state(first),
        frames=[convert.frame_to_proto(frame) for frame in made.log.between(first, made.head)],
        bases=[state(revision) for revision in made.roots(first)[:-1]],
        branch_names={"zurück": made.head} | ({"first": first} if first < made.head else {}), tokens=known,
        predictions=[predicted])


def token(rng):
    return rng.randrange(MASK)


def some(rng, positions, most=4):
    positions = list(positions)
    return sorted(rng.sample(positions, rng.randrange(1, min(most, len(positions)) + 1)))


def step(rng, made, base):
    state = made.state(base)
    free = set(range(state.size)) - state.untouchable
    if not free:
        return rewind(rng, made, base)
    changes = [Change(position, token(rng) if state.tokens[position] is None or rng.random() < 0.7 else None, 0.5)
               for position in some(rng, free)]
    settings = {"settings": Settings("ranked", {"count": made.head}, made.head)} if rng.random() < 0.2 else {}
    return made.step_frame(changes, Summary(forward_count=1, mean_probability=0.5, mean_entropy=1.25), 1.7e9, base,
                           sampler_state={"step": made.head}, **settings)


def select(rng, made, base):
    positions = some(rng, range(made.state(base).size))
    return made.select_frame({position: rng.choice([None, token(rng)]) for position in positions}, {}, 1.7e9, base=base)


def rewind(rng, made, base):
    return made.rewind_frame(rng.randrange(made.head + 1), 1.7e9)


def edit(rng, made, base):
    size = made.state(base).size
    position = rng.randrange(size)
    tokens = [token(rng) for _ in range(rng.randrange(1, 4))]
    kinds = [lambda: edits.Mask(some(rng, range(size))), lambda: edits.Force(position, tokens),
             lambda: edits.Replace(position, rng.randrange(3), [*tokens, None], rng.random() < 0.3),
             lambda: edits.Protect(some(rng, range(size))), lambda: edits.Unprotect(some(rng, range(size))),
             lambda: edits.Insert(position, rng.randrange(1, 4)), lambda: edits.Delete(position, rng.randrange(1, 4)),
             lambda: edits.DeleteLast(1), lambda: edits.Append([*tokens, None], 3)]
    wanted = [(f"edits[{index}]", rng.choice(kinds)()) for index in range(rng.randrange(1, 3))]
    return edit_frame(made, wanted, KNOWN, 1.7e9, rng.random() < 0.5, base)
