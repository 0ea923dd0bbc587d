"""Answers at hand: nothing is computed twice while a revision, which never changes, is looked at again."""

from collections import OrderedDict
from collections.abc import Hashable


class Answered:
    """The answers to the latest questions; the least recently asked for go first. For one thread."""

    def __init__(self, most: int = 256):
        self._most = most
        self._kept: OrderedDict[Hashable, object] = OrderedDict()

    def get(self, key: Hashable):
        """The answer, None if it is not kept."""
        if key in self._kept:
            self._kept.move_to_end(key)
        return self._kept.get(key)

    def put(self, key: Hashable, answer: object) -> None:
        self._kept[key] = answer
        self._kept.move_to_end(key)
        while len(self._kept) > self._most:
            self._kept.popitem(last=False)
