"""What a word of an answer was copied from is known, and found. Bounds: below what benchmarks.attribution measured."""

import pytest

from benchmarks.attribution import CAUSAL, OPEN, WRITTEN, measure
from embedded_model.export import CAUSAL_WEIGHTS
from inference_service.engine.engine import Engine
from inference_service.models.loading import load

SAMPLES = 24


@pytest.fixture(scope="module")
def twin():
    return load(str(CAUSAL_WEIGHTS), family="causal")


@pytest.fixture(scope="module")
def engine():
    engine = Engine()
    yield engine
    engine.stop()


def test_a_written_answers_source_is_found_at_rank_one(embedded, engine):
    plain, contrast = measure(embedded, engine, WRITTEN, SAMPLES, methods=("ablation",))
    assert min(plain.word, contrast.word) >= 0.9
    assert min(plain.fact, contrast.fact) >= 0.9


def test_an_open_answers_source_is_found_mostly(embedded, engine):
    """The word of the question by which the fact is looked up is a cause as well, and sometimes scores higher."""
    plain, contrast = measure(embedded, engine, OPEN, SAMPLES, methods=("ablation",))
    assert plain.word >= 0.6
    assert plain.among >= 0.85
    assert min(plain.fact, contrast.fact) >= 0.9


def test_a_left_to_right_models_source_is_found_among_the_facts(twin, engine):
    plain, contrast = measure(twin, engine, CAUSAL, SAMPLES, methods=("ablation",))
    assert min(plain.among, contrast.among) >= 0.8
    assert min(plain.fact, contrast.fact) >= 0.85


@pytest.mark.parametrize("situation", [OPEN, WRITTEN])
def test_taking_the_right_fact_away_loses_most(embedded, engine, situation):
    plain, contrast = measure(embedded, engine, situation, SAMPLES, methods=("occlusion",))
    assert min(plain.fact, contrast.fact) >= 0.9
