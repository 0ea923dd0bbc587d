"""The engine's thread: its own errors, its death, and what happens when it is stuck."""

import threading

import pytest

from inference_service.engine.engine import Engine
from inference_service.engine.watch import Watch
from inference_service.errors import Internal, Unavailable
from tests.engine.kit import WAIT, held, passes
from tests.fakes import FakeDenoiser


def once(method, error):
    """The method, failing the first time that it is called."""
    failed = []

    def call(*arguments):
        if not failed:
            failed.append(1)
            raise error
        return method(*arguments)

    return call


@pytest.mark.parametrize("name", ["_advance", "_run", "_next_lane", "_fitted", "_take_arrivals"])
@pytest.mark.parametrize("error", [RuntimeError("mine"), MemoryError()], ids=repr)
def test_an_error_in_the_bookkeeping_is_answered_and_the_loop_goes_on(started, gate, name, error):
    denoiser, faults = FakeDenoiser(before=gate), []
    engine = started(on_fault=lambda: faults.append(1))
    held(engine, gate, denoiser)
    tickets = [engine.submit(passes(denoiser, token), interactive=False) for token in (1, 2, 3)]
    setattr(engine, name, once(getattr(engine, name), error))
    gate.open()
    outcomes = [ticket.result.exception(WAIT) for ticket in tickets]
    assert all(outcome is None or type(outcome) is Internal for outcome in outcomes)
    assert engine.submit(passes(denoiser, 4), interactive=True).result.result(WAIT) == 4
    assert not faults


def test_an_error_with_the_lanes_is_answered_to_all_who_wait(started, gate):
    denoiser = FakeDenoiser(before=gate)
    engine = started()
    held(engine, gate, denoiser)
    tickets = [engine.submit(passes(denoiser, token), interactive=False) for token in (1, 2, 3)]
    engine._bulk.next_batch = once(engine._bulk.next_batch, RuntimeError("mine"))
    gate.open()
    for ticket in tickets:
        with pytest.raises(Internal):
            ticket.result.result(WAIT)
        assert ticket.job.gi_frame is None
    assert engine.submit(passes(denoiser, 4), interactive=False).result.result(WAIT) == 4


def test_a_job_that_does_not_let_itself_be_closed_is_answered(started, gate):
    denoiser = FakeDenoiser(before=gate)

    def stubborn():
        try:
            yield from passes(denoiser, 1, count=5)
        finally:
            raise ValueError("no")

    engine = started()
    ticket = engine.submit(stubborn(), interactive=False)
    gate.await_pass()
    ticket.cancel()
    gate.open()
    assert ticket.result.result(WAIT) is None
    assert engine.submit(passes(denoiser, 2), interactive=True).result.result(WAIT) == 2


def test_what_is_no_pass_is_the_jobs_own_error(started):
    def odd():
        yield "no pass"

    engine = started()
    with pytest.raises(Internal):
        engine.submit(odd(), interactive=False).result.result(WAIT)
    assert engine.submit(passes(FakeDenoiser(), 2), interactive=True).result.result(WAIT) == 2


@pytest.mark.parametrize("name", ["_act", "_take_arrivals", "_next_lane", "_run"])
def test_a_dead_thread_is_noticed_and_everybody_is_told(started, gate, name):
    denoiser, called = FakeDenoiser(before=gate), threading.Event()
    engine = started(on_fault=called.set, look_seconds=0.01)
    held(engine, gate, denoiser)
    tickets = [engine.submit(passes(denoiser, token), interactive=token == 1) for token in (1, 2)]
    setattr(engine, name, once(getattr(engine, name), SystemExit("gone")))
    gate.open()
    for ticket in tickets:
        with pytest.raises(Unavailable) as caught:
            ticket.result.result(WAIT)
        assert caught.value.reason == "ENGINE_DEAD"
        assert caught.value.retry_after
    assert called.wait(WAIT)
    engine._thread.join(WAIT)
    with pytest.raises(Unavailable) as caught:
        engine.submit(passes(denoiser, 3), interactive=True)
    assert caught.value.reason == "ENGINE_DEAD"


