"""The TCP socket under a WebSocket, made safe for simple-websocket's way of using it."""

import select
import socket
import struct
import threading
import time
from collections.abc import Callable


class BoundedSocket:
    """A socket that sends whole buffers, one at a time, and never for ever.

    simple-websocket sends from two threads with a bare `send()`: without this
    a full socket buffer would cut a frame short or put one into the middle of
    another, and a client that never reads would hold the thread for ever.

    send_timeout: seconds without any progress after which the client is given
        up; a single buffer may take six times as long in all.
    """

    def __init__(self, sock: socket.socket, send_timeout: float):
        self._sock = sock
        self._lock = threading.Lock()
        self._patience = 6 * send_timeout
        self._attached = threading.Event()
        self._before_recv: Callable[[], None] = lambda: None
        whole, part = divmod(send_timeout, 1)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, struct.pack("ll", int(whole), int(part * 1e6)))
        # Frames are small and wanted at once.
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def attach(self, before_recv: Callable[[], None]):
        """Lets reading begin; `before_recv` runs before each read and may raise OSError to end the connection."""
        self._before_recv = before_recv
        self._attached.set()

    def fileno(self) -> int:
        return self._sock.fileno()

    def recv(self, size: int) -> bytes:
        if not self._attached.wait(10):
            raise OSError("nobody took the connection")
        self._before_recv()
        return self._sock.recv(size)

    def send(self, data: bytes) -> int:
        """Sends all of data. Raises OSError, after which the connection is dead."""
        with self._lock:
            self._send(data)
        return len(data)

    def send_within(self, data: bytes, seconds: float):
        """Like send, but gives up when another thread has been sending for `seconds`."""
        if not self._lock.acquire(timeout=max(seconds, 0)):
            self.drop()
            raise OSError("the client does not read")
        try:
            self._send(data)
        finally:
            self._lock.release()

    def close(self):
        """Nothing: simple-websocket closes the socket that gunicorn still counts on. See `finish`."""

    def drop(self):
        """Ends the connection both ways at once; gunicorn closes the socket later."""
        try:
            self._sock.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass

    def finish(self, reader: threading.Thread, linger: float):
        """Lets the client read what was sent last, then ends the connection.

        reader: simple-websocket's thread; it ends with the client's close
            frame, and may still have to answer that.

        Closing with input unread would reset the connection and take the close
        frame with it. gunicorn lingers too, but in the one thread that accepts.
        """
        deadline = time.monotonic() + linger
        reader.join(linger)
        try:
            self._sock.shutdown(socket.SHUT_WR)
            coming = select.poll()  # select() takes no descriptor from 1024 on
            coming.register(self._sock, select.POLLIN)
            while not reader.is_alive() and (left := deadline - time.monotonic()) > 0:
                if not coming.poll(1000 * left) or not self._sock.recv(65536):
                    break
        except (OSError, ValueError):
            pass
        self.drop()

    def _send(self, data: bytes):
        deadline = time.monotonic() + self._patience
        view = memoryview(data)
        try:
            while view:
                view = view[self._sock.send(view) :]
                if view and time.monotonic() > deadline:
                    raise TimeoutError("the client reads too slowly")
        except OSError:
            # Wakes the reading thread too; half a frame may be out, so nothing may follow it.
            self.drop()
            raise
