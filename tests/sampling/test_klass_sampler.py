"""KLASS: what is sure and stable goes at once, the rest evenly; the prediction before is recalled, not kept."""

import pytest
import torch
from decoding import decode, run
from hypothesis import given, settings
from hypothesis import strategies as st
from proposing import Sharp, cases, finish, logits_of, moment_of, positions, step, sure

from inference_service.sampling.samplers.klass import SAMPLER, divergence
from tests.engine.test_jobs import Bench
from tests.fakes import FakeDenoiser

ROWS = sure(0.97, 0.96, 0.95, 0.94, 0.93, 0.5)
MOVED = sure(0.97, 0.96, 0.95, 0.94, 0.99, 0.5)  # position 4 by 0.99 ln(0.99/0.93) + 0.01 ln(0.01/0.07) = 0.04244


def walk(predictions, **values):
    """The positions committed in each step, and the states after; predictions: rows for each step."""
    tokens, state, committed, states = [None] * len(predictions[0]), {}, [], []
    for revision, rows in enumerate(predictions):
        earlier = predictions[revision - 1] if revision else None
        proposal = step(SAMPLER, rows, earlier, tokens=tokens, state=state, revision=revision, **values)
        state = proposal.state
        for commit in proposal.commits:
            tokens[commit.position] = commit.token
        committed.append(positions(proposal))
        states.append(state)
        if None not in tokens:
            break
    return committed, states


def test_divergence_in_nats():
    p, q = logits_of([[0.7, 0.1, 0.1, 0.1]]), logits_of([[0.25] * 4])
    assert divergence(p, q).item() == pytest.approx(0.445846, abs=1e-6)
    assert divergence(q, p).item() == pytest.approx(0.429813, abs=1e-6)
    assert divergence(p, p).item() == 0.0
    some, all_ = torch.tensor([[0.0, 0.0, -torch.inf]]), torch.zeros(1, 3)
    assert divergence(some, all_).item() == pytest.approx(0.405465, abs=1e-6)  # ln 1.5
    assert divergence(all_, some).item() == torch.inf


def test_sure_ones_go_once_they_were_stable_for_two_steps():
    committed, states = walk([ROWS] * 4)
    assert committed == [[0], [1], [2, 3, 4], [5]]
    assert [state["stable"] for state in states] == [
        {"1": 0, "2": 0, "3": 0, "4": 0, "5": 0}, {"2": 1, "3": 1, "4": 1, "5": 1}, {"5": 2}, {}]
    assert [state["revision"] for state in states] == [0, 1, 2, 3]


def test_one_that_moved_begins_again():
    committed, states = walk([ROWS, ROWS, MOVED, MOVED, MOVED])
    assert committed == [[0], [1], [2, 3], [4], [5]]
    assert states[2]["stable"] == {"4": 0, "5": 2}
    assert states[3]["stable"] == {"5": 3}


@pytest.mark.parametrize(("values", "expected"), [
    ({"history_length": 1}, [[0], [1, 2, 3, 4], [5]]),
    ({"history_length": 3}, [[0], [1], [2], [3, 4], [5]]),
    ({"conf_threshold": 0.935}, [[0], [1], [2, 3], [4], [5]]),
    ({"conf_threshold": 0.4}, [[0], [1], [2, 3, 4, 5]]),
    ({"conf_threshold": 1.0}, [[0], [1], [2], [3], [4], [5]]),
    ({"kl_threshold": 0.0}, [[0], [1], [2], [3], [4], [5]]),
    ({"steps": 3}, [[0, 1], [2, 3], [4, 5]]),
    ({"steps": 1}, [[0, 1, 2, 3, 4, 5]]),
    ({"block_length": 3}, [[0], [1], [2], [3], [4], [5]]),
])
def test_each_parameter_does_what_it_says(values, expected):
    assert walk([ROWS] * 6, **values)[0] == expected


def test_the_divergence_allowed():
    assert walk([ROWS, MOVED], history_length=1, kl_threshold=0.0424)[0] == [[0], [1, 2, 3]]
    assert walk([ROWS, MOVED], history_length=1, kl_threshold=0.0425)[0] == [[0], [4, 1, 2, 3]]


def test_the_confidence_must_be_exceeded():
    rows = sure(*[0.25] * 4)
    assert [len(step) for step in walk([rows] * 4, conf_threshold=0.25)[0]] == [1, 1, 1, 1]
    assert [len(step) for step in walk([rows] * 4, conf_threshold=0.2499)[0]] == [1, 1, 2]


