"""Progress of loading weights, one event for each tensor, by the hook that transformers has for its bars."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache

from transformers.utils import logging

from inference_service.models.progress import Reporter

_BAR = "Loading weights"
_watchers: dict[int, Callable[[tuple], "_Bar"]] = {}  # by the thread that loads


@contextmanager
def watched_weights(report: Reporter, total: int, begun: Callable[[], None] = lambda: None) -> Iterator[None]:
    """Reports "loading_weights" while weights are loaded in this thread; the reporter may stop it by raising.

    total: tensors expected. begun: called when the first is about to be read. Bars of other threads stay as they are.
    """
    def bar(args):
        begun()
        return _Bar(*args, report=report, total=total)

    _install()
    report("loading_weights", 0, total)
    _watchers[threading.get_ident()] = bar
    try:
        yield
    finally:
        del _watchers[threading.get_ident()]
    report("loading_weights", total, total)


@cache
def _install() -> None:
    """Puts the hook there, which is global to the process, for good: it asks which thread it is in."""
    def hook(factory, args, kwargs):
        bar = _watchers.get(threading.get_ident()) if kwargs.get("desc") == _BAR else None
        if bar:
            return bar(args)
        return before(factory, args, kwargs) if before else factory(*args, **kwargs)

    before = logging.set_tqdm_hook(hook)


class _Bar:
    """As much of tqdm as a loop over tensors needs."""

    def __init__(self, tensors, report, total):
        self._tensors = tensors
        self._report = report
        self._total = total

    def __iter__(self):
        for done, tensor in enumerate(self._tensors):
            self._report("loading_weights", done, self._total)
            yield tensor

    def __enter__(self):
        return self

    def __exit__(self, *error):
        return None

    def __getattr__(self, name):
        return lambda *args, **kwargs: None
