"""ReMDM: the published chances, counted; nothing computed that is not revealed."""

import pytest
import torch
from decoding import run

from inference_service.sampling.noise import Noise
from inference_service.sampling.parameters import ParameterError
from inference_service.sampling.region import Region
from inference_service.sampling.registry import parameters_for
from inference_service.sampling.sampler import Ids, SamplingContext
from inference_service.sampling.samplers.remdm import SAMPLER, alphas, begin, drawn_step, sigmas
from tests.fakes import MASK, FakeDenoiser


def context(tokens, seed=0, state=None, **values):
    opened = tuple(position for position, token in enumerate(tokens) if token is None)
    region = Region(0, len(tokens), opened, tuple(tokens))
    return SamplingContext(parameters_for(SAMPLER, values, len(tokens)), region, Ids((MASK,)), Noise(seed, 0),
                           state or {})


HALF = [7, None] * 50


@pytest.mark.parametrize(("values", "sigma"), [
    # 10 steps, the sixth: alpha_t = .5, alpha_s = .6, so sigma is at most .4 / .5 = .8
    ({"strategy": "cap", "eta": 0.1}, 0.1),
    ({"strategy": "cap", "eta": 0.9}, 0.8),
    ({"strategy": "rescale", "eta": 0.1}, 0.08),
    ({"strategy": "loop", "eta": 0.1, "t_on": 0.6, "t_off": 0.2, "alpha_on": 0.8}, 0.1),
    ({"strategy": "loop", "eta": 0.9, "t_on": 0.6, "t_off": 0.2, "alpha_on": 0.8}, 0.25),  # (1 - .8) / .8
    ({"strategy": "loop", "eta": 0.9, "t_on": 0.3, "t_off": 0.2}, 0.0),  # before the loop
])
def test_each_strategy_has_its_sigma(values, sigma):
    at = context(HALF, steps=10, **values)
    found, reckoned = sigmas(at, 5, list(range(0, 100, 2)))
    assert found.tolist() == pytest.approx([sigma] * 50)
    assert reckoned == pytest.approx(sigma)


def test_conf_spreads_the_chance_by_doubt():
    at = context([7, 8, None, None], state={"confidence": {"0": 0.9, "1": 0.1}}, steps=4, strategy="conf")
    found, reckoned = sigmas(at, 2, [0, 1])  # alpha_t = .5, alpha_s = .75: at most .5
    assert found.tolist() == pytest.approx((torch.softmax(torch.tensor([-0.9, -0.1]), 0) * 0.5).tolist())
    assert reckoned == 0


@pytest.mark.parametrize("eta", [0.0, 0.1, 0.6])
def test_positions_are_revealed_and_opened_with_the_published_chances(eta):
    """(alpha_s - (1 - sigma) alpha_t) / (1 - alpha_t) and sigma."""
    trials, reveals, reopens = 200, 0, 0
    for seed in range(trials):
        one, other = drawn_step(context(HALF, seed, steps=10, eta=eta), 5, list(range(0, 100, 2)))
        reveals, reopens = reveals + len(one), reopens + len(other)
    draws = 50 * trials
    for found, chance in ((reveals, (0.6 - (1 - eta) * 0.5) / 0.5), (reopens, eta)):
        assert found / draws == pytest.approx(chance, abs=1e-9 + 4 * (chance * (1 - chance) / draws) ** 0.5)


def test_the_share_decided_follows_the_schedule():
    parameters = parameters_for(SAMPLER, {"steps": 20, "strategy": "loop", "t_on": 0.6, "t_off": 0.2,
                                          "alpha_on": 0.8}, 8)
    shares = [alphas(parameters, step)[0] for step in range(20)]
    assert shares[0] == 0 and shares == sorted(shares)
    assert alphas(parameters, 19)[1] == pytest.approx(1)
    assert [round(share, 6) for share in shares[8:16]] == [0.8] * 8, "constant while it loops"
    assert [alphas(parameters, step)[2] for step in (7, 8, 15, 16)] == [False, True, True, False]


def test_without_eta_it_is_plain_masked_diffusion():
    decoded = run(FakeDenoiser(), [1], 24, "remdm", eta=0.0, steps=12)
    assert not any(proposal.reopens for proposal in decoded.proposals)
    assert sum(len(proposal.commits) for proposal in decoded.proposals) == 24
    assert decoded.forwards <= 12


@pytest.mark.parametrize("strategy", ["cap", "rescale", "conf", "loop"])
def test_every_strategy_opens_positions_and_fills_them(strategy):
    opened = 0
    for seed in range(6):
        decoded = run(FakeDenoiser(), [1], 24, "remdm", seed=seed, strategy=strategy, eta=0.5, steps=24)
        opened += sum(len(proposal.reopens) for proposal in decoded.proposals)
    assert opened > 0


def test_only_what_is_revealed_is_computed():
    class Counting(FakeDenoiser):
        rows = 0

        def logits(self, canvases, positions, keys=(), starts=()):
            self.rows += sum(map(len, positions))
            return super().logits(canvases, positions)

    model = Counting()
    decoded = run(model, [1], 24, "remdm", steps=200, eta=0.02)
    assert model.rows == sum(len(proposal.commits) for proposal in decoded.proposals)
    assert decoded.forwards == sum(bool(proposal.commits) for proposal in decoded.proposals)
    assert decoded.forwards < 100, "most of the 200 steps reveal nothing and cost nothing"


def test_positions_opened_by_hand_get_the_time_that_their_share_stands_for():
    assert begin(context([None] * 10, steps=10)) == 0
    assert begin(context([7] * 8 + [None] * 2, steps=10)) == 8
    assert SAMPLER.finished(context([7] * 10, steps=10))


def test_a_loop_must_end_after_it_begins():
    with pytest.raises(ParameterError, match="t_off: must be less than t_on"):
        parameters_for(SAMPLER, {"strategy": "loop", "t_on": 0.1, "t_off": 0.5}, 8)
