"""The engine thread: what runs together, who goes first, and what happens when something breaks."""

import threading

import pytest

from inference_service.engine.jobs import Forward
from inference_service.errors import Exhausted, FailedPrecondition, Internal, InvalidField, Unavailable
from tests.engine.kit import WAIT, held, packed, passes
from tests.fakes import FakeDenoiser


def test_waiting_jobs_go_together_under_the_token_budget(started, gate):
    denoiser = FakeDenoiser(before=gate)
    engine = started(max_batch_tokens=30)
    held(engine, gate, denoiser)
    tickets = [engine.submit(passes(denoiser, token), interactive=False) for token in (1, 2, 3, 4, 5)]
    gate.open()
    assert [ticket.result.result(WAIT) for ticket in tickets] == [1, 2, 3, 4, 5]
    assert packed(denoiser) == [[0], [1, 2, 3], [4, 5]]


def test_one_that_is_larger_than_the_budget_runs_alone_and_smaller_ones_fill_up(started, gate):
    denoiser = FakeDenoiser(before=gate)
    engine = started(max_batch_tokens=20)
    held(engine, gate, denoiser)
    sizes = {1: 40, 2: 15, 3: 10, 4: 5}
    tickets = [engine.submit(passes(denoiser, token, size=size), interactive=False) for token, size in sizes.items()]
    gate.open()
    [ticket.result.result(WAIT) for ticket in tickets]
    assert packed(denoiser) == [[0], [1], [2, 4], [3]]


def test_models_do_not_mix(started, gate):
    one, two = FakeDenoiser(before=gate), FakeDenoiser(before=gate)
    engine = started()
    held(engine, gate, one)
    tickets = [engine.submit(passes(model, token), interactive=False)
               for token, model in enumerate([one, two, one, two], start=1)]
    gate.open()
    [ticket.result.result(WAIT) for ticket in tickets]
    assert packed(one) == [[0], [1, 3]]
    assert packed(two) == [[2, 4]]


def test_interactive_calls_go_first(started, gate):
    denoiser = FakeDenoiser(before=gate)
    engine = started(max_batch_tokens=10)
    held(engine, gate, denoiser)
    seen = []
    tickets = [engine.submit(passes(denoiser, token, seen=seen), interactive=token > 2) for token in (1, 2, 3, 4)]
    gate.open()
    [ticket.result.result(WAIT) for ticket in tickets]
    assert seen == [3, 4, 1, 2]


def test_an_interactive_call_waits_for_one_pass_of_a_run_at_most(started, gate):
    denoiser = FakeDenoiser(before=gate)
    engine = started(max_batch_tokens=10)
    seen = []
    run = engine.submit(passes(denoiser, 1, count=50, seen=seen), interactive=False)
    gate.await_pass()
    call = engine.submit(passes(denoiser, 2, seen=seen), interactive=True)
    gate.open()
    call.result.result(WAIT)
    run.result.result(WAIT)
    assert seen.index(2) <= 1
    assert len(seen) == 51


def test_runs_take_turns(started, gate):
    denoiser = FakeDenoiser(before=gate)
    engine = started(max_batch_tokens=20)  # two of the three
    held(engine, gate, denoiser)
    seen = []
    tickets = [engine.submit(passes(denoiser, token, count=20, seen=seen), interactive=False) for token in (1, 2, 3)]
    gate.open()
    [ticket.result.result(WAIT) for ticket in tickets]
    for end in range(1, len(seen) - 6):
        counts = [seen[:end].count(token) for token in (1, 2, 3)]
        assert max(counts) - min(counts) <= 2


def test_cancelling_ends_a_job_at_its_boundary(started, gate):
    denoiser = FakeDenoiser(before=gate)
    engine = started()
    seen = []
    ticket = engine.submit(passes(denoiser, 1, count=50, seen=seen), interactive=False)
    gate.await_pass()
    gate.release()
    gate.await_pass()
    ticket.cancel()
    gate.open()
    assert ticket.result.result(WAIT) is None
    assert seen == [1]
    assert ticket.job.gi_frame is None, "the generator is closed"
    assert engine.submit(passes(denoiser, 2), interactive=True).result.result(WAIT) == 2


