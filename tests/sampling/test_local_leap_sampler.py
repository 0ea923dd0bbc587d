"""LocalLeap: anchors, what is committed beside them, and the even schedule below both."""

import pytest
from decoding import decode
from hypothesis import given, settings
from hypothesis import strategies as st
from proposing import cases, finish, positions, step, sure

from inference_service.sampling.parameters import ParameterError
from inference_service.sampling.samplers.local_leap import SAMPLER
from tests.engine.test_jobs import Bench
from tests.fakes import FakeDenoiser

ROWS = sure(0.81, 0.3, 0.95, 0.76, 0.74, 0.5, 0.79, 0.8, 0.6, 0.6, 0.6, 0.6)


@pytest.mark.parametrize(("values", "expected"), [
    ({}, [2, 0, 6, 3]),  # the anchor 2 reaches from 0 to 6; 7 is out of reach, 4 below 0.75
    ({"radius": 5}, [2, 0, 7, 6, 3]),
    ({"radius": 1}, [2, 3]),
    ({"radius": 0}, [2]),
    ({"relaxed_threshold": 0.7}, [2, 0, 6, 3, 4]),
    ({"relaxed_threshold": 0.78}, [2, 0, 6]),
    ({"relaxed_threshold": 1.0}, [2]),
    ({"relaxed_threshold": 0.0, "radius": 1}, [2, 3, 1]),
    ({"threshold": 0.805}, [2, 0, 6, 3]),  # 0 is an anchor too and reaches nothing new
    ({"threshold": 0.795}, [2, 0, 7, 6, 3]),  # 7 is an anchor too
    ({"threshold": 0.795, "relaxed_threshold": 0.9}, [2, 0, 7]),  # anchors need no anchor
    ({"threshold": 0.96}, [2]),  # no anchor: the share of the step
    ({"threshold": 0.96, "steps": 4}, [2, 0, 7]),  # the share is three, and nothing leaps from it
    ({"steps": 4}, [2, 0, 7, 6, 3]),  # three by the share, of which 7 is no anchor
    ({"steps": 2}, [2, 0, 7, 6, 3, 4]),
    ({"block_length": 6}, [2, 0, 3]),
])
def test_what_is_near_an_anchor_needs_less(values, expected):
    proposal = step(SAMPLER, ROWS, **values)
    assert positions(proposal) == expected
    for commit in proposal.commits:
        assert commit.score == commit.probability == pytest.approx(ROWS[commit.position][0], abs=1e-6)


def test_nearness_is_counted_in_the_canvas():
    """What is decided between an anchor and another position takes up room."""
    rows = sure(0.95, *[0.3] * 6, 0.8)
    tokens = [None, *[1] * 6, None]
    assert positions(step(SAMPLER, rows, tokens=tokens, radius=6)) == [0]
    assert positions(step(SAMPLER, rows, tokens=tokens, radius=7)) == [0, 7]


def test_running_ahead_leaves_the_shares_as_they_are():
    """Of 12 in 6 steps two are due in each; after a leap of six there are three such steps, not five of fewer."""
    rows = sure(*[0.95] * 6, *[0.5] * 6)
    tokens, state, counts = [None] * 12, {}, []
    while None in tokens:
        proposal = step(SAMPLER, rows, tokens=tokens, state=state, steps=6)
        state = proposal.state
        for commit in proposal.commits:
            tokens[commit.position] = commit.token
        counts.append(len(proposal.commits))
    assert counts == [6, 2, 2, 2]


def test_another_schedule_begins_afresh():
    proposal = step(SAMPLER, sure(*[0.5] * 8), steps=8)
    assert len(proposal.commits) == 1
    tokens = [0 if position in positions(proposal) else None for position in range(8)]
    assert len(step(SAMPLER, sure(*[0.5] * 8), tokens=tokens, state=proposal.state, steps=8).commits) == 1
    assert len(step(SAMPLER, sure(*[0.5] * 8), tokens=tokens, state=proposal.state, steps=2).commits) == 4


def test_steps_are_shared_by_the_blocks():
    with pytest.raises(ParameterError, match="steps: must be a multiple of the number of blocks, 3; got 4"):
        step(SAMPLER, ROWS, block_length=4, steps=4)


def test_on_the_fake_model():
    _, steps = decode(FakeDenoiser(), [1, 2], 12, "local_leap", block_length=4, steps=6, threshold=1.0)
    assert [len(step) for step in steps] == [2] * 6
    _, leaping = decode(FakeDenoiser(), [1, 2], 12, "local_leap", block_length=4, threshold=0.6, relaxed_threshold=0.3)
    assert 3 < len(leaping) < 12
    blocks = [(position - 2) // 4 for step in leaping for position in step]
    assert blocks == sorted(blocks)


def test_settings_that_change_on_the_way():
    one = Bench()
    try:
        session = one.create(length=12, sampler="local_leap")
        steps = finish(one, session, "local_leap", [{"steps": 12}, {"steps": 6, "block_length": 6}, {"steps": 12},
                                                    {"steps": 24, "threshold": 0.3}, {"steps": 24, "radius": 0}])
        assert steps <= 12
    finally:
        one.engine.stop()


@settings(max_examples=40, deadline=None)
@given(case=cases(), share=st.integers(1, 20), threshold=st.floats(0, 1), relaxed_threshold=st.floats(0, 1),
       radius=st.integers(0, 20), early_stop=st.booleans())
def test_any_settings_finish_within_the_steps(case, share, **values):
    steps = case.blocks * share
    assert len(case.run("local_leap", steps=steps, **values).proposals) <= min(steps, case.open)
