"""Predict-then-remask: the published ratios, the mixture of chance and doubt, and nobody's edits undone."""

import pytest
import torch
from decoding import run

from inference_service.sampling.noise import Noise
from inference_service.sampling.region import Region
from inference_service.sampling.registry import parameters_for
from inference_service.sampling.sampler import Ids, Prediction, SamplingContext
from inference_service.sampling.samplers.predict_remask import SAMPLER, ratio, upcoming
from tests.fakes import MASK, FakeDenoiser


def context(tokens, state=None, seed=0, given=(), by_hand=(), **values):
    opened = tuple(position for position, token in enumerate(tokens) if token is None)
    region = Region(0, len(tokens), opened, tuple(tokens), frozenset(given), frozenset(by_hand))
    return SamplingContext(parameters_for(SAMPLER, values, len(tokens)), region, Ids((MASK,)), Noise(seed, 3),
                           state or {})


def remasked(at, logits=None):
    prediction = Prediction([], None) if logits is None else Prediction(SAMPLER.wanted(at), logits)
    proposal = SAMPLER.propose(prediction, at)
    assert proposal.substep == "remasking" and not proposal.commits
    return [reopen.position for reopen in proposal.reopens]


def test_the_ratio_falls_from_start_to_end():
    linear = parameters_for(SAMPLER, {"iterations": 5, "start_ratio": 0.9, "end_ratio": 0.1}, 8)
    assert [ratio(linear, k) for k in range(5)] == pytest.approx([0.9, 0.7, 0.5, 0.3, 0.1])
    cosine = linear.replaced(schedule="cosine")
    assert [ratio(cosine, k) for k in (0, 2, 4)] == pytest.approx([0.9, 0.1 + 0.8 * 0.5**0.5, 0.1])
    assert ratio(linear.replaced(iterations=1), 0) == 0.1


def test_substeps_alternate_and_the_counts_are_the_published_ones():
    """Length 20, 5 iterations from .9 to .1: masked again floor(20 r(i + 1)) = 14, 10, 6, 2."""
    decoded = run(FakeDenoiser(), [1, 2], 20, "predict_remask", iterations=5, start_ratio=0.9, end_ratio=0.1)
    assert [proposal.substep for proposal in decoded.proposals] == ["prediction", "remasking"] * 4 + ["final"]
    assert [len(proposal.commits) for proposal in decoded.proposals] == [20, 0, 14, 0, 10, 0, 6, 0, 2]
    assert [len(proposal.reopens) for proposal in decoded.proposals] == [0, 14, 0, 10, 0, 6, 0, 2, 0]
    assert decoded.forwards == 9


def test_chance_alone_needs_no_forward_pass_to_mask():
    decoded = run(FakeDenoiser(), [1, 2], 20, "predict_remask", iterations=5, rho=1)
    assert decoded.forwards == 5


def test_one_iteration_predicts_once():
    decoded = run(FakeDenoiser(), [1, 2], 9, "predict_remask", iterations=1)
    assert [proposal.substep for proposal in decoded.proposals] == ["final"]


def test_a_ratio_of_nothing_ends_early():
    decoded = run(FakeDenoiser(), [1, 2], 9, "predict_remask", iterations=50, start_ratio=0, end_ratio=0)
    assert [proposal.substep for proposal in decoded.proposals] == ["final"]
    assert decoded.forwards == 1, "nothing is masked again, so there is nothing to predict"


def test_without_chance_the_most_doubted_tokens_go():
    tokens = [3, 4, 5, 6]
    p = torch.full((4, 16), 0.01)
    for row, (token, chance) in enumerate(zip(tokens, [0.85, 0.2, 0.6, 0.4])):
        p[row, token] = chance
    at = context(tokens, {"phase": "remask", "iteration": 0}, rho=0, iterations=3, start_ratio=1, end_ratio=0)
    assert remasked(at, p.log()) == [1, 3]


def test_with_chance_alone_every_position_is_as_likely():
    seen = torch.zeros(8)
    for seed in range(800):
        at = context(range(8), {"phase": "remask", "iteration": 0}, seed, rho=1, iterations=3, start_ratio=1,
                    end_ratio=0)
        seen[remasked(at)] += 1
    assert seen.sum() == 800 * 4
    expected = seen.sum() / 8
    assert ((seen - expected) ** 2 / expected).sum() < 24.3  # the 0.1 % point for 7 degrees of freedom


def test_what_was_given_or_picked_by_hand_stays():
    state = {"phase": "remask", "iteration": 0}
    at = context(range(8), state, given=[0, 1], by_hand=[4], rho=1, iterations=3, start_ratio=1, end_ratio=1)
    assert sorted(remasked(at)) == [2, 3, 5, 6, 7]
    free = context(range(8), state, given=[0, 1], by_hand=[4], rho=1, iterations=3, start_ratio=1, end_ratio=1,
                  protect_edits=False)
    assert sorted(remasked(free)) == [2, 3, 4, 5, 6, 7]


def test_masks_made_by_hand_count_towards_the_ratio():
    tokens = [1, 2, None, None, 5, 6, 7, 8, 9, 10]
    at = context(tokens, {"phase": "remask", "iteration": 0}, rho=1, iterations=3, start_ratio=0.8, end_ratio=0.2)
    assert upcoming(at) == ("remask", 0, 3)  # floor(10 * .5) less the two that are open


def test_positions_opened_after_the_end_are_predicted_once_more():
    done = {"phase": "remask", "iteration": 19}
    assert SAMPLER.finished(context(range(4), done))
    again = context([1, None, 3, 4], done)
    assert not SAMPLER.finished(again)
    proposal = SAMPLER.propose(Prediction([1], torch.zeros(1, 16)), again)
    assert [commit.position for commit in proposal.commits] == [1]
    assert proposal.substep == "final"


def test_a_finished_text_of_another_sampler_is_masked_first():
    at = context(range(10), rho=1)
    assert upcoming(at)[0] == "remask"
