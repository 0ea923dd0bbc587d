"""The service's side: the zygote and its children, started, asked, waited for and stopped."""

import json
import logging
import os
import selectors
import socket
import subprocess
import sys
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from inference_service.errors import Unavailable
from inference_service.sandbox import scope, wire, zygote
from inference_service.sandbox.lanes import Lane
from inference_service.sandbox.limits import MIB, Limits, Refused, Stopped

log = logging.getLogger(__name__)

# What children run, by name: nothing of it is imported here, and none of it imports torch.
TASKS = ("inference_service.sampling.constraints.proving", "inference_service.models.tokenizing",
         "inference_service.models.rendering", "inference_service.rpc.reading")
QUICK = Limits(seconds=1, memory=256 * MIB, nice=0)
SLOW = Limits(seconds=5, memory=1024 * MIB)
PREPARING = Limits(seconds=30, memory=2048 * MIB, wall=60.0)
BASES_KEPT = 4  # prepared processes, the last used ones
TOLD_WITHIN = 10.0  # seconds in which the zygote says how a child has ended; then it is gone itself
ENV = ("PATH", "PYTHONPATH", "PYTHONHOME", "LD_LIBRARY_PATH", "LANG", "LC_ALL", "TZ", "HOME")
# One thread each: a process with several is not forked. No network: there is nothing to be had from it.
QUIET = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", "TOKENIZERS_PARALLELISM": "false",
         "RAYON_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1", "TRANSFORMERS_VERBOSITY": "error",
         "PYTHONDONTWRITEBYTECODE": "1"}

# What is not done within QUICK is begun again with what SLOW allows, where it waits for others of its kind alone.
quick, slow = Lane(3), Lane(2)


_barred = threading.local()


class _Gone(Exception):
    """The process that was to fork is not there any more."""


class _Forker:
    """A process that forks. main: requests go there."""

    def __init__(self, main: socket.socket, ended: Callable[[], Mapping[str, Any]]):
        self.main = main
        self.ended = ended
        self.alive = True
        self.served = False
        self._lock = threading.Lock()

    def fork(self, kind: bytes) -> tuple[socket.socket, socket.socket]:
        """A new child's two sockets: for its task, and for its end."""
        data, its_data = socket.socketpair()
        control, its_control = socket.socketpair()
        with its_data, its_control:
            try:
                with self._lock:
                    socket.send_fds(self.main, [kind], [its_data.fileno(), its_control.fileno()])
            except OSError:
                data.close()
                control.close()
                self.close()
                raise _Gone from None
        return data, control

    def close(self) -> None:
        self.alive = False
        self.main.close()


class Base:
    """A process with something prepared, for tasks that need it; made when it is first wanted, and again when it died.

    key: the same for what is the same. task: "module:function" that is called with arguments and blobs, in the new
    process; what it returns every task gets as its last argument.
    """

    def __init__(self, key: str, task: str, arguments: Mapping[str, Any], blobs: Sequence[bytes] = ()):
        self.key = key
        self._spec = wire.packed({"task": task, "arguments": dict(arguments), "seconds": PREPARING.seconds,
                                  "memory": PREPARING.memory}, blobs)

    def start(self, root: _Forker) -> _Forker:
        data, control = root.fork(zygote.BASE)
        data.settimeout(PREPARING.wall)
        with suppress(OSError):
            data.sendall(self._spec)
        return _Forker(data, lambda: _told(control))


class Processes:
    """One zygote, and the prepared processes below it. Thread-safe."""

    def __init__(self):
        self._lock = threading.Lock()
        self._root: _Forker | None = None
        self._bases: OrderedDict[str, _Forker] = OrderedDict()

    def start(self) -> None:
        """Starts the zygote if none runs; it is ready when its modules are imported, and tasks wait for that."""
        with self._lock:
            self._started()

    def _started(self) -> _Forker:
        if self._root is None or not self._root.alive:
            main, its = socket.socketpair()
            env = {name: os.environ[name] for name in ENV if name in os.environ} | QUIET
            top = Path(__file__).resolve().parents[2]
            with its:
                try:
                    process = subprocess.Popen(
                        [sys.executable, "-P", zygote.__file__, str(its.fileno()), str(top), *TASKS], env=env,
                        pass_fds=[its.fileno()], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, cwd="/",
                        start_new_session=True)
                except OSError:
                    raise Unavailable("the process that compiles and renders cannot be started",
                                      reason="SANDBOX_UNAVAILABLE", retry_after=2.0) from None
            threading.Thread(target=process.wait, name="zygote-wait", daemon=True).start()
            self._root, self._bases = _Forker(main, dict), OrderedDict()
        return self._root

    def forker(self, base: Base | None) -> _Forker:
        with self._lock:
            root = self._started()
            if base is None:
                return root
            found = self._bases.get(base.key)
            if found is None or not found.alive:
                found = self._bases[base.key] = base.start(root)
            self._bases.move_to_end(base.key)
            while len(self._bases) > BASES_KEPT:
                self._bases.popitem(last=False)[1].close()
            return found

    def run(self, task: str, arguments: Mapping[str, Any], blobs: Sequence[bytes], base: Base | None,
            limits: Limits) -> wire.Message:
        """One task in a child; see the function run."""
        spec = wire.packed({"task": task, "arguments": dict(arguments), "seconds": limits.seconds,
                            "memory": limits.memory, "nice": limits.nice}, blobs)
        for _ in range(3):  # one that was killed from outside is made anew, and so is the one above it
            try:
                forker = self.forker(base)
            except _Gone:  # the one above; now that is known
                continue
            try:
                data, control = forker.fork(zygote.TASK)
                with data, control:
                    answer = _asked(spec, data, control, limits)
                forker.served = True
                return answer
            except (Refused, Stopped):
                forker.served = True
                raise
            except _Gone:
                forker.close()
                if not forker.served and (told := forker.ended()).get("code"):  # it ended while it prepared
                    raise _stopped(told, PREPARING) from None
        raise Unavailable("the process that compiles and renders was ended; try again", reason="SANDBOX_UNAVAILABLE",
                          retry_after=2.0)


