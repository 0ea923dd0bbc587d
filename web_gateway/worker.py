"""gunicorn's threaded worker with a guarded door: a thread is given where there is work, not to wait for a client.

The event loop reads each request's head, sends what a slow reader left of an answer, and waits for the client's side
of a close. All of that has a deadline and a bounded number of places, whose oldest holder makes room. Health, sockets
and everything else have threads of their own, so that none waits for another.
"""

import errno
import resource
import selectors
import socket
import time
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from functools import partial
from typing import Any

from gunicorn import http
from gunicorn.workers.gthread import TConn, ThreadWorker

from .config import Settings
from .outlet import Outlet

MAX_HEAD = 64 * 1024
MAX_DISCARDED = 1 << 20  # bytes of a body that nobody wanted, read so that the answer arrives
ACCEPTED_AT_ONCE = 64
HANDSHAKES_AT_ONCE = 4  # each keeps a thread busy for milliseconds: hundreds at once would leave health none of them
LINGER = 2.0
LOOK_SECONDS = 0.25
# Of the descriptors: the service's channel, the log, files being sent, and room to spare.
RESERVED_DESCRIPTORS = 128

REFUSAL = (
    "HTTP/1.1 {}\r\nConnection: close\r\nContent-Type: text/plain; charset=utf-8\r\nX-Content-Type-Options: nosniff\r\n"
    "Retry-After: 1\r\nContent-Length: {}\r\n\r\n{}"
)
TOO_SLOW = "408 Request Timeout", "The request's head took too long."
TOO_LARGE = "431 Request Header Fields Too Large", f"The request's head may have {MAX_HEAD} bytes."
TOO_MANY = "503 Service Unavailable", "Too many requests at once."


class Lane:
    """Threads for one kind of request, and how many may wait for them.

    beginning: how many requests may begin at once, until they end or their outlet's `begun` is called.
    """

    def __init__(self, threads: int, waiting: int, beginning: int | None = None):
        self.pool = ThreadPoolExecutor(threads)
        self.waiting: deque[Connection] = deque()
        self.turns = beginning or threads + waiting
        self._room = threads + waiting
        self._inside = 0

    def enter(self) -> bool:
        if self._inside >= self._room:
            return False
        self._inside += 1
        return True

    def leave(self):
        self._inside -= 1


class Connection(TConn):
    """A client's connection. `sock` is what threads get, `raw` what the event loop has."""

    sock: Any  # gunicorn's is a socket
    parser: Any

    def __init__(self, cfg, raw: socket.socket, client, server, outlet: Outlet):
        super().__init__(cfg, raw, client, server)
        self.raw, self.sock = raw, outlet
        self.parser = http.get_parser(cfg, self.sock, client)
        self.initialized = True  # in gunicorn's sense: there is nothing left to negotiate
        self.head = bytearray()
        self.place: dict | None = None
        self.deadline = 0.0
        self.discarded = 0
        self.lane: Lane | None = None


