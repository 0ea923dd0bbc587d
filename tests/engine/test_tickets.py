"""Whoever gives up waiting for a job leaves it to the engine, which alone answers it."""

import asyncio
import concurrent.futures
from contextlib import suppress

import pytest

from tests.engine.kit import WAIT, passes
from tests.fakes import FakeDenoiser


async def cancelled_task(future):
    task = asyncio.create_task(_awaited(future))
    await asyncio.sleep(0)
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


async def _awaited(future):
    return await asyncio.wrap_future(future)


async def deadline(future):
    with suppress(TimeoutError):
        async with asyncio.timeout(0):
            await asyncio.wrap_future(future)


async def wait_for(future):
    with suppress(TimeoutError):
        await asyncio.wait_for(asyncio.wrap_future(future), 0)


async def wrapped(future):
    asyncio.wrap_future(future).cancel()


async def gathered(future):
    both = asyncio.gather(asyncio.wrap_future(future), asyncio.sleep(WAIT))
    both.cancel()
    with suppress(asyncio.CancelledError):
        await both


async def directly(future):
    assert not future.cancel()


async def from_a_thread(future):
    with suppress(concurrent.futures.TimeoutError):
        await asyncio.to_thread(future.result, 0)


@pytest.mark.parametrize("give_up", [cancelled_task, deadline, wait_for, wrapped, gathered, directly, from_a_thread])
def test_giving_up_waiting_leaves_the_ticket_to_the_engine(started, gate, give_up):
    denoiser = FakeDenoiser(before=gate)
    engine = started()
    ticket = engine.submit(passes(denoiser, 1), interactive=False)
    gate.await_pass()
    asyncio.run(give_up(ticket.result))
    assert not ticket.result.done()
    gate.open()
    assert ticket.result.result(WAIT) == 1
    assert engine.submit(passes(denoiser, 2), interactive=True).result.result(WAIT) == 2, "the engine lives"


@pytest.mark.parametrize("error", [ValueError("mine"), SystemExit(3)])
def test_what_follows_a_job_may_fail(started, gate, error):
    denoiser = FakeDenoiser(before=gate)
    engine, called = started(), []
    ticket = engine.submit(passes(denoiser, 1), interactive=False)
    gate.await_pass()

    def follower(_):
        called.append(1)
        raise error

    ticket.result.add_done_callback(follower)
    gate.open()
    assert ticket.result.result(WAIT) == 1
    assert engine.submit(passes(denoiser, 2), interactive=True).result.result(WAIT) == 2
    assert called
