"""What follows from each kind of attention, held to what the kind says that a position sees."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from inference_service.errors import DataLoss
from inference_service.models.attention import KINDS, BlockCausal, Causal, Full
from inference_service.sampling.sampler import Need

VALUES = [Full(), Causal(), BlockCausal(1), BlockCausal(4), BlockCausal(4, blocks_from_start=True),
          BlockCausal(7, blocks_from_start=True)]
values = pytest.mark.parametrize("attention", VALUES, ids=str)
CPU = torch.device("cpu")


def sees(attention, position, other, size, start):
    """By the definition of each kind alone."""
    if isinstance(attention, Full):
        return True
    if isinstance(attention, Causal):
        return other <= position
    origin = start if attention.blocks_from_start else 0
    return (other - origin) // attention.block_size <= (position - origin) // attention.block_size


@values
@given(size=st.integers(1, 20), start=st.integers(0, 20))
def test_it_sees_up_to_its_reach(attention, size, start):
    start = min(start, size)
    for position in range(size):
        reach = attention.reach(position, size, start)
        assert [sees(attention, position, other, size, start) for other in range(size)] == [
            other < reach for other in range(size)]


@values
@given(size=st.integers(1, 20), start=st.integers(0, 20))
def test_what_is_settled_sees_nothing_behind_it(attention, size, start):
    """The most positions from the first on whose reach, and that of all before them, ends within the tokens known."""
    start = min(start, size)
    for count in range(size + 1):
        held = [attention.reach(position, size + 40, start) <= count for position in range(count)]
        assert attention.settled(count, start) == next((at for at, one in enumerate(held) if not one), count)


@values
def test_the_mask_of_a_batch_shows_each_canvas_what_it_sees(attention):
    sizes, starts = [9, 5, 12], [3, 5, 0]
    mask = attention.mask(sizes, starts, CPU)
    if attention.block_size:
        assert mask.shape == (3, 1, 12, 12) and mask.any(-1).all(), "nobody looks at nothing"
        for row, (size, start) in enumerate(zip(sizes, starts, strict=True)):
            for position in range(size):
                reach = attention.reach(position, size, start)
                assert mask[row, 0, position].tolist() == [other < reach for other in range(12)]
    else:
        assert mask.tolist() == [[1] * size + [0] * (12 - size) for size in sizes]
        assert attention.mask([4, 4], [0, 0], CPU) is None


def test_blocks_are_counted_from_the_prompts_end_or_from_the_canvas_s_beginning():
    assert [BlockCausal(4).origin(start) for start in (0, 3, 4, 6)] == [0, 0, 4, 4]
    assert [BlockCausal(4, True).origin(start) for start in (0, 3, 4, 6)] == [0, 3, 4, 6]
    assert (Full().origin(6), Causal().origin(6)) == (None, None)


def test_a_row_predicts_its_own_position_or_the_next():
    assert [Full().row(position, False) for position in (0, 1, 5)] == [0, 1, 5]
    assert [Full().row(position, True) for position in (0, 1, 5)] == [0, 0, 4]
    assert [Causal().row(position, False) for position in (1, 5)] == [0, 4]


def test_what_each_kind_offers_and_how_its_canvas_is():
    assert {name: (set(kind.offers), kind.append_only) for name, kind in KINDS.items()} == {
        "full": ({Need.WHOLE, Need.BLOCKS}, False), "causal": ({Need.END}, True),
        "block_causal": ({Need.BLOCKS}, False)}
    assert [value.bidirectional for value in VALUES] == [True, *[False] * 5]


def test_the_length_of_a_block_is_read_from_a_config():
    assert BlockCausal(32, True).of({}) == BlockCausal(32, True)
    assert BlockCausal(32, True).of({"block_size": 8}) == BlockCausal(8, True)
    assert Full().of({"block_size": 8}) == Full()
    for wrong in (0, -1, 1.5, "8", True):
        with pytest.raises(DataLoss, match="config.json must have block_size as a whole number of at least 1"):
            BlockCausal(32).of({"block_size": wrong})
    with pytest.raises(ValueError, match="block_size must be at least 1"):
        BlockCausal(0)
