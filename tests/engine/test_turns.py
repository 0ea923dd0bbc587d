"""What is interactive goes before bulk and shares no pass with it; bulk is never starved."""

import threading

from inference_service.engine.engine import INTERACTIVE_RUN
from tests.engine.kit import WAIT, held, packed, passes
from tests.fakes import FakeDenoiser


def test_no_pass_is_of_both_kinds(started, gate):
    denoiser = FakeDenoiser(before=gate)
    engine = started()
    held(engine, gate, denoiser)
    tickets = [engine.submit(passes(denoiser, token), interactive=token % 2 == 0) for token in (1, 2, 3, 4)]
    gate.open()
    [ticket.result.result(WAIT) for ticket in tickets]
    assert packed(denoiser) == [[0], [2, 4], [1, 3]]


def test_with_200_runs_an_interactive_call_waits_for_the_running_pass_alone(started, gate):
    """Its pass is the next one, and before it none of the runs goes on."""
    denoiser = FakeDenoiser(before=gate)
    engine = started(max_batch_tokens=200, max_waiting=300)
    went_on = []
    runs = [engine.submit(passes(denoiser, 1, count=3, seen=went_on), interactive=False) for _ in range(200)]
    gate.await_pass()
    gate.release()
    gate.await_pass()  # the second pass of the runs, after the bookkeeping of the first
    before = len(went_on)
    call = engine.submit(passes(denoiser, 2), interactive=True)
    call.result.add_done_callback(lambda _: went_on.append("call"))
    gate.release()
    gate.await_pass()
    assert packed(denoiser)[-1] == [2]
    assert len(went_on) == before
    gate.open()
    assert call.result.result(WAIT) == 2
    [ticket.result.result(WAIT) for ticket in runs]
    assert went_on.index("call") == before, "nor between its pass and its answer"


def test_an_interactive_call_comes_between_two_runs_that_go_on(started, gate):
    """The bookkeeping of many runs is looked away from, job by job, as a pass is not."""
    denoiser = FakeDenoiser(before=gate)
    engine = started(max_batch_tokens=1000)
    order, inside, go_on = [], threading.Semaphore(0), threading.Semaphore(0)

    def slow(number):
        yield from passes(denoiser, 1)
        inside.release()
        assert go_on.acquire(timeout=WAIT)
        order.append(number)

    held(engine, gate, denoiser)
    runs = [engine.submit(slow(number), interactive=False) for number in range(10)]
    gate.open()
    assert inside.acquire(timeout=WAIT)  # the first run has its logits, as have the nine behind it
    call = engine.submit(passes(denoiser, 2, seen=order), interactive=True)
    go_on.release()
    assert call.result.result(WAIT) == 2
    go_on.release(10)
    [ticket.result.result(WAIT) for ticket in runs]
    assert order == [0, 2, *range(1, 10)]


def test_an_interactive_call_comes_between_the_parts_of_a_batch_that_failed(started, gate):
    def guilty(canvases):
        gate(canvases)
        if any(canvas[0] == 7 for canvas in canvases):
            raise RuntimeError("mine")

    denoiser = FakeDenoiser(before=guilty)
    engine = started()
    held(engine, gate, denoiser)
    runs = [engine.submit(passes(denoiser, token), interactive=False) for token in range(4, 8)]
    gate.release()
    gate.await_pass()
    call = engine.submit(passes(denoiser, 2), interactive=True)
    gate.open()
    assert call.result.result(WAIT) == 2
    assert [type(ticket.result.exception(WAIT)).__name__ for ticket in runs] == ["NoneType"] * 3 + ["Internal"]
    assert packed(denoiser) == [[0], [4, 5, 6, 7], [2], [4, 5], [6, 7], [6], [7]]


def test_bulk_goes_on_however_much_is_interactive(started, gate):
    """Each interactive call that ends is followed by two more; the run comes to its end all the same."""
    denoiser = FakeDenoiser(before=gate)
    engine = started(max_batch_tokens=10, max_waiting=100_000)
    ended = threading.Event()

    def more(_):
        if not ended.is_set():
            for _ in range(2):
                engine.submit(passes(denoiser, 2), interactive=True).result.add_done_callback(more)

    held(engine, gate, denoiser)
    run = engine.submit(passes(denoiser, 1, count=20), interactive=False)
    run.result.add_done_callback(lambda _: ended.set())
    more(None)
    gate.open()
    try:
        assert run.result.result(WAIT) == 1
    finally:
        ended.set()
    tokens = [call[0][0] for call in denoiser.calls]
    assert tokens.count(1) == 20
    places = [place for place, token in enumerate(tokens) if token == 1]
    # Two things of bulk for each of its passes, the pass and what comes of it, after so many interactive ones.
    assert max(later - earlier for earlier, later in zip(places, places[1:], strict=False)) <= 2 * INTERACTIVE_RUN + 2


def test_a_cancelled_run_ends_while_interactive_calls_are_served(started, gate):
    denoiser = FakeDenoiser(before=gate)
    engine = started(max_batch_tokens=10)
    held(engine, gate, denoiser)
    run = engine.submit(passes(denoiser, 1), interactive=False)
    calls = [engine.submit(passes(denoiser, 2), interactive=True) for _ in range(3)]
    run.cancel()
    gate.release()
    gate.await_pass()
    assert run.result.result(WAIT) is None
    gate.open()
    [ticket.result.result(WAIT) for ticket in calls]
    assert packed(denoiser) == [[0], [2], [2], [2]]
