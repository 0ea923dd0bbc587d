"""P2: how many stay masked, which ones, and decided positions among them."""

import pytest
import torch
from decoding import run

from inference_service.sampling.noise import Noise
from inference_service.sampling.region import Region
from inference_service.sampling.registry import parameters_for
from inference_service.sampling.sampler import Ids, Prediction, SamplingContext
from inference_service.sampling.samplers.p2 import SAMPLER, masks_after
from tests.fakes import MASK, FakeDenoiser


def propose(tokens, p, state=None, by_hand=(), **values):
    opened = tuple(position for position, token in enumerate(tokens) if token is None)
    region = Region(0, len(tokens), opened, tuple(tokens), by_hand=frozenset(by_hand))
    values = {"alg_temp": 0, **values}
    at = SamplingContext(parameters_for(SAMPLER, values, len(tokens)), region, Ids(()), Noise(0, 0), state or {})
    wanted = SAMPLER.wanted(at)
    proposal = SAMPLER.propose(Prediction(wanted, p[wanted].log()), at)
    return [commit.position for commit in proposal.commits], [reopen.position for reopen in proposal.reopens]


# Four positions; tokens 0 and 1 stand at the first two.
P = torch.tensor([
    [0.20, 0.70, 0.10],  # token 0 stands: .20
    [0.10, 0.80, 0.10],  # token 1 stands: .80
    [0.50, 0.30, 0.20],  # open: .50
    [0.10, 0.15, 0.75],  # open: .75
])
STANDS = [0, 1, None, None]


def test_the_number_masked_is_the_published_one():
    parameters = parameters_for(SAMPLER, {"steps": 4}, 10)
    assert [masks_after(parameters, 10, step) for step in range(1, 5)] == [7, 5, 2, 0]
    assert [masks_after(parameters_for(SAMPLER, {"steps": 10}, 10), 10, step) for step in range(1, 11)] == [
        9, 8, 7, 6, 5, 4, 3, 2, 1, 0], "not spoilt by rounding"


def test_the_worst_positions_are_masked_decided_ones_too():
    """Step 3 of 4 leaves one of four masked: the worst is the first, which stands."""
    assert propose(STANDS, P, {"schedule": 4, "step": 2}) == ([3, 2], [0])


def test_eta_says_how_easily_a_decided_position_is_masked():
    """At 0 a decided one scores ln 1; at .3 its .20 counts as .62 and beats .50."""
    state = {"schedule": 4, "step": 2}
    assert propose(STANDS, P, state, eta=0) == ([3], [])
    assert propose(STANDS, P, state, eta=0.3) == ([3], [])
    assert propose(STANDS, P, state, eta=1.0)[1] == [0]
    assert propose(STANDS, P, {"schedule": 2, "step": 0}, steps=2, eta=10) == ([3, 2], [0, 1])


def test_a_token_picked_by_hand_stays():
    assert propose(STANDS, P, {"schedule": 4, "step": 2}, by_hand=[0]) == ([3, 2], [])
    assert propose(STANDS, P, {"schedule": 4, "step": 2}, by_hand=[0], protect_edits=False)[1] == [0]


def test_the_last_step_leaves_nothing_masked():
    assert propose(STANDS, P, {"schedule": 4, "step": 3}) == ([3, 2], [])


def test_a_run_takes_its_steps_and_revises():
    decoded = run(FakeDenoiser(), [1, MASK], 12, "p2", steps=12, alg_temp=0)
    assert decoded.forwards == len(decoded.proposals) == 12
    assert any(proposal.reopens for proposal in decoded.proposals)
    assert [proposal.state["step"] for proposal in decoded.proposals] == list(range(1, 13))


def test_chance_changes_which_are_masked():
    tokens = {tuple(run(FakeDenoiser(), [1], 12, "p2", seed=seed, alg_temp=2.0).tokens) for seed in range(6)}
    assert len(tokens) > 1


def test_a_whole_canvas_has_nothing_to_do():
    region = Region(0, 3, (), (1, 2, 3))
    assert SAMPLER.finished(SamplingContext(parameters_for(SAMPLER, {}, 3), region, Ids(()), Noise(0, 0), {}))


@pytest.mark.parametrize(("open_count", "step"), [(8, 1), (4, 5), (1, 8)])
def test_a_canvas_begun_elsewhere_goes_on_where_it_stands(open_count, step):
    from inference_service.sampling.samplers.p2 import step_at

    tokens = [7] * (8 - open_count) + [None] * open_count
    region = Region(0, 8, tuple(range(8 - open_count, 8)), tuple(tokens))
    assert step_at(SamplingContext(parameters_for(SAMPLER, {}, 8), region, Ids(()), Noise(0, 0), {})) == step


@pytest.mark.parametrize("values", [{"steps": 64}, {"steps": 16, "eta": 0}, {"steps": 16, "eta": 0, "alg_temp": 0}])
def test_no_pass_with_nothing_to_decide(values):
    decoded = run(FakeDenoiser(), [1, 2], 8, "p2", **values)
    assert decoded.proposals[-1].commits
    if values.get("eta") == 0:
        assert decoded.forwards == 8
        assert not any(proposal.reopens for proposal in decoded.proposals)
