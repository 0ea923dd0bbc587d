"""From threads to the event loop: what a call waits for."""

import asyncio
from collections import deque


class Newest:
    """What another thread puts in, read here with `async for`; None ends it. Of what nobody reads the newest stay.

    most: how many of them.
    """

    def __init__(self, most: int = 64):
        self._loop = asyncio.get_running_loop()
        self._items: deque = deque(maxlen=most)
        self._there = asyncio.Event()

    def put(self, item) -> None:
        self._loop.call_soon_threadsafe(self._put, item)

    def _put(self, item) -> None:
        self._items.append(item)
        self._there.set()

    def __aiter__(self):
        return self

    async def __anext__(self):
        await self._there.wait()
        item = self._items.popleft()
        if not self._items:
            self._there.clear()
        if item is None:
            raise StopAsyncIteration
        return item


class Wakeup:
    """Rung from any thread; a waiter wakes once for any number of rings."""

    def __init__(self):
        self._loop = asyncio.get_running_loop()
        self._rung = asyncio.Event()

    def __call__(self) -> None:
        self._loop.call_soon_threadsafe(self._rung.set)

    async def wait(self) -> None:
        await self._rung.wait()
        self._rung.clear()
