"""Several texts go on from what each keeps, in one pass: the logits are those of whole passes."""

import random

import pytest

from inference_service.embedded import CAUSAL, EMBEDDED_CAUSAL_FOLDER
from inference_service.models.cached import Cached
from inference_service.models.key_values import Together
from inference_service.models.loading import load
from inference_service.models.trial import trial
from tests.conftest import GOLDEN
from tests.rounding import assert_same_logits


@pytest.fixture(scope="module", params=["causal", "block_causal"])
def model(request):
    if request.param == "causal":
        return load(str(EMBEDDED_CAUSAL_FOLDER), family=CAUSAL)
    return load(str(GOLDEN.with_name("sdar")))


def changed(canvas, chance, mask):
    """The canvas as a person or a step leaves it: a token more, another one, or some taken back."""
    canvas, open_ = list(canvas), canvas.index(mask) if mask in canvas else len(canvas) - 1
    match chance.randrange(4):
        case 0 | 1:
            canvas[open_] = chance.randrange(200)
            return canvas if mask in canvas else [*canvas, mask]
        case 2:
            canvas[chance.randrange(1, open_)] = chance.randrange(200)
        case _:
            cut = chance.randrange(2, open_ + 1)
            canvas = [*canvas[:cut], *[mask] * (len(canvas) - cut)] if canvas.count(mask) > 1 else [*canvas[:cut], mask]
    return canvas


@pytest.mark.parametrize("seed", range(3))
def test_the_logits_are_those_of_whole_passes(model, seed, monkeypatch):
    assert model.continues_together
    passes = []
    monkeypatch.setattr(model, "go_on_together", lambda asked: passes.append(len(asked)) or Cached.go_on_together(
        model, asked))
    chance, mask = random.Random(seed), model.info.mask_token or 0
    tail = 1 if model.info.attention.append_only else 9
    canvases = [[chance.randrange(1, 200) for _ in range(size)] + [mask] * tail for size in (12, 5, 23)]
    for _ in range(12):
        canvases = [changed(canvas, chance, mask) for canvas in canvases]
        # One that is not there, and one that is asked for alone, keep nobody from the others.
        some = chance.sample(range(3), chance.choice([1, 2, 3]))
        wanted = [[canvases[index].index(mask)] for index in some]
        found = model.logits([canvases[index] for index in some], wanted, [f"{seed}/{index}" for index in some],
                             [4] * len(some))
        whole = model.logits([canvases[index] for index in some], wanted, starts=[4] * len(some))
        for one, other in zip(found, whole, strict=True):
            assert_same_logits(one, other)
    assert passes and max(passes) == 3


def test_where_it_is_wrong_they_take_turns(model, monkeypatch):
    """As with a class that does not look at the places that it is given."""
    copy = Cached(model.info, model.model)
    assert copy.continues_together
    update = Together.update
    monkeypatch.setattr(Together, "update", lambda self, keys, values, layer, *more: [
        part.flip(2) for part in update(self, keys, values, layer, *more)])
    trial(copy, lambda: None)
    assert not copy.continues_together and not copy.info.cache_note
    canvas = [*range(3, 20), copy.info.mask_token or 0]
    found = copy.logits([canvas, canvas[4:]], [[17], [13]], ["a", "b"], [0, 0])
    for one, other in zip(found, copy.logits([canvas, canvas[4:]], [[17], [13]]), strict=True):
        assert_same_logits(one, other)


def test_one_that_is_asked_for_twice_is_right_both_times(model):
    mask = model.info.mask_token or 0
    canvases = [[*range(5, 15), mask], [*range(5, 12), 9, mask, mask, mask]]
    wanted = [[canvas.index(mask)] for canvas in canvases]
    found = model.logits(canvases, wanted, ["same"] * 2, [0, 0])
    for one, other in zip(found, model.logits(canvases, wanted, starts=[0, 0]), strict=True):
        assert_same_logits(one, other)
