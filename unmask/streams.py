"""What a stream of a server's messages ends with."""

from collections.abc import Callable, Iterable
from typing import TypeVar

from unmask.errors import Broken

Message = TypeVar("Message")


def last(messages: Iterable[Message], progress: Callable[[Message], None] = lambda message: None) -> Message:
    """The last message of a stream; progress is called with each. Raises Broken where there is none."""
    found: list[Message] = []
    for message in messages:
        progress(message)
        found[:] = [message]
    if not found:
        raise ended("before it said anything")
    return found[0]


def ended(when: str) -> Broken:
    """The error of a stream that ends well and has not brought what it is for."""
    return Broken(f"the server ended its answer {when}; try again", reason="INCOMPLETE_ANSWER")
