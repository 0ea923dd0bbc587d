"""Tasks that behave in all the ways in which a child can."""

import ctypes
import os
import threading
import time

from inference_service.sandbox.limits import Refused


def echo(arguments, blobs, state):
    return {"got": arguments, "state": state}, [blob[::-1] for blob in blobs]


def refuses(arguments, blobs, state):
    raise Refused(message="no", line=3)


def spins(arguments, blobs, state):
    while True:
        pass


def sleeps(arguments, blobs, state):
    time.sleep(arguments["seconds"])
    return {}, []


def fills_memory(arguments, blobs, state):
    held = []
    while True:
        held.append(bytearray(1 << 24))


def answers_much(arguments, blobs, state):
    return {}, [bytes(1 << 20)] * 4


def crashes(arguments, blobs, state):
    ctypes.string_at(0)


def raises(arguments, blobs, state):
    raise BaseException("a panic")


def recurses(arguments, blobs, state):
    def deeper():
        return deeper()
    deeper()


def looks(arguments, blobs, state):
    """What a child can see of the process it runs in."""
    import resource

    try:
        with open(arguments["path"], "w") as file:
            file.write("x")
        wrote = True
    except OSError:
        wrote = False
    return {"files": len(os.listdir("/proc/self/fd")), "threads": threading.active_count(), "parent": os.getppid(),
            "pid": os.getpid(), "core": resource.getrlimit(resource.RLIMIT_CORE), "wrote": wrote,
            "env": sorted(os.environ)}, []


def prepares(arguments, blobs):
    return {"prepared": arguments["what"], "pid": os.getpid()}


def prepares_for_ever(arguments, blobs):
    while True:
        pass


def dies(arguments, blobs):
    os.kill(os.getpid(), 11)


def takes(arguments, blobs, state):
    return {"took": len(bytearray(arguments["bytes"]))}, []


def tells_and_sleeps(arguments, blobs, state):
    os.write(os.open(arguments["path"], os.O_WRONLY), str(os.getpid()).encode())
    time.sleep(3600)
