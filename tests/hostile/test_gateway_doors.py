"""Clients that keep the gateway waiting in every way of HTTP and WebSockets: it answers others while it holds them, and
does not hold them for ever."""

import http.client
import re
import resource
import select
import socket
import time

import pytest
import websocket

from tests.gateway.conftest import Gateway, Service, wait_for
from tests.patience import PATIENCE
from web_gateway.outlet import Outlet
from web_gateway.pace import Pace, Rate

FOR_EVER = 3600
HEAD = b"Host: localhost\r\n"
HANDSHAKE = (
    b"GET /ws HTTP/1.1\r\n" + HEAD + b"Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
)
BODY = HEAD + b"Content-Length: 10000\r\n\r\nx"
CHUNKED = b"POST /recordings HTTP/1.1\r\n" + HEAD + b"Transfer-Encoding: chunked\r\n\r\n"
FRAGMENT = b"\x02\x81\0\0\0\0x"  # the first of a message, masked with zeros
EMPTY_FRAGMENT = b"\x00\x80\0\0\0\0"
PING = b"\x89\x80\0\0\0\0"

# kind: what each sends, how many there are
SLOW = {
    "nothing": (b"", 400),
    "half a request line": (b"GET /heal", 400),
    "half a head": (b"GET / HTTP/1.1\r\n" + HEAD + b"X: ", 400),
    "half a handshake": (HANDSHAKE, 300),
    "empty lines": (b"\r\n" * 50, 300),
    "half a body": (b"POST /recordings HTTP/1.1\r\n" + BODY, 280),
    "half a body of a GET": (b"GET /healthz HTTP/1.1\r\n" + BODY, 280),
    "half a body for nobody": (b"POST /nothing HTTP/1.1\r\n" + BODY, 280),
    "half a body after a handshake": (HANDSHAKE + b"Content-Length: 10000\r\n\r\nx", 280),
    "chunks without end": (CHUNKED + b"1\r\nx\r\n", 280),
    "half a chunk's size": (CHUNKED + b"1", 280),
    "a body that waits to be asked for": (
        b"POST /recordings HTTP/1.1\r\n" + HEAD + b"Expect: 100-continue\r\nContent-Length: 9\r\n\r\n", 280),
    "a request, and no close": (b"GET / HTTP/1.0\r\n\r\n", 300),
    "a request, and the half of the next": (b"GET /healthz HTTP/1.1\r\n" + HEAD + b"\r\nGET / HT", 300),
    "no request": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", 300),
    "HTTP/2": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 300),
    "sockets": (HANDSHAKE + b"\r\n", 300),
    "sockets by another name": (HANDSHAKE.replace(b"/ws", b"/%77s") + b"\r\n", 300),
    "answers nobody reads": (b"GET /demo/run.json HTTP/1.1\r\n" + HEAD + b"\r\n", 200),
    "many answers nobody reads": ((b"GET /demo/run.json HTTP/1.1\r\n" + HEAD + b"\r\n") * 30, 60),
}
# Held although they have all been answered or refused: the rest is on the client's side.
ALL_PLACES = {"sockets"}


