"""One job's error is that job's: what fails in a pass or beside it, whom it concerns, and what stops the server."""

import logging
import threading

import pytest
import torch

from inference_service.engine import faults
from inference_service.engine.engine import RECOVERY_PASSES
from inference_service.engine.jobs import DeviceWork, Forward
from inference_service.errors import Exhausted, Internal, Unavailable
from tests.engine.kit import WAIT, held, packed, passes
from tests.fakes import FakeDenoiser


class Panic(BaseException):
    """As a library in Rust raises it: no Exception."""


def allocate(*_):
    """A real allocation that no machine can make."""
    return torch.empty(1 << 60)


NO_MEMORY = [
    torch.OutOfMemoryError("8 canvases"),
    MemoryError(),
    RuntimeError("[enforce fail at alloc_cpu.cpp:127] err == 0. DefaultCPUAllocator: can't allocate memory: you tried"
                 " to allocate 4611686018427387904 bytes. Error code 12 (Cannot allocate memory)"),
    RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"),
    RuntimeError("[enforce fail at alloc_cpu.cpp:116] data. DefaultCPUAllocator: not enough memory: you tried"),
]


def raising(error):
    def fail(*_):
        raise error
    return fail


# ---- memory ----

@pytest.mark.parametrize("fail", [allocate, *map(raising, NO_MEMORY)], ids=lambda fail: "")
def test_out_of_memory_halves_the_batch_and_stays_smaller(started, gate, fail):
    faults_told = []

    def small(canvases):
        gate(canvases)
        if len(canvases) > 2:
            fail()

    denoiser = FakeDenoiser(before=small)
    engine = started(max_batch_tokens=80, on_fault=lambda: faults_told.append(1))
    held(engine, gate, denoiser)
    tickets = [engine.submit(passes(denoiser, token), interactive=False) for token in range(8)]
    gate.open()
    assert [ticket.result.result(WAIT) for ticket in tickets] == list(range(8))
    assert [len(call) for call in denoiser.calls] == [1, 8, 4, 2, 2, 4, 2, 2]
    again = [engine.submit(passes(denoiser, token), interactive=False) for token in range(8)]
    [ticket.result.result(WAIT) for ticket in again]
    assert max(len(call) for call in denoiser.calls[8:]) <= 2
    assert not faults_told


def test_a_batch_that_was_halved_grows_again(started, gate):
    """Memory that ran out is often somebody else's, for a while."""
    most = [4]

    def small(canvases):
        gate(canvases)
        if len(canvases) > most[0]:
            allocate()

    denoiser = FakeDenoiser(before=small)
    engine = started(max_batch_tokens=80)
    held(engine, gate, denoiser)
    tickets = [engine.submit(passes(denoiser, token), interactive=False) for token in range(8)]
    gate.open()
    [ticket.result.result(WAIT) for ticket in tickets]
    assert max(map(len, denoiser.calls[2:])) == 4
    most[0] = 8
    for _ in range(RECOVERY_PASSES):
        engine.submit(passes(denoiser, 1), interactive=True).result.result(WAIT)
    del denoiser.calls[:]
    gate.free = False
    gate.opened = threading.Semaphore(0)
    held(engine, gate, denoiser)
    tickets = [engine.submit(passes(denoiser, token), interactive=False) for token in range(8)]
    gate.open()
    [ticket.result.result(WAIT) for ticket in tickets]
    assert packed(denoiser) == [[0], list(range(8))]


@pytest.mark.parametrize("fail", [allocate, *map(raising, NO_MEMORY)], ids=lambda fail: "")
def test_one_that_does_not_fit_alone_is_told_so_and_the_engine_lives(started, fail):
    def none(canvases):
        if canvases[0][0] == 1:
            fail()

    denoiser, faults_told = FakeDenoiser(before=none), []
    engine = started(on_fault=lambda: faults_told.append(1))
    with pytest.raises(Exhausted) as caught:
        engine.submit(passes(denoiser, 1), interactive=True).result.result(WAIT)
    assert caught.value.reason == "OUT_OF_MEMORY"
    assert caught.value.retry_after
    assert engine.submit(passes(denoiser, 2), interactive=True).result.result(WAIT) == 2
    assert not faults_told


def test_caches_go_before_the_batch_shrinks(started, gate):
    kept = [100]

    def full(canvases):
        gate(canvases)
        if kept[0] and len(canvases) > 1:
            allocate()

    def drop():
        freed, kept[0] = kept[0], 0
        return freed

    denoiser = FakeDenoiser(before=full)
    engine = started(drop_caches=drop)
    held(engine, gate, denoiser)
    tickets = [engine.submit(passes(denoiser, token), interactive=False) for token in (1, 2, 3)]
    gate.open()
    assert [ticket.result.result(WAIT) for ticket in tickets] == [1, 2, 3]
    assert packed(denoiser) == [[0], [1, 2, 3], [1, 2, 3]]


def test_caches_that_fill_again_are_dropped_once(started):
    denoiser, dropped = FakeDenoiser(before=allocate), []

    def drop():
        dropped.append(1)
        return 100

    engine = started(drop_caches=drop)
    with pytest.raises(Exhausted):
        engine.submit(passes(denoiser, 1), interactive=True).result.result(WAIT)
    assert len(dropped) == 1
    assert len(denoiser.calls) == 2


