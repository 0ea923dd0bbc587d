"""Progress of loading weights, one event for each tensor, by the hook that transformers has for its bars."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from transformers.utils import logging

from inference_service.models.progress import Reporter

_BAR = "Loading weights"
_one_at_a_time = threading.Lock()  # the hook is global to the process


@contextmanager
def watched_weights(report: Reporter, total: int) -> Iterator[None]:
    """Reports "loading_weights" while weights are loaded in this thread; the reporter may stop it by raising.

    total: tensors expected. Bars of other threads stay as they are.
    """
    thread = threading.get_ident()

    def hook(factory, args, kwargs):
        if threading.get_ident() == thread and kwargs.get("desc") == _BAR:
            return _Bar(*args, report=report, total=total)
        return before(factory, args, kwargs) if before else factory(*args, **kwargs)

    with _one_at_a_time:
        report("loading_weights", 0, total)
        before = logging.set_tqdm_hook(hook)
        try:
            yield
        finally:
            logging.set_tqdm_hook(before)
    report("loading_weights", total, total)


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
