"""The service as a process of which one thing is held for good. Arguments: what to hold."""

import asyncio
import sys
import threading
import time

HELD = "HELD"


def forever(*_, **__):
    """Holds whoever calls it; says so on the standard output."""
    sys.stdout.write(f"{HELD}\n")  # whole, as several threads say it
    sys.stdout.flush()
    while True:
        time.sleep(3600)


def die(*_, **__):
    raise SystemExit("gone")


def hold_pass():
    from inference_service.models.denoiser import Denoiser

    after_loading(lambda: setattr(Denoiser, "logits", forever))


def kill_engine():
    from inference_service.engine.engine import Engine

    after_loading(lambda: setattr(Engine, "_next_lane", die))


def hold_loader():
    from inference_service.models import library

    library.load = forever


def hold_loop():
    after_loading(lambda: asyncio.get_running_loop().call_soon(forever))


def hold_store():
    from inference_service.sessions.store import SQLiteStore

    after_loading(lambda: setattr(SQLiteStore, "append", forever))


def hold_pool():
    """Every thread that the event loop lends out, as so many slow compilations would."""
    def hold():
        for _ in range(100):
            asyncio.get_running_loop().run_in_executor(None, forever)

    after_loading(lambda: asyncio.get_running_loop().call_soon(hold))


def hold_another_thread():
    """One that Python waits for at its end."""
    threading.Thread(target=forever, name="stray").start()


def after_loading(change):
    from inference_service.rpc.server import Server

    ready = Server.ready

    async def then(server):
        await ready(server)
        change()

    Server.ready = then


if __name__ == "__main__":
    what = sys.argv[1]
    if what != "nothing":
        globals()[what]()
    from inference_service.__main__ import main

    sys.exit(main())