def test_a_job_that_finds_no_memory_after_its_pass_is_told_so_and_leaves_caches_dropped(started):
    dropped = []

    def greedy(denoiser):
        yield Forward(denoiser, [[1]], [0])
        allocate()

    engine = started(drop_caches=lambda: dropped.append(1) or 0)
    with pytest.raises(Exhausted) as caught:
        engine.submit(greedy(FakeDenoiser()), interactive=True).result.result(WAIT)
    assert caught.value.reason == "OUT_OF_MEMORY"
    assert dropped


# ---- a job's own fault ----

@pytest.mark.parametrize("error", [
    RuntimeError("mat1 and mat2 shapes cannot be multiplied"), AttributeError("'Cache' object has no attribute 'x'"),
    TypeError("secret"), AssertionError(), IndexError("out of range"), NotImplementedError(), StopIteration(),
    Panic("called `Option::unwrap()` on a `None` value"), SystemExit(1), GeneratorExit()], ids=repr)
def test_only_the_guilty_job_of_a_batch_fails(started, gate, caplog, error):
    def guilty(canvases):
        gate(canvases)
        if any(canvas[0] == 3 for canvas in canvases):
            raise error

    denoiser, faults_told = FakeDenoiser(before=guilty), []
    engine = started(on_fault=lambda: faults_told.append(1))
    held(engine, gate, denoiser)
    tickets = [engine.submit(passes(denoiser, token), interactive=False) for token in range(8)]
    with caplog.at_level(logging.ERROR):
        gate.open()
        for token, ticket in enumerate(tickets):
            if token != 3:
                assert ticket.result.result(WAIT) == token
    with pytest.raises(Internal) as caught:
        tickets[3].result.result(WAIT)
    assert caught.value.reason == "INTERNAL"
    assert "secret" not in caught.value.message
    assert [record.exc_info is not None for record in caplog.records] == [True], "one line, with the traceback"
    assert not faults_told
    assert tickets[3].job.gi_frame is None, "the generator is closed"
    assert engine.submit(passes(denoiser, 9), interactive=True).result.result(WAIT) == 9


@pytest.mark.parametrize("error", [ValueError("secret"), Panic("secret"), SystemExit(1)], ids=repr)
def test_work_by_itself_fails_by_itself(started, error):
    def alone():
        yield DeviceWork(raising(error))

    engine = started()
    with pytest.raises(Internal):
        engine.submit(alone(), interactive=False).result.result(WAIT)
    assert engine.submit(passes(FakeDenoiser(), 9), interactive=True).result.result(WAIT) == 9


@pytest.mark.parametrize("words", ["CUDA error: an illegal memory access was encountered", "CUDA error",
                                   "cuDNN error: CUDNN_STATUS_EXECUTION_FAILED"])
def test_no_words_of_an_error_stop_a_server_whose_device_works(started, words):
    faults_told = []
    engine = started(on_fault=lambda: faults_told.append(1))
    with pytest.raises(Internal) as caught:
        engine.submit(passes(FakeDenoiser(before=raising(RuntimeError(words))), 1), True).result.result(WAIT)
    assert caught.value.reason == "INTERNAL"
    assert engine.submit(passes(FakeDenoiser(), 9), interactive=True).result.result(WAIT) == 9
    assert not faults_told


# ---- the device ----

@pytest.fixture
def lost_device(monkeypatch):
    """An accelerator that fails whatever is asked of it, whether the machine has one or not."""
    error = torch.AcceleratorError("CUDA error: device-side assert triggered")
    monkeypatch.setattr(faults, "probe", raising(error))
    monkeypatch.setattr(faults, "_in_use", lambda: [None])
    return error


def test_a_lost_device_ends_the_batch_tells_those_who_wait_and_calls_for_help(started, gate, lost_device):
    def broken(canvases):
        gate(canvases)
        if len(canvases) == 2:
            raise lost_device

    called = threading.Event()
    denoiser, other = FakeDenoiser(before=broken), FakeDenoiser(before=gate)
    engine = started(on_fault=called.set)
    held(engine, gate, denoiser)
    batch = [engine.submit(passes(denoiser, token), interactive=True) for token in (1, 2)]
    waiting = engine.submit(passes(other, 3), interactive=False)
    gate.open()
    for ticket in batch:
        with pytest.raises(Internal) as caught:
            ticket.result.result(WAIT)
        assert caught.value.reason == "DEVICE_ERROR"
        assert "CUDA" not in caught.value.message
    with pytest.raises(Unavailable) as caught:
        waiting.result.result(WAIT)
    assert caught.value.reason == "DEVICE_ERROR"
    assert called.wait(WAIT)
    with pytest.raises(Unavailable) as caught:
        engine.submit(passes(other, 4), interactive=True)
    assert caught.value.reason == "DEVICE_ERROR"
    assert not other.calls


def test_a_device_that_still_answers_is_not_lost(monkeypatch):
    cpu = torch.device("cpu")
    monkeypatch.setattr(torch.accelerator, "current_accelerator", lambda check_available=False: cpu)
    monkeypatch.setattr(faults, "_in_use", lambda: [cpu])
    assert not faults.is_lost(torch.AcceleratorError("CUDA error: invalid configuration argument"))
    monkeypatch.setattr(faults, "probe", raising(torch.AcceleratorError("CUDA error: an illegal memory access")))
    assert faults.is_lost(RuntimeError("anything"))
    monkeypatch.setattr(faults, "probe", raising(torch.OutOfMemoryError("full")))
    assert not faults.is_lost(RuntimeError("anything"))
