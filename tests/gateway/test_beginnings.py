"""Handshakes begin a few at a time: the event loop starts no thread for those whose turn has not come."""

from types import SimpleNamespace

import pytest

from web_gateway.worker import HANDSHAKES_AT_ONCE, Lane, Worker


class Held:
    """A pool whose threads begin when the test says so."""

    def __init__(self):
        self.given = []

    def submit(self, work, conn):
        self.given.append((work, conn))


class Loop(Worker):
    """A worker without its event loop: what threads leave to it is done at once."""

    def __init__(self):
        self.method_queue = SimpleNamespace(defer=lambda call, *arguments: call(*arguments))
        self.handle, self.finished = lambda conn: True, []

    def finish_request(self, conn, keep):
        conn.lane.leave()
        self.finished.append(conn)


@pytest.fixture
def lane():
    lane = Lane(100, 0, HANDSHAKES_AT_ONCE)
    lane.pool = Held()
    return lane


def arrive(worker, lane, count):
    conns = [SimpleNamespace(lane=lane, sock=SimpleNamespace(begun=None)) for _ in range(count)]
    for conn in conns:
        assert lane.enter()
        lane.waiting.append(conn)
        worker._begin(lane)
    return conns


def test_only_some_begin_at_once_and_the_next_when_one_has_begun(lane):
    worker = Loop()
    conns = arrive(worker, lane, HANDSHAKES_AT_ONCE + 3)
    assert [conn for _, conn in lane.pool.given] == conns[:HANDSHAKES_AT_ONCE]
    seen = []

    def handle(conn):
        """A socket that opens; how many had been given a thread before it and after it had begun."""
        seen.append(len(lane.pool.given))
        conn.sock.begun()
        conn.sock.begun()  # it takes one turn, however often it says so
        seen.append(len(lane.pool.given))
        return False

    worker.handle = handle
    work, conn = lane.pool.given[0]
    work(conn)
    assert seen == [HANDSHAKES_AT_ONCE, HANDSHAKES_AT_ONCE + 1]
    assert len(lane.pool.given) == HANDSHAKES_AT_ONCE + 1, "its end gives no second turn"


def test_one_that_fails_gives_its_turn_back(lane):
    worker = Loop()
    conns = arrive(worker, lane, HANDSHAKES_AT_ONCE + 1)

    def fail(conn):
        raise RuntimeError("no socket")

    worker.handle = fail
    work, conn = lane.pool.given[0]
    with pytest.raises(RuntimeError, match="no socket"):
        work(conn)
    assert lane.pool.given[-1][1] is conns[-1] and worker.finished == [conns[0]]
