"""One socket's open calls: each in a thread of its own, ended by its answer, by Cancel or with the socket."""

import logging
import threading
from collections.abc import Callable

import grpc

from unmask.v1.envelope_pb2 import Call, ServerEnvelope, Status

from . import statuses
from .config import Settings
from .envelopes import ALLOWED
from .methods import METHODS, Method
from .upstream import Upstream

log = logging.getLogger(__name__)

# Takes an envelope and whether to write it as text; raises OSError when the client is gone.
Reply = Callable[[ServerEnvelope, bool], None]


class Calls:
    """Begins, relays and ends the calls of one socket.

    slots: bounds the calls of the whole process.
    reply: sends an envelope; it may block, which holds the service back too.
    """

    def __init__(self, upstream: Upstream, slots: threading.Semaphore, settings: Settings, reply: Reply):
        self._upstream = upstream
        self._slots = slots
        self._settings = settings
        self._reply = reply
        self._lock = threading.Lock()
        self._open = {}
        self._closed = False

    def begin(self, id: int, call: Call, as_text: bool):
        """Begins a call, or answers why not. Does not wait for it."""
        refusal = self._begin(id, call, as_text)
        if refusal is None:
            return
        # The open call of that id must not be mistaken for ended: this one's refusal belongs to no id.
        answers = 0 if id in self._open else id
        self._reply(ServerEnvelope(id=answers, status=refusal), as_text)

    def cancel(self, id: int):
        """Ends a call. One that has just ended by itself is no error."""
        with self._lock:
            rpc = self._open.get(id)
        if rpc is not None:
            rpc.cancel()

    def cancel_all(self):
        """Ends every call and lets no new one begin."""
        with self._lock:
            self._closed = True
            rpcs = list(self._open.values())
        for rpc in rpcs:
            rpc.cancel()

    def _begin(self, id: int, call: Call, as_text: bool) -> Status | None:
        method = METHODS.get(call.method)
        if id in self._open:
            return statuses.invalid("id", ALLOWED["id"], reason="DUPLICATE_ID", id=id)
        if method is None:
            message = f"call.method: there is no {call.method[:200]!r}; known are {', '.join(METHODS)}"
            return statuses.make(grpc.StatusCode.UNIMPLEMENTED, "UNKNOWN_METHOD", message)
        if call.request.type_url.rpartition("/")[2] != method.request:
            allowed = f"the type of {method.name}: type.googleapis.com/{method.request}"
            return statuses.invalid("call.request", allowed, reason="WRONG_TYPE")
        if call.HasField("timeout") and _seconds(call) <= 0:
            return statuses.invalid("call.timeout", ALLOWED["call.timeout"])
        limit = self._settings.max_calls_per_socket
        if len(self._open) >= limit:
            return statuses.exhausted("TOO_MANY_CALLS", "socket", f"At most {limit} calls may be open on a socket.")
        if not self._slots.acquire(blocking=False):
            limit = self._settings.max_calls
            return statuses.exhausted("TOO_MANY_CALLS", "gateway", f"At most {limit} calls may be open on the gateway.")
        return self._start(id, method, call, as_text)

    def _start(self, id: int, method: Method, call: Call, as_text: bool) -> Status | None:
        try:
            rpc = self._upstream.call(method, call.request.value, self._timeout(method, call))
        except ValueError:  # what leads to the service is closed
            self._slots.release()
            return statuses.make(grpc.StatusCode.UNAVAILABLE, "GATEWAY_STOPPING", "The gateway is stopping.")
        with self._lock:
            self._open[id] = rpc
            closed = self._closed
        if closed:
            rpc.cancel()
        try:
            relay = threading.Thread(target=self._relay, args=(id, method, rpc, as_text), name=method.name, daemon=True)
            relay.start()
        except RuntimeError:  # the system has no thread left
            rpc.cancel()
            self._forget(id)
            return statuses.exhausted("TOO_MANY_CALLS", "gateway", "The gateway has no thread left for another call.")
        return None

    def _forget(self, id: int):
        with self._lock:
            self._open.pop(id, None)
        self._slots.release()

    def _timeout(self, method: Method, call: Call) -> float | None:
        wish = _seconds(call) if call.HasField("timeout") else None
        if method.endless:
            return wish
        limit = self._settings.stream_timeout if method.streams else self._settings.unary_timeout
        return limit if wish is None else min(wish, limit)

    def _relay(self, id: int, method: Method, rpc, as_text: bool):
        """Sends every response, then the status. The body of a call's thread."""
        url = f"type.googleapis.com/{method.response}"
        status, gone = Status(), False
        try:
            for response in rpc:
                envelope = ServerEnvelope(id=id)
                envelope.message.type_url = url
                envelope.message.value = response
                self._reply(envelope, as_text)
        except grpc.RpcError as error:
            status = statuses.from_rpc(error)
        except OSError:
            gone = True
        except Exception:
            log.exception("relaying %s", method.name)
            status = Status(code=grpc.StatusCode.INTERNAL.value[0], message="The gateway failed; its log says why.")
        rpc.cancel()
        # Before the status goes out: whoever reads it may use the id again.
        self._forget(id)
        if not gone:
            try:
                self._reply(ServerEnvelope(id=id, status=status), as_text)
            except OSError:
                pass


def _seconds(call: Call) -> float:
    return call.timeout.seconds + call.timeout.nanos / 1e9