def test_a_cancelled_job_that_waits_costs_no_pass(started, gate):
    denoiser = FakeDenoiser(before=gate)
    engine = started(max_batch_tokens=10)
    held(engine, gate, denoiser)
    tickets = [engine.submit(passes(denoiser, token), interactive=False) for token in (1, 2)]
    tickets[0].cancel()
    gate.open()
    assert [ticket.result.result(WAIT) for ticket in tickets] == [None, 2]
    assert packed(denoiser) == [[0], [2]]


def test_a_full_queue_refuses_and_says_when_to_come_back(started, gate):
    denoiser = FakeDenoiser(before=gate)
    engine = started(max_waiting=3)
    tickets = [held(engine, gate, denoiser)]
    tickets += [engine.submit(passes(denoiser, token), interactive=True) for token in (1, 2)]
    with pytest.raises(Exhausted) as caught:
        engine.submit(passes(denoiser, 3), interactive=True)
    assert caught.value.reason == "QUEUE_FULL"
    assert caught.value.retry_after > 0
    gate.open()
    assert [ticket.result.result(WAIT) for ticket in tickets] == [0, 1, 2]
    assert engine.submit(passes(denoiser, 3), interactive=True).result.result(WAIT) == 3


@pytest.mark.parametrize(("error", "told"), [
    (InvalidField("x", "is wrong"), InvalidField), (ValueError("secret"), Internal), (StopIteration(), Internal)])
def test_a_job_that_fails_fails_alone(started, error, told):
    denoiser = FakeDenoiser()
    engine = started()

    def failing():
        yield Forward(denoiser, [[1]], [0])
        raise error

    ticket = engine.submit(failing(), interactive=True)
    with pytest.raises(told) as caught:
        ticket.result.result(WAIT)
    assert "secret" not in str(caught.value)
    assert engine.submit(passes(denoiser, 2), interactive=True).result.result(WAIT) == 2


def test_a_job_that_fails_at_once_is_told_so(started):
    def failing():
        raise FailedPrecondition("no")
        yield

    with pytest.raises(FailedPrecondition):
        started().submit(failing(), interactive=True).result.result(WAIT)


def test_a_canvas_that_the_model_refuses_fails_alone_and_is_no_device_fault(started, gate):
    """Such as a session of an earlier model of the same name, with ids that this one does not have."""

    def check(canvases):
        gate(canvases)
        if any(canvas[0] == 2 for canvas in canvases):
            raise InvalidField("canvas", "holds a token id outside 0 to 1")

    denoiser = FakeDenoiser(before=check)
    faults = []
    engine = started(on_fault=lambda: faults.append(1))
    held(engine, gate, denoiser)
    tickets = [engine.submit(passes(denoiser, token), interactive=False) for token in (1, 2, 3)]
    gate.open()
    assert tickets[0].result.result(WAIT) == 1
    with pytest.raises(InvalidField):
        tickets[1].result.result(WAIT)
    assert tickets[2].result.result(WAIT) == 3
    assert not faults


def test_stopping_ends_what_runs_at_its_boundary_and_takes_no_more(started, gate):
    denoiser = FakeDenoiser(before=gate)
    engine = started()
    seen = []
    ticket = engine.submit(passes(denoiser, 1, count=1000, seen=seen), interactive=False)
    gate.await_pass()
    stopper = threading.Thread(target=engine.stop)
    stopper.start()
    while not engine._refusal:  # set by stop() before it waits
        pass
    with pytest.raises(Unavailable) as caught:
        engine.submit(passes(denoiser, 2), interactive=True)
    assert caught.value.reason == "DRAINING"
    gate.open()
    with pytest.raises(Unavailable):
        ticket.result.result(WAIT)
    stopper.join(WAIT)
    assert not stopper.is_alive()
    assert len(seen) < 1000