def run(task: str, arguments: Mapping[str, Any], blobs: Sequence[bytes] = (), base: Base | None = None,
        heavy: bool = False, quick_limits: Limits = QUICK, slow_limits: Limits = SLOW) -> wire.Message:
    """What a task answers, from a child process that is gone when this returns or raises.

    task: "module:function"; it is called with arguments (a dict), blobs (a list of bytes) and what the base has
    prepared, and returns another dict and more blobs. heavy: it will hardly be quick, so it does not try to be.
    Raises Refused as the task did; Stopped where it met a limit; Cancelled and DeadlineExceeded with the call that the
    current scope is of; Exhausted where too many wait.
    """
    if barred():
        raise Unavailable("nothing is compiled on this thread; try again", reason="SANDBOX_UNAVAILABLE",
                          retry_after=1.0)
    if not heavy:
        with suppress(_TooSlow), quick.place():
            return _within(task, arguments, blobs, base, quick_limits, slow_limits)
    with slow.place():
        return processes.run(task, arguments, blobs, base, slow_limits)


def bar() -> None:
    """The thread that calls this never waits for a child."""
    _barred.here = True


def barred() -> bool:
    return getattr(_barred, "here", False)


class _TooSlow(Exception):
    pass


def _within(task, arguments, blobs, base, limits, later):
    try:
        return processes.run(task, arguments, blobs, base, limits)
    except Stopped as stopped:
        if stopped.limit in ("time", "memory") and later != limits:
            raise _TooSlow from None
        raise


def _asked(spec: bytes, data: socket.socket, control: socket.socket, limits: Limits) -> wire.Message:
    """Sends a task, and what came of it. The child ends with the call, however that ends."""
    now = scope.current()
    until = time.monotonic() + now.remaining(limits.wall)

    def end() -> None:
        with suppress(OSError):
            control.shutdown(socket.SHUT_WR)

    answer = None
    try:
        with now.cancelled.calling(end):
            answer = _exchanged(spec, data, until, limits)
        now.check()
        if answer is None:
            raise Stopped("time" if time.monotonic() >= until else "output")
        message = wire.unpacked(answer)
        if message is None:  # it ended before it had answered
            told = _told(control)
            if not told:
                raise _Gone
            raise _stopped(told, limits)
    finally:
        end()
    header, blobs = message
    if "answer" in header:
        return header["answer"], blobs
    if "refused" in header and isinstance(header["refused"], dict):
        raise Refused(**header["refused"])
    raise Stopped("memory" if header.get("stopped") == "memory" else "crash", str(header.get("detail", "")))


def _exchanged(spec: bytes, data: socket.socket, until: float, limits: Limits) -> bytearray | None:
    """Sends a message and receives until the other end closes; None where that takes too long or too much."""
    out, answer = memoryview(spec), bytearray()
    data.setblocking(False)
    with selectors.DefaultSelector() as selector:
        selector.register(data, selectors.EVENT_READ | selectors.EVENT_WRITE)
        while (left := until - time.monotonic()) > 0:
            for _, events in selector.select(left):
                try:
                    if events & selectors.EVENT_READ:
                        part = data.recv(1 << 20)
                        if not part:
                            return answer
                        answer += part
                        if len(answer) > limits.output:
                            return None
                    elif out:
                        out = out[data.send(out[: 1 << 20]):]
                        if not out:
                            selector.modify(data, selectors.EVENT_READ)
                except BlockingIOError:
                    pass
                except OSError:  # it ended before it had read all
                    return answer
    return None


def _told(control: socket.socket) -> dict[str, Any]:
    """How a child has ended, as the process above it says; nothing where that is gone."""
    text = b""
    with suppress(OSError, ValueError):
        control.settimeout(TOLD_WITHIN)
        while part := control.recv(4096):
            text += part
        return json.loads(text)
    return {}


def _stopped(told: Mapping[str, Any], limits: Limits) -> Stopped:
    """Which limit a child met, from how it ended: what a library does where it gets no memory is to abort."""
    code, spent = told.get("code", 0), told.get("seconds", 0.0)
    if code == -24 or spent >= limits.seconds - 0.1:  # SIGXCPU
        return Stopped("time", f"{spent:.1f} s")
    if code in (-6, -9):  # SIGABRT; SIGKILL, of a system out of memory
        return Stopped("memory", f"code {code}")
    return Stopped("crash", f"code {code}")


processes = Processes()
