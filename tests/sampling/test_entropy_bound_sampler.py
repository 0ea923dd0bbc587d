"""The entropy bound: how many positions it lets through, worked out by hand."""

import pytest
from decoding import decode
from hypothesis import given, settings
from hypothesis import strategies as st
from proposing import cases, logits_of, positions, step

from inference_service.sampling.samplers.entropy_bound import SAMPLER
from tests.fakes import FakeDenoiser

A, B, C, D = range(4)
ROWS = [
    [0.97, 0.01, 0.01, 0.01],  # A: 0.16770 nats
    [0.5, 0.5, 0, 0],          # B: ln 2 = 0.69315
    [0.99, 0.01, 0, 0],        # C: 0.05600
    [0.25, 0.25, 0.25, 0.25],  # D: ln 4 = 1.38629
]


@pytest.mark.parametrize(("gamma", "expected"), [
    # before C stands nothing, before A 0.05600, before B 0.22370, before D 0.91685
    (0.0, [C]),
    (0.055, [C]),
    (0.057, [C, A]),
    (0.1, [C, A]),
    (0.22, [C, A]),
    (0.23, [C, A, B]),
    (0.91, [C, A, B]),
    (0.92, [C, A, B, D]),
])
def test_positions_are_committed_while_those_before_stay_within_the_bound(gamma, expected):
    proposal = step(SAMPLER, ROWS, gamma=gamma)
    assert positions(proposal) == expected
    entropies = {A: 0.16770, B: 0.69315, C: 0.05600, D: 1.38629}
    for commit in proposal.commits:
        assert commit.score == pytest.approx(-entropies[commit.position], abs=1e-5)
        assert commit.probability == pytest.approx(ROWS[commit.position][0], abs=1e-6)


def test_a_tenth_is_the_bound_unless_told_otherwise():
    assert positions(step(SAMPLER, ROWS)) == [C, A]


def test_what_is_certain_costs_nothing():
    rows = [[1, 0, 0, 0], ROWS[D], [0, 1, 0, 0], ROWS[B]]
    proposal = step(SAMPLER, rows, gamma=0.0)
    assert positions(proposal) in ([0, 2, 3], [2, 0, 3])


def test_the_mask_is_left_out_of_the_entropy():
    logits = logits_of(ROWS)
    logits[D, :4] = logits_of([[1, 0, 0, 0]])[0, :4]
    logits[D, 4] = 3.0  # most of the probability, but never generated
    proposal = step(SAMPLER, logits, gamma=0.0)
    assert positions(proposal) == [D, C]
    assert proposal.commits[0].token == 0
    assert proposal.commits[0].probability == pytest.approx(0.04743, abs=1e-5)  # 1 / (1 + e^3)


def test_on_the_fake_model():
    _, one = decode(FakeDenoiser(), [1, 2], 12, "entropy_bound", block_length=4, gamma=0.0)
    assert [len(step) for step in one] == [1] * 12
    _, all_ = decode(FakeDenoiser(), [1, 2], 12, "entropy_bound", block_length=4, gamma=100.0)
    assert [sorted(step) for step in all_] == [[2, 3, 4, 5], [6, 7, 8, 9], [10, 11, 12, 13]]


@settings(max_examples=40, deadline=None)
@given(case=cases(), gamma=st.floats(0, 2) | st.floats(0, 100), early_stop=st.booleans())
def test_any_settings_finish_within_as_many_steps_as_positions(case, **values):
    assert len(case.run("entropy_bound", **values).proposals) <= case.open
