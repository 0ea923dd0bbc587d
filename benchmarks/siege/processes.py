"""The service and the gateway as processes of their own, on a folder and ports of their own."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import psutil

ROOT = Path(__file__).resolve().parents[2]
START_SECONDS = 120
# Budgets that the service may fill by design, kept small so that what grows beyond them shows.
BUDGETS = {"UNMASK_PREDICTION_BYTES": str(64 << 20), "UNMASK_CACHE_BYTES": str(64 << 20)}


# A client's connection of its own that is soon made again after a restart; the second number is also how long a server
# may take to accept it.
OPTIONS = [("grpc.use_local_subchannel_pool", 1), ("grpc.min_reconnect_backoff_ms", 10_000),
           ("grpc.initial_reconnect_backoff_ms", 100), ("grpc.max_reconnect_backoff_ms", 500)]
_started: list[Process] = []


class DidNotStart(Exception):
    """The process ended, or was not ready in time. Holds the end of its log."""


def free_port(host: str = "127.0.0.1") -> int:
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.bind((host, 0))
        return probe.getsockname()[1]


def environment(folder: Path, variables: dict[str, str]) -> dict[str, str]:
    """Nothing of the caller's settings, no hub to reach, and one thread: clients need the other core."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("UNMASK_", "HF_"))}
    return inherited | {"HF_HOME": str(folder / "hub"), "HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1",
                        "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"} | variables


class Process:
    """One program in a folder of its own, its output in a log there."""

    def __init__(self, name: str, command: list[str], folder: Path, variables: dict[str, str]):
        self.name = name
        self.log = folder / f"{name}.log"
        folder.mkdir(parents=True, exist_ok=True)
        _started.append(self)
        self.heard = self.log.stat().st_size if self.log.exists() else 0  # what an earlier one has said
        with self.log.open("a") as log:
            self.popen = subprocess.Popen(command, cwd=folder, env=environment(folder, variables), stdout=log,
                                          stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, start_new_session=True)

    @property
    def pid(self) -> int:
        return self.popen.pid

    @property
    def alive(self) -> bool:
        return self.popen.poll() is None

    def said(self, size: int = 1500) -> str:
        return self.log.read_text(errors="replace")[-size:]

    def stop(self, seconds: float = 30) -> int:
        """Ends it, by force where it takes too long, with everything that it started; the exit code."""
        children = family(self.pid)[1:]
        if self.alive:
            self.popen.terminate()
            try:
                self.popen.wait(seconds)
            except subprocess.TimeoutExpired:
                self.popen.kill()
        code = self.popen.wait()
        for child in children:
            try:
                child.kill()
            except psutil.Error:
                pass
        return code

    def kill(self) -> None:
        self.popen.send_signal(signal.SIGKILL)
        self.stop()


class Service(Process):
    """python -m inference_service, ready to answer. address: where it listens."""

    def __init__(self, folder: Path, port: int | None = None, before: tuple[str, ...] = (), **variables: str):
        """before: a command that runs the service, such as unshare and its options."""
        self.port = port or free_port()
        self.store = folder / "store" / "sessions.sqlite3"
        settings = {"UNMASK_PORT": str(self.port), "UNMASK_STORE": str(self.store), **BUDGETS, **variables}
        super().__init__("service", [*before, sys.executable, "-m", "inference_service"], folder, settings)
        host = settings.get("UNMASK_HOST", "127.0.0.1")
        self.address = f"[{host}]:{self.port}" if ":" in host else f"{host}:{self.port}"
        wait_for_line(self, "UNMASK READY")


class Gateway(Process):
    """python -m web_gateway in front of a service, ready to answer."""

    def __init__(self, folder: Path, service: str, **variables: str):
        self.port = free_port()
        super().__init__("gateway", [sys.executable, "-m", "web_gateway"], folder, {
            "UNMASK_WEB_PORT": str(self.port), "UNMASK_INFERENCE_ADDRESS": service, **variables})
        wait_for_line(self, "Unmask: http")


def stop_all() -> None:
    """Ends every process that was started here and lives."""
    for process in _started:
        if hasattr(process, "popen") and process.alive:
            process.stop()


def wait_for_line(process: Process, start: str, seconds: float = START_SECONDS) -> None:
    """Waits until its log has a line that begins so, behind those that were there before. Raises DidNotStart."""
    deadline = time.monotonic() + seconds
    with process.log.open(errors="replace") as log:
        log.seek(process.heard)
        while time.monotonic() < deadline:
            line = log.readline()
            if line.startswith(start):
                return
            if not line:
                if not process.alive:
                    raise DidNotStart(f"the {process.name} ended with {process.popen.returncode}: {process.said()}")
                time.sleep(0.02)
    process.kill()
    raise DidNotStart(f"the {process.name} was not ready after {seconds} s: {process.said()}")


def family(pid: int) -> list[psutil.Process]:
    """A process and what it has started."""
    try:
        parent = psutil.Process(pid)
        return [parent, *parent.children(recursive=True)]
    except psutil.Error:
        return []


def rss(pid: int, children: bool = False) -> int:
    """Resident bytes of a process; children: with those of what it has started, pages that are shared counted twice."""
    total = 0
    for process in family(pid) if children else family(pid)[:1]:
        try:
            total += process.memory_info().rss
        except psutil.Error:
            pass
    return total
