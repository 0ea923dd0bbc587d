"""Requests on their way in: how many may be unfinished at once, and for how long.

A message that has not come whole holds memory that nobody can count, up to gRPC's limit. So it is asked for only in its
turn: until then the transport keeps no more of it than its window.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterable

from inference_service.errors import Exhausted, InvalidField

SECONDS = 60.0  # that a message may take: 4 MiB at 70 KiB a second
# Where others wait for their turn, it is looked at so often, that far apart, before it loses its own. What counts are
# the looks: on a busy machine a message can lie ready for as long as this loop is held up.
LOOKS, LOOK_SECONDS = 10, 0.5


class Incoming:
    """Turns to send a message. connection, server: how many at once, of one connection and in all.

    Lives on the event loop. Whoever waits is served in the order of coming, those of a connection that has all its
    turns behind it.
    """

    def __init__(self, connection: int, server: int, seconds: float = SECONDS, look_seconds: float = LOOK_SECONDS):
        self._connection, self._server = connection, server
        self._seconds, self._look_seconds = seconds, look_seconds
        self._open: dict[asyncio.Timeout, str] = {}  # whose
        self._looks: Counter[asyncio.Timeout] = Counter()
        self._looking: asyncio.Task | None = None
        self._count: Counter[str] = Counter()
        self._waiting: dict[asyncio.Event, str] = {}

    async def message(self, incoming: AsyncIterable[bytes], connection: str) -> bytes | None:
        """The next message, None at the end. Raises Exhausted for one that does not come whole in its time."""
        await self._turn(connection)
        limit = asyncio.timeout(self._seconds)
        try:
            async with limit:
                self._open[limit] = connection
                return await anext(aiter(incoming), None)
        except TimeoutError:
            raise Exhausted("the request did not come whole in the time that it has; send it again",
                            reason="REQUEST_TOO_SLOW", metadata={"scope": "connection"}, retry_after=1.0) from None
        finally:
            self._open.pop(limit, None)
            self._looks.pop(limit, None)
            self._give_back(connection)

    async def only(self, incoming: AsyncIterable[bytes], connection: str) -> bytes:
        """The one message of a call that takes one."""
        found = await self.message(incoming, connection)
        if found is None:
            raise InvalidField("request", "must be one message; none came", reason="MALFORMED_REQUEST")
        return found

    async def _turn(self, connection: str) -> None:
        """Waits for a turn; meanwhile those who have one are looked at."""
        if self._free(connection) and connection not in self._waiting.values():
            self._count[connection] += 1
            return
        called = asyncio.Event()
        self._waiting[called] = connection
        try:
            if self._looking is None or self._looking.done():
                self._looking = asyncio.create_task(self._look())
            await called.wait()
        except BaseException:
            if called.is_set():  # the turn was given and is not taken
                self._give_back(connection)
            raise
        finally:
            self._waiting.pop(called, None)
            if not self._waiting and self._looking:
                self._looking.cancel()

    def _free(self, connection: str) -> bool:
        return self._count[connection] < self._connection and self._count.total() < self._server

    def _give_back(self, connection: str) -> None:
        self._count[connection] -= 1
        if not self._count[connection]:
            del self._count[connection]
        for called, whose in list(self._waiting.items()):
            if self._count.total() >= self._server:
                return
            if self._free(whose):
                self._count[whose] += 1
                del self._waiting[called]
                called.set()

    async def _look(self) -> None:
        """While somebody waits: whoever has had a turn for long loses it."""
        while self._waiting:
            await asyncio.sleep(self._look_seconds)
            everybody, wanted = self._count.total() >= self._server, set(self._waiting.values())
            for limit, whose in list(self._open.items()):
                if everybody or whose in wanted:
                    self._looks[limit] += 1
                    if self._looks[limit] == LOOKS:
                        limit.reschedule(asyncio.get_running_loop().time())
