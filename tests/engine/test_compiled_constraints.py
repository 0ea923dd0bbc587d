"""Compiled constraints are kept by their size, and one that is being made holds up no other."""

import threading

import pytest

from inference_service.embedded import EMBEDDED_FOLDER
from inference_service.engine import compiled_constraints
from inference_service.engine.compiled_constraints import CompiledConstraints
from inference_service.models.loading import load
from inference_service.sessions.frame import Constraint


@pytest.fixture(scope="module")
def model():
    return load(str(EMBEDDED_FOLDER))


def regex(count):
    return Constraint("regex", f"[a-z]{{1,{count}}}")


def test_one_that_is_being_made_holds_up_no_other_and_is_made_once(model, monkeypatch):
    kept, begun, go_on, made = CompiledConstraints(), threading.Event(), threading.Event(), []

    def slow(spec, vocabulary, any_order, compiled=compiled_constraints.compiled):
        made.append(spec.value)
        if spec.value == regex(9).value:
            begun.set()
            assert go_on.wait(30)
        return compiled(spec, vocabulary, any_order)

    monkeypatch.setattr(compiled_constraints, "compiled", slow)
    found = []
    both = [threading.Thread(target=lambda: found.append(kept.get(model, regex(9)))) for _ in range(2)]
    for thread in both:
        thread.start()
    assert begun.wait(30)
    kept.get(model, Constraint("choice", ("yes", "no")))
    assert not found
    go_on.set()
    for thread in both:
        thread.join()
    assert found[0] is found[1] and made.count(regex(9).value) == 1
    assert not kept._making


def test_the_last_used_stay_within_the_limit_of_size(model, monkeypatch):
    kept = CompiledConstraints()
    first, size = kept.get(model, regex(20)), kept.get(model, regex(21)).size
    assert size > 0
    monkeypatch.setattr(compiled_constraints, "COMPILED_BYTES", int(3.5 * size))
    assert kept.get(model, regex(20)) is first
    kept.get(model, regex(22))
    kept.get(model, regex(23))
    sizes = [one.size for one in kept._compiled.values()]
    assert len(sizes) < 4 and sum(sizes) <= 3.5 * size
    assert kept.get(model, regex(20)) is first
    monkeypatch.setattr(compiled_constraints, "COMPILED_BYTES", 1)
    assert kept.get(model, regex(24)) is kept.get(model, regex(24))
    assert len(kept._compiled) == 1
