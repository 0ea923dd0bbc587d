"""Noise is addressed, not consumed; and what is drawn with it follows the distribution."""

import pytest
import torch

from inference_service.sampling import distribution
from inference_service.sampling.noise import Noise
from inference_service.sampling.region import Region
from inference_service.sampling.registry import parameters_for
from inference_service.sampling.sampler import Ids, Prediction, SamplingContext
from inference_service.sampling.samplers.llada import SAMPLER as LLADA
from inference_service.sampling.samplers.ranked import SAMPLER as RANKED


def test_a_row_is_the_same_alone_and_among_others():
    noise = Noise(7, 3)
    together = noise.gumbel([4, 9, 200], 32)
    for row, position in enumerate([4, 9, 200]):
        assert torch.equal(noise.gumbel([position], 32)[0], together[row])
    assert torch.equal(noise.uniform([9, 4]), noise.uniform([4, 9]).flip(0))
    assert torch.equal(noise.gumbel([4], 8)[0], together[0, :8])


@pytest.mark.parametrize("other", [Noise(8, 3), Noise(7, 4), Noise(7 + 2**32, 3), Noise(7 + 2**63, 3), Noise(3, 7)])
def test_seed_revision_and_position_each_change_it(other):
    noise = Noise(7, 3)
    assert not torch.equal(noise.gumbel([4], 32), other.gumbel([4], 32))
    assert not torch.equal(noise.uniform([4]), other.uniform([4]))
    assert not torch.equal(noise.gumbel([4], 32), noise.gumbel([5], 32))
    assert len(set(noise.uniform(list(range(100))).tolist())) == 100


def test_rows_of_neighbours_do_not_overlap():
    """A stream that ran on into the next address would repeat its neighbour's numbers."""
    rows = torch.cat([Noise(seed, revision).gumbel([0, 1, 2], 2000).flatten()
                      for seed, revision in ((0, 0), (0, 1), (1, 0))])
    assert len(rows.unique()) == len(rows)


def test_every_seed_of_the_api_counts_to_the_last_bit():
    seeds = [0, 1, 2**53, 2**53 + 1, 2**63, 2**63 + 1, 2**64 - 2, 2**64 - 1]
    assert len({Noise(seed, 2**40).uniform([4095]).item() for seed in seeds}) == len(seeds)


def test_it_is_gumbel_noise():
    draws = Noise(1, 0).gumbel(list(range(50)), 2000)
    assert draws.dtype == torch.float64
    assert draws.isfinite().all()
    assert draws.mean().item() == pytest.approx(0.5772, abs=0.02)
    assert draws.var().item() == pytest.approx(torch.pi**2 / 6, abs=0.03)


@pytest.mark.parametrize("temperature", [0.5, 1.0, 2.0])
@pytest.mark.parametrize(("sampler", "more"), [(LLADA, {"steps": 1}), (RANKED, {"count": 4096})])
def test_drawn_tokens_follow_the_softmax(temperature, sampler, more):
    draws, forbidden = 3000, 8
    logits = torch.tensor([0.0, 1.0, -1.0, 2.0, 0.5, -2.0, 1.5, 0.2, 9.0])
    region = Region(0, draws, tuple(range(draws)))
    parameters = parameters_for(sampler, {"temperature": temperature, **more}, draws)
    proposal = sampler.propose(Prediction(list(region.open), logits.repeat(draws, 1)),
                               SamplingContext(parameters, region, Ids((forbidden,)), Noise(5, 0)))
    seen = torch.bincount(torch.tensor([commit.token for commit in proposal.commits]), minlength=9)
    expected = torch.softmax(logits[:forbidden].double() / temperature, -1) * draws
    assert seen.sum() == draws
    assert seen[forbidden] == 0
    chi_square = ((seen[:forbidden] - expected) ** 2 / expected).sum().item()
    assert chi_square < 24.3  # the 0.1 % point for 7 degrees of freedom


@pytest.mark.parametrize("temperature", [1e-45, 1e-300, 1e-6])
def test_the_coldest_temperatures_are_the_limit_and_no_overflow(temperature):
    logits = torch.tensor([[30.0, 29.0, -80.0], [-3.0, -90.0, -2.0]])
    shaped = distribution.cool(logits, temperature)
    assert distribution.p_final(shaped, temperature).tolist() == [[1.0, 0.0, 0.0], [0.0, 0.0, 1.0]]
    for seed in range(5):
        assert distribution.choose(shaped, temperature, Noise(seed, 0), [0, 1]).tolist() == [0, 2]


def test_large_logits_do_not_overflow():
    logits = torch.tensor([[900.0, 901.0, -900.0]])
    shaped = distribution.cool(logits, 0.01)
    assert distribution.choose(shaped, 0.01, Noise(0, 0), [0]).item() == 1
    assert distribution.p_final(shaped, 0.01).isfinite().all()


def test_p_final_at_zero_has_the_likeliest_token_alone():
    assert distribution.p_final(torch.tensor([[1.0, 3.0, 2.0]]), 0.0).tolist() == [[0.0, 1.0, 0.0]]


def test_forbidden_tokens_have_no_probability_and_p_base_keeps_them():
    logits = torch.tensor([[1.0, 3.0, 2.0]])
    assert distribution.p_final(distribution.forbid(logits, [1]), 1.0)[0, 1] == 0
    torch.testing.assert_close(distribution.p_base(logits), torch.softmax(logits, -1))
    assert logits[0, 1] == 3.0


def test_entropy_and_margin():
    p = torch.tensor([[0.5, 0.5, 0.0], [1.0, 0.0, 0.0], [0.7, 0.2, 0.1]])
    torch.testing.assert_close(distribution.entropy(p), torch.tensor([0.69314718, 0.0, 0.8018185]))
    torch.testing.assert_close(distribution.margin(p), torch.tensor([0.0, 1.0, 0.5]))
