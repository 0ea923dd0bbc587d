"""The engine: one thread that owns the device and decides who runs next.

At each boundary it takes the forward passes that jobs wait for, interactive ones first and runs in
turn, packs those of one model into a batch under a token budget, and never waits for a batch to
fill. It knows nothing of what a job does with its logits.
"""

import logging
import queue
import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from time import perf_counter

import torch

from inference_service.engine.jobs import Alone, Forward, Job, Passed
from inference_service.errors import Exhausted, Internal, ServiceError, Unavailable

log = logging.getLogger(__name__)


@dataclass(eq=False)
class Ticket:
    """A submitted job. result: what it returns, or how it failed."""

    job: Job
    interactive: bool
    result: Future = field(default_factory=Future)
    waiting_for: Forward | Alone | None = None
    cancelled: bool = False

    def cancel(self) -> None:
        """Ends the job at the next boundary; what it committed stays."""
        self.cancelled = True


class Engine:
    """Runs jobs. on_fault is called, once, when the device fails in a way that cannot be mended."""

    def __init__(self, max_batch_tokens: int = 8192, max_waiting: int = 256,
                 on_fault: Callable[[], None] = lambda: None):
        self._max_batch_tokens = max_batch_tokens
        self._max_waiting = max_waiting
        self._on_fault = on_fault
        self._arrivals: queue.SimpleQueue[Ticket | None] = queue.SimpleQueue()
        self._waiting: deque[Ticket] = deque()
        self._count = 0
        self._count_lock = threading.Lock()
        self._recent_seconds = 0.1
        self._stopping = False
        self._thread = threading.Thread(target=self._loop, name="engine", daemon=True)
        self._thread.start()

    def submit(self, job: Job, interactive: bool) -> Ticket:
        """Queues a job. Raises Exhausted when too many wait, Unavailable when stopping."""
        with self._count_lock:
            if self._stopping:
                raise Unavailable("the server is shutting down; try another one or later", reason="DRAINING",
                                  retry_after=2.0)
            if self._count >= self._max_waiting:
                raise Exhausted(f"{self._count} calls wait for the device already", reason="QUEUE_FULL",
                                retry_after=max(0.1, self._count * self._recent_seconds))
            self._count += 1
            ticket = Ticket(job, interactive)
            ticket.result.add_done_callback(self._forget)
            self._arrivals.put(ticket)
            return ticket

    def _forget(self, _: Future) -> None:
        with self._count_lock:
            self._count -= 1

    def stop(self) -> None:
        """Cancels what runs at its next boundary and ends the thread."""
        with self._count_lock:
            self._stopping = True
        self._arrivals.put(None)
        self._thread.join(timeout=60)

    # ---- below here: the engine's own thread ----

    def _loop(self) -> None:
        while self._take_arrivals():
            batch = self._next_batch()
            if batch:
                self._run(batch)
        for ticket in self._waiting:
            self._fail(ticket, Unavailable("the server is shutting down", reason="DRAINING", retry_after=2.0))

    def _take_arrivals(self) -> bool:
        """Starts new jobs; blocks only when there is nothing else to do. False: time to stop."""
        while True:
            try:
                ticket = self._arrivals.get(block=not self._waiting)
            except queue.Empty:
                return True
            if ticket is None:
                return False
            self._advance(ticket, None)

    def _advance(self, ticket: Ticket, passed: object) -> None:
        """Lets a job go on until it needs a pass, ends or fails."""
        if ticket.cancelled:
            self._fail(ticket, None)
            return
        try:
            ticket.waiting_for = ticket.job.send(passed)
        except StopIteration as end:
            ticket.result.set_result(end.value)
        except ServiceError as error:
            ticket.result.set_exception(error)
        except Exception:
            log.exception("a job failed")
            ticket.result.set_exception(Internal("the step failed; the session is at its last revision"))
        else:
            self._waiting.append(ticket)

    def _fail(self, ticket: Ticket, error: ServiceError | None) -> None:
        ticket.job.close()
        if error:
            ticket.result.set_exception(error)
        else:
            ticket.result.set_result(None)

    def _next_batch(self) -> list[Ticket]:
        """The passes to run together: one model, interactive ones first, each other one in its turn."""
        for ticket in [ticket for ticket in self._waiting if ticket.cancelled]:
            self._waiting.remove(ticket)
            self._fail(ticket, None)
        order = sorted(self._waiting, key=lambda ticket: not ticket.interactive)  # stable: turns are kept
        batch: list[Ticket] = []
        tokens = 0
        for ticket in order:
            wanted = ticket.waiting_for
            if batch and not (_go_together(wanted, batch[0].waiting_for)
                              and tokens + wanted.tokens <= self._max_batch_tokens):
                continue
            batch.append(ticket)
            tokens += wanted.tokens
        for ticket in batch:
            self._waiting.remove(ticket)
        return batch

    def _run(self, batch: list[Ticket]) -> None:
        """One forward pass; a batch that does not fit the memory is halved, one that is refused is taken apart."""
        first, begun = batch[0].waiting_for, perf_counter()
        try:
            passes = [first.run()] if isinstance(first, Alone) else forward([ticket.waiting_for for ticket in batch])
        except torch.cuda.OutOfMemoryError:
            torch.cuda.empty_cache()
            if len(batch) == 1:
                self._fail(batch[0], Exhausted("the device has too little memory for this canvas; make it shorter",
                                               reason="OUT_OF_MEMORY", retry_after=5.0))
                return
            half = len(batch) // 2
            self._max_batch_tokens = max(1, self._max_batch_tokens // 2)
            self._run(batch[:half])
            self._run(batch[half:])
            return
        except ServiceError as error:  # one canvas, perhaps of an earlier model of this name, is not for this model
            if len(batch) == 1:
                self._fail(batch[0], error)
                return
            for ticket in batch:
                self._run([ticket])
            return
        except Exception:
            log.exception("the device failed")
            for ticket in batch:
                self._fail(ticket, Internal("the device failed; the server stops", reason="DEVICE_ERROR"))
            self._on_fault()
            return
        self._recent_seconds = 0.8 * self._recent_seconds + 0.2 * (perf_counter() - begun)
        for ticket, passed in zip(batch, passes, strict=True):
            self._advance(ticket, passed)


def _go_together(one: Forward | Alone, other: Forward | Alone) -> bool:
    """Whether two passes can be one batch."""
    return isinstance(one, Forward) and isinstance(other, Forward) and one.denoiser is other.denoiser


def forward(wanted: list[Forward]) -> list[Passed]:
    """Runs the passes, all of one model, as one batch. The device time of each is that of the whole batch."""
    canvases = [canvas for one in wanted for canvas in one.canvases]
    positions = [one.positions for one in wanted for _ in one.canvases]
    start = perf_counter()
    keys = [one.key for one in wanted for _ in one.canvases]
    denoiser = wanted[0].denoiser
    logits = denoiser.logits(canvases, positions, keys) if any(keys) else denoiser.logits(canvases, positions)
    if logits[0].is_cuda:
        torch.cuda.synchronize(logits[0].device)
    seconds = perf_counter() - start
    if len(logits) > 1:  # parts of one tensor: each must be free to outlive the others
        logits = [part.clone() for part in logits]
    results = iter(logits)
    return [Passed([next(results) for _ in one.canvases], seconds) for one in wanted]