def test_a_thread_that_is_gone_without_a_word_is_noticed(monkeypatch):
    """Whatever ended it, even what it was to do at its end."""
    monkeypatch.setattr(Engine, "_loop", lambda engine: None)
    called = threading.Event()
    engine = Engine(on_fault=called.set, look_seconds=0.01)
    assert called.wait(WAIT)
    with pytest.raises(Unavailable) as caught:
        engine.submit(passes(FakeDenoiser(), 3), interactive=True)
    assert caught.value.reason == "ENGINE_DEAD"


def test_a_stuck_thread_is_noticed_and_everybody_is_told(started, gate):
    denoiser, called = FakeDenoiser(before=gate), threading.Event()
    engine = started(on_fault=called.set, stall_seconds=0.05, look_seconds=0.01)
    tickets = [held(engine, gate, denoiser)]
    tickets += [engine.submit(passes(denoiser, token), interactive=token == 1) for token in (1, 2)]
    for ticket in tickets:
        with pytest.raises(Unavailable) as caught:
            ticket.result.result(WAIT)
        assert caught.value.reason == "ENGINE_STALLED"
        assert ticket.abandoned
    assert called.wait(WAIT)
    with pytest.raises(Unavailable) as caught:
        engine.submit(passes(denoiser, 3), interactive=True)
    assert caught.value.reason == "ENGINE_STALLED"
    gate.open()
    engine._thread.join(WAIT)
    assert not engine._thread.is_alive(), "it ends when it comes back"
    assert len(denoiser.calls) == 1
    assert all(ticket.job.gi_frame is None for ticket in tickets)


class Watched:
    """A pulse that counts how often it is looked at."""

    beats = 0

    def __init__(self, doing):
        self.now, self.looks = doing, threading.Semaphore(0)

    @property
    def doing(self):
        self.looks.release()
        return self.now


def test_a_thread_without_work_is_not_stuck():
    pulse, stuck, told = Watched(""), threading.Event(), []
    watch = Watch(threading.current_thread(), pulse, 0.003, told.append,
                  lambda doing: told.append(doing) or stuck.set(), look_seconds=0.001)
    for _ in range(20):
        assert pulse.looks.acquire(timeout=WAIT)
    assert not told
    pulse.now = "a pass"
    assert stuck.wait(WAIT)
    assert told == ["a pass"]
    watch.end()


def test_a_thread_that_moves_is_not_stuck():
    class Moving(Watched):
        @property
        def beats(self):
            self.count = getattr(self, "count", 0) + 1
            return self.count

    pulse, told = Moving("a pass"), []
    watch = Watch(threading.current_thread(), pulse, 0.003, told.append, told.append, look_seconds=0.001)
    for _ in range(20):
        assert pulse.looks.acquire(timeout=WAIT)
    assert not told
    watch.end()


def test_stopping_answers_those_whose_pass_does_not_end(started, gate):
    denoiser = FakeDenoiser(before=gate)
    engine = started()
    tickets = [held(engine, gate, denoiser), engine.submit(passes(denoiser, 1), interactive=False)]
    assert not engine.stop(timeout=0.01)
    for ticket in tickets:
        with pytest.raises(Unavailable) as caught:
            ticket.result.result(WAIT)
        assert caught.value.reason == "DRAINING"
    gate.open()
    assert engine.stop(WAIT)


def test_nobody_to_call_for_help_hurts_nobody(started, gate):
    def broken():
        raise ValueError("nobody there")

    engine = started(on_fault=broken, stall_seconds=0.05, look_seconds=0.01)
    ticket = held(engine, gate, FakeDenoiser(before=gate))
    with pytest.raises(Unavailable):
        ticket.result.result(WAIT)
