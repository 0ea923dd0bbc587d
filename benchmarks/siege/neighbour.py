"""Another client: a process that asks for its own session and for health, over and over, and notes how long it waits.

`python -m benchmarks.siege.neighbour ADDRESS SESSION` prints a line for each answer: what was asked, when (seconds of
the machine's monotonic clock), how long it took, and the status.
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from statistics import quantiles

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

from benchmarks.siege.processes import OPTIONS, ROOT
from unmask.v1 import session_service_pb2 as pb
from unmask.v1.session_service_pb2_grpc import SessionServiceStub

PATIENCE = 20.0
LINES = threading.Lock()  # one at a time
PAUSE = {"get": 0.02, "health": 0.1}


@dataclass(frozen=True)
class Wait:
    """One answer. at, seconds: when it was asked for, and how long that took."""

    what: str
    at: float
    seconds: float
    code: str


@dataclass(frozen=True)
class Waits:
    """What a client waited in a span of time; seconds. refused: answers other than OK, by what was asked."""

    count: int
    p50: float
    p99: float
    most: float
    health: float
    refused: dict[str, int]

    def __str__(self) -> str:
        numbers = " / ".join(f"{seconds * 1e3:.0f}" for seconds in (self.p50, self.p99, self.most))
        return f"{numbers} ms, health {self.health * 1e3:.0f} ms"


class Neighbour:
    """The process, and what it has said."""

    def __init__(self, address: str, session_id: str):
        self._said: list[Wait] = []
        self._changed = threading.Condition()
        self._process = subprocess.Popen([sys.executable, "-m", "benchmarks.siege.neighbour", address, session_id],
                                         cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        for line in self._process.stdout:
            what, at, seconds, code = line.split()
            with self._changed:
                self._said.append(Wait(what, float(at), float(seconds), code))
                self._changed.notify_all()

    def during(self, start: float, end: float) -> Waits:
        """What it waited for all that it asked between two times, was still waiting for at the first, or asked next."""
        def answered() -> bool:
            return {wait.what for wait in self._said[-400:] if wait.at >= end} == set(PAUSE)

        with self._changed:
            self._changed.wait_for(answered, 2 * PATIENCE)
            found = [wait for wait in self._said if wait.at + wait.seconds >= start and wait.at <= end]
            found += [wait for what in PAUSE for wait in [one for one in self._said if one.what == what
                                                          and one.at > end][:1]]
        gets = [wait.seconds for wait in found if wait.what == "get"] or [PATIENCE]
        healths = [wait.seconds for wait in found if wait.what == "health"] or [PATIENCE]
        refused = {what: sum(wait.code != "OK" for wait in found if wait.what == what) for what in PAUSE}
        cuts = quantiles(gets, n=100, method="inclusive") if len(gets) > 1 else gets * 99
        return Waits(len(gets), cuts[49], cuts[98], max(gets), max(healths), refused)

    def stop(self) -> None:
        self._process.terminate()
        self._process.wait()


def _ask(what: str, call) -> None:
    while True:
        at = time.monotonic()
        try:
            call()
            code = "OK"
        except grpc.RpcError as error:
            code = error.code().name
        with LINES:
            print(f"{what} {at:.6f} {time.monotonic() - at:.6f} {code}", flush=True)
        time.sleep(PAUSE[what])


def _end_with_parent() -> None:
    sys.stdin.read()
    os._exit(0)


def main() -> None:
    address, session_id = sys.argv[1:]
    sessions = SessionServiceStub(grpc.insecure_channel(address, options=OPTIONS))
    health = health_pb2_grpc.HealthStub(grpc.insecure_channel(address, options=OPTIONS))
    threading.Thread(target=_end_with_parent, daemon=True).start()
    threading.Thread(target=_ask, daemon=True, args=(
        "health", lambda: health.Check(health_pb2.HealthCheckRequest(), timeout=PATIENCE))).start()
    _ask("get", lambda: sessions.GetSession(pb.GetSessionRequest(session_id=session_id), timeout=PATIENCE))


if __name__ == "__main__":
    main()
