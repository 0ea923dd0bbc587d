"""Which keys and values a pass reads, where the frames no longer tell the canvas that they are of."""

from dataclasses import replace

import pytest

from inference_service.engine.plan import complete_settings, plan_of
from inference_service.engine.reading import Reading, reading
from inference_service.models.loading import load
from inference_service.sessions.frame import CacheChoice, Settings
from inference_service.sessions.state import Origin, first_state
from tests.conftest import GOLDEN

PROMPT, LENGTH, BLOCK = (1, 2, 3), 16, 8


@pytest.fixture(scope="module")
def info():
    return load(str(GOLDEN)).info


@pytest.fixture
def begun(info):
    """The state that a session begins with, and the one after a step that made all keys and values anew."""
    settings = complete_settings(Settings("klass", {"block_length": BLOCK}, 0, cache=CacheChoice("dual", {})), LENGTH,
                                 info, 0, len(PROMPT))
    first = first_state(Origin("s", "m", (*PROMPT, *[None] * LENGTH), len(PROMPT), info.mask_token, 0.0, 0.0), settings)
    tokens = [*first.tokens]
    tokens[4] = 9
    return first, written(first, tuple(tokens), cache_revision=0)


def written(state, tokens, **more):
    return replace(state, canvas=replace(state.canvas, tokens=tokens), **more)


def read(state, info, earlier, steps=1):
    return reading(state, 1, plan_of(state, 1, state.settings, info), info, earlier, steps)


def test_they_are_read_while_the_frames_tell_their_canvas(begun, info):
    first, after = begun
    block = (len(PROMPT), len(PROMPT) + BLOCK)
    assert read(first, info, lambda _: first) == Reading(1, block)
    assert read(after, info, lambda _: first) == Reading(0, block)


@pytest.mark.parametrize("lost", ["trimmed", "no ancestor", "another size", "not this program's"])
def test_otherwise_all_are_made_anew(begun, info, lost):
    first, after = begun
    before = {"trimmed": None, "no ancestor": first, "another size": written(first, (*first.tokens, None)),
              "not this program's": replace(first, sampler_state={"revision": "x"})}[lost]
    found = read(after, info, lambda _: before, None if lost == "no ancestor" else 1)
    assert found == Reading(1, (len(PROMPT), len(PROMPT) + BLOCK))


def test_the_next_block_begins_with_a_pass_over_all(begun, info):
    first, _ = begun
    decided = written(first, (*PROMPT, *[9] * BLOCK, *[None] * BLOCK), cache_revision=0)
    assert read(decided, info, lambda _: first) == Reading(1, (len(PROMPT) + BLOCK, len(PROMPT) + 2 * BLOCK))
