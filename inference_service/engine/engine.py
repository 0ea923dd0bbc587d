"""The engine: one thread that owns the device and decides who runs next.

It does one thing at a time: it begins a job, runs a batch of the forward passes that jobs wait for, or lets a job go on
with what its pass brought. Before each it looks at what has come in, and what is interactive goes first: it waits for
one thing of the others at most. Passes of one model go together under a token budget; no batch waits to fill, and none
is of both kinds. It knows nothing of what a job does with its logits.
"""

import logging
import queue
import threading
from collections.abc import Callable
from copy import copy
from time import perf_counter

import torch

from inference_service.engine.faults import meaning
from inference_service.engine.jobs import DeviceWork, Forward, Job, Passed
from inference_service.engine.lanes import Lane
from inference_service.engine.tickets import Ticket
from inference_service.engine.watch import LOOK_SECONDS, Pulse, Watch
from inference_service.errors import Exhausted, Internal, ServiceError, Unavailable
from inference_service.sandbox import processes

log = logging.getLogger(__name__)

# Bulk is never starved: after so many interactive things in a row it does one, a pass or a job that goes on.
INTERACTIVE_RUN = 32
# Passes without an error after which a token budget that memory had halved is doubled, up to what was set. Memory that
# ran out once was often somebody else's for a while: another process on the device, a model being loaded.
RECOVERY_PASSES = 128


