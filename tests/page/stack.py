"""Service and gateway as the processes that users run, on free ports, with the embedded model."""

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import urllib.request
from contextlib import suppress
from pathlib import Path
from time import monotonic, sleep

import psutil

from tests.forked import Forked
from tests.patience import PATIENCE

ROOT = Path(__file__).parents[2]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Stack:
    """The two processes. Each can be killed and started again on the same port, the service on the same store.

    settings: more of the service's environment.
    """

    def __init__(self, folder: Path, **settings: str):
        self._settings = settings
        self.grpc_port, self.web_port = free_port(), free_port()
        self.grpc = f"127.0.0.1:{self.grpc_port}"
        self.page = f"http://127.0.0.1:{self.web_port}/"
        self._folder = folder
        self.start_service()
        self.start_gateway()
        try:
            self._wait(lambda: urllib.request.urlopen(self.page + "readyz", timeout=2).status == 200, self.gateway)
        except BaseException:
            for process in (self.gateway, self.service):
                process.kill()
            raise

    def start_gateway(self) -> None:
        with open(self._folder / "web_gateway.log", "ab") as log:
            self.gateway = subprocess.Popen(
                [sys.executable, "-m", "web_gateway"], cwd=ROOT, stdout=log, stderr=subprocess.STDOUT,
                env=os.environ | {"UNMASK_WEB_PORT": str(self.web_port), "UNMASK_INFERENCE_ADDRESS": self.grpc})

    def start_service(self) -> None:
        self.service = Forked("inference_service", log=self._folder / "inference_service.log", env={
            **os.environ, "UNMASK_PORT": str(self.grpc_port), "UNMASK_THREADS": "1",
            "UNMASK_STORE": str(self._folder / "sessions.sqlite3"), **self._settings})

    def _wait(self, answered, process: subprocess.Popen | Forked) -> None:
        end = monotonic() + PATIENCE
        while monotonic() < end:
            assert process.poll() is None and self.service.poll() is None, self.logs()
            with suppress(OSError):
                if answered():
                    return
            sleep(0.2)
        raise AssertionError(f"not ready after {PATIENCE} s:\n{self.logs()}")

    def logs(self) -> str:
        return "\n".join(path.read_text() for path in self._folder.glob("*.log"))

    def kill_service(self) -> None:
        self.service.send_signal(signal.SIGKILL)
        self.service.wait()

    def kill_gateway(self) -> None:
        # With its worker, which would keep the port a while longer.
        for process in [*psutil.Process(self.gateway.pid).children(), self.gateway]:
            process.kill()
        self.gateway.wait()

    def stop(self) -> None:
        for process in (self.gateway, self.service):
            process.terminate()
        codes = [process.wait(timeout=PATIENCE) for process in (self.gateway, self.service)]
        assert codes == [0, 0], self.logs()
        assert not re.search(r"Traceback|Task exception", self.logs()), self.logs()


def chromium() -> str | None:
    """The system's Chromium, rather the one without windows; None leaves the choice to Playwright."""
    return shutil.which("chromium-headless-shell") or shutil.which("chromium")
