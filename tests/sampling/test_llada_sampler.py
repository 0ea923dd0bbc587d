"""LLaDA's sampler: the published numbers where the reference is right, and none of its known faults."""

import pytest
import torch
from decoding import decode
from hypothesis import given, settings
from hypothesis import strategies as st

from inference_service.sampling.noise import Noise
from inference_service.sampling.region import Region
from inference_service.sampling.registry import parameters_for
from inference_service.sampling.sampler import Ids, Prediction, SamplingContext
from inference_service.sampling.samplers.llada import SAMPLER
from inference_service.sampling.schedules import quota
from tests.fakes import EOS, EOT, MASK, FakeDenoiser
from tests.rounding import Elsewhere

IDS = Ids((MASK,), EOS, EOT)


class Peaked(FakeDenoiser):
    """A model with one opinion: some tokens' logits, the same at every position."""

    def __init__(self, **likes):
        super().__init__()
        self.likes = {int(token.removeprefix("t")): logit for token, logit in likes.items()}

    def logits(self, canvases, positions, keys=(), starts=()):
        rows = super().logits(canvases, positions)
        return [self._tilted(row) for row in rows]

    def _tilted(self, row):
        row = row.clone()
        for token, logit in self.likes.items():
            row[:, token] = logit
        return row


def propose(logits, *, temperature=0.0, seed=0, revision=0, start=0, length=None, **values):
    """One step on given logits [N, V], all of whose positions are open."""
    length = length or len(logits)
    region = Region(start, length, tuple(range(start, start + len(logits))))
    parameters = parameters_for(SAMPLER, {"temperature": temperature, **values}, length)
    prediction = Prediction(list(region.open), logits)
    return SAMPLER.propose(prediction, SamplingContext(parameters, region, IDS, Noise(seed, revision)))


def test_goldens_token_for_token(golden_model, golden_case):
    prompt, length, parameters, expected = golden_case
    canvas, steps = decode(golden_model, prompt, length, **parameters)
    assert canvas == prompt + expected
    assert len(steps) == parameters["steps"]


@pytest.mark.parametrize("seed", range(3))
def test_no_golden_has_a_near_tie(golden_model, golden_case, seed):
    prompt, length, parameters, expected = golden_case
    assert decode(Elsewhere(golden_model, seed), prompt, length, **parameters)[0] == prompt + expected


@pytest.mark.parametrize("options", [{"logits_eos_inf": True}, {"confidence_eos_eot_inf": True}, {"cfg_scale": 1.0}])
def test_the_options_of_the_goldens_change_something(golden_model, options):
    """So that a golden of an option that does nothing cannot pass unseen."""
    prompt = [224, 348, 5, 16, 266]
    model = golden_model
    plain = decode(Louder(model), prompt, 16)
    assert decode(Louder(model), prompt, 16, **options) != plain


class Louder:
    """A model that likes to end."""

    def __init__(self, model):
        self.info, self._model = model.info, model

    def logits(self, canvases, positions, keys=(), starts=()):
        return [rows.index_fill(-1, torch.tensor(self.info.eos_token), rows.max().item() - 0.1)
                for rows in self._model.logits(canvases, positions)]


def test_every_end_is_never_drawn_or_comes_last_where_that_is_asked_for():
    """Eight ids; 1 is end of text, 2 end of turn, 3 another end that the checkpoint lists."""
    logits = torch.zeros(4, 8)
    logits[[0, 1, 2, 3], [3, 2, 1, 5]] = torch.tensor([9.0, 8.0, 7.0, 3.0])
    region = Region(0, 4, (0, 1, 2, 3))

    def chosen(**values):
        parameters = parameters_for(SAMPLER, {"steps": 1, **values}, 4)
        context = SamplingContext(parameters, region, Ids((7,), 1, 2, (3,)), Noise(0, 0))
        proposal = SAMPLER.propose(Prediction([0, 1, 2, 3], logits), context)
        return [commit.token for commit in proposal.commits]

    assert chosen() == [3, 2, 1, 5]
    assert chosen(confidence_eos_eot_inf=True)[0] == 5
    assert not {1, 3} & set(chosen(logits_eos_inf=True)) and 2 in chosen(logits_eos_inf=True)


# ---- the reference's faults ----

def test_holes_in_the_prompt_are_filled_and_take_nothing_from_the_quota():
    prompt = [1, MASK, 2, MASK, MASK, 3, MASK, 4]
    canvas, steps = decode(FakeDenoiser(), prompt, 8, steps=8, block_length=4)
    holes = {1, 3, 4, 6}
    assert MASK not in canvas
    assert [canvas[position] for position in (0, 2, 5, 7)] == [1, 2, 3, 4]
    assert [len(step) for step in steps] == [2] * 4 + [1] * 4
    assert {position for step in steps[:4] for position in step} == holes | {8, 9, 10, 11}
    assert {position for step in steps[4:] for position in step} == {12, 13, 14, 15}


def test_a_canvas_of_holes_alone_is_finished():
    canvas, _ = decode(FakeDenoiser(), [1, MASK, MASK, 2, MASK], 0)
    assert MASK not in canvas
    assert [canvas[position] for position in (0, 3)] == [1, 2]