class Engine:
    """Runs jobs.

    drop_caches: called on the engine's thread when memory runs out; frees what can be computed again, returns bytes.
    stall_seconds: how long one thing may take before the thread counts as stuck. on_fault: called once, from any
    thread, when no job will be run any more: the device is lost, the thread is dead or stuck.
    """

    def __init__(self, max_batch_tokens: int = 8192, max_waiting: int = 256,
                 on_fault: Callable[[], None] = lambda: None, drop_caches: Callable[[], int] = lambda: 0,
                 stall_seconds: float = 300.0, look_seconds: float = LOOK_SECONDS,
                 max_waiting_interactive: int | None = None):
        self._max_batch_tokens = self._budget = max_batch_tokens
        # By whether a job is interactive: each kind has places of its own.
        self._max_waiting = {True: max_waiting_interactive or max_waiting, False: max_waiting}
        self._on_fault = on_fault
        self._drop = drop_caches
        self._arrivals: queue.SimpleQueue[Ticket | None] = queue.SimpleQueue()
        self._interactive, self._bulk = Lane(), Lane()
        self._in_a_row = 0
        self._in_hand: list[Ticket] = []  # taken from a lane, and not yet answered or put back
        self._good_passes = 0
        self._dropped = False  # caches, since the last pass that fitted
        self._unanswered: set[Ticket] = set()
        self._count = {True: 0, False: 0}  # of them, by whether they are interactive
        self._lock = threading.Lock()  # of those not answered, and of whether more are taken
        self._refusal: ServiceError | None = None
        self._recent_seconds = 0.1
        self._pulse = Pulse()
        self._thread = threading.Thread(target=self._loop, name="engine", daemon=True)
        self._thread.start()
        self._watch = Watch(self._thread, self._pulse, stall_seconds, self._found_dead, self._found_stuck,
                            look_seconds)

    def submit(self, job: Job, interactive: bool) -> Ticket:
        """Queues a job. Raises Exhausted when too many wait, Unavailable when it is stopping or cannot run any."""
        with self._lock:
            if self._refusal:
                raise copy(self._refusal)
            count, limit = self._count[interactive], self._max_waiting[interactive]
            if count >= limit:
                raise Exhausted(f"{count} calls wait for the device already", reason="QUEUE_FULL",
                                metadata={"limit": limit, "scope": "server"},
                                retry_after=max(0.1, count * self._recent_seconds))
            ticket = Ticket(job, interactive)
            self._count[interactive] += 1
            self._unanswered.add(ticket)
            ticket.result.add_done_callback(lambda _: self._forget(ticket))
            self._arrivals.put(ticket)
            return ticket

    def _forget(self, ticket: Ticket) -> None:
        with self._lock:
            self._unanswered.discard(ticket)
            self._count[ticket.interactive] -= 1

    def stop(self, timeout: float = 60) -> bool:
        """Cancels what runs at its next boundary and ends the thread; whether it ended in time, in seconds.

        Where it did not, its jobs are answered all the same.
        """
        draining = Unavailable("the server is shutting down; try another one or later", reason="DRAINING",
                               retry_after=2.0)
        with self._lock:
            self._refusal = self._refusal or draining
        self._watch.end()
        self._arrivals.put(None)
        self._thread.join(timeout)
        if self._thread.is_alive():
            log.error("the engine's thread did not end: it is in %s", self._pulse.doing)
            self._answer_all(draining, abandoned=True)
        return not self._thread.is_alive()

    # ---- on the watch's thread ----

    def _found_dead(self) -> None:
        self._give_up(Unavailable("the server cannot run any model and stops; try another one or later",
                                  reason="ENGINE_DEAD", retry_after=5.0))

    def _found_stuck(self, doing: str) -> None:
        log.critical("the engine's thread is stuck in %s", doing)
        self._give_up(Unavailable("the server's device does not answer and it stops; try another one or later",
                                  reason="ENGINE_STALLED", retry_after=5.0), abandoned=True)

    def _give_up(self, error: ServiceError, abandoned: bool = False) -> None:
        """No job is run any more: says so to the server, then to everybody who waits."""
        with self._lock:
            first, self._refusal = self._refusal is None, self._refusal or error
        if first:
            try:
                self._on_fault()
            except Exception:
                log.exception("nobody could be told that the engine failed")
        self._answer_all(error, abandoned)

    def _answer_all(self, error: ServiceError, abandoned: bool = False) -> None:
        with self._lock:
            tickets = list(self._unanswered)
        for ticket in tickets:
            ticket.abandoned = abandoned
            ticket.answer(error=copy(error))

    # ---- below here: the engine's own thread ----

    def _loop(self) -> None:
        processes.bar()
        try:
            while self._goes_on():
                pass
        except BaseException:
            log.critical("the engine's thread died in %s", self._pulse.doing, exc_info=True)
            self._found_dead()
            return
        self._pulse.begin("closing its jobs")
        for ticket in self._everything():
            ticket.end(copy(self._refusal))

    def _goes_on(self) -> bool:
        """One thing done; False when it is time to end."""
        self._in_hand = []
        try:
            if not self._take_arrivals():
                return False
            self._act()
        except Exception as error:
            self._survive(error)
        return True

    def _survive(self, error: Exception) -> None:
        """An error in the bookkeeping is answered to those whom it concerns, and the others go on."""
        concerned = self._in_hand or self._everything()
        if not concerned:
            raise error
        log.error("the engine failed in %s", self._pulse.doing, exc_info=error)
        if not self._in_hand:
            self._interactive.clear()
            self._bulk.clear()
        for ticket in concerned:
            ticket.end(Internal("the server failed to run this call; what it committed stays"))

    def _everything(self) -> list[Ticket]:
        return [*self._interactive.tickets(), *self._bulk.tickets()]

    def _take_arrivals(self) -> bool:
        """Takes in new jobs; blocks only when there is nothing else to do. False: time to stop."""
        while True:
            idle = not (self._interactive or self._bulk)
            if idle:
                self._pulse.doing = ""
            try:
                ticket = self._arrivals.get(block=idle and not self._refusal)
            except queue.Empty:
                return not self._refusal
            if ticket is not None:
                (self._interactive if ticket.interactive else self._bulk).ready.append((ticket, None))

    def _act(self) -> None:
        """Does the next thing."""
        self._pulse.begin("closing what was cancelled")
        for lane in (self._interactive, self._bulk):
            for ticket in lane.take_cancelled():
                ticket.end()
        lane = self._next_lane()
        if lane is None:
            return
        if lane.ready:
            ticket, passed = lane.ready.popleft()
            self._in_hand = [ticket]
            self._advance(lane, ticket, passed)
        else:
            self._in_hand = lane.next_batch(self._budget)
            self._run(lane, self._in_hand)

    def _next_lane(self) -> Lane | None:
        if not self._bulk:
            self._in_a_row = 0
        if self._interactive and self._in_a_row < INTERACTIVE_RUN:
            self._in_a_row += 1
            return self._interactive
        self._in_a_row = 0
        return self._bulk or None

    def _advance(self, lane: Lane, ticket: Ticket, passed: object) -> None:
        """Lets a job go on until it needs a pass, ends or fails."""
        self._pulse.begin("a job")
        try:
            ticket.waiting_for = ticket.job.send(passed)
            ticket.tokens = ticket.waiting_for.tokens
        except StopIteration as end:
            ticket.answer(end.value)
            ticket.waiting_for = None  # and with it the model: what waits for the answer must not hold that
        except BaseException as error:  # a panic of a Rust library, such as a tokenizer's, is no Exception
            self._failed(ticket, error)
        else:
            lane.waiting.append(ticket)

    def _failed(self, ticket: Ticket, error: BaseException) -> None:
        """Answers a job that failed by itself."""
        told = meaning(error)
        _log(error, told, 1)
        ticket.end(told)
        if told.reason == "OUT_OF_MEMORY":
            self._free_memory()
        if told.reason == "DEVICE_ERROR":
            self._give_up(_device_lost())

    def _run(self, lane: Lane, batch: list[Ticket]) -> None:
        """One forward pass. A batch that fails is divided until the one at fault is alone, and fails alone."""
        first, begun = batch[0].waiting_for, perf_counter()
        tokens = sum(ticket.tokens for ticket in batch)
        self._pulse.begin(f"a pass of {tokens} positions for {len(batch)} jobs")
        try:
            passes = [first.run()] if isinstance(first, DeviceWork) else forward(
                [wanted for ticket in batch if isinstance(wanted := ticket.waiting_for, Forward)])
        except BaseException as error:
            told = meaning(error)
            _log(error, told, len(batch))
        else:
            self._recent_seconds = 0.8 * self._recent_seconds + 0.2 * (perf_counter() - begun)
            self._fitted()
            lane.ready.extend(zip(batch, passes, strict=True))
            return
        # The exception is gone here, and with it what the pass had on the device.
        if told.reason == "DEVICE_ERROR":
            for ticket in batch:
                ticket.end(copy(told))
            self._give_up(_device_lost())
            return
        if told.reason == "OUT_OF_MEMORY":
            if self._free_memory():
                lane.parts.appendleft(batch)  # the same again
                return
            self._good_passes = 0
            self._budget = max(1, min(self._budget, tokens // 2))
        if len(batch) == 1:
            batch[0].end(told)
        else:
            lane.divide(batch)

    def _free_memory(self) -> int:
        """Drops what can be computed again; how many bytes that were, 0 if it was done since the last good pass."""
        freed = 0 if self._dropped else self._drop()
        self._dropped = True
        if torch.accelerator.is_available():
            torch.accelerator.empty_cache()
        return freed

    def _fitted(self) -> None:
        """After a pass that had enough memory."""
        self._dropped = False
        self._good_passes += 1
        if self._good_passes >= RECOVERY_PASSES and self._budget < self._max_batch_tokens:
            self._good_passes = 0
            self._budget = min(self._max_batch_tokens, 2 * self._budget)


def _device_lost() -> Unavailable:
    return Unavailable("the server's device failed and it stops; try another one or later", reason="DEVICE_ERROR",
                       retry_after=5.0)


def _log(error: BaseException, told: ServiceError, jobs: int) -> None:
    """What a caller does not get to see; of a batch that is taken apart not yet, as it comes again."""
    if told is error:
        return
    if told.reason == "OUT_OF_MEMORY" or (jobs > 1 and told.reason != "DEVICE_ERROR"):
        log.warning("failed for %d jobs together, with %s", jobs, type(error).__name__)
    else:
        log.error("a job failed", exc_info=error)


def forward(wanted: list[Forward]) -> list[Passed]:
    """Runs the passes, all of one model, as one batch. The device time of each is that of the whole batch."""
    canvases = [canvas for one in wanted for canvas in one.canvases]
    positions = [one.positions for one in wanted for _ in one.canvases]
    start = perf_counter()
    keys = [key for one in wanted for key in one.keys]
    starts = [one.start for one in wanted for _ in one.canvases]
    reads = [read for one in wanted for read in one.reads or [None] * len(one.canvases)]
    logits = wanted[0].denoiser.logits(canvases, positions, keys, starts, **({"reads": reads} if any(reads) else {}))
    if logits[0].is_cuda:
        torch.cuda.synchronize(logits[0].device)
    seconds = perf_counter() - start
    if len(logits) > 1:  # parts of one tensor: each must be free to outlive the others
        logits = [part.clone() for part in logits]
    results = iter(logits)
    return [Passed([next(results) for _ in one.canvases], seconds) for one in wanted]
