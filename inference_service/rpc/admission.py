"""Who is let in: every call takes a place of its kind, of its connection's and of the server's, or is refused.

A refusal is RESOURCE_EXHAUSTED with its reason, the limit, whose it is, and when to try again. Health checks take no
place: they are answered whatever else there is. A connection is what gRPC calls a peer; nothing that a client says
about itself counts.
"""

import inspect
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import aclosing
from contextvars import ContextVar
from dataclasses import dataclass
from enum import StrEnum

import grpc
from grpc_health.v1 import health

from inference_service.errors import Exhausted, InvalidField, ServiceError
from inference_service.rpc import work
from inference_service.rpc.errors import abort
from inference_service.rpc.incoming import Incoming


class Kind(StrEnum):
    """What a call takes: a moment, a run of unknown length, or a place for as long as somebody looks on."""

    INTERACTIVE = "interactive calls"
    STREAM = "streams"
    WATCH = "watches"
    HEALTH_WATCH = "watches of health"


@dataclass(frozen=True)
class Bound:
    """How many of a kind at once. connection: of one connection. server: of all together."""

    connection: int
    server: int


HEALTH = f"/{health.SERVICE_NAME}/"
HEALTH_WATCH = f"{HEALTH}Watch"
WATCHES = {"/unmask.v1.SessionService/WatchSession"}
STEP = "/unmask.v1.SessionService/Step"
ANSWERED_AT_ONCE = {f"/unmask.v1.SessionService/{name}" for name in ("Select", "Edit", "Rewind")}  # as streams
REASONS = {Kind.INTERACTIVE: "TOO_MANY_CALLS", Kind.STREAM: "TOO_MANY_STREAMS", Kind.WATCH: "TOO_MANY_WATCHES",
           Kind.HEALTH_WATCH: "TOO_MANY_WATCHES"}
RETRY = {Kind.INTERACTIVE: 0.5, Kind.STREAM: 2.0, Kind.WATCH: 5.0, Kind.HEALTH_WATCH: 5.0}  # seconds
BYTES_RETRY = 2.0
UNFINISHED = Bound(connection=24, server=64)  # of MESSAGE_BYTES each: 256 MiB, which no other limit counts
SPARE = 512  # calls of a connection that are being refused, and its health checks
# Bytes of a request. Reading a message holds up everything else, some 50 ms for 2 MiB of the worst that can be sent;
# they hold the text of a context of 131,072 positions. What is longer than MESSAGE_BYTES gRPC refuses by itself.
MESSAGE_BYTES = 4 << 20
LARGEST_OTHERS = 512 << 10  # a constraint of 65,536 characters, with room
LARGEST = {
    **{f"/unmask.v1.SessionService/{name}": 2 << 20 for name in ("CreateSession", "Select", "Edit", "Import")},
    **{f"/unmask.v1.InspectionService/{name}": 2 << 20 for name in ("Score", "Recover", "Attribute")},
    "/unmask.v1.ModelService/Tokenize": 2 << 20,
}


class Place:
    """What a call holds while it runs."""

    def __init__(self, admission: "Admission", kind: Kind, connection: str):
        self._admission = admission
        self._kind = kind
        self._connection = connection
        self._bytes = 0

    def hold(self, size: int) -> None:
        """Counts bytes that the server keeps for the call until `drop` or its end. Raises Exhausted."""
        self._admission.hold_bytes(self._connection, size)
        self._bytes += size

    def drop(self, size: int) -> None:
        self._admission.drop_bytes(self._connection, size)
        self._bytes -= size

    def close(self) -> None:
        self.drop(self._bytes)
        self._admission.count(self._kind, self._connection, -1)


_place: ContextVar[Place | None] = ContextVar("place", default=None)


def hold(size: int) -> None:
    """Counts bytes that the server keeps for the call that this is for. Raises Exhausted where they are too many."""
    place = _place.get()
    if place:
        place.hold(size)


def drop(size: int) -> None:
    """Some of these bytes are kept no more."""
    place = _place.get()
    if place:
        place.drop(size)


