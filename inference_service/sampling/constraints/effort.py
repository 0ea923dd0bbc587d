"""How long one question to a constraint may keep its thread: a search that a grammar makes long ends by this.

Processor time of the thread, so a machine that is busy with other things refuses nothing that an idle one takes.
"""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from inference_service.sampling.constraints.spec import ConstraintError
from inference_service.sandbox import scope

SECONDS = 5.0

_local = threading.local()


@contextmanager
def limited(seconds: float | None = None) -> Iterator[None]:
    """Within it `check` raises once this thread has worked for so long. Inside another one that one goes on."""
    if getattr(_local, "until", None) is not None:
        yield
        return
    _local.until = time.thread_time() + (SECONDS if seconds is None else seconds)
    try:
        yield
    finally:
        _local.until = None


def check() -> None:
    """Raises ConstraintError where the limit is reached, and as Scope.check where the call has ended."""
    until = getattr(_local, "until", None)
    if until is not None and time.thread_time() > until:
        raise ConstraintError(f"looking for what may stand takes more than {SECONDS:.0f} seconds")
    scope.current().check()
