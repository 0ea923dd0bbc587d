"""Child processes that start together, are shown on one terminal and stop together. Restarts nothing."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass, field

# Between looks at the children, and between questions whether one is ready.
LOOK_SECONDS = 0.2


@dataclass
class Child:
    """One process.

    name: what to call it on the terminal.
    command: what to run.
    is_ready: asked until it says yes.
    variables: added to its environment.
    shown: what to show of a line that it prints; None hides it.
    grace: seconds it may take to stop.
    """

    name: str
    command: list[str]
    is_ready: Callable[[], bool]
    variables: dict[str, str] = field(default_factory=dict)
    shown: Callable[[str], str | None] = lambda line: line
    grace: float = 10

    def start(self, width):
        self.process = subprocess.Popen(
            self.command,
            env={**os.environ, "PYTHONUNBUFFERED": "1", **self.variables},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            # A group of its own: Ctrl-C in the terminal reaches the parent alone, which then stops all in order.
            start_new_session=True,
        )
        self._printer = threading.Thread(target=self._print, args=(width,), daemon=True)
        self._printer.start()

    def _print(self, width):
        assert self.process.stdout is not None  # a pipe: see start
        for line in self.process.stdout:
            text = self.shown(line.rstrip())
            if text:
                say(f"{self.name:<{width}} | {text}")

    def stop(self):
        """Asks the process to stop, waits for it, and leaves nothing of its group behind."""
        if self.process.poll() is None:
            self.process.terminate()
        try:
            self.process.wait(self.grace)
        except subprocess.TimeoutExpired:
            say(f"The {self.name} did not stop within {self.grace:g} seconds; ending it by force.")
        self.kill()
        self.process.wait()
        self._printer.join(1)

    def kill(self):
        try:
            os.killpg(self.process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass


def run(children: list[Child], on_ready: Callable[[], None]) -> int:
    """Runs the children until a signal comes or one of them ends; returns the exit code.

    They stop in the reverse of their order. A second signal ends them by force.
    """
    stopping = threading.Event()

    def stop(number, frame):
        if stopping.is_set():
            for child in started:
                child.kill()
        stopping.set()

    # SIGHUP comes when the terminal is closed.
    before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    width = max(len(child.name) for child in children)
    started = []
    try:
        for child in children:
            child.start(width)
            started.append(child)
        return _watch(started, stopping, on_ready)
    finally:
        for child in reversed(started):
            child.stop()
        if stopping.is_set():
            say("Stopped.")
        for number, handler in before.items():
            signal.signal(number, handler)


def _watch(children, stopping, on_ready):
    waiting = list(children)
    while not stopping.wait(LOOK_SECONDS):
        for child in children:
            code = child.process.poll()
            if code is not None:
                how = f"was ended by signal {-code}" if code < 0 else f"stopped by itself with exit code {code}"
                say(f"The {child.name} {how}. Its last lines are above.", file=sys.stderr)
                return 1
        if waiting:
            waiting = [child for child in waiting if not child.is_ready()]
            if not waiting:
                on_ready()
    return 0


def say(text, file=None):
    print(text, file=file, flush=True)