class Worker(ThreadWorker):
    def init_process(self):
        self._settings = settings = Settings()
        self._lanes = {
            b"/healthz": Lane(2, 512),
            b"/ws": Lane(settings.max_sockets + 8, 64, HANDSHAKES_AT_ONCE),
            b"": Lane(4 * settings.max_transfers, 256),
        }
        # Connections in the event loop's care, by what they wait for; each in the order in which they came.
        self._reading, self._sending, self._leaving = {}, {}, {}
        self._room = {id(self._reading): _places(settings), id(self._sending): 64, id(self._leaving): 256}
        self._looked = 0.0
        super().init_process()

    def get_thread_pool(self):
        return self._lanes[b""].pool

    def run(self):
        super().run()
        for lane in self._lanes.values():
            lane.pool.shutdown(wait=False, cancel_futures=True)

    # ---- a connection's way: its head, a thread, the rest of the answer, the next head or the end ----

    def accept(self, listener):
        for _ in range(ACCEPTED_AT_ONCE):
            try:
                raw, client = listener.accept()
            except OSError as error:
                if error.errno in (errno.EMFILE, errno.ENFILE):
                    self._make_room()
                return
            settings = self._settings
            try:
                outlet = Outlet(raw, settings.max_held_bytes, settings.transfer_grace, settings.transfer_rate)
                conn = Connection(self.cfg, raw, client, listener.getsockname(), outlet)
            except OSError:  # it has gone again
                raw.close()
                continue
            self.nr_conns += 1
            self._keep(conn, self._reading, selectors.EVENT_READ, self._read, settings.head_timeout)

    def _read(self, conn):
        data = conn.raw.recv(16 * 1024)
        if not data:
            self._drop(conn)
            return
        if not conn.head and conn.parser.req_count:
            conn.deadline = time.monotonic() + self._settings.head_timeout  # it was idle; now a request has begun
        self._head(conn, data)

    def _head(self, conn, data: bytes):
        """Takes more of a head; a whole one goes to a thread."""
        searched = max(0, len(conn.head) - 3)
        conn.head += data
        if conn.head[:1] in (b"\r", b"\n"):
            conn.head = conn.head.lstrip(b"\r\n")  # as RFC 9112 allows before a request
            searched = 0
        if conn.head.find(b"\r\n\r\n", searched) >= 0:
            self._forget(conn)
            self.enqueue_req(conn)
        elif len(conn.head) > MAX_HEAD:
            self._refuse(conn, *TOO_LARGE)

    def enqueue_req(self, conn: Connection):
        lane = self._lanes.get(_path(conn.head), self._lanes[b""])
        if not lane.enter():
            self._refuse(conn, *TOO_MANY)
            return
        conn.lane = lane
        conn.parser.unreader.unread(bytes(conn.head))
        conn.head.clear()
        conn.sock.renew()
        lane.waiting.append(conn)
        self._begin(lane)

    def _begin(self, lane):
        while lane.turns and lane.waiting:
            conn = lane.waiting.popleft()
            lane.turns -= 1
            try:
                lane.pool.submit(self._work, conn)
            except RuntimeError:
                # Without a new thread the others come to it; a pool that was shut down takes nothing.
                if not self.alive:
                    lane.turns += 1
                    lane.leave()
                    self._drop(conn)

    def _begun(self, lane):
        lane.turns += 1
        self._begin(lane)

    def _work(self, conn):
        """The body of a thread's turn."""
        keep = False
        try:
            with ExitStack() as turn:
                turn.callback(self.method_queue.defer, self._begun, conn.lane)
                conn.sock.begun = turn.close
                keep = self.handle(conn) is True
        finally:
            self.method_queue.defer(self.finish_request, conn, keep)

    def handle_request(self, req: Any, conn):
        if getattr(req.body.reader, "length", 1):
            # What is left of a body would have to be read before the next request, at the client's pace.
            req.force_close()
        return super().handle_request(req, conn)

    def _keepalive_after(self, conn, keepalive):
        return keepalive

    def finish_request(self, conn, keep: bool):
        conn.lane.leave()
        try:
            if conn.sock.taken:
                self._drop(conn)
            elif conn.sock.unsent:
                settings = self._settings
                seconds = settings.transfer_grace + len(conn.sock.unsent) / settings.transfer_rate
                self._keep(conn, self._sending, selectors.EVENT_WRITE, partial(self._send, keep=keep), seconds)
            else:
                self._next(conn, keep)
        except Exception:
            self.log.debug("a connection has gone", exc_info=True)
            self._drop(conn)

    def _send(self, conn, keep: bool):
        conn.sock.flush()
        if not conn.sock.unsent:
            self._forget(conn)
            self._next(conn, keep)

    def _next(self, conn, keep: bool):
        if not (keep and self.alive):
            self._leave(conn)
            return
        self._keep(conn, self._reading, selectors.EVENT_READ, self._read, self._settings.idle_timeout)
        if pipelined := conn.parser.unreader.take_buffered():
            conn.deadline = time.monotonic() + self._settings.head_timeout
            self._head(conn, pipelined)

    def _leave(self, conn):
        """Says that nothing more will come and waits for the client to say so too: a close with input unread would take
        the answer with it."""
        conn.raw.shutdown(socket.SHUT_WR)
        self._keep(conn, self._leaving, selectors.EVENT_READ, self._discard, LINGER)

    def _discard(self, conn):
        data = conn.raw.recv(64 * 1024)
        conn.discarded += len(data)
        if not data or conn.discarded > MAX_DISCARDED:
            self._drop(conn)

    def _refuse(self, conn, status: str, text: str):
        self._forget(conn)
        try:
            conn.raw.send(REFUSAL.format(status, len(text), text).encode())
            self._leave(conn)
        except OSError:
            self._drop(conn)

    # ---- places and deadlines ----

    def _keep(self, conn, place: dict, events: int, ready, seconds: float):
        """Gives a connection to the event loop: `ready(conn)` is called when it can go on, within `seconds`."""
        if len(place) >= self._room[id(place)]:
            self._evict(place)
        place[conn] = None
        conn.place = place
        conn.deadline = time.monotonic() + seconds
        self.poller.register(conn.raw, events, partial(self._go_on, conn, ready))

    def _go_on(self, conn, ready, _):
        if conn.place is None:
            return  # it was dropped for another whose event came in the same batch
        try:
            ready(conn)
        except BlockingIOError:
            pass
        except OSError:
            self._drop(conn)
        except Exception:
            self.log.exception("a connection failed")
            self._drop(conn)

    def _forget(self, conn):
        """Takes a connection out of the event loop's care."""
        if conn.place is not None:
            del conn.place[conn]
            conn.place = None
            self.poller.unregister(conn.raw)

    def _drop(self, conn):
        self._forget(conn)
        if conn.raw.fileno() >= 0:
            self.nr_conns -= 1
            conn.raw.close()

    def _evict(self, place: dict) -> bool:
        """Drops the connection that has been waiting for longest; whether there was one."""
        oldest = next(iter(place), None)
        if oldest is None:
            return False
        self._drop(oldest)
        return True

    def _make_room(self):
        """Out of descriptors, which was not to be: from now on fewer may wait, so that there are some to work with."""
        place = self._reading
        self._room[id(place)] = room = max(16, len(place) - RESERVED_DESCRIPTORS // 2)
        while len(place) > room and self._evict(place):
            pass
        self.set_accept_enabled(False)  # until the loop's next turn

    def murder_keepalived(self, force=False):
        """Ends what is past its deadline; the event loop calls it after each batch."""
        now = time.monotonic()
        if now - self._looked < LOOK_SECONDS and not force:
            return
        self._looked = now
        for place in (self._reading, self._sending, self._leaving):
            for conn in [conn for conn in place if force or conn.deadline <= now]:
                if conn.head and not force:
                    self._refuse(conn, *TOO_SLOW)
                else:
                    self._drop(conn)

    def _cap_keepalive(self, deadline):
        """The worker stops: who has asked for nothing is let go, and the rest until the deadline."""
        for conn in [conn for conn in self._reading if not conn.head]:
            self._drop(conn)
        for place in (self._reading, self._sending, self._leaving):
            for conn in place:
                conn.deadline = min(conn.deadline, deadline)


def _path(head: bytes | bytearray) -> bytes:
    """What a request's first line asks for, good enough to choose a lane by; empty where it is no GET."""
    words = bytes(head[: head.find(b"\r\n")]).split(b" ")
    return words[1].split(b"?")[0] if len(words) > 1 and words[0] == b"GET" else b""


def _places(settings: Settings) -> int:
    """How many connections may wait without having asked for anything, as far as descriptors reach."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    # A socket has two: its own and its selector's.
    taken = 2 * settings.max_sockets + 64 + 256 + RESERVED_DESCRIPTORS
    wanted = settings.max_silent + taken
    if soft != resource.RLIM_INFINITY and soft < wanted:
        soft = wanted if hard == resource.RLIM_INFINITY else min(hard, wanted)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    return settings.max_silent if soft == resource.RLIM_INFINITY else max(16, min(settings.max_silent, soft - taken))
