"""What a block-causal model keeps of its passes: the logits are those of whole passes, whatever way a canvas goes."""

import random
from dataclasses import replace

import pytest
import torch

from inference_service.models.attention import BlockCausal
from inference_service.models.cached import Cached
from inference_service.models.loading import load
from inference_service.models.shelf import Shelf
from inference_service.models.trial import NOT_RIGHT, trial
from tests.conftest import GOLDEN
from tests.rounding import assert_same_logits

SIZE, MASK = 22, 509
KINDS = [BlockCausal(4), BlockCausal(4, blocks_from_start=True), BlockCausal(7, blocks_from_start=True)]


@pytest.fixture(scope="module")
def sdar():
    return load(str(GOLDEN.with_name("sdar")))


@pytest.fixture
def model(sdar):
    info = sdar.info
    yield sdar
    sdar.info = info
    sdar.drop_caches()


class Rows:
    """Counts the rows that go through the body."""

    def __init__(self, model, monkeypatch):
        self.count, forward = 0, model.body.forward

        def counted(*, input_ids, **more):
            self.count += input_ids.numel()
            return forward(input_ids=input_ids, **more)

        monkeypatch.setattr(model.body, "forward", counted)

    def taken(self):
        count, self.count = self.count, 0
        return count


def test_it_is_kept_and_trusted(sdar):
    assert isinstance(sdar, Cached) and sdar.info.attention.settles and not sdar.info.cache_note


@pytest.mark.parametrize("attention", KINDS, ids=str)
@pytest.mark.parametrize("shifted", [False, True])
@pytest.mark.parametrize("seed", range(4))
def test_the_logits_are_those_of_whole_passes(model, attention, shifted, seed):
    """Two sessions in turn: positions decided in order and out of it, opened again, changed, put in, taken back."""
    model.info = replace(model.info, attention=attention, shifted=shifted)
    chance = random.Random(seed)
    starts = {"one": 5, "two": 8}
    canvases = {key: [chance.randrange(500) for _ in range(start)] + [MASK] * (SIZE - start)
                for key, start in starts.items()}
    for _ in range(40):
        key = chance.choice(["one", "two"])
        canvas, start = canvases[key], starts[key]
        position = chance.randrange(start, len(canvas))
        match chance.randrange(5):
            case 0 | 1 if MASK in canvas:
                canvas[canvas.index(MASK)] = chance.randrange(500)
            case 2:
                canvas[position] = chance.randrange(500)
            case 3:
                canvas[position:] = [MASK] * (len(canvas) - position)
            case _ if len(canvas) < 30:
                canvas.insert(position, MASK)
        wanted = sorted(chance.sample(range(1, len(canvas)), 3))
        kept, = model.logits([canvas], [wanted], [key], [start])
        whole, = model.logits([canvas], [wanted], starts=[start])
        assert_same_logits(kept, whole)


def test_only_what_is_not_settled_goes_through_the_model(model, monkeypatch):
    rows = Rows(model, monkeypatch)
    canvas = [*range(20, 28), *[MASK] * 8]  # two blocks given, two open
    model.logits([canvas], [[8]], ["s"])
    assert rows.taken() == 12, "up to the end of the block"
    for position in range(8, 11):
        canvas[position] = 5
        model.logits([canvas], [[position + 1]], ["s"])
        assert rows.taken() == 4, "the block at work"
    canvas[11] = 5
    model.logits([canvas], [[12]], ["s"])
    assert rows.taken() == 8, "the block that is whole now, once, and the next"
    canvas[12] = 6
    model.logits([canvas], [[13]], ["s"])
    assert rows.taken() == 4
    canvas[2] = 7
    model.logits([canvas], [[13]], ["s"])
    assert rows.taken() == 16, "what an edit makes void begins with its block"
    model.logits([canvas], [[13]])
    assert rows.taken() == 16, "without a key nothing is kept"


def test_another_start_is_another_text_where_blocks_are_counted_from_there(model):
    model.info = replace(model.info, attention=BlockCausal(4, blocks_from_start=True))
    canvas = [*range(20, 30), *[MASK] * 6]
    for start in (10, 9, 10):
        kept, = model.logits([canvas], [[10, 12]], ["s"], [start])
        whole, = model.logits([canvas], [[10, 12]], starts=[start])
        assert_same_logits(kept, whole)


def test_what_is_over_the_budget_goes_first_and_memory_is_given_back(sdar):
    few = Cached(sdar.info, sdar.model, shelf=Shelf(20_000))
    canvas = [*range(20, 28), *[MASK] * 8]
    for key in "abcdef":
        few.logits([canvas], [[8]], [key])
    assert 0 < few.shelf.size <= 20_000
    assert few.drop_caches() > 0 and few.drop_caches() == 0


def test_a_cache_that_is_wrong_is_not_used(sdar, monkeypatch):
    """A class that lets nobody look at what is kept, as one that ignores the cache that it is given."""
    model = Cached(sdar.info, sdar.model)
    forward = model.body.forward

    def forgetful(*, past_key_values=None, attention_mask=None, **more):
        if past_key_values is not None and attention_mask is not None:
            attention_mask = torch.zeros_like(attention_mask) | (
                torch.arange(attention_mask.shape[-1]) >= attention_mask.shape[-1] - attention_mask.shape[-2])
        return forward(past_key_values=past_key_values, attention_mask=attention_mask, **more)

    monkeypatch.setattr(model.body, "forward", forgetful)
    trial(model, lambda: None)
    assert model.info.cache_note == NOT_RIGHT