@pytest.fixture(scope="module", autouse=True)
def descriptors():
    """For thousands of connections in this process."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 6000 if hard == resource.RLIM_INFINITY else min(hard, 6000)
    if wanted < 4500:
        pytest.skip(f"only {hard} descriptors for a process here")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, wanted), hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.fixture(scope="module")
def service():
    service = Service()
    yield service
    service.stop()


@pytest.fixture
def patient(lasting):
    """Nothing ends here by a deadline, so what is answered is answered while all are held."""
    def free():
        try:
            return answers(lasting)
        except (AssertionError, OSError, websocket.WebSocketException):
            return False

    wait_for(free, "the end of what an earlier test held")
    return lasting


@pytest.fixture(scope="module")
def lasting(service):
    gateway = Gateway(service.port, head_timeout=FOR_EVER, idle_timeout=FOR_EVER, transfer_grace=FOR_EVER,
                      max_silent=4096, max_sockets=50)
    yield gateway
    gateway.stop()


@pytest.fixture(scope="module")
def hasty(service):
    """Every deadline is near."""
    gateway = Gateway(service.port, head_timeout=1, idle_timeout=1, transfer_grace=1, transfer_rate=1e6,
                      max_held_bytes=1024, max_transfers=2)
    yield gateway
    gateway.stop()


@pytest.fixture
def connect():
    """Opens connections: connect(gateway, bytes); they end with the test."""
    opened = []

    def open_(gateway, data, **options):
        sock = socket.socket()
        for option, value in options.items():
            sock.setsockopt(socket.SOL_SOCKET, getattr(socket, option), value)
        sock.settimeout(PATIENCE)
        sock.connect(("127.0.0.1", gateway.port))
        opened.append(sock)
        sock.sendall(data)
        return sock

    yield open_
    for sock in opened:
        sock.close()


def answers(gateway, sockets=True):
    """Whether a newcomer gets all that there is: health, the page, a socket."""
    ok = gateway.get("/healthz").status == 200 and gateway.get("/").status == 200
    if ok and sockets:
        with gateway.open() as client:
            return client.works()
    return ok


def all_that_comes(sock):
    """What is sent up to the end of the connection."""
    data = b""
    try:
        while piece := sock.recv(65536):
            data += piece
    except ConnectionResetError:
        pass
    return data


def is_ready(sock, seconds=0.0, event=select.POLLIN):
    """Whether something can be read, or with POLLOUT sent; select() itself takes no descriptor from 1024 on."""
    poll = select.poll()
    poll.register(sock, event)
    return bool(poll.poll(1000 * seconds))


def is_open(sock):
    """Whether the other side has not closed it; reads what there is."""
    while is_ready(sock):
        try:
            if not sock.recv(65536):
                return False
        except ConnectionResetError:
            return False
    return True


# ---- others are answered ----

@pytest.mark.parametrize("kind", SLOW)
def test_a_newcomer_is_answered_while_they_are_held(patient, connect, kind):
    data, count = SLOW[kind]
    for _ in range(count):
        connect(patient, data, **({"SO_RCVBUF": 2048} if "answers" in kind else {}))
    for _ in range(3):
        assert answers(patient, kind not in ALL_PLACES)


@pytest.mark.parametrize("kind", ["nothing", "half a request line", "half a head", "half a handshake", "empty lines",
                                  "a request, and the half of the next"])
def test_nobody_was_let_go_for_that(patient, connect, kind):
    """The other half of what the test above shows: those that have not asked yet cost nothing and stay."""
    held = [connect(patient, SLOW[kind][0]) for _ in range(SLOW[kind][1])]
    assert answers(patient)
    assert all(is_open(sock) for sock in held)


def test_a_newcomer_is_answered_while_all_of_them_are_held(patient, connect):
    for kind, (data, count) in SLOW.items():
        if kind not in ALL_PLACES:
            for _ in range(count // 2):
                connect(patient, data, **({"SO_RCVBUF": 2048} if "answers" in kind else {}))
    for _ in range(5):
        assert answers(patient)


def test_of_slow_uploads_a_few_are_read_and_the_others_told_to_come_again(patient, connect):
    held = [connect(patient, SLOW["half a body"][0]) for _ in range(40)]
    answered = []

    def told():
        for sock in list(filter(is_ready, held)):
            held.remove(sock)
            answered.append(all_that_comes(sock))
        return len(held) == 8  # UNMASK_MAX_TRANSFERS

    wait_for(told)
    assert all(answer.startswith(b"HTTP/1.1 503") and b"Retry-After" in answer for answer in answered)
    held[0].sendall(b"x" * 9999)  # one of them goes on after all
    assert b" 503 " not in all_that_comes(held[0]).split(b"\r\n")[0]
    assert all(is_open(sock) for sock in held[1:])


def test_more_than_there_is_room_for_make_room_for_a_newcomer(service, connect):
    gateway = Gateway(service.port, head_timeout=FOR_EVER, max_silent=64)
    try:
        held = [connect(gateway, b"GET / HT") for _ in range(1000)]
        assert answers(gateway)
        wait_for(lambda: sum(map(is_open, held)) <= 64)
        assert not is_open(held[0]) and is_open(held[-1]), "the oldest go first"
    finally:
        gateway.stop()


def test_few_descriptors_are_enough(service, connect):
    """Even where it finds that there are fewer than there were at its start."""
    gateway = Gateway(service.port, head_timeout=FOR_EVER)
    try:
        assert answers(gateway)
        resource.prlimit(gateway.worker, resource.RLIMIT_NOFILE, (300, 300))
        held = [connect(gateway, b"GET / HT") for _ in range(600)]
        wait_for(lambda: sum(map(is_open, held)) < 300)
        assert answers(gateway)
        assert gateway.process.poll() is None
    finally:
        gateway.stop()


# ---- nobody is held for ever ----

@pytest.mark.parametrize(("kind", "end"), [
    ("nothing", b""), ("half a request line", b"408"), ("half a head", b"408"), ("half a handshake", b"408"),
    ("half a body", b"408"), ("half a chunk's size", b"408"), ("half a body of a GET", b"200"),
    ("half a body for nobody", b"405"), ("no request", b"400"), ("a request, and no close", b"200"),
    ("a request, and the half of the next", b"408"), ("a body that waits to be asked for", b"408"),
    ("sockets by another name", b"404"),
])
def test_a_slow_client_is_let_go_and_told_why(hasty, connect, kind, end):
    answer = all_that_comes(connect(hasty, SLOW[kind][0]))
    statuses = re.findall(rb"HTTP/1\.[01] (\d+) ", answer)
    assert (statuses[-1] if statuses else b"") == end, answer


@pytest.mark.parametrize("data", [
    b"GET / HTTP/1.1\r\n" + HEAD + b"X: ", HANDSHAKE + b"X: ", b"POST /recordings HTTP/1.1\r\n" + BODY, b"",
], ids=["head", "handshake", "body", "empty"])
def test_a_byte_now_and_then_buys_no_time(hasty, connect, data):
    """The whole head has a deadline, and the whole body, not each of their pieces."""
    sock = connect(hasty, data)
    deadline = time.monotonic() + PATIENCE
    while not is_ready(sock, 0.05):
        assert time.monotonic() < deadline, "held for as long as it sends"
        sock.sendall(b"\n" if data == b"" else b"x")
    assert all_that_comes(sock).startswith(b"HTTP/1.1 408") or data == b""


def test_an_answer_that_nobody_reads_is_given_up(hasty, connect):
    sock = connect(hasty, SLOW["many answers nobody reads"][0] * 3, SO_RCVBUF=2048)

    def ended():
        try:
            sock.sendall(b"x")
        except OSError:
            return True
        return False

    wait_for(ended)
    assert answers(hasty)


def test_a_kept_connection_is_closed_after_a_while(hasty):
    connection = http.client.HTTPConnection("127.0.0.1", hasty.port, timeout=PATIENCE)
    for _ in range(3):
        connection.request("GET", "/healthz")
        assert connection.getresponse().read()
    assert connection.sock.recv(1) == b""


# ---- what is right goes on ----

def test_requests_that_come_at_once_are_all_answered_in_their_order(patient, connect):
    paths = ["/healthz", "/nothing", "/", "/demo/run.json", "/healthz"] * 20
    sock = connect(patient, b"".join(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode() for path in paths))
    sizes = {path: len(patient.get(path).body) for path in set(paths)}
    reader = sock.makefile("rb")
    for path in paths:
        status = reader.readline()
        assert status.startswith(b"HTTP/1.1 404" if path == "/nothing" else b"HTTP/1.1 200"), (path, status)
        head = list(iter(reader.readline, b"\r\n"))
        length = next(int(line.split(b":")[1]) for line in head if line.lower().startswith(b"content-length"))
        assert len(reader.read(length)) == length == sizes[path]


def test_a_head_in_single_bytes_is_a_head(patient, connect):
    sock = connect(patient, b"")
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    for byte in b"\r\nGET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n":
        sock.sendall(bytes([byte]))
    assert all_that_comes(sock).startswith(b"HTTP/1.1 200")


@pytest.mark.parametrize(("head", "status"), [
    (b"GET /" + b"x" * 10_000 + b" HTTP/1.1\r\n\r\n", b"414"),
    (b"GET / HTTP/1.1\r\nX: " + b"x" * 20_000 + b"\r\n\r\n", b"431"),
    (b"GET / HTTP/1.1\r\nX: " + b"x" * 200_000, b"431"),
    (b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 5_000 + b"\r\n", b"431"),
    (b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", b"400"),
    (b"GET / HTTP/1.1\r\nHost: a b\r\nConnection: close\r\n\r\n", b"403"),
    (HANDSHAKE + b"Content-Length: 1\r\nConnection: close\r\n\r\nx", b"400"),
    (b"POST /recordings HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n", b"400"),
    (b"POST /recordings HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", b"400"),
    (b"POST /recordings HTTP/1.1\r\nHost: a\r\nContent-Length: " + b"9" * 5000 + b"\r\n\r\n", b"4"),
    (CHUNKED + b"-5\r\nabcde\r\n0\r\n\r\n", b"400"),
    (CHUNKED + b"5;" + b"a" * 100_000 + b"\r\nabcde\r\n0\r\n\r\n", b"400"),
    (b"GET / HTTP/1.1\r\n" + HEAD + b"SCRIPT_NAME: /elsewhere\r\nConnection: close\r\n\r\n", b"200"),
])
def test_a_head_that_is_none(patient, connect, head, status):
    answer = all_that_comes(connect(patient, head))
    assert answer.split(b" ")[1].startswith(status), answer[:200]
    assert answers(patient)


# ---- sockets ----

def handshaken(connect, gateway):
    sock = connect(gateway, HANDSHAKE + b"\r\n")
    answer = b""
    while not answer.endswith(b"\r\n\r\n"):
        answer += sock.recv(1)
    assert b" 101 " in answer
    return sock


@pytest.mark.parametrize("frames", [b"\x82", FRAGMENT, b"\x82\xff\0\0\0\0\x7f\0\0\0\0\0\0\0x"],
                         ids=["half a frame", "half a message", "half of something endless"])
def test_messages_that_never_end_hold_up_nobody(patient, connect, frames):
    held = [handshaken(connect, patient) for _ in range(30)]
    for sock in held:
        sock.sendall(frames)
    assert answers(patient)
    assert all(is_open(sock) for sock in held)


@pytest.mark.parametrize("frame", [PING, EMPTY_FRAGMENT, b"\x82\x80\0\0\0\0"], ids=["pings", "fragments", "envelopes"])
def test_a_flood_of_small_frames_is_read_at_a_bounded_rate(patient, connect, frame):
    """It fills the sender's buffers, and not the gateway's time."""
    flood = [handshaken(connect, patient) for _ in range(10)]
    for sock in flood:
        sock.setblocking(False)
        if frame == EMPTY_FRAGMENT:
            sock.send(FRAGMENT)
    data = frame * 5000
    full = set()
    deadline = time.monotonic() + PATIENCE
    while len(full) < len(flood):
        assert time.monotonic() < deadline, "read as fast as it is sent"
        for sock in flood:
            try:
                sock.send(data)
                while sock.recv(65536):  # the answers are read
                    pass
            except BlockingIOError:
                if not is_ready(sock, event=select.POLLOUT):
                    full.add(sock)
            except OSError:  # closed as a flood
                full.add(sock)
    assert answers(patient)


def test_sockets_over_the_cap_are_closed_with_a_word_although_nobody_listens(patient, connect):
    def admitted():
        client = patient.open()
        try:
            return client.works() and client
        except (AssertionError, websocket.WebSocketException):  # an earlier one has not quite gone
            return None

    held = [wait_for(admitted) for _ in range(50)]
    deaf = [handshaken(connect, patient) for _ in range(100)]
    with pytest.raises((AssertionError, websocket.WebSocketException)):
        with patient.open() as client:
            client.works()
    assert patient.get("/healthz").status == 200
    assert all(all_that_comes(sock).startswith(b"\x88\x1b\x03\xf5") for sock in deaf)  # 1013
    for client in held:
        client.ws.shutdown()


# ---- the parts ----

def test_patience_grows_with_what_has_moved():
    one, other = socket.socketpair()
    with one, other:
        pace = Pace(0.01, 1000)
        with pytest.raises(TimeoutError):
            pace.wait(one.fileno(), select.POLLIN)
        with pytest.raises(TimeoutError):
            pace.wait(one.fileno(), select.POLLIN)
        pace.moved(60_000)
        other.send(b"x")
        pace.wait(one.fileno(), select.POLLIN)


def test_an_outlet_holds_what_is_not_read_and_keeps_its_order():
    one, other = socket.socketpair()
    with one, other:
        outlet = Outlet(one, 3_000_000, grace=0.01, rate=1e9)
        sent = b"".join(number.to_bytes(4, "big") for number in range(500_000))
        for start in range(0, len(sent), 70_000):
            outlet.sendall(sent[start : start + 70_000])
        assert outlet.unsent, "the test means a socket that is full"
        with pytest.raises(ConnectionResetError):
            outlet.sendall(b"x" * 3_000_000)
        outlet = Outlet(one, 3_000_000, grace=0.01, rate=1e9)
        with pytest.raises(OSError, match="not been read"):
            outlet.sendall(b"x")
            outlet.take()


def test_what_an_outlet_holds_arrives_whole():
    one, other = socket.socketpair()
    with one, other:
        outlet = Outlet(one, 10_000_000, grace=1, rate=1e9)
        sent = b"".join(number.to_bytes(4, "big") for number in range(500_000))
        outlet.sendall(sent)
        other.settimeout(PATIENCE)
        got = b""
        while len(got) < len(sent):
            outlet.flush()
            got += other.recv(1 << 20)
        assert got == sent and not outlet.unsent


def test_a_rate_lets_a_burst_through_and_then_asks_for_patience():
    rate = Rate(per_second=1e-3, burst=10)
    rate.take(10)
    assert rate.wait() == 0
    rate.take(1)
    assert 900 < rate.wait() <= 1000
