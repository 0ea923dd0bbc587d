"""From threads to the event loop: what a call waits for."""

import asyncio


class FrameQueue:
    """Frames put in by another thread, read here with `async for`; None ends it."""

    def __init__(self):
        self._loop = asyncio.get_running_loop()
        self._queue: asyncio.Queue = asyncio.Queue()

    def put(self, frame) -> None:
        self._loop.call_soon_threadsafe(self._queue.put_nowait, frame)

    def __aiter__(self):
        return self

    async def __anext__(self):
        frame = await self._queue.get()
        if frame is None:
            raise StopAsyncIteration
        return frame


class Bell:
    """Rung from any thread; a waiter wakes once for any number of rings."""

    def __init__(self):
        self._loop = asyncio.get_running_loop()
        self._rung = asyncio.Event()

    def __call__(self) -> None:
        self._loop.call_soon_threadsafe(self._rung.set)

    async def wait(self) -> None:
        await self._rung.wait()
        self._rung.clear()
