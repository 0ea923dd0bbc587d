"""What must hold for every sampler there is, on random canvases and with random settings."""

import json
from pathlib import Path

import pytest
from decoding import run
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from inference_service.models.attention import Full
from inference_service.models.loading import load
from inference_service.sampling.parameters import ParameterError
from inference_service.sampling.registry import SAMPLERS, describe, parameters_for, suitable
from tests.fakes import EOS, MASK, FakeDenoiser

BOTH_WAYS = [sampler.name for sampler in suitable(Full.offers)]


@pytest.fixture(scope="module")
def dream():
    return load(str(Path(__file__).parents[1] / "goldens/dream_tiny"))


def value_of(described):
    """Any value that a parameter's description allows, and None where it follows from the canvas."""
    if described.kind == "bool":
        allowed = st.booleans()
    elif described.kind == "choice":
        allowed = st.sampled_from(described.choices)
    elif described.kind == "integer":
        allowed = st.integers(int(described.minimum), min(int(described.maximum), 24))
    else:
        allowed = st.floats(described.minimum, described.maximum)
    return allowed if described.default is not None else st.none() | allowed


def values_for(sampler):
    return st.fixed_dictionaries({}, optional={one.name: value_of(one) for one in describe(sampler)})


@pytest.mark.parametrize("name", BOTH_WAYS)
@settings(max_examples=60, deadline=None)
@given(data=st.data(), length=st.integers(1, 16), seed=st.integers(0, 2**64 - 1),
       prompt=st.lists(st.integers(0, MASK), max_size=6))
def test_any_settings_finish_with_real_tokens_and_keep_what_was_given(name, data, length, seed, prompt):
    """run() asserts what must hold in every step; the same again gives the same, and so does a state from a store."""
    values = data.draw(values_for(SAMPLERS[name]))
    try:
        parameters_for(SAMPLERS[name], values, length)
    except ParameterError:
        assume(False)
    first = run(FakeDenoiser(), prompt, length, name, seed, **values)
    again = run(FakeDenoiser(), prompt, length, name, seed, **values)
    assert again.tokens == first.tokens
    assert all(first.tokens[position] == token for position, token in enumerate(prompt) if token != MASK)
    for proposal in first.proposals:
        assert json.loads(json.dumps(proposal.state)) == proposal.state
    if values.get("logits_eos_inf") and not values.get("early_stop"):
        assert EOS not in [token for position, token in enumerate(first.tokens)
                           if position >= len(prompt) or prompt[position] == MASK]


@pytest.mark.parametrize("name", [name for name in BOTH_WAYS if not SAMPLERS[name].revises])
@pytest.mark.parametrize("length", [1, 7, 12])
def test_no_sampler_takes_more_passes_than_there_are_tokens(name, length):
    model = FakeDenoiser()
    decoded = run(model, [1, 2, MASK], length, name)
    assert decoded.forwards <= length + 1
    assert all(proposal.commits for proposal in decoded.proposals)


@pytest.mark.parametrize("temperature", [0.0, 1.0])
@pytest.mark.parametrize("name", BOTH_WAYS)
def test_every_sampler_works_on_a_shifted_family(dream, name, temperature):
    prompt = [3, dream.info.mask_token, 5, 7]
    more = {"iterations": 3} if name == "predict_remask" else {}
    decoded = run(dream, prompt, 12, name, temperature=temperature, **more)
    assert dream.info.mask_token not in decoded.tokens


@pytest.mark.parametrize("name", BOTH_WAYS)
def test_a_sampler_says_where_it_comes_from(name):
    sampler = SAMPLERS[name]
    assert sampler.name == name
    assert sampler.summary.endswith(".") and sampler.summary.count(".") == 1
    assert sampler.source and sampler.parameters.__name__.endswith("Parameters")
