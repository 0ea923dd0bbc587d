"""Engines, and a gate that holds their passes."""

import pytest

from inference_service.engine.engine import Engine
from tests.engine.kit import Gate


@pytest.fixture
def gate():
    gate = Gate()
    yield gate
    gate.open()


@pytest.fixture
def started():
    """Makes engines, and stops them."""
    engines = []

    def start(**options):
        engines.append(Engine(**options))
        return engines[-1]

    yield start
    for engine in engines:
        engine.stop()
