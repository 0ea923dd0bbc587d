"""What a child may take, and how it ends where it does not end well."""

from dataclasses import dataclass
from typing import Literal

Limit = Literal["time", "memory", "output", "crash"]

MIB = 1 << 20


@dataclass(frozen=True)
class Limits:
    """seconds: of processor time. memory: bytes above what a child begins with. output: bytes of its answer.

    wall: seconds on the clock, waiting for a processor included; the caller's deadline ends it sooner.
    nice: how far forward passes go before it.
    """

    seconds: int
    memory: int
    output: int = 64 * MIB
    wall: float = 60.0
    nice: int = 5


class Stopped(Exception):
    """A child met a limit: of time, of memory, of what it may answer; or it crashed, on a signal or an exception.

    detail: for the log.
    """

    def __init__(self, limit: Limit, detail: str = ""):
        super().__init__(f"{limit}: {detail}" if detail else limit)
        self.limit = limit


class Refused(Exception):
    """What a task says is wrong with its input; raised in the child, and again in the caller.

    told: what JSON can hold; it comes from a process that had hostile input, so it is read as such.
    """

    def __init__(self, **told: object):
        super().__init__(str(told.get("message", "")))
        self.told = told