def test_running_ahead_leaves_the_shares_as_they_are_and_lagging_spreads_what_is_left():
    rows = sure(*[0.97] * 6, *[0.5] * 6)
    # two of twelve are due in each of six steps; the third takes two that are ready, as many
    assert [len(step) for step in walk([rows] * 9, steps=6)[0]] == [2, 2, 2, 2, 2, 2]
    ahead = sure(*[0.97] * 10, *[0.5] * 2)
    assert [len(step) for step in walk([ahead] * 9, steps=6)[0]] == [2, 2, 6, 2]
    behind = sure(*[0.97] * 7, *[0.5] * 5)
    # three of twelve are due in each of four; the third takes the one that is ready, the last all five
    assert [len(step) for step in walk([behind] * 9, steps=4)[0]] == [3, 3, 1, 5]


def test_the_earlier_prediction_is_recalled_where_it_was_made():
    first = step(SAMPLER, ROWS, revision=7).state
    later = {"tokens": [0, None, 3, None, None, None], "state": first, "revision": 9}  # 2 was taken by hand
    assert SAMPLER.recalls(moment_of(SAMPLER, 6, **later)) == (7, [1, 3, 4, 5])
    assert SAMPLER.recalls(moment_of(SAMPLER, 6)) is None
    opened = {**later, "tokens": [None] * 6}  # 0 was not left open
    assert SAMPLER.recalls(moment_of(SAMPLER, 6, **opened)) == (7, [1, 2, 3, 4, 5])
    assert SAMPLER.recalls(moment_of(SAMPLER, 6, **later, steps=3)) is None, "another schedule begins afresh"


def test_a_new_block_begins_without_recalling():
    state = {}
    for revision, tokens in enumerate(([None] * 6, [0, *[None] * 5], [0, 0, *[None] * 4])):
        more = {"tokens": tokens, "state": state, "revision": revision, "block_length": 2}
        recalled = SAMPLER.recalls(moment_of(SAMPLER, 6, **more))
        assert recalled == [None, (0, [1]), None][revision]
        state = step(SAMPLER, ROWS, ROWS, **more).state
    assert state["stable"] == {"3": 0}


def test_on_the_fake_model():
    _, steps = decode(FakeDenoiser(), [1, 2], 12, "klass", block_length=4, steps=6)
    assert [len(step) for step in steps] == [2] * 6, "it moves too much to be stable"
    steady = run(Sharp(5.0, steady=True), [1, 2], 12, "klass", block_length=12)
    assert len(steady.proposals) < 12
    assert steady.forwards == len(steady.proposals)


@pytest.mark.parametrize("more", [{}, {"temperature": 1.0}, {"block_length": 4}, {"cfg_scale": 1.0},
                                  {"steps": 6, "history_length": 1}])
def test_a_step_is_one_forward_pass_and_forgotten_predictions_make_no_difference(more):
    model = Sharp(5.0, steady=True)
    asked_again = Sharp(5.0, steady=True)
    kept, forgetful = Bench(model), Bench(asked_again, budget=0)
    try:
        session = kept.create(length=12, sampler="klass", **more)
        frames = kept.step(session)
        assert [frame.summary.forward_count for frame in frames] == [1] * len(frames)
        assert len(model.calls) == len(frames) < 12
        again = forgetful.create(length=12, sampler="klass", **more)
        slow = []
        while None in forgetful.tokens(again):
            slow += forgetful.step(again, 1, draft=True)
        assert [frame.changes for frame in slow] == [frame.changes for frame in frames]
        assert [frame.summary.forward_count for frame in slow] == [1] * len(frames), "what the run takes"
        assert len(asked_again.calls) > len(frames), "what was forgotten was computed again"
    finally:
        kept.engine.stop()
        forgetful.engine.stop()


def test_a_rewound_session_goes_on_as_it_did():
    one = Bench(Sharp(5.0, steady=True))
    try:
        session = one.create(length=12, sampler="klass")
        first = one.step(session)
        one.rewind(session, 2)
        assert [frame.changes for frame in one.step(session)] == [frame.changes for frame in first[2:]]
    finally:
        one.engine.stop()


def test_settings_that_change_on_the_way():
    one = Bench(Sharp(5.0, steady=True))
    try:
        session = one.create(length=12, sampler="klass")
        steps = finish(one, session, "klass", [{}, {}, {"steps": 6, "block_length": 6}, {"cfg_scale": 1.0}, {},
                                               {"suffix_window": 0, "block_length": 6}, {"history_length": 1}])
        assert steps <= 12
    finally:
        one.engine.stop()


@settings(max_examples=40, deadline=None)
@given(case=cases(), share=st.integers(1, 20), conf_threshold=st.floats(0, 1), kl_threshold=st.floats(0, 100),
       history_length=st.integers(1, 4), early_stop=st.booleans())
def test_any_settings_finish_within_the_steps(case, share, **values):
    steps = case.blocks * share
    assert len(case.run("klass", steps=steps, **values).proposals) <= min(steps, case.open)
