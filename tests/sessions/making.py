"""Sessions for tests: plain ones, on a clock that a test moves."""

from inference_service.rpc.codec import ProtoCodec
from inference_service.sessions.collection import Sessions
from inference_service.sessions.frame import Change, Settings, Summary
from inference_service.sessions.limits import Limits
from inference_service.sessions.store import SQLiteStore

MASK = 99
SETTINGS = Settings("llada", {"steps": 4, "temperature": 0.5}, 7)


class Clock:
    def __init__(self, now=1_700_000_000.0):
        self.now = now

    def __call__(self):
        return self.now


def open_sessions(path, clock=None, **limits):
    return Sessions(SQLiteStore(path), ProtoCodec(), Limits(**limits), clock or Clock())


def create(sessions, given=(1, 2, 3), length=4, **more):
    return sessions.create("tiny", tuple(given), length, MASK, SETTINGS, **more)


def commit_step(turn, tokens, **more):
    """What a denoising step does, with tokens given: position to token."""
    changes = [Change(position, token, 0.5) for position, token in tokens.items()]
    summary = Summary(0, forward_count=1, mean_probability=0.5, min_probability=0.5, mean_entropy=1.25)
    frame = turn.session.step_frame(changes, summary, 1_700_000_001.5, **more)
    turn.commit(frame)
    return frame


def step(sessions, session_id, tokens, **more):
    with sessions.lease(session_id, **more) as turn:
        return commit_step(turn, tokens)