class Admission(grpc.aio.ServerInterceptor):
    """Counts calls. bounds: for each kind. bytes: of requests, files and unread answers. Lives on the event loop.

    unfinished: requests that are coming in; those beyond wait their turn, unread.
    """

    def __init__(self, bounds: Mapping[Kind, Bound], bytes: Bound, unfinished: Bound | None = None):
        self._bounds = bounds
        self._most_bytes = bytes
        unfinished = unfinished or UNFINISHED
        self._coming = Incoming(unfinished.connection, unfinished.server)
        self._health_coming = Incoming(unfinished.connection, unfinished.server)  # waits for no other call's request
        self._calls: Counter[tuple[Kind, str]] = Counter()  # "" for the whole server
        self._bytes: Counter[str] = Counter()

    @property
    def most_calls(self) -> int:
        """How many calls a connection is to be let begin, so that those beyond its bounds are refused and not held."""
        return sum(bound.connection for bound in self._bounds.values()) + SPARE

    # ---- counting ----

    def calls(self, kind: Kind) -> int:
        """How many calls of a kind are open."""
        return self._calls[kind, ""]

    def take(self, kind: Kind, connection: str) -> "Place":
        """A place for a call, until it is closed. Raises Exhausted where there is none."""
        bound = self._bounds[kind]
        for scope, key, limit in (("connection", connection, bound.connection), ("server", "", bound.server)):
            if self._calls[kind, key] >= limit:
                whose = "this connection" if scope == "connection" else "the server"
                raise Exhausted(f"at most {limit} {kind} may be open at once on {whose}; end some or try again later",
                                reason=REASONS[kind], metadata={"limit": limit, "scope": scope},
                                retry_after=RETRY[kind])
        self.count(kind, connection, 1)
        return Place(self, kind, connection)

    def count(self, kind: Kind, connection: str, change: int) -> None:
        for key in (connection, ""):
            self._calls[kind, key] += change
            if not self._calls[kind, key]:
                del self._calls[kind, key]

    def hold_bytes(self, connection: str, size: int) -> None:
        bound = self._most_bytes
        for scope, key, limit in (("connection", connection, bound.connection), ("server", "", bound.server)):
            if self._bytes[key] + size > limit:
                whose = "this connection" if scope == "connection" else "the server"
                raise Exhausted(f"the calls of {whose} hold {limit} bytes of requests, files and unread answers at"
                                " most; read what was sent, or try again later", reason="TOO_MANY_BYTES",
                                metadata={"limit": limit, "scope": scope}, retry_after=BYTES_RETRY)
        for key in (connection, ""):
            self._bytes[key] += size

    def drop_bytes(self, connection: str, size: int) -> None:
        for key in (connection, ""):
            self._bytes[key] -= size
            if not self._bytes[key]:
                del self._bytes[key]

    # ---- around each call ----

    async def intercept_service(self, continuation, details):
        handler = await continuation(details)
        method = details.method
        if handler is None:
            return handler
        kind = (("stream" if handler.request_streaming else "unary") + "_"
                + ("stream" if handler.response_streaming else "unary"))
        call = _Call(method, getattr(handler, kind), handler.request_deserializer, handler.request_streaming)
        if method.startswith(HEALTH) and method != HEALTH_WATCH:
            wrapped = self._checking(call)
        else:
            wrapped = self._streaming(call) if inspect.isasyncgenfunction(call.behaviour) else self._answering(call)
        # A request is read here, as bytes, also where it is a call's only one: by itself gRPC would read any number of
        # unfinished ones. One that is too large is refused before it is parsed.
        return handler._replace(request_deserializer=None, request_streaming=True,
                                **{kind: None, f"stream_{kind.rpartition('_')[2]}": wrapped})

    async def _entered(self, call: "_Call", incoming, context) -> tuple[Place, object]:
        """The call's place, kept until its last byte is with the transport, and its request."""
        connection = context.peer()
        work.connection.set(connection)
        request, data = None, b""
        if not call.many:
            data = await self._coming.only(incoming, connection)
            request = call.read(data)
        place = self.take(call.kind(request), connection)
        _place.set(place)
        context.add_done_callback(lambda _: place.close())
        if call.many:
            return place, self._requests(call, incoming, connection, place)
        place.hold(len(data))
        return place, request

    async def _requests(self, call: "_Call", incoming, connection: str, place: Place):
        """A stream's requests, each counted for as long as the call runs."""
        while (data := await self._coming.message(incoming, connection)) is not None:
            place.hold(len(data))
            yield call.read(data)

    def _checking(self, call: "_Call"):
        async def check(incoming, context):
            data = await self._health_coming.only(incoming, context.peer())
            return await call.behaviour(call.read(data), context)
        return _unary(check)

    def _answering(self, call: "_Call"):
        async def answer(incoming, context):
            place, request = await self._entered(call, incoming, context)
            response = await call.behaviour(request, context)
            if response is not None:  # a stream that writes its answers itself returns none
                place.hold(response.ByteSize())
            return response
        return _unary(answer)

    def _streaming(self, call: "_Call"):
        async def answers(incoming, context):
            place, request = await self._entered(call, incoming, context)
            async with aclosing(call.behaviour(request, context)) as responses:
                async for response in responses:
                    size = response.ByteSize()
                    place.hold(size)
                    yield response  # comes back when the transport has taken it
                    place.drop(size)
        return _stream(answers)


def _unary(answer: Callable):
    async def unary(incoming, context):
        try:
            try:
                return await answer(incoming, context)
            except ServiceError as error:
                await abort(context, error)
        except BaseException as ended:
            raise _let_go(ended) from ended.__cause__
    return unary


def _stream(answers: Callable):
    async def stream(incoming, context):
        response = None
        try:
            try:
                async with aclosing(answers(incoming, context)) as responses:
                    async for response in responses:
                        yield response
            except ServiceError as error:
                await abort(context, error)
        except BaseException as ended:
            response = None
            raise _let_go(ended) from ended.__cause__
    return stream


def _let_go(ended: BaseException) -> BaseException:
    """What ended a call, without the frames that it came through: gRPC keeps it in a cycle, and they keep requests."""
    error: BaseException | None = ended
    while error:
        error.__traceback__ = None
        error = error.__cause__ or error.__context__
    return ended


@dataclass(frozen=True)
class _Call:
    """A method as it is called. read: makes a message of bytes. many: it takes a stream of requests."""

    method: str
    behaviour: Callable
    deserialize: Callable[[bytes], object]
    many: bool

    def read(self, data: bytes):
        """The request. Raises InvalidField for one that is too large for its method, which is not read at all."""
        most = LARGEST.get(self.method, LARGEST_OTHERS)
        if len(data) > most:
            raise InvalidField("request", f"must be at most {most} bytes; got {len(data)}", reason="TOO_LARGE")
        return self.deserialize(data)

    def kind(self, request) -> Kind:
        if self.method == STEP:
            return Kind.INTERACTIVE if getattr(request, "count", 0) == 1 else Kind.STREAM
        if self.method == HEALTH_WATCH:
            return Kind.HEALTH_WATCH
        if self.method in WATCHES:
            return Kind.WATCH
        at_once = self.method in ANSWERED_AT_ONCE or not (self.many or inspect.isasyncgenfunction(self.behaviour))
        return Kind.INTERACTIVE if at_once else Kind.STREAM
