"""Steps as the engine runs them: sessions, predictions kept and reused, the same tokens in any company."""

import threading
from dataclasses import replace

import pytest
import torch

from inference_service.engine.engine import Engine
from inference_service.engine.jobs import predict_job, step_job
from inference_service.engine.plan import complete_settings
from inference_service.engine.predictions import Kept, Predictions
from inference_service.rpc.codec import ProtoCodec
from inference_service.sampling.sampler import Prediction
from inference_service.sessions.collection import Sessions
from inference_service.sessions.frame import Settings
from inference_service.sessions.store import SQLiteStore
from tests.fakes import MASK, FakeDenoiser
from tests.patience import PATIENCE as WAIT


class Bench:
    """An engine, sessions in memory, and a model."""

    def __init__(self, denoiser=None, budget=1 << 20, **options):
        self.denoiser = denoiser or FakeDenoiser()
        self.predictions = Predictions(budget)
        self.engine = Engine(**options)
        self.sessions = Sessions(SQLiteStore(":memory:"), ProtoCodec())

    def create(self, prompt=(1, 2, 3), length=8, seed=5, sampler="llada", **parameters):
        given = tuple(None if token == MASK else token for token in prompt)
        chosen = complete_settings(Settings(sampler, parameters, seed), length, self.denoiser.info)
        return self.sessions.create("fake", given, length, MASK, chosen).session.origin.session_id

    def begin(self, session, count=0, draft=False, settings=None, frames=None, interactive=False):
        context = self.sessions.lease(session)
        turn = context.__enter__()
        sink = frames if frames is not None else []
        ticket = self.engine.submit(step_job(turn, self.denoiser, self.predictions, count, settings, draft,
                                             sink.append), interactive)
        ticket.result.add_done_callback(lambda _: context.__exit__(None, None, None))
        return ticket, sink

    def step(self, session, count=0, **more):
        ticket, frames = self.begin(session, count, **more)
        ticket.result.result(WAIT)
        return frames

    def predict(self, session, revision=None):
        live = self.sessions.get(session).session
        revision = live.head if revision is None else revision
        job = predict_job(live, revision, None, self.denoiser, self.predictions)
        return self.engine.submit(job, True).result.result(WAIT)[1]

    def rewind(self, session, revision):
        with self.sessions.lease(session) as turn:
            turn.commit(turn.session.rewind_frame(revision, 1.0))

    def tokens(self, session):
        return self.sessions.get(session).session.state().tokens


@pytest.fixture
def bench():
    benches = []

    def make(*arguments, **options):
        benches.append(Bench(*arguments, **options))
        return benches[-1]

    yield make
    for one in benches:
        one.engine.stop()


def test_steps_are_committed_one_by_one_then_told(bench):
    one = bench()
    session = one.create(steps=4)
    frames = one.step(session)
    assert [frame.revision for frame in frames] == [1, 2, 3, 4]
    assert [len(frame.changes) for frame in frames] == [2] * 4
    assert [frame.summary.open_count for frame in frames] == [6, 4, 2, 0]
    assert [frame.summary.total_forward_count for frame in frames] == [1, 2, 3, 4]
    assert one.sessions.get(session).session.frames[1:] == frames
    assert None not in one.tokens(session)


def test_a_number_of_steps_is_that_number(bench):
    one = bench()
    session = one.create()
    assert len(one.step(session, 3)) == 3
    assert len(one.step(session, 1)) == 1
    assert len(one.step(session, 100)) == 4


@pytest.mark.parametrize("more", [{}, {"sampler": "ranked", "strategy": "random", "count": 2},
                                  {"remasking": "random"}, {"cfg_scale": 1.5}])
def test_the_same_tokens_alone_beside_others_in_parts_and_with_drafts(bench, more):
    prompts = [[token, 2, MASK, token + 1][:1 + token % 4] for token in range(1, 9)]

    def run(one, number):
        return one.create(prompts[number], 8, seed=number, temperature=1.0, **more)

    alone = []
    for number in range(8):
        one = bench()
        session = run(one, number)
        one.step(session)
        alone.append(one.tokens(session))
    assert len(set(alone)) == 8

    together = bench()
    sessions = [run(together, number) for number in range(8)]
    tickets = [together.begin(session)[0] for session in sessions]
    [ticket.result.result(WAIT) for ticket in tickets]
    assert [together.tokens(session) for session in sessions] == alone

    parts = bench(budget=0)  # nothing is kept
    session = run(parts, 3)
    while None in parts.tokens(session):
        parts.predict(session)
        parts.step(session, 1, draft=True)
    assert parts.tokens(session) == alone[3]


def test_cancelling_keeps_whole_revisions(bench):
    reached, go = threading.Event(), threading.Event()

    def before(canvases):
        if len(one.denoiser.calls) == 3:
            reached.set()
            assert go.wait(WAIT)

    one = bench(FakeDenoiser(before=before))
    session = one.create()
    ticket, frames = one.begin(session)
    assert reached.wait(WAIT)
    ticket.cancel()
    go.set()
    assert ticket.result.result(WAIT) is None
    assert len(frames) == 2
    live = one.sessions.get(session)
    assert live.session.frames[1:] == frames
    assert not live.busy
    one.step(session)
    other = bench()
    same = other.create()
    other.step(same)
    assert one.tokens(session) == other.tokens(same)


