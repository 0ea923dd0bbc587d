"""Run as a program: imports what tasks need once, then forks a child for each.

It has one socket to the service. Each byte there brings two sockets: one for the child, one to be told that it is to
end (closed by the service) and to tell how it has ended. When the service is gone, so are this process and all below.
A child can become such a process itself, with something prepared: a vocabulary read takes a second, a fork of who has
read it milliseconds.

Arguments: the number of the socket, where to import from, modules to import.
"""

import contextlib
import gc
import importlib
import json
import os
import select
import signal
import socket
import sys

TASK, BASE = b"t", b"b"


def serve(main: socket.socket, state: object, waits: bool = False) -> None:
    """Forks until the other end of the socket is closed. state: for the children.

    waits: for the children that are still at work then, instead of ending them.
    """
    wake, woken = os.pipe()
    for end in (wake, woken):
        os.set_blocking(end, False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(woken)
    gc.collect()
    gc.freeze()  # the children share its pages
    controls: dict[int, tuple[int, socket.socket]] = {}  # by file number: whose
    poll = select.poll()
    poll.register(main, select.POLLIN)
    poll.register(wake, select.POLLIN)
    open_ = True
    while open_ or controls:
        # Requests last: a new child's socket may get the number of one that was just closed.
        numbers = [number for number, _ in poll.poll()]
        for number in sorted(numbers, key=lambda one: (one == main.fileno(), one == wake)):
            if number == wake:
                with contextlib.suppress(BlockingIOError):
                    while os.read(wake, 4096):
                        pass
                _reap(poll, controls)
            elif number == main.fileno():
                open_ = _fork(main, state, poll, controls)
                if not open_ and not waits:
                    return  # the children go with their parent
                if not open_:
                    poll.unregister(main)
            elif number in controls:  # nobody wants the answer any more
                with contextlib.suppress(ProcessLookupError):
                    os.kill(controls[number][0], signal.SIGKILL)
                poll.unregister(number)


def _fork(main, state, poll, controls) -> bool:
    """Takes one request; False where there will be none."""
    from inference_service.sandbox import child

    kind, files, _, _ = socket.recv_fds(main, 1, 2)
    if not kind:
        return False
    data, control = (socket.socket(fileno=number) for number in files)
    me = os.getpid()
    try:
        pid = os.fork()
    except OSError:  # no room for one more; the caller sees both ends closed
        data.close()
        control.close()
        return True
    if pid == 0:
        status = 1
        try:
            signal.set_wakeup_fd(-1)
            child.confine(me, data)
            if kind == TASK:
                child.work(data, state)
            else:
                _become(data)
            status = 0
        finally:
            os._exit(status)
    data.close()
    controls[control.fileno()] = pid, control
    poll.register(control, select.POLLIN)
    return True


def _become(data) -> None:
    """Prepares what children are to begin with, and serves on the same socket."""
    from inference_service.sandbox import child, wire

    header, blobs = wire.received(data)
    child.limit_work(header["seconds"], header["memory"], hard=False)
    state = child.task(header["task"])(header["arguments"], blobs)
    del blobs
    child.unlimit_work()
    serve(data, state, waits=True)


def _reap(poll, controls) -> None:
    """Tells of every child that has ended how it did."""
    while True:
        try:
            pid, status, usage = os.wait4(-1, os.WNOHANG)
        except ChildProcessError:
            return
        if not pid:
            return
        for number, (whose, control) in list(controls.items()):
            if whose == pid:
                told = {"code": os.waitstatus_to_exitcode(status), "seconds": usage.ru_utime + usage.ru_stime}
                with contextlib.suppress(OSError, KeyError):
                    poll.unregister(number)
                with contextlib.suppress(OSError):
                    control.sendall(json.dumps(told).encode())
                control.close()
                del controls[number]


def main() -> None:
    number, root, *modules = sys.argv[1:]
    sys.path.insert(0, root)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    for module in ("inference_service.sandbox.child", *modules):
        importlib.import_module(module)
    serve(socket.socket(fileno=int(number)), None)


if __name__ == "__main__":
    main()
