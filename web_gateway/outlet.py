"""A client's socket as gunicorn's threads see it: no client, however slow, keeps a thread for long."""

import errno
import select
import socket
from collections.abc import Callable

from .pace import Pace


class Outlet:
    """Sends what the socket takes at once and holds the rest, which the event loop sends when the thread is done.

    A thread waits only where more than `held` bytes would lie here, and where it reads a body: for both in all the time
    that a Pace allows. Has those methods of a socket that gunicorn uses.

    grace, rate: see Pace. begun: called where a request that lasts has begun, and others like it may.
    """

    def __init__(self, sock: socket.socket, held: int, grace: float, rate: float):
        sock.setblocking(False)
        self._sock = sock
        self._held = held
        self._pace = grace, rate
        self.unsent = bytearray()
        self.taken = False
        self.begun: Callable[[], None] = lambda: None
        self.renew()

    def renew(self):
        """Begins a request: its body and its answer have their own time."""
        self._reading, self._writing = Pace(*self._pace), Pace(*self._pace)

    def take(self) -> socket.socket:
        """The socket itself, blocking, for a WebSocket; nothing else may use it from now on. Raises OSError."""
        if self.unsent:
            raise OSError("an earlier answer has not been read")
        self.taken = True
        self._sock.setblocking(True)
        return self._sock

    def recv(self, size: int) -> bytes:
        while True:
            try:
                data = self._sock.recv(size)
            except BlockingIOError:
                self._wait(self._reading, select.POLLIN)
            else:
                self._reading.moved(len(data))
                return data

    def sendall(self, data):
        view = memoryview(data)
        if not self.unsent:
            view = view[self._send(view) :]
        while len(self.unsent) + len(view) > self._held:
            self._wait(self._writing, select.POLLOUT)
            self.flush()
            if not self.unsent:
                view = view[self._send(view) :]
            elif len(view) > self._held:  # one piece that is larger than all that may lie here
                self.unsent += view[: self._held]
                view = view[self._held :]
        self.unsent += view

    def send(self, data) -> int:
        self.sendall(data)
        return len(data)

    def flush(self):
        """Sends of what is held as much as the socket takes. Raises OSError."""
        with memoryview(self.unsent) as view:
            sent = self._send(view)
        del self.unsent[:sent]

    def fileno(self) -> int:
        return self._sock.fileno()

    def getsockname(self):
        return self._sock.getsockname()

    def shutdown(self, how: int):
        """Nothing: the event loop ends a connection once all is sent."""

    def close(self):
        """Nothing, as for shutdown."""

    def setblocking(self, blocking: bool):
        """Nothing: waiting is bounded here."""

    settimeout = setblocking

    def gettimeout(self) -> float:
        return 0.0

    def _send(self, view) -> int:
        try:
            sent = self._sock.send(view) if view else 0
        except BlockingIOError:
            return 0
        self._writing.moved(sent)
        return sent

    def _wait(self, pace: Pace, events: int):
        try:
            pace.wait(self._sock.fileno(), events)
        except TimeoutError as slow:
            # The one kind of error that gunicorn takes for what it is: the client's fault, and no line in the log.
            raise ConnectionResetError(errno.ECONNRESET, str(slow)) from None
