"""The estimate and its standard error, against the exact value."""

import json
import math
from collections import Counter

import pytest

from inference_service.embedded import EMBEDDED_FOLDER
from inference_service.inspection.likelihood import combined, group_sizes, score_job, stratified
from inference_service.models.loading import load
from inference_service.sampling.noise import Noise
from tests.conftest import GOLDEN
from tests.inspection.running_jobs import finished

CASES = json.loads((GOLDEN / "expected.json").read_text())["log_likelihood"]


@pytest.fixture(scope="module")
def embedded():
    return load(str(EMBEDDED_FOLDER))


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("seed", [0, 1])
def test_it_converges_to_the_reference(golden_model, case, seed):
    told = []
    last = finished(score_job(golden_model, case["prompt"], case["answer"], samples=2000, seed=seed, emit=told.append))
    assert abs(last.log_likelihood - case["log_likelihood"]) < 4 * last.standard_error
    assert last.standard_error < 1.5  # of a value of -150 and -220
    assert told[-1] == last and len(told) == 125
    assert not last.exact and last.done == last.total == 2000
    assert told[0].standard_error is None and told[1].standard_error is not None


def test_it_converges_on_the_model_that_ships(embedded):
    prompt = embedded.text.chat([{"role": "user", "content": "Reverse the digits 4821."}])
    answer = embedded.text.encode("1294")
    assert len(answer) == 4
    for cfg_scale in (0.0, 0.5):
        exact = finished(score_job(embedded, prompt, answer, exact=True, cfg_scale=cfg_scale))
        told = finished(score_job(embedded, prompt, answer, samples=512, cfg_scale=cfg_scale))
        assert abs(told.log_likelihood - exact.log_likelihood) < 4 * told.standard_error
        assert told.standard_error < 0.1 * abs(exact.log_likelihood)
        right = finished(score_job(embedded, prompt, embedded.text.encode("1284"), exact=True, cfg_scale=cfg_scale))
        assert right.log_likelihood > exact.log_likelihood + 3


def test_the_standard_error_is_how_estimates_differ(golden_model):
    """Over many seeds: unbiased within the mean's own error, and the error neither flatters nor frightens."""
    case = CASES[1]
    told = [finished(score_job(golden_model, case["prompt"], case["answer"], samples=64, seed=seed))
            for seed in range(60)]
    errors = [(one.log_likelihood - case["log_likelihood"]) / one.standard_error for one in told]
    values = [one.log_likelihood for one in told]
    mean = sum(values) / len(values)
    spread = math.sqrt(sum((value - mean) ** 2 for value in values) / (len(values) - 1))
    assert abs(mean - case["log_likelihood"]) < 4 * spread / math.sqrt(len(values))
    root_mean_square = math.sqrt(sum(one.standard_error**2 for one in told) / len(told))
    assert 0.75 < root_mean_square / spread < 1.35
    assert sum(abs(error) > 2.36 for error in errors) < 0.2 * len(errors)  # Student's t of 8 groups: 5% lie beyond


def test_groups_lie_evenly_and_every_count_is_as_likely():
    for length, size in ((7, 16), (30, 16), (5, 3), (4, 4)):
        counts = Counter()
        for group in range(length * 30):
            drawn = [len(masking.positions) for masking in stratified(length, size, Noise(1, group))]
            if length >= size:  # no two samples of a group say the same
                assert len(set(drawn)) == size
            counts.update(drawn)
        assert set(counts) == set(range(1, length + 1))
        expected = 30 * size
        # Each offset brings each count as often as any; only the offsets are drawn.
        room = 12 * math.sqrt(30) * math.ceil(size / length)
        assert all(abs(count - expected) < room for count in counts.values())


def test_a_masking_is_a_uniform_choice_of_its_count():
    seen = Counter(masking.positions for group in range(3000) for masking in stratified(3, 1, Noise(5, group)))
    assert len(seen) == 7
    for positions, count in seen.items():
        expected = 3000 / 3 / {1: 3, 2: 3, 3: 1}[len(positions)]
        assert abs(count - expected) < 5 * math.sqrt(expected)


@pytest.mark.parametrize("samples, groups", [(1, 1), (2, 2), (7, 7), (16, 8), (128, 8), (129, 9), (100_000, 6250)])
def test_all_samples_are_dealt(samples, groups):
    sizes = group_sizes(samples)
    assert sum(sizes) == samples and len(sizes) == groups
    assert max(sizes) - min(sizes) <= 1 and max(sizes) <= 16


def test_the_error_of_groups_of_one_size_is_that_of_their_mean():
    mean, error = combined([1.0, 2.0, 4.0, 5.0], [16] * 4)
    assert mean == 3.0
    assert error == pytest.approx(math.sqrt(10 / 3 / 4))
    assert combined([1.0], [3]) == (1.0, None)


def test_the_same_seed_says_the_same_whatever_the_passes(golden_model, monkeypatch):
    case = CASES[0]
    first = finished(score_job(golden_model, case["prompt"], case["answer"], samples=40, seed=2**64 - 1))
    monkeypatch.setattr("inference_service.inspection.likelihood.MOST_TOKENS", 30)
    second = finished(score_job(golden_model, case["prompt"], case["answer"], samples=40, seed=2**64 - 1))
    assert second.log_likelihood == pytest.approx(first.log_likelihood, rel=1e-5)
    other = finished(score_job(golden_model, case["prompt"], case["answer"], samples=40, seed=0))
    assert other.log_likelihood != pytest.approx(first.log_likelihood, rel=1e-5)
