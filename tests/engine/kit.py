"""Jobs of made-up passes, and what holds them."""

import threading

from inference_service.engine.jobs import Forward
from tests.patience import PATIENCE

WAIT = PATIENCE


class Gate:
    """Holds every pass until opened; `entered` tells that one is held."""

    def __init__(self):
        self.entered, self.opened = threading.Semaphore(0), threading.Semaphore(0)
        self.free = False

    def __call__(self, canvases):
        if not self.free:
            self.entered.release()
            assert self.opened.acquire(timeout=WAIT)

    def await_pass(self):
        assert self.entered.acquire(timeout=WAIT)

    def release(self, passes=1):
        self.opened.release(passes)

    def open(self):
        self.free = True
        self.opened.release(1000)


def passes(denoiser, token, count=1, size=10, seen=None):
    """A job of `count` passes over a canvas full of one token; it tells its token to `seen` after each."""
    for _ in range(count):
        passed = yield Forward(denoiser, [[token] * size], [0, 1])
        assert passed.logits[0].shape == (2, 16)
        if seen is not None:
            seen.append(token)
    return token


def packed(denoiser):
    """The tokens that went together, pass by pass."""
    return [[canvas[0] for canvas in call] for call in denoiser.calls]


def held(engine, gate, denoiser):
    """Occupies the device, so that what is submitted now waits."""
    blocker = engine.submit(passes(denoiser, 0), interactive=True)
    gate.await_pass()
    return blocker
