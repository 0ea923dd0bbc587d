"""A Python program as a process that starts in a moment: forked from one that has imported the service.

To import torch, transformers and gRPC takes a processor for seven seconds; tests that start a service, or start it
again, need not pay that each time. The process is one of its own in all else: its memory, threads, sockets and
signals, and its end. That a service starts from nothing is seen in `tests/cli/test_serve.py`.
"""

import multiprocessing
import os
import queue
import runpy
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path

_forks = multiprocessing.get_context("forkserver")
_forks.set_forkserver_preload(["tests.imported"])


class Forked:
    """What tests use of `subprocess.Popen`, and what the process says, read as it comes.

    program: a module's name, as with `python -m`, or a script's path. log: a file for all that it says; without one,
    `printed` has the lines of its standard output and `errors` those of its standard error.
    """

    def __init__(self, program: str | Path, *arguments: str, env: dict[str, str], log: Path | None = None):
        self.printed: queue.Queue[str] = queue.Queue()
        self.errors: list[str] = []
        pipes = [] if log else [_forks.Pipe(duplex=False) for _ in range(2)]
        self._process = _forks.Process(target=_run, daemon=True, args=(
            program, arguments, env, log, [writing for _, writing in pipes]))
        self._process.start()
        self.pid = self._process.pid
        self._readers = []
        for (reading, writing), keep in zip(pipes, (self.printed.put, self.errors.append), strict=False):
            writing.close()
            self._readers.append(threading.Thread(target=_read, args=(reading, keep), daemon=True))
            self._readers[-1].start()

    def poll(self) -> int | None:
        return self._process.exitcode

    def wait(self, timeout: float | None = None) -> int:
        self._process.join(timeout)
        if (code := self.poll()) is None:
            raise subprocess.TimeoutExpired(str(self.pid), timeout or 0)
        for reader in self._readers:
            reader.join(timeout)
        return code

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)


def _read(pipe: Connection, keep: Callable[[str], None]) -> None:
    with pipe, open(pipe.fileno(), closefd=False) as lines:
        for line in lines:
            keep(line.rstrip("\n"))


def _run(program: str | Path, arguments: tuple[str, ...], env: dict[str, str], log: Path | None,
         outputs: list[Connection]) -> None:
    """In the new process."""
    if "inference_service.rpc.server" not in sys.modules:
        raise SystemExit("nothing was imported beforehand")
    if (threads := len(os.listdir("/proc/self/task"))) != 1:
        raise SystemExit(f"{threads} threads run; a fork would have one of them")
    if log:
        with log.open("ab") as file:
            os.dup2(file.fileno(), 1)
            os.dup2(file.fileno(), 2)
    for number, output in enumerate(outputs, 1):
        os.dup2(output.fileno(), number)
        output.close()
    os.environ.clear()
    os.environ.update(env)
    sys.argv = [str(program), *arguments]
    if isinstance(program, Path):
        runpy.run_path(str(program), run_name="__main__")
    else:
        runpy.run_module(program, run_name="__main__", alter_sys=True)
