"""One browser's WebSocket, from handshake to close, and the set of all that are live."""

import logging
import threading
import time
from collections.abc import Iterable

from simple_websocket import ConnectionClosed
from wsproto import ConnectionType, WSConnection
from wsproto.events import AcceptConnection, BytesMessage, CloseConnection, TextMessage
from wsproto.frame_protocol import CloseReason
from wsproto.utilities import LocalProtocolError

from unmask.v1.envelope_pb2 import ServerEnvelope

from . import envelopes
from .calls import Calls
from .config import Settings
from .pace import Rate
from .upstream import Upstream

log = logging.getLogger(__name__)

# Closes with these codes mean: try again later.
GOING_AWAY = CloseReason.GOING_AWAY
TRY_AGAIN_LATER = CloseReason.TRY_AGAIN_LATER


class Connection:
    """A WebSocket and its calls.

    ws: what flask-sock hands over; its `sock` is a Wire.
    slots: bounds the calls of the whole process.
    """

    def __init__(self, ws, upstream: Upstream, slots: threading.Semaphore, settings: Settings):
        self._ws = ws
        self._settings = settings
        self._calls = Calls(upstream, slots, settings, self._reply)
        self._as_text = False
        self._rate = Rate(settings.max_frames_per_second, 2 * settings.max_frames_per_second)
        self._count_frames()
        self._explain_oversize()
        ws.sock.attach(self._before_recv)

    def serve(self):
        """Reads frames until the socket closes, then ends its calls."""
        try:
            while self._ws.connected:
                # simple-websocket may set its event before it takes `connected` back: never wait without end.
                frame = self._ws.receive(timeout=1)
                if frame is not None and self._ws.connected:
                    self._handle(frame)
        except (ConnectionClosed, OSError):
            pass
        finally:
            self._calls.cancel_all()

    def close(self, code: int, reason: str, within: float = 5):
        """Sends a close frame, waiting at most `within` seconds for a send in progress, and wakes `serve`."""
        try:
            data = self._ws.ws.send(CloseConnection(code, reason))
            self._ws.connected = False
            self._ws.sock.send_within(data, within)
        except (OSError, LocalProtocolError):
            pass
        self._ws.event.set()

    def finish(self, linger: float):
        """Waits at most `linger` seconds for the client's side of the close. Call last."""
        self._ws.sock.finish(self._ws.thread, linger)

    def _handle(self, frame: bytes | str):
        self._as_text = as_text = isinstance(frame, str)
        try:
            envelope = envelopes.decode(frame)
        except envelopes.BadFrame as bad:
            self._reply(ServerEnvelope(id=bad.id, status=bad.status), as_text)
            return
        if envelope.HasField("cancel"):
            self._calls.cancel(envelope.id)
        else:
            self._calls.begin(envelope.id, envelope.call, as_text)

    def _reply(self, envelope: ServerEnvelope, as_text: bool):
        """Sends an envelope. Raises OSError when the client is gone."""
        frame = envelopes.encode(envelope, as_text)
        try:
            self._ws.send(frame)
        except (ConnectionClosed, LocalProtocolError) as error:
            raise ConnectionError("the socket is closed") from error

    def _before_recv(self):
        # Read frames wait here while an answer is being sent: too many means that the client sends without reading.
        if len(self._ws.input_buffer) > self._settings.max_buffered_frames:
            self.close(CloseReason.POLICY_VIOLATION, "too many frames at once")
            raise OSError("flood")
        # Pings, empty fragments and frames that are no envelopes cost time too: what is not read is not sent for long.
        while self._ws.connected and (wait := self._rate.wait()):
            time.sleep(min(wait, 0.5))

    def _count_frames(self):
        events = self._ws.ws.events

        def counted():
            for event in events():
                self._rate.take()
                yield event

        self._ws.ws.events = counted

    def _explain_oversize(self):
        """Puts a typed error in front of simple-websocket's own close 1009."""
        send = self._ws.ws.send

        def explained(event):
            if not isinstance(event, CloseConnection) or event.code != CloseReason.MESSAGE_TOO_BIG:
                return send(event)
            # The frame was never whole, so its form is that of the one before it.
            frame = envelopes.encode(envelopes.too_large(self._settings.max_frame_bytes), self._as_text)
            return send(TextMessage(frame) if isinstance(frame, str) else BytesMessage(frame)) + send(event)

        self._ws.ws.send = explained


class Sockets:
    """The live sockets: how many there may be, and their common end."""

    def __init__(self, upstream: Upstream, settings: Settings):
        self._upstream = upstream
        self._settings = settings
        self._slots = threading.BoundedSemaphore(settings.max_calls)
        self._lock = threading.Lock()
        self._inside = 0
        self._live = set()
        self._stopping = False

    def enter(self) -> tuple[int, str] | None:
        """Takes a place, which `leave` gives back, and returns None; or why the socket is to be closed at once."""
        with self._lock:
            if self._stopping:
                return GOING_AWAY, "the gateway is stopping"
            if self._inside >= self._settings.max_sockets:
                return TRY_AGAIN_LATER, "too many sockets are open"
            self._inside += 1
            return None

    def leave(self):
        with self._lock:
            self._inside -= 1

    def serve(self, ws):
        """Runs a WebSocket to its end, in the thread of its request."""
        connection = Connection(ws, self._upstream, self._slots, self._settings)
        with self._lock:
            stopping = self._stopping
            if not stopping:
                self._live.add(connection)
        try:
            if stopping:
                connection.close(GOING_AWAY, "the gateway is stopping")
            else:
                connection.serve()
        except Exception:
            log.exception("a socket failed")
            connection.close(CloseReason.INTERNAL_ERROR, "the gateway failed")
        finally:
            with self._lock:
                self._live.discard(connection)
        connection.finish(min(0.5, self._settings.linger) if self._stopping else self._settings.linger)

    def close_all(self, within: float = 1):
        """Tells every client that the gateway goes away (1001); at most `within` seconds for all of them."""
        with self._lock:
            self._stopping = True
            live = list(self._live)
        deadline = time.monotonic() + within
        for connection in live:
            connection.close(GOING_AWAY, "the gateway is stopping", deadline - time.monotonic())


def handshake_and_close(headers: Iterable[tuple[str, str]], code: int, reason: str) -> bytes:
    """The answer to a handshake that is let in only to be told why not: browsers show their pages no HTTP status.

    Raises RemoteProtocolError where the headers are no handshake.
    """
    ws = WSConnection(ConnectionType.SERVER)
    ws.initiate_upgrade_connection([(name.lower().encode("latin-1"), value.encode("latin-1"))
                                    for name, value in headers], "/ws")
    return ws.send(AcceptConnection()) + ws.send(CloseConnection(code, reason))
