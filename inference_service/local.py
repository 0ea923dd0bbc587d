"""A server inside this process, on a thread of its own: for scripts, the command line and tests.

The same server as a process runs, on a real socket of the loopback address.
"""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from inference_service.config import Config
from inference_service.rpc.server import Server


@contextmanager
def running(config: Config) -> Iterator[Server]:
    """A started server; its `address` is where it listens. No model is loaded yet."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="local-server", daemon=True)
    thread.start()

    def await_(coroutine):
        return asyncio.run_coroutine_threadsafe(coroutine, loop).result()

    async def start() -> Server:
        server = Server(config)
        await server.start()
        return server

    try:
        server = await_(start())
        try:
            yield server
        finally:
            await_(server.stop())
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()
