"""How much of the canvas the model sees under a suffix window: what is decided further right is seen all the same."""

import pytest

from inference_service.engine.plan import complete_settings, plan_of
from inference_service.sessions.frame import Settings
from inference_service.sessions.state import Origin, first_state
from tests.fakes import MASK, FakeDenoiser

INFO = FakeDenoiser().info
START, LENGTH, BLOCK, WINDOW = 3, 16, 4, 2
PLAIN = START + BLOCK + WINDOW  # of the first block


def reach(decided=(), **parameters):
    """Of a canvas with tokens at some generated positions, by their offset."""
    settings = complete_settings(Settings("llada", {"block_length": BLOCK, "suffix_window": WINDOW, **parameters}, 1),
                                 LENGTH, INFO)
    given = (1, 2, 3, *(7 if offset in decided else None for offset in range(LENGTH)))
    return plan_of(first_state(Origin("s", "m", given, START, MASK, 0.0, 0.0), settings), 0, settings, INFO).reach()


def test_it_is_the_block_and_the_window():
    assert reach() == PLAIN
    assert reach(range(BLOCK)) == PLAIN + BLOCK, "the next block"
    assert reach(suffix_window=0) == PLAIN - WINDOW
    assert reach(suffix_window=LENGTH) == START + LENGTH, "no further than the canvas"


@pytest.mark.parametrize("offset", range(LENGTH))
def test_a_token_that_is_decided_further_right_is_the_last_that_is_seen(offset):
    assert reach([offset]) == max(PLAIN, START + offset + 1)


def test_the_last_of_several_counts():
    assert reach([1, 9, 12]) == START + 13
    assert reach(range(LENGTH)) == START + LENGTH, "nothing is open"
