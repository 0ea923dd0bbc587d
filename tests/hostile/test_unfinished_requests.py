"""Requests that never come whole: they hold few turns, and give them up when others wait."""

import asyncio
import socket
import struct

import pytest

from inference_service.errors import Exhausted
from inference_service.rpc import admission
from inference_service.rpc.admission import Bound
from inference_service.rpc.incoming import Incoming
from tests.hostile.test_admission import client, healthy
from tests.patience import PATIENCE
from unmask.v1 import session_service_pb2 as pb

HEADERS, SETTINGS, PING = 1, 4, 6
END_STREAM, END_HEADERS, ACK = 1, 4, 1
PATHS = ("/unmask.v1.SessionService/CreateSession", "/grpc.health.v1.Health/Check")


def frame(kind, flags, stream, content=b""):
    return struct.pack(">I", len(content))[1:] + bytes([kind, flags]) + struct.pack(">I", stream) + content


def field(name, value):
    return b"\0" + bytes([len(name)]) + name.encode() + bytes([len(value)]) + value.encode()


def head(path):
    return b"".join((field(":method", "POST"), field(":scheme", "http"), field(":path", path), field("te", "trailers"),
                     field(":authority", "localhost"), field("content-type", "application/grpc")))


class Dribbler:
    """A connection with requests of which the first bytes are sent alone."""

    def __init__(self, address, path, count):
        host, port = address.rsplit(":", 1)
        self._socket = socket.create_connection((host, int(port)), timeout=PATIENCE)
        self._socket.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + frame(SETTINGS, 0, 0))
        self.streams = {2 * number + 1 for number in range(count)}
        for stream in sorted(self.streams):
            announced = b"\0" + struct.pack(">I", 1 << 20) + bytes(1000)
            self._socket.sendall(frame(HEADERS, END_HEADERS, stream, head(path)) + frame(0, 0, stream, announced))

    def ended(self):
        """The next stream that the server ends."""
        while True:
            size, kind, flags, stream = struct.unpack(">IBBI", b"\0" + self._exactly(9))
            content = self._exactly(size)
            if kind in (SETTINGS, PING) and not flags & ACK:
                self._socket.sendall(frame(kind, ACK, 0, content if kind == PING else b""))
            if kind == HEADERS and flags & END_STREAM:
                return stream

    def _exactly(self, size):
        data = b""
        while len(data) < size:
            more = self._socket.recv(size - len(data))
            assert more, "the server closed the connection"
            data += more
        return data

    def close(self):
        self._socket.close()


@pytest.mark.parametrize("path", PATHS)
def test_who_dribbles_keeps_nobody_from_being_read(serve, monkeypatch, path):
    monkeypatch.setattr(admission, "UNFINISHED", Bound(connection=2, server=3))
    with serve() as server, client(server) as api:
        dribblers = [Dribbler(server.address, path, 5) for _ in range(3)]
        try:
            ends = [dribbler.ended() for dribbler in dribblers]
            assert all(end in dribbler.streams for end, dribbler in zip(ends, dribblers, strict=True))
            healthy(api)
            assert not api.sessions.ListSessions(pb.ListSessionsRequest(), timeout=PATIENCE).next_page_token
        finally:
            for dribbler in dribblers:
                dribbler.close()


class Pipe:
    """A message that comes when the test lets it."""

    def __init__(self):
        self.sent = asyncio.Queue()
        self.asked = asyncio.Event()

    def __aiter__(self):
        return self

    async def __anext__(self):
        self.asked.set()
        return await self.sent.get()


async def test_a_message_is_asked_for_in_its_turn_alone():
    incoming = Incoming(connection=1, server=2)
    first, second, other = Pipe(), Pipe(), Pipe()
    calls = [asyncio.create_task(incoming.only(first, "a")), asyncio.create_task(incoming.only(second, "a")),
             asyncio.create_task(incoming.only(other, "b"))]
    await other.asked.wait()
    assert first.asked.is_set() and not second.asked.is_set()
    first.sent.put_nowait(b"1")
    await second.asked.wait()
    second.sent.put_nowait(b"2")
    other.sent.put_nowait(b"3")
    assert await asyncio.gather(*calls) == [b"1", b"2", b"3"]


async def test_a_turn_that_nobody_waits_for_any_more_goes_to_the_next():
    incoming = Incoming(connection=1, server=1)
    first, gone, next_one = Pipe(), Pipe(), Pipe()
    holding = asyncio.create_task(incoming.only(first, "a"))
    leaving = asyncio.create_task(incoming.only(gone, "a"))
    staying = asyncio.create_task(incoming.only(next_one, "b"))
    await first.asked.wait()
    leaving.cancel()
    first.sent.put_nowait(b"1")
    next_one.sent.put_nowait(b"2")
    assert await holding == b"1" and await staying == b"2" and not gone.asked.is_set()
    await incoming.only(_ready(b"4"), "c")


async def test_who_has_the_turn_loses_it_to_who_waits():
    incoming = Incoming(connection=1, server=1, seconds=PATIENCE, look_seconds=0.0)
    holding = asyncio.create_task(incoming.only(Pipe(), "a"))
    await asyncio.sleep(0)
    assert await incoming.only(_ready(b"1"), "b") == b"1"
    with pytest.raises(Exhausted, match="whole"):
        await holding


async def _ready(message):
    yield message
