"""Loads beside each other: one that was cancelled holds up no other, whatever it hangs in, and nothing comes of it."""

import threading

import pytest
import torch
from tiny_checkpoints import write_causal_checkpoint, write_checkpoint

from inference_service.errors import Aborted, Exhausted, Internal
from inference_service.models import library as library_module
from inference_service.models.library import Library
from inference_service.models.progress import LoadCancelled

WAIT = 60


class Held:
    """A progress callback that holds its load at a phase until the gate is opened."""

    def __init__(self, phase):
        self.phase, self.reached, self.gate = phase, threading.Event(), threading.Event()

    def __call__(self, progress):
        if progress.phase == self.phase and progress.done > 0:
            self.reached.set()
            assert self.gate.wait(WAIT)


@pytest.mark.parametrize("phase", ["loading_weights", "warming_up"])
def test_real_loads_go_on_while_a_cancelled_one_hangs(tmp_path, phase):
    one, two = write_checkpoint(tmp_path / "one"), write_causal_checkpoint(tmp_path / "two", "llama")[0]
    library, held = Library(), Held(phase)
    first = library.begin_load(str(one), progress=held)
    try:
        assert held.reached.wait(WAIT)
        with pytest.raises(Aborted) as refused:
            library.begin_load(str(two))
        assert refused.value.reason == "MODEL_LOADING" and refused.value.retry_after
        first.cancel()
        with pytest.raises(LoadCancelled):
            first.result.result(WAIT)
        other = library.load(str(two), dtype="bfloat16")
        assert first.thread.is_alive(), "the first still hangs"
        assert other.info.dtype == "bfloat16" and torch.get_default_dtype() == torch.float32
    finally:
        held.gate.set()
    first.thread.join(WAIT)
    assert not first.thread.is_alive()
    assert str(one) not in library.names() and library.loading() is None
    assert library.load(str(one)).info.family == "llada", "it can be loaded again"


def test_a_caller_who_gives_up_waits_for_nothing(monkeypatch):
    gate, asked = threading.Event(), []

    def stuck(source, **more):
        assert gate.wait(WAIT)

    monkeypatch.setattr(library_module, "load", stuck)
    library = Library()

    def gives_up():
        asked.append(None)
        return len(asked) > 1

    try:
        with pytest.raises(LoadCancelled):
            library.load("anything", cancelled=gives_up)
        assert library.loading() is None and not gate.is_set()
    finally:
        gate.set()


def test_only_so_many_loads_are_left_behind(monkeypatch):
    gate = threading.Event()
    monkeypatch.setattr(library_module, "load", lambda source, **more: gate.wait(WAIT))
    library, left = Library(), []
    try:
        for number in range(4):
            left.append(library.begin_load(f"model-{number}"))
            left[-1].cancel()
        with pytest.raises(Exhausted) as refused:
            library.begin_load("one-more")
        assert refused.value.reason == "LOADS_ENDING" and refused.value.retry_after
    finally:
        gate.set()
    for load in left:
        load.thread.join(WAIT)
    assert library.load("one-more") is True


def test_what_a_library_panics_with_ends_its_load_alone(monkeypatch):
    class Panic(BaseException):
        pass

    def panics(source, **more):
        raise Panic("called `Result::unwrap()` on an `Err` value: /home/somebody/x.rs")

    monkeypatch.setattr(library_module, "load", panics)
    library = Library()
    with pytest.raises(Internal) as caught:
        library.load("anything")
    assert "/" not in caught.value.message
    assert library.loading() is None


def test_nobody_hears_of_a_load_that_was_cancelled(monkeypatch):
    gate, told = threading.Event(), []

    def reports(source, progress, **more):
        progress("before")
        assert gate.wait(WAIT)
        progress("after")

    monkeypatch.setattr(library_module, "load", reports)
    load = Library().begin_load("anything", progress=told.append)
    load.cancel()
    gate.set()
    load.thread.join(WAIT)
    assert told in ([], ["before"])