@pytest.mark.parametrize(("blocks", "steps"), [(1, 32), (2, 32), (4, 4096)])
def test_steps_beyond_need_cost_no_forward_pass(blocks, steps):
    model = FakeDenoiser()
    decode(model, [1, 2], 8, steps=steps, block_length=8 // blocks)
    assert len(model.calls) == 8


@pytest.mark.parametrize("temperature", [0.0, 1.0, 10.0])
def test_the_mask_id_is_never_chosen(temperature):
    canvas, _ = decode(Peaked(t15=60.0), [1, 2], 12, temperature=temperature, steps=4)
    assert MASK not in canvas


@pytest.mark.parametrize("temperature", [0.0, 0.7])
@pytest.mark.parametrize("remasking", ["low_confidence", "random"])
def test_the_ends_come_last_at_every_temperature(temperature, remasking):
    """Positions 0, 2, 4, 5 want to end, 1 and 3 do not: these two go first."""
    logits = torch.zeros(6, 16)
    for position, end in ((0, EOS), (2, EOT), (4, EOS), (5, EOT)):
        logits[position, end] = 40.0
    logits[1, 7] = logits[3, 9] = 4.0
    for seed in range(8):
        proposal = propose(logits, temperature=temperature, seed=seed, remasking=remasking, steps=3,
                           confidence_eos_eot_inf=True)
        assert {commit.position for commit in proposal.commits} == {1, 3}
    plain = propose(logits, temperature=temperature, remasking="low_confidence", steps=3)
    assert not {commit.position for commit in plain.commits} & {1, 3}


def test_ends_are_demoted_not_forbidden():
    canvas, _ = decode(Peaked(t13=40.0), [1], 4, confidence_eos_eot_inf=True, temperature=0.5)
    assert canvas[1:] == [EOS] * 4


@pytest.mark.parametrize("temperature", [0.0, 1.0])
def test_logits_eos_inf_never_ends(temperature):
    canvas, _ = decode(Peaked(t13=40.0), [1], 8, logits_eos_inf=True, temperature=temperature)
    assert EOS not in canvas


# ---- quotas and blocks ----

@given(length=st.integers(1, 200), steps=st.integers(1, 250))
def test_the_quota_is_even_and_early_steps_take_the_remainder(length, steps):
    """As published: length // steps each, one more in the first length % steps."""
    left, taken = length, []
    for step in range(steps):
        if left:
            taken.append(quota(left, steps - step))
            left -= taken[-1]
    published = [length // steps + (step < length % steps) for step in range(steps)]
    assert taken == [count for count in published if count]


@pytest.mark.parametrize(("length", "steps", "block"), [(12, 12, 4), (12, 5, 12), (12, 6, 6), (12, 3, 4)])
def test_blocks_are_decided_in_order(length, steps, block):
    _, taken = decode(FakeDenoiser(), [1, 2, 3], length, steps=steps, block_length=block)
    order = [(position - 3) // block for step in taken for position in step]
    assert order == sorted(order)
    assert len(taken) == steps


def test_the_surest_go_first_and_the_score_is_free_of_noise():
    logits = torch.zeros(4, 16)
    logits[torch.arange(4), 5] = torch.tensor([1.0, 4.0, 2.0, 3.0])
    proposal = propose(logits, steps=2)
    assert [commit.position for commit in proposal.commits] == [1, 3]
    noisy = propose(logits, temperature=2.0, seed=3, steps=1)
    p = torch.softmax(logits, -1)
    for commit in noisy.commits:
        assert commit.score == commit.probability == pytest.approx(p[commit.position, commit.token].item())
    scores = [commit.score for commit in noisy.commits]
    assert scores == sorted(scores, reverse=True)


def test_random_remasking_follows_the_seed_and_not_the_confidence():
    logits = torch.zeros(8, 16)
    logits[0, 5] = 30.0
    chosen = {propose(logits, seed=seed, steps=8, remasking="random").commits[0].position for seed in range(30)}
    assert len(chosen) > 3
    again = [propose(logits, seed=9, steps=2, remasking="random") for _ in range(2)]
    assert again[0] == again[1]


def test_guidance_leans_away_from_the_unconditional():
    from inference_service.sampling.distribution import guide

    conditional, unconditional = torch.tensor([[1.0, 2.0]]), torch.tensor([[1.0, 0.0]])
    torch.testing.assert_close(guide(conditional, unconditional, 1.5), torch.tensor([[1.0, 5.0]]))
    torch.testing.assert_close(guide(conditional, unconditional, 0.0), conditional)


# ---- in general ----

@settings(max_examples=40, deadline=None)
@given(data=st.data(), length=st.integers(1, 24), seed=st.integers(0, 2**64 - 1), hot=st.booleans(),
       temperature=st.floats(0, 10), remasking=st.sampled_from(["low_confidence", "random"]), eos=st.booleans(),
       ends=st.booleans())
def test_any_settings_finish_with_real_tokens(data, length, seed, hot, temperature, remasking, eos, ends):
    """decode() itself asserts that every step commits at least one open position, each once, never a mask."""
    blocks = data.draw(st.sampled_from([n for n in range(1, length + 1) if length % n == 0]))
    steps = blocks * data.draw(st.integers(1, 2 * length))
    prompt = data.draw(st.lists(st.integers(0, MASK), max_size=8))
    model = Peaked(t15=50.0) if hot else FakeDenoiser()
    canvas, taken = decode(model, prompt, length, seed=seed, temperature=temperature, remasking=remasking, steps=steps,
                           block_length=length // blocks, logits_eos_inf=eos, confidence_eos_eot_inf=ends)
    assert MASK not in canvas
    assert len(taken) <= max(steps, 1)
    assert all(canvas[position] == token for position, token in enumerate(prompt) if token != MASK)
    if eos:
        assert EOS not in [token for position, token in enumerate(canvas)
                           if position >= len(prompt) or prompt[position] == MASK]
