"""What is kept of passes: one budget for all models, oldest out first."""

from dataclasses import dataclass

import pytest
import torch

from inference_service.models.key_values import Read
from inference_service.models.loading import load
from inference_service.models.shelf import Shelf
from tests.conftest import GOLDEN
from tests.rounding import assert_same_logits


@dataclass
class Thing:
    size: int


def test_those_not_used_for_longest_go_first_whoever_has_them():
    shelf = Shelf(10)
    for model, name in ((1, "a"), (2, "a"), (1, "b")):
        shelf.put(model, name, Thing(3))
    assert shelf.get(1, "a") and shelf.size == 9
    shelf.put(2, "b", Thing(3))
    assert shelf.get(2, "a") is None and shelf.get(1, "a") and shelf.get(1, "b") and shelf.size == 9
    shelf.put(1, "a", Thing(4))
    assert shelf.get(1, "a").size == 4 and shelf.size == 10
    shelf.put(3, "large", Thing(11))
    assert shelf.size == 0 and shelf.get(3, "large") is None


def test_what_is_taken_or_dropped_takes_no_room():
    shelf = Shelf(10)
    for model, name in ((1, "a"), (1, "b"), (2, "a")):
        shelf.put(model, name, Thing(3))
    assert shelf.take(1, "a").size == 3 and shelf.take(1, "a") is None and shelf.size == 6
    assert shelf.drop(1) == 3 and shelf.drop(1) == 0 and shelf.get(2, "a")
    shelf.forget(2)
    shelf.put(2, "a", Thing(3))
    assert shelf.get(2, "a") is None and shelf.size == 0


@pytest.fixture(scope="module")
def two():
    """Two models on one shelf that has room for three canvases."""
    shelf = Shelf(3 * 40 * 2 * 2 * 64 * 4)
    return [load(str(GOLDEN), shelf=shelf) for _ in range(2)], shelf


def test_models_share_it_and_what_is_gone_is_computed_again(two):
    (one, other), shelf = two
    canvas, wanted = [(7 * place) % 400 for place in range(40)], [12, 13]
    base = [*canvas[:12], 1, 2, *canvas[14:]]
    read = Read(tuple(base), (10, 20))
    alone, = one.logits([canvas], [wanted], ["a"], [0], [read])
    size = shelf.size
    assert size and one.kept("a", read)
    for number in range(5):
        other.logits([canvas], [wanted], [f"{number}"], [0], [read])
    assert one.kept("a", read) is None and other.kept("4", read)
    again, = one.logits([canvas], [wanted], ["a"], [0], [read])
    assert torch.equal(alone, again)
    assert other.drop_caches() > 0
    assert one.kept("a", read) and shelf.size == size


def test_two_that_read_the_same_go_together(two):
    """As a step and somebody who looks at what it would do."""
    (one, _), _ = two
    base = [(5 * place) % 400 for place in range(30)]
    canvases = [[*base[:10], 3, 4, *base[12:]], [*base[:10], 8, 9, *base[12:]]]
    reads, wanted = [Read(tuple(base), (8, 16))] * 2, [[12, 13]] * 2
    alone = [one.logits([canvas], [[12, 13]], ["same"], [0], reads[:1])[0] for canvas in canvases]
    together = one.logits(canvases, wanted, ["same"] * 2, [0, 0], reads)
    for found, expected in zip(together, alone, strict=True):
        assert_same_logits(found, expected)


def test_no_place_is_beyond_the_context(two, monkeypatch):
    """Not even in the padding of a shorter window: a model that learned its places has no more of them."""
    (one, _), _ = two
    places, forward = [], one.body.forward

    def seen(*, position_ids=None, **more):
        if position_ids is not None:
            places.append(int(position_ids.max()))
        return forward(position_ids=position_ids, **more)

    monkeypatch.setattr(one.body, "forward", seen)
    context = one.info.context_length
    long, short = [(3 * place) % 400 for place in range(context)], [(5 * place) % 400 for place in range(30)]
    bases = [(*long[:-1], 1), (1, *short[1:])]
    one.logits([long, short], [[context - 1], [3]], ["long", "short"], [0, 0],
               [Read(bases[0], (context - 4, context)), Read(bases[1], (0, 20))])
    assert places == [context - 1]
