"""What a forked child does: gives up all it does not need, sets its limits, does its task, answers, and is gone."""

import ctypes
import importlib
import os
import resource
import signal
import socket
import sys
from collections.abc import Callable

from inference_service.sandbox import wire
from inference_service.sandbox.limits import Refused

PR_SET_PDEATHSIG, PR_SET_NO_NEW_PRIVS = 1, 38
# A thread of the service has at least twice as much. What a child has gone through with this overflows no stack there.
STACK = 1 << 20

_libc = ctypes.CDLL(None, use_errno=True)


def confine(parent: int, keeps: socket.socket) -> None:
    """Of a process that was just forked: no file but one socket, no file to write, dead when its parent is."""
    for number in (signal.SIGCHLD, signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.SIG_DFL)
    for number in (signal.SIGPIPE, signal.SIGXFSZ):  # errors, not ends
        signal.signal(number, signal.SIG_IGN)
    if sys.platform == "linux":
        _libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        _libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    if os.getppid() != parent:  # it died before that was said
        os._exit(1)
    nothing = os.open(os.devnull, os.O_RDWR)
    for number in (0, 1, 2):
        os.dup2(nothing, number)
    os.closerange(3, keeps.fileno())
    os.closerange(keeps.fileno() + 1, 4096)
    limit(resource.RLIMIT_CORE, 0)
    limit(resource.RLIMIT_FSIZE, 0)


def limit(what: int, most: int, hard: bool = True) -> None:
    """Sets a limit, which never rises above what the process was given. hard: it cannot be raised again."""
    _, given = resource.getrlimit(what)
    most = most if given == resource.RLIM_INFINITY else min(most, given)
    try:
        resource.setrlimit(what, (most, most if hard else given))
    except (ValueError, OSError):  # not every system has each of them; the parent's clock is there
        pass


def limit_work(seconds: int, memory: int, hard: bool = True) -> None:
    """Processor time, and memory above what the process has."""
    limit(resource.RLIMIT_CPU, seconds + 1, hard)
    limit(resource.RLIMIT_CPU, seconds, hard=False)  # the signal that says so comes before the one that kills
    limit(resource.RLIMIT_AS, _memory() + memory, hard)


def unlimit_work() -> None:
    """Takes back what limit_work has set with hard=False."""
    for what in (resource.RLIMIT_CPU, resource.RLIMIT_AS):
        _, given = resource.getrlimit(what)
        resource.setrlimit(what, (given, given))


def work(sock: socket.socket, state: object) -> None:
    """One task: read, done, answered. state: what the process had prepared."""
    try:  # where memory ends, this is what goes
        with open("/proc/self/oom_score_adj", "w") as file:
            file.write("1000")
    except OSError:
        pass
    try:
        header, blobs = wire.received(sock)
    except EOFError:
        return
    os.nice(header["nice"])
    limit(resource.RLIMIT_STACK, STACK)
    limit_work(header["seconds"], header["memory"])
    sock.sendall(outcome(header["task"], header["arguments"], blobs, state))


def outcome(name: str, arguments: dict, blobs: list[bytes], state: object) -> bytes:
    """The answer of a task as bytes: what it returned, what it refused, or how it failed."""
    try:
        answer, more = task(name)(arguments, blobs, state)
        return wire.packed({"answer": answer}, more)
    except Refused as refused:
        return wire.packed({"refused": refused.told})
    except MemoryError:
        return wire.packed({"stopped": "memory"})
    except BaseException as error:  # a panic of a library in Rust is no Exception
        return wire.packed({"stopped": "crash", "detail": f"{type(error).__name__}: {error}"[:500]})


def task(name: str) -> Callable:
    """The function that "module:function" names."""
    module, _, function = name.partition(":")
    return getattr(importlib.import_module(module), function)


def _memory() -> int:
    """Bytes of address space that the process has taken."""
    try:
        with open("/proc/self/statm") as file:
            return int(file.read().split()[0]) * resource.getpagesize()
    except OSError:
        return 1 << 30
