"""The pipeline from logits to p_final, step by step, against numbers worked out otherwise."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from inference_service.sampling import distribution
from inference_service.sampling.noise import Noise
from inference_service.sampling.parameters import Parameters

LOGITS = torch.tensor([[2.0, 1.0, 0.0, -1.0, 3.0]])


def shape(logits=LOGITS, context=(), forbidden=(), **values):
    return distribution.shape(logits, Parameters(**values), context, forbidden)


def final(logits=LOGITS, **values):
    return distribution.p_final(shape(logits, **values), values.get("temperature", 0.0))


def test_penalties_by_hand():
    """Context 0, 0, 3: token 0 twice, token 3 (a negative logit) once."""
    context = [0, 0, 3]
    assert shape(context=context, repetition_penalty=2.0).tolist() == [[1.0, 1.0, 0.0, -2.0, 3.0]]
    assert shape(context=context, presence_penalty=0.5).tolist() == [[1.5, 1.0, 0.0, -1.5, 3.0]]
    assert shape(context=context, frequency_penalty=0.5).tolist() == [[1.0, 1.0, 0.0, -1.5, 3.0]]
    assert shape(context=context, repetition_penalty=2.0, presence_penalty=1.0).tolist() == [
        [0.0, 1.0, 0.0, -3.0, 3.0]], "repetition first"
    assert torch.equal(shape(repetition_penalty=2.0), LOGITS), "nothing stands in the canvas"


def test_the_order_is_forbidden_penalties_temperature_truncation():
    """Token 4 is forbidden, so token 0 leads; its penalty takes it to 1.0; then T = .5; then the best two."""
    p = distribution.p_final(shape(context=[0], forbidden=[4], presence_penalty=1.5, temperature=0.5, top_k=2), 0.5)
    kept = torch.softmax(torch.tensor([0.5, 1.0]).double() / 0.5, 0)
    assert p[0].tolist() == pytest.approx([kept[0].item(), kept[1].item(), 0, 0, 0])


@pytest.mark.parametrize(("top_p", "count"), [(0.5, 1), (0.7, 2), (0.87, 2), (0.95, 3), (0.999, 5), (1.0, 5)])
def test_the_crossing_token_stays(top_p, count):
    """p = .636, .234, .086, .032, .012: reaching .7 takes the first two."""
    p = final(temperature=1.0, top_p=top_p)
    assert int((p > 0).sum()) == count
    assert p.sum().item() == pytest.approx(1)


@settings(max_examples=200, deadline=None)
@given(logits=st.lists(st.integers(-40, 40), min_size=2, max_size=12, unique=True), top_k=st.integers(0, 14),
       top_p=st.floats(0.01, 1), temperature=st.floats(0.1, 5))
def test_as_many_are_kept_as_the_shorter_of_both_lists(logits, top_k, top_p, temperature):
    """And they are the likeliest ones. A sum that meets top_p to the last bits may fall on either side of it."""
    logits = torch.tensor([logits]) / 5
    p = torch.softmax(logits.double() / temperature, -1)[0].sort(descending=True)
    before = p.values.cumsum(0) - p.values
    kept = distribution.drawable(shape(logits, top_k=top_k, top_p=top_p, temperature=temperature), temperature)[0]
    count = int(kept.sum())
    assert count in {min(top_k or 14, max(1, int((before < top_p + slack).sum()))) for slack in (-1e-9, 1e-9)}
    assert set(kept.nonzero().flatten().tolist()) == set(p.indices[:count].tolist())


def test_at_temperature_zero_the_likeliest_allowed_token_has_it_all():
    assert final(forbidden=[4]).tolist() == [[1, 0, 0, 0, 0]]
    assert final(top_k=3, top_p=0.5).tolist() == [[0, 0, 0, 0, 1]]


def test_gumbel_noise_of_a_scale():
    """At 0 the likeliest; at 1 a draw from the softmax; LLaDA's own formula, exp(l) / (-ln u)^T, gives the same."""
    noise = Noise(3, 1)
    rows = LOGITS.repeat(50, 1)
    positions = list(range(50))
    assert distribution.gumbel_max(rows, 0.0, noise, positions).tolist() == [4] * 50
    gumbel = noise.gumbel(positions, 5)
    u = torch.exp(-torch.exp(-gumbel))
    for scale in (0.3, 1.0, 2.0):
        published = (rows.double().exp() / (-u.log()) ** scale).argmax(-1)
        assert torch.equal(distribution.gumbel_max(rows, scale, noise, positions), published)


@pytest.mark.parametrize("values", [
    {"temperature": 0.7}, {"temperature": 1.0, "top_k": 3}, {"temperature": 1.5, "top_p": 0.8},
    {"temperature": 1.0, "repetition_penalty": 1.5}, {"temperature": 2.0, "top_k": 4, "top_p": 0.9},
])
def test_draws_follow_p_final(values):
    trials = 4000
    rows = LOGITS.repeat(trials, 1)
    shaped = shape(rows, context=[4, 4, 0], **values)
    tokens = distribution.choose(shaped, values["temperature"], Noise(8, 2), list(range(trials)))
    p = distribution.p_final(shaped[:1], values["temperature"])[0].double()
    seen, expected = torch.bincount(tokens, minlength=5), p * trials
    assert (seen[p == 0] == 0).all()
    chi_square = ((seen - expected)[p > 0] ** 2 / expected[p > 0]).sum().item()
    assert chi_square < 18.5  # the 0.1 % point for 4 degrees of freedom


def test_no_rows_are_no_trouble():
    empty = torch.empty(0, 5)
    assert shape(empty, temperature=1.0, top_k=2, top_p=0.5, context=[1], repetition_penalty=1.2).shape == (0, 5)
    assert distribution.choose(empty, 1.0, Noise(0, 0), []).shape == (0,)
