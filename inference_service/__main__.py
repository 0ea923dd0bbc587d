"""python -m inference_service: the gRPC service as a process. Settings: UNMASK_... variables, see config.py."""

import asyncio
import logging
import sys
import threading

from pydantic import ValidationError

from inference_service.config import Config
from inference_service.descriptors import raise_limit
from inference_service.errors import ServiceError
from inference_service.listening import require_address


def main() -> int:
    sys.setswitchinterval(0.001)  # seconds: a thread that is busy in Python keeps the event loop waiting that long
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s", stream=sys.stderr)
    try:
        config = Config()
    except ValidationError as error:
        for problem in error.errors():
            print(f"UNMASK_{str(problem['loc'][0]).upper()}: {problem['msg']}", file=sys.stderr)
        return 2
    try:
        require_address(config)
        asyncio.run(serve(config))
    except ServiceError as error:
        print(error.message, file=sys.stderr)
    return 1


async def serve(config: Config) -> None:
    """Serves until stopped, and ends the process; prints one line "UNMASK READY <address>" when the model is loaded."""
    import torch  # after the settings are read, so that a wrong one is told at once

    from inference_service.ending import Ending, leave
    from inference_service.rpc.server import Server

    ending = Ending()
    ending.listen()
    raise_limit()
    if config.threads:
        torch.set_num_threads(config.threads)
    server = Server(config)
    await server.start()
    running = asyncio.create_task(server.run(ending))
    given_up = threading.Event()
    loading = asyncio.create_task(asyncio.to_thread(_load, server, given_up.is_set))
    await asyncio.wait([running, loading], return_when=asyncio.FIRST_COMPLETED)
    given_up.set()
    if loading.done() and not running.done():
        try:
            loading.result()
        except BaseException:
            running.cancel()
            ending.begin(1)
            await server.stop()
            raise
        await server.ready()
        print(f"UNMASK READY {server.address}", flush=True)
    leave(await running)


def _load(server, given_up) -> None:
    """Loads the default model and keeps no hold on it: it may be unloaded."""
    server.library.load("", progress=_show, cancelled=given_up)


def _show(progress) -> None:
    """Progress as lines that a supervisor can read."""
    total = f"/{progress.total}" if progress.total else ""
    print(f"UNMASK LOADING {progress.phase} {progress.done}{total}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