def test_a_step_uses_the_prediction_that_was_shown(bench):
    one = bench()
    session = one.create()
    shown = one.predict(session)
    assert not shown.cached
    assert one.predict(session).cached
    frame, = one.step(session, 1, draft=True)
    assert len(one.denoiser.calls) == 1
    assert (frame.summary.forward_count, frame.summary.reused_forward_count) == (1, 1)
    assert frame.summary.compute_seconds == shown.seconds
    assert frame.draft.predicted_at == 0
    assert set(frame.draft.positions) == set(range(3, 11))  # what was open before the step


def test_a_rewound_revision_has_its_targets_prediction(bench):
    one = bench()
    session = one.create()
    one.predict(session)
    one.step(session, 3)
    calls = len(one.denoiser.calls)
    one.rewind(session, 0)
    one.rewind(session, 4)
    again = one.predict(session)
    assert again.cached and again.revision == 5
    assert len(one.denoiser.calls) == calls


def test_a_block_alone_is_computed_unless_all_is_asked_for(bench):
    one = bench()
    session = one.create(length=8, block_length=4)
    one.step(session, 1)
    assert len(one.predictions.get((session, 0, 0.0, 11, None, one.denoiser.info), [3]).prediction.positions) == 4
    assert one.predictions.get((session, 0, 0.0, 11, None, one.denoiser.info), [3, 10]) is None
    one.step(session, 1, draft=True)
    assert len(one.predictions.get((session, 1, 0.0, 11, None, one.denoiser.info), [10]).prediction.positions) == 7


def test_a_model_loaded_otherwise_is_asked_again(bench):
    one = bench()
    session = one.create()
    assert not one.predict(session).cached
    one.denoiser.info = replace(one.denoiser.info, dtype="bfloat16")
    assert not one.predict(session).cached


def test_other_settings_go_on_with_the_schedule(bench):
    one = bench()
    session = one.create(length=8, steps=4)
    one.step(session, 2)
    before = one.sessions.get(session).session.state().settings
    cooler = Settings("llada", {**before.parameters, "temperature": 0.5}, before.seed)
    assert [len(frame.changes) for frame in one.step(session, 0, settings=cooler)] == [2, 2]


def test_new_settings_hold_from_their_frame_on(bench):
    one = bench()
    session = one.create(steps=8)
    one.step(session, 2)
    fast = complete_settings(Settings("ranked", {"count": 2}, 9), 8, one.denoiser.info)
    frames = one.step(session, 3, settings=fast)
    assert [frame.settings for frame in frames] == [fast, None, None]
    assert [len(frame.changes) for frame in frames] == [2, 2, 2]
    state = one.sessions.get(session).session.state
    assert state(2).settings.sampler == "llada"
    assert state(5).settings == fast


def test_a_rewind_takes_the_schedule_back(bench):
    """So that the same steps follow as the first time."""
    one = bench()
    session = one.create(steps=4)
    first = one.step(session)
    one.rewind(session, 1)
    second = one.step(session)
    assert [frame.changes for frame in second] == [frame.changes for frame in first[1:]]
    assert [frame.summary.forward_count for frame in second] == [1, 1, 1]
    assert [frame.summary.reused_forward_count for frame in second] == [1, 0, 0], "computed at revision 1 before"
    assert [frame.summary.total_forward_count for frame in second] == [2, 3, 4], "what this way takes by itself"


def test_predictions_stay_within_their_budget_and_the_oldest_go():
    def kept(rows, positions=None):
        return Kept(Prediction(positions or list(range(rows)), torch.zeros(rows, 16)), 0.1)

    size = kept(4).size
    assert size == 4 * 16 * 4
    predictions = Predictions(3 * size)
    for revision in range(3):
        predictions.put(("s", revision, 0.0), kept(4))
    assert predictions.get(("s", 0, 0.0), [0, 3])  # used: not the oldest any more
    predictions.put(("s", 3, 0.0), kept(4))
    assert predictions.get(("s", 1, 0.0), [0]) is None
    assert predictions.get(("s", 0, 0.0), [0]) and predictions.get(("s", 2, 0.0), [0])
    assert predictions.get(("s", 0, 1.0), [0]) is None, "another guidance is another prediction"
    assert predictions.get(("t", 0, 0.0), [0]) is None, "another session is another prediction"
    assert predictions.get(("s", 0, 0.0), [4]) is None, "what it does not cover it does not have"
    for _ in range(5):
        predictions.put(("s", 3, 0.0), kept(4))
    assert predictions.get(("s", 0, 0.0), [0]), "replacing takes no more room"
    predictions.put(("t", 0, 0.0), kept(100))
    assert predictions.get(("t", 0, 0.0), [0]) is None
    assert predictions.get(("s", 3, 0.0), [0]), "what can never fit drives nothing out"
