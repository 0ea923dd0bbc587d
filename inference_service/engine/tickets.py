"""What a submitted job is to those who wait for it, and to the engine that alone may answer it."""

import logging
from concurrent.futures import Future, InvalidStateError
from dataclasses import dataclass, field

from inference_service.engine.jobs import DeviceWork, Forward, Job
from inference_service.errors import ServiceError

log = logging.getLogger(__name__)


def _taken() -> Future:
    """A future that cannot be cancelled: who gives up waiting for it, in whatever way, leaves it as it is."""
    future: Future = Future()
    future.set_running_or_notify_cancel()
    return future


@dataclass(eq=False)
class Ticket:
    """A submitted job. result: what it returns, or how it failed; None for one that was cancelled.

    waiting_for: the pass that it needs next, of `tokens` positions. abandoned: it was answered although the engine's
    thread may be in the middle of it, so what it holds must not go to anybody else.
    """

    job: Job
    interactive: bool
    result: Future = field(default_factory=_taken)
    waiting_for: Forward | DeviceWork | None = None
    tokens: int = 0
    cancelled: bool = False
    abandoned: bool = False

    def cancel(self) -> None:
        """Ends the job at the next boundary; what it committed stays."""
        self.cancelled = True

    # ---- below here: the engine's alone ----

    def answer(self, value: object = None, error: ServiceError | None = None) -> None:
        """Settles the result, once; what those who follow it do wrong then is their own fault, and logged."""
        try:
            if error is None:
                self.result.set_result(value)
            else:
                self.result.set_exception(error)
        except InvalidStateError:
            pass  # answered already, when the engine was given up
        except BaseException:
            log.exception("what follows a job failed")

    def end(self, error: ServiceError | None = None) -> None:
        """Closes the job and answers. On the engine's thread only: nobody else may close a job that may be running."""
        try:
            self.job.close()
        except BaseException:
            log.exception("a job failed while it was closed")
        self.answer(None, error)
        self.waiting_for = None  # and with it the model
