"""Every sampler on the model that ships: the same tokens alone, in company, padded, and at any time."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from decoding import check

from inference_service.embedded import EMBEDDED_FOLDER
from inference_service.engine.decoding import decode, together
from inference_service.engine.engine import Engine
from inference_service.models.attention import Full
from inference_service.models.loading import load
from inference_service.sampling.registry import SAMPLERS, suitable
from inference_service.sessions.frame import Settings

BOTH_WAYS = [sampler.name for sampler in suitable(Full.offers)]
LENGTH = 16
# Of different lengths, so that a batch of them is padded.
PROMPTS = ["Add 23 and 45.", "Tell me a story about Tom and a red kite.", "Hello",
           "Anna has a blue ball. Ben has a red hat. Who has the ball?", "A palindrome please."]
SMALL = {"predict_remask": {"iterations": 4}}


@pytest.fixture(scope="module")
def model():
    return load(str(EMBEDDED_FOLDER))


@pytest.fixture(scope="module")
def prompts(model):
    return [model.text.chat([{"role": "user", "content": prompt}]) for prompt in PROMPTS]


def job(model, prompt, sampler, seed, temperature, length=LENGTH, **values):
    chosen = {**SMALL.get(sampler, {}), "temperature": temperature, **values}
    return decode(model, prompt, length, Settings(sampler, chosen, seed))


@pytest.mark.parametrize("temperature", [0.0, 1.0])
@pytest.mark.parametrize("sampler", BOTH_WAYS)
def test_the_same_tokens_alone_and_in_a_padded_batch(model, prompts, sampler, temperature):
    batch = together(job(model, prompt, sampler, seed, temperature) for seed, prompt in enumerate(prompts))
    for seed, prompt in enumerate(prompts):
        alone, = together([job(model, prompt, sampler, seed, temperature)])
        assert alone.tokens == batch[seed].tokens
        assert alone.forwards == batch[seed].forwards
        check(alone, prompt, LENGTH, model.info, SAMPLERS[sampler].revises)


@pytest.mark.parametrize("sampler", BOTH_WAYS)
def test_concurrent_equals_serial(model, prompts, sampler):
    """Through the engine: calls from several threads, packed as they come."""
    engine = Engine()
    try:
        def ask(seed):
            ticket = engine.submit(job(model, prompts[seed], sampler, seed, 1.0), interactive=False)
            return ticket.result.result(60).tokens

        serial = [ask(seed) for seed in range(len(prompts))]
        with ThreadPoolExecutor(len(prompts)) as pool:
            assert list(pool.map(ask, range(len(prompts)))) == serial
    finally:
        engine.stop()


@pytest.mark.parametrize(("length", "steps"), [(16, 1), (16, 4), (16, 5), (16, 16), (16, 100), (7, 3)])
def test_quotas_take_as_many_passes_as_steps_or_tokens(model, prompts, length, steps):
    decoded, = together([job(model, prompts[0], "llada", 0, 0.0, length, steps=steps)])
    assert decoded.forwards == min(steps, length)


def test_holes_are_filled_and_what_stands_around_them_stays(model, prompts):
    """Infilling: masks in the prompt, with every sampler, also at a temperature."""
    text = model.text.encode("Tom has a red kite. Anna has a blue ball.")
    for sampler in BOTH_WAYS:
        for temperature in (0.0, 1.0):
            holes = [None if index in (3, 4, 9) else token for index, token in enumerate(text)]
            decoded, = together([job(model, holes, sampler, 1, temperature, 4)])
            check(decoded, holes, 4, model.info, SAMPLERS[sampler].revises)
            assert None not in decoded.tokens
            assert all(now == token for now, token in zip(decoded.tokens, holes) if token is not None)


@pytest.mark.parametrize("sampler", BOTH_WAYS)
def test_a_seed_says_all(model, prompts, sampler):
    """Hot enough, seeds differ from each other, and each is the same again."""
    def made(seed):
        return tuple(together([job(model, prompts[1], sampler, seed, 8.0)])[0].tokens)

    tokens = {seed: made(seed) for seed in range(4)}
    assert len(set(tokens.values())) > 1
    assert made(2) == tokens[2]
