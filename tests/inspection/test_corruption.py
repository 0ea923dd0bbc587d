"""Each kind masks exactly its share, and as it says."""

import pytest

from inference_service.inspection.corruption import KINDS, corrupt, masked_count
from inference_service.sampling.noise import Noise


@pytest.mark.parametrize("kind", [*KINDS, "mixed"])
@pytest.mark.parametrize("length", [1, 2, 5, 64, 255])
@pytest.mark.parametrize("ratio", [1e-9, 0.1, 0.4, 0.5, 0.8, 1.0])
@pytest.mark.parametrize("rounds", [1, 8, 64])
def test_the_share_is_met(kind, length, ratio, rounds):
    for seed in range(3):
        used, masked = corrupt(length, kind, ratio, rounds, Noise(seed, 0))
        assert used in KINDS and (kind == "mixed" or used == kind)
        assert masked == sorted(set(masked)) and 0 <= masked[0] and masked[-1] < length
        assert len(masked) == masked_count(length, ratio)


def test_the_nearest_whole_number_and_at_least_one():
    assert [masked_count(10, ratio) for ratio in (0.01, 0.14, 0.15, 0.96, 1.0)] == [1, 1, 2, 10, 10]


def spans(masked):
    return sum(position - 1 not in masked for position in masked)


def mean_spans(kind, rounds=8):
    return sum(spans(corrupt(200, kind, 0.4, rounds, Noise(seed, 0))[1]) for seed in range(300)) / 300


def test_sticky_positions_hang_together_and_the_more_the_more_rounds():
    """80 of 200 masked by themselves are 48.4 spans on average, with a deviation of 3.4."""
    assert mean_spans("random") == pytest.approx(48.4, abs=1)
    assert mean_spans("sticky", 1) == pytest.approx(48.4, abs=1)
    assert mean_spans("sticky", 64) < mean_spans("sticky", 8) - 1 < mean_spans("sticky", 3) - 2 < 25


def test_a_fragment_is_one_run_at_any_place():
    starts = [corrupt(10, "fragment", 0.4, 8, Noise(seed, 0))[1] for seed in range(400)]
    assert all(masked == list(range(masked[0], masked[0] + 4)) for masked in starts)
    counts = [sum(masked[0] == start for masked in starts) for start in range(7)]
    assert sum(counts) == 400 and min(counts) > 57 - 5 * 57**0.5


def test_random_masks_every_position_alike():
    counts = [0] * 20
    for seed in range(1000):
        for position in corrupt(20, "random", 0.25, 8, Noise(seed, 0))[1]:
            counts[position] += 1
    assert all(abs(count - 250) < 5 * 250**0.5 for count in counts)


def test_mixed_draws_all_kinds_and_masks_as_the_one_drawn():
    used = []
    for index in range(300):
        kind, masked = corrupt(50, "mixed", 0.3, 8, Noise(1, index))
        assert masked == corrupt(50, kind, 0.3, 8, Noise(1, index))[1]
        used.append(kind)
    assert all(70 < used.count(kind) < 130 for kind in KINDS)


def test_seed_and_index_change_it_and_nothing_else_does():
    first = corrupt(100, "random", 0.4, 8, Noise(1, 0))
    assert first == corrupt(100, "random", 0.4, 3, Noise(1, 0))
    assert first != corrupt(100, "random", 0.4, 8, Noise(2, 0))
    assert first != corrupt(100, "random", 0.4, 8, Noise(1, 1))
