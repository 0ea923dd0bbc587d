"""Stock classes are built one at a time.

While it makes a model's modules the library changes what all threads see: the default number format, and how weights
are tied. Loads otherwise go on side by side: one that was cancelled may still be reading.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

_POLL_SECONDS = 0.1
_building = threading.Lock()


@contextmanager
def building(check: Callable[[], None] = lambda: None) -> Iterator[Callable[[], None]]:
    """A block in which modules are made; gives a function that says that they are, before the block ends.

    check: called while another one builds; raises to give up waiting.
    """
    while not _building.acquire(timeout=_POLL_SECONDS):
        check()
    held = [True]

    def built() -> None:
        if held:
            held.clear()
            _building.release()

    try:
        yield built
    finally:
        built()
