"""A call's deadline and its end, seen from the threads that work for it."""

import asyncio
import threading

import pytest

from inference_service.errors import Cancelled, DeadlineExceeded
from inference_service.rpc.errors import answers_errors
from inference_service.sandbox import scope


class Context:
    """As much of a gRPC context as a handler's wrapper uses."""

    def __init__(self, remaining):
        self._remaining = remaining

    def time_remaining(self):
        return self._remaining


class Service:
    def __init__(self):
        self.seen = []
        self.held = threading.Event()
        self.ended = threading.Event()

    def note(self):
        self.seen.append(scope.current())

    def wait(self):
        self.note()
        self.held.set()
        if scope.current().cancelled.wait(60):
            self.ended.set()

    @answers_errors
    async def unary(self, request, context):
        await asyncio.to_thread(self.note)

    @answers_errors
    async def stream(self, request, context):
        await asyncio.to_thread(self.note)
        yield 1
        self.note()
        yield 2

    @answers_errors
    async def long(self, request, context):
        await asyncio.to_thread(self.wait)


def test_a_call_s_threads_see_its_deadline_and_its_end():
    service = Service()

    async def calls():
        await asyncio.gather(service.unary(None, Context(3600.0)), service.unary(None, Context(None)))
        async for _ in service.stream(None, Context(7200.0)):
            assert not service.seen[-1].cancelled.is_set()
    asyncio.run(calls())
    assert sorted(round(one.remaining(1e9), -2) for one in service.seen) == [3600, 7200, 7200, 1e9]
    assert all(one.cancelled.is_set() for one in service.seen)
    assert scope.current().deadline is None and not scope.current().cancelled.is_set()


def test_a_cancelled_call_reaches_its_thread():
    service = Service()

    async def calls():
        task = asyncio.create_task(service.long(None, Context(None)))
        await asyncio.to_thread(service.held.wait, 60)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert await asyncio.to_thread(service.ended.wait, 60)
    asyncio.run(calls())


def test_checks_and_calls_back_once():
    one = scope.Scope(deadline=0.0)
    with scope.entered(one), pytest.raises(DeadlineExceeded):
        scope.current().check()
    assert one.remaining(5) == 0
    called, two = [], scope.Scope()
    two.check()
    with two.cancelled.calling(lambda: called.append("before")):
        assert not called
        two.cancelled.set()
        two.cancelled.set()
    with two.cancelled.calling(lambda: called.append("after")):
        pass
    three = scope.Scope()
    with three.cancelled.calling(lambda: called.append("never")):
        pass
    three.cancelled.set()
    assert called == ["before", "after"]
    with pytest.raises(Cancelled):
        two.check()
