"""The ranked sampler: a strategy does what its name says, a rule lets through what it says."""

import pytest
import torch
from decoding import decode
from hypothesis import given, settings
from hypothesis import strategies as st

from inference_service.sampling.noise import Noise
from inference_service.sampling.region import Region
from inference_service.sampling.registry import parameters_for
from inference_service.sampling.sampler import Ids, Prediction, SamplingContext
from inference_service.sampling.samplers.ranked import SAMPLER
from tests.fakes import MASK, FakeDenoiser

# Four positions, 10 to 13. What each strategy should say of them can be read off.
A, B, C, D = 10, 11, 12, 13
P = torch.tensor([
    [0.97, 0.01, 0.01, 0.01],  # A: sure
    [0.50, 0.48, 0.01, 0.01],  # B: one of two
    [0.55, 0.15, 0.15, 0.15],  # C: one clear favourite, much doubt
    [0.40, 0.25, 0.20, 0.15],  # D: anything
])


def propose(seed=0, p=P, **values):
    values = {"count": 4, **values}
    region = Region(10, len(p), tuple(range(10, 10 + len(p))))
    parameters = parameters_for(SAMPLER, values, len(p))
    logits = torch.cat([p.log(), torch.full((len(p), 1), -30.0)], -1)
    context = SamplingContext(parameters, region, Ids((4,)), Noise(seed, 0))
    return SAMPLER.propose(Prediction(list(region.open), logits), context)


def order(**values):
    return [commit.position for commit in propose(**values).commits]


@pytest.mark.parametrize(("strategy", "expected"), [
    ("high_confidence", [A, C, B, D]),
    ("low_confidence", [D, B, C, A]),
    ("low_entropy", [A, B, C, D]),
    ("high_entropy", [D, C, B, A]),
    ("margin", [A, C, D, B]),
    ("left_to_right", [A, B, C, D]),
])
def test_a_strategy_does_what_its_name_says(strategy, expected):
    assert order(strategy=strategy) == expected
    assert order(strategy=strategy, count=2) == expected[:2]
    commits = propose(strategy=strategy).commits
    assert [commit.token for commit in commits] == [0] * 4
    for commit in commits:
        assert commit.probability == pytest.approx(P[commit.position - 10, 0].item())
    scores = [commit.score for commit in commits]
    assert scores == sorted(scores, reverse=True)


def test_random_is_fair_and_follows_the_seed():
    first = [order(strategy="random", seed=seed, count=1)[0] for seed in range(400)]
    for position in (A, B, C, D):
        assert 60 < first.count(position) < 140
    assert order(strategy="random", seed=3) == order(strategy="random", seed=3)


@pytest.mark.parametrize(("values", "expected"), [
    ({"rule": "constant", "count": 3}, 3),
    ({"rule": "constant", "count": 9}, 4),
    ({"rule": "threshold", "threshold": 0.5}, 3),
    ({"rule": "threshold", "threshold": 0.5, "count": 2}, 2),
    ({"rule": "threshold", "threshold": 0.56}, 1),
    ({"rule": "threshold", "threshold": 0.99}, 1),
    ({"rule": "threshold", "threshold": 0}, 4),
    ({"rule": "factor", "factor": 0.9}, 4),  # asks for 0.9, 0.45, 0.3, 0.225
    ({"rule": "factor", "factor": 1.0}, 1),  # asks for 1
    ({"rule": "factor", "factor": 0.9, "count": 2}, 2),
])
def test_rules_let_through_what_they_say(values, expected):
    assert len(order(strategy="high_confidence", **values)) == expected


def test_the_factor_rule_stops_at_the_first_that_falls_short():
    p = torch.tensor([[0.9, 0.1, 0, 0], [0.44, 0.56, 0, 0], [0.2, 0.2, 0.3, 0.3], [0.97, 0.01, 0.01, 0.01]])
    # in order 0.97, 0.9, 0.56, 0.3 against 0.95, 0.475, 0.3167, 0.2375
    assert len(order(p=p, rule="factor", factor=0.95)) == 4
    assert order(p=p, strategy="left_to_right", rule="threshold", threshold=0.6) == [A]


def test_a_threshold_asks_it_of_every_token_in_rank_order():
    assert order(strategy="low_confidence", rule="threshold", threshold=0.45) == [D]  # one at least
    assert order(strategy="left_to_right", rule="threshold", threshold=0.5) == [A, B, C]


def test_blocks_are_decided_in_order():
    _, steps = decode(FakeDenoiser(), [1, 2], 12, "ranked", block_length=4, count=3)
    blocks = [(position - 2) // 4 for step in steps for position in step]
    assert blocks == sorted(blocks)
    assert [len(step) for step in steps] == [3, 1] * 3


@settings(max_examples=40, deadline=None)
@given(data=st.data(), length=st.integers(1, 24), seed=st.integers(0, 2**64 - 1), temperature=st.floats(0, 10),
       count=st.integers(1, 4096), threshold=st.floats(0, 1), factor=st.floats(0, 10),
       strategy=st.sampled_from(["high_confidence", "low_confidence", "high_entropy", "low_entropy", "margin",
                                 "random", "left_to_right"]),
       rule=st.sampled_from(["constant", "threshold", "factor"]))
def test_any_settings_finish_with_real_tokens(data, length, seed, **values):
    divisors = [n for n in range(1, length + 1) if length % n == 0]
    prompt = data.draw(st.lists(st.integers(0, MASK), max_size=8))
    canvas, steps = decode(FakeDenoiser(), prompt, length, "ranked", seed=seed,
                           block_length=data.draw(st.sampled_from(divisors)), **values)
    assert MASK not in canvas
    assert all(len(step) <= values["count"] for step in steps)
    assert all(canvas[position] == token for position, token in enumerate(prompt) if token != MASK)


def test_count_left_out_limits_the_constant_rule_alone():
    assert len(propose(count=None).commits) == 1
    assert len(propose(count=None, rule="threshold", threshold=0.45).commits) == 3


def test_another_rule_brings_its_own_count():
    """What was left out is still left out when the rule changes."""
    record = parameters_for(SAMPLER, {}, 4)
    assert len(propose(**{**record.model_dump(), "rule": "threshold", "threshold": 0.0}).commits) == 4
