"""The work that waits for the engine's thread, of one kind: interactive or bulk."""

from collections import deque
from collections.abc import Iterator

from inference_service.engine.jobs import DeviceWork, Forward
from inference_service.engine.tickets import Ticket


class Lane:
    """Jobs in turn.

    ready: jobs to begin, or to go on with what their pass brought. waiting: jobs that need a pass. parts: batches that
    failed, divided, each to be run as it is.
    """

    def __init__(self):
        self.ready: deque[tuple[Ticket, object]] = deque()
        self.waiting: deque[Ticket] = deque()
        self.parts: deque[list[Ticket]] = deque()

    def __bool__(self) -> bool:
        return bool(self.ready or self.waiting or self.parts)

    def tickets(self) -> Iterator[Ticket]:
        yield from (ticket for ticket, _ in self.ready)
        yield from self.waiting
        for part in self.parts:
            yield from part

    def clear(self) -> None:
        self.ready.clear()
        self.waiting.clear()
        self.parts.clear()

    def take_cancelled(self) -> list[Ticket]:
        """Removes those that were cancelled."""
        cancelled = [ticket for ticket in self.tickets() if ticket.cancelled]
        if cancelled:
            gone = set(map(id, cancelled))
            self.ready = deque(entry for entry in self.ready if id(entry[0]) not in gone)
            self.waiting = deque(ticket for ticket in self.waiting if id(ticket) not in gone)
            parts = ([ticket for ticket in part if id(ticket) not in gone] for part in self.parts)
            self.parts = deque(part for part in parts if part)
        return cancelled

    def next_batch(self, budget: int) -> list[Ticket]:
        """Removes the passes to run together: of one model, each in its turn, of `budget` positions or one alone."""
        if self.parts:
            return self.parts.popleft()
        batch: list[Ticket] = []
        left: deque[Ticket] = deque()
        tokens = 0
        for ticket in self.waiting:
            if batch and not (_go_together(ticket.waiting_for, batch[0].waiting_for)
                              and tokens + ticket.tokens <= budget):
                left.append(ticket)
                continue
            batch.append(ticket)
            tokens += ticket.tokens
        self.waiting = left
        return batch

    def divide(self, batch: list[Ticket]) -> None:
        """Puts back a batch that failed, in halves, the first of them next."""
        half = len(batch) // 2
        self.parts.extendleft((batch[half:], batch[:half]))


def _go_together(one: Forward | DeviceWork | None, other: Forward | DeviceWork | None) -> bool:
    """Whether two passes can be one batch."""
    return isinstance(one, Forward) and isinstance(other, Forward) and one.denoiser is other.denoiser
