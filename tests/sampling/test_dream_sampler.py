"""Dream's sampler: the published tokens at temperature 0, its quotas, and chance where it has chance."""

import json
from pathlib import Path

import pytest
import torch
from decoding import decode, run

from inference_service.models.loading import load
from inference_service.sampling.noise import Noise
from inference_service.sampling.region import Region
from inference_service.sampling.registry import parameters_for
from inference_service.sampling.sampler import Ids, Prediction, SamplingContext
from inference_service.sampling.samplers.dream import SAMPLER, quota
from tests.fakes import MASK, FakeDenoiser
from tests.rounding import Elsewhere

GOLDEN = Path(__file__).parents[1] / "goldens/dream_tiny"
CASES = json.loads((GOLDEN / "expected.json").read_text())["generate"]


@pytest.fixture(scope="module")
def dream():
    return load(str(GOLDEN))


def context(length, seed=0, revision=0, state=None, **values):
    region = Region(0, length, tuple(range(length)), (None,) * length)
    parameters = parameters_for(SAMPLER, values, length)
    return SamplingContext(parameters, region, Ids((MASK,)), Noise(seed, revision), state or {})


def values_of(case):
    """The goldens are made with the whole distribution, where the checkpoint's library has a top_k of its own."""
    return {name: case[name] for name in ("temperature", "eps", "steps", "alg")} | {"top_k": 0}


@pytest.mark.parametrize("case", CASES, ids=[f"{case['alg']}-{case['steps']}" for case in CASES])
def test_goldens_token_for_token(dream, case):
    values = values_of(case)
    canvas, steps = decode(dream, case["prompt"], case["max_new_tokens"], "dream", **values)
    assert canvas == case["prompt"] + case["expected"]
    assert len(steps) <= case["steps"]


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("case", CASES, ids=[f"{case['alg']}-{case['steps']}" for case in CASES])
def test_no_golden_has_a_near_tie(dream, case, seed):
    values = values_of(case)
    canvas, _ = decode(Elsewhere(dream, seed), case["prompt"], case["max_new_tokens"], "dream", **values)
    assert canvas == case["prompt"] + case["expected"]


def test_the_goldens_depend_on_the_shift(dream):
    """So that a golden whose shift is forgotten cannot pass unseen."""
    case = CASES[0]

    class Unshifted:
        info = dream.info

        def logits(self, canvases, positions, keys=(), starts=()):
            wanted = [[min(position + 1, len(canvas) - 1) for position in places]
                      for canvas, places in zip(canvases, positions, strict=True)]
            return dream.logits(canvases, wanted)

    canvas, _ = decode(Unshifted(), case["prompt"], case["max_new_tokens"], "dream", steps=case["steps"],
                       alg=case["alg"])
    assert canvas != case["prompt"] + case["expected"]


@pytest.mark.parametrize(("length", "steps", "expected"), [
    # floor(n (1 - s/t)) with t from 1 to 0.001: worked out by hand from 1, .75025, .5005, .25075, .001.
    (8, 4, [1, 2, 2, 3]),
    (3, 4, [1, 2]),  # floor(.749) and floor(.998) decide nothing: passed over
    (5, 1, [5]),
])
def test_each_step_decides_the_share_that_falls_due(length, steps, expected):
    model = FakeDenoiser()
    _, taken = decode(model, [1], length, "dream", steps=steps)
    assert [len(step) for step in taken] == expected
    assert len(model.calls) == len(expected), "a step that decides nothing costs no forward pass"


def test_steps_beyond_need_cost_no_forward_pass():
    model = FakeDenoiser()
    decode(model, [1], 8, "dream", steps=512)
    assert len(model.calls) <= 8


def test_the_quota_of_a_late_step_is_what_is_left():
    parameters = parameters_for(SAMPLER, {"steps": 10}, 10)
    assert quota(parameters, 7, 9) == 7


def test_origin_reveals_each_position_by_itself():
    """The share revealed in the first of four steps is 1 - s/t; none is favoured."""
    counts = torch.zeros(40)
    trials = 400
    for seed in range(trials):
        first = context(40, seed, steps=4, alg="origin")
        counts[SAMPLER.wanted(first)] += 1
    share = counts / trials
    expected = 1 - 0.75025
    assert share.mean().item() == pytest.approx(expected, abs=4 * (expected * (1 - expected) / (40 * trials)) ** 0.5)
    assert (share - expected).abs().max() < 5 * (expected * (1 - expected) / trials) ** 0.5


def test_origin_asks_only_for_what_it_reveals():
    model = FakeDenoiser()
    decoded = run(model, [1, 2], 16, "dream", alg="origin", steps=16, seed=3)
    assert decoded.forwards == len(model.calls) <= 16
    assert sum(len(proposal.commits) for proposal in decoded.proposals) == 16


def scores(alg, p, **values):
    """The first position that a step over rows p commits, and its score."""
    at = context(len(p), alg=alg, steps=len(p), **values)
    proposal = SAMPLER.propose(Prediction(list(at.region.open), p.log()),
                               SamplingContext(at.parameters, at.region, Ids(()), at.noise, {}))
    return [(commit.position, round(commit.score, 4)) for commit in proposal.commits]


@pytest.mark.parametrize(("alg", "expected"), [
    ("maskgit_plus", (0, 0.6)),
    ("topk_margin", (1, 0.45)),
    ("entropy", (2, -0.6931)),
])
def test_each_algorithm_ranks_by_its_own_measure(alg, expected):
    p = torch.tensor([
        [0.60, 0.30, 0.05, 0.05],  # the likeliest token
        [0.59, 0.14, 0.14, 0.13],  # the clearest lead
        [0.50, 0.50, 1e-9, 1e-9],  # the lowest entropy
    ])
    (position, score), *_ = scores(alg, p, eps=1e-3)
    assert (position, score) == (expected[0], pytest.approx(expected[1], abs=1e-3))


def test_confidence_is_that_of_the_distribution_drawn_from():
    """Unlike LLaDA's: after temperature, top-k and top-p."""
    p = torch.tensor([[0.5, 0.3, 0.2], [0.45, 0.45, 0.1], [0.4, 0.3, 0.3]])
    first, *_ = scores("maskgit_plus", p, top_k=1)
    assert first[1] == 1.0


def test_alg_temp_draws_without_replacement_from_the_softmax():
    """The first position chosen follows softmax(confidence / alg_temp)."""
    p = torch.tensor([[0.9, 0.1], [0.7, 0.3], [0.5, 0.5]])
    trials, temp = 3000, 0.3
    seen = torch.zeros(3)
    for seed in range(trials):
        at = context(3, seed, alg="maskgit_plus", steps=3, alg_temp=temp, eps=1e-3)
        at = SamplingContext(at.parameters, at.region, Ids(()), at.noise, {})
        proposal = SAMPLER.propose(Prediction([0, 1, 2], p.log()), at)
        assert len(proposal.commits) == 1
        seen[proposal.commits[0].position] += 1
    expected = torch.softmax(torch.tensor([0.9, 0.7, 0.5]) / temp, 0) * trials
    assert ((seen - expected) ** 2 / expected).sum().item() < 13.8  # the 0.1 % point for 2 degrees of freedom
