"""Fast-dLLM's rules: what they let through, worked out by hand."""

import pytest
from decoding import decode
from hypothesis import given, settings
from hypothesis import strategies as st
from proposing import cases, positions, step, sure

from inference_service.sampling.samplers.fast_dllm import SAMPLER
from tests.fakes import FakeDenoiser

ROWS = sure(0.95, 0.5, 0.91, 0.3, 0.89)


@pytest.mark.parametrize(("threshold", "expected"), [
    (0.9, [0, 2]),
    (0.88, [0, 2, 4]),
    (0.4, [0, 2, 4, 1]),
    (0.0, [0, 2, 4, 1, 3]),
    (0.96, [0]),  # one at least
    (1.0, [0]),
])
def test_the_threshold_rule_commits_all_that_reach_it(threshold, expected):
    proposal = step(SAMPLER, ROWS, threshold=threshold)
    assert positions(proposal) == expected
    for commit in proposal.commits:
        assert commit.token == 0
        assert commit.score == commit.probability == pytest.approx(ROWS[commit.position][0], abs=1e-6)


def test_nine_tenths_are_asked_unless_told_otherwise():
    assert positions(step(SAMPLER, ROWS)) == [0, 2]


def test_what_equals_the_threshold_reaches_it():
    assert len(step(SAMPLER, sure(0.25, 0.25, 0.25), threshold=0.25).commits) == 3
    assert len(step(SAMPLER, sure(0.25, 0.25, 0.25), threshold=0.2501).commits) == 1


@pytest.mark.parametrize(("confidences", "factor", "count"), [
    # factor 1 asks nothing of the first, then 2/3, 3/4, 4/5, 5/6
    ((0.31, 0.3), 1.0, 1),
    ((0.9, 0.66), 1.0, 1),
    ((0.9, 0.67), 1.0, 2),
    ((0.9, 0.8, 0.74), 1.0, 2),  # the published code commits the last one too
    ((0.9, 0.8, 0.76), 1.0, 3),
    ((0.9, 0.85, 0.8, 0.79, 0.78), 1.0, 3),
    ((0.9, 0.85, 0.81, 0.805, 0.78), 1.0, 4),
    # factor 2 asks 1/3, 1/2, 3/5
    ((0.31, 0.3), 2.0, 1),
    ((0.9, 0.4, 0.49), 2.0, 2),
    ((0.9, 0.55, 0.51, 0.5), 2.0, 3),
    ((0.97, 0.96), 0.0, 1),  # asks certainty
    ((0.34, 0.33, 0.32, 0.31), 10.0, 4),
    ((0.3,), 0.0, 1),
])
def test_the_factor_rule_asks_the_more_the_later_the_rank(confidences, factor, count):
    assert positions(step(SAMPLER, sure(*confidences), rule="factor", factor=factor)) == sorted(
        range(len(confidences)), key=lambda row: -confidences[row])[:count]


def test_the_other_rules_parameter_does_nothing():
    assert step(SAMPLER, ROWS, factor=9.0) == step(SAMPLER, ROWS)
    assert step(SAMPLER, ROWS, rule="factor", threshold=0.0) == step(SAMPLER, ROWS, rule="factor")


def test_the_block_alone_counts_and_holes_in_the_prompt_belong_to_the_first():
    rows = sure(0.95, 0.6, 0.95, 0.5, 0.99, 0.99)
    tokens = [3, None, None, None, None, None]  # two positions of prompt, blocks of two
    assert positions(step(SAMPLER, rows, tokens=tokens, start=2, given=[0], block_length=2)) == [2]
    assert positions(step(SAMPLER, rows, tokens=tokens, start=2, given=[0], block_length=2, threshold=0.0)) == [2, 1, 3]


def test_a_drawn_token_counts_with_its_own_probability():
    rows = [[0.6, 0.4, 1e-9, 1e-9]] * 40
    proposal = step(SAMPLER, rows, temperature=1.0, threshold=0.5)
    assert {commit.token for commit in proposal.commits} == {0}
    assert 12 < len(proposal.commits) < 36
    assert {commit.token for commit in step(SAMPLER, rows, temperature=1.0, threshold=0.3).commits} == {0, 1}


def test_on_the_fake_model():
    _, one = decode(FakeDenoiser(), [1, 2], 12, "fast_dllm", block_length=4, threshold=1.0)
    assert [len(step) for step in one] == [1] * 12
    _, all_ = decode(FakeDenoiser(), [1, 2], 12, "fast_dllm", block_length=4, threshold=0.0)
    assert [sorted(step) for step in all_] == [[2, 3, 4, 5], [6, 7, 8, 9], [10, 11, 12, 13]]
    _, some = decode(FakeDenoiser(), [1, 2], 12, "fast_dllm", block_length=4, threshold=0.4)
    assert 3 < len(some) < 12


@settings(max_examples=40, deadline=None)
@given(case=cases(), rule=st.sampled_from(["threshold", "factor"]), threshold=st.floats(0, 1), factor=st.floats(0, 10),
       early_stop=st.booleans())
def test_any_settings_finish_within_as_many_steps_as_positions(case, **values):
    assert len(case.run("fast_dllm", **values).proposals) <= case.open
