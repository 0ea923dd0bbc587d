"""How sockets are let in, held and let go."""

import http.client
import signal
import socket

import psutil
import pytest
import websocket

from tests.patience import PATIENCE

from .conftest import Gateway, Service, details, free_port, wait_for


@pytest.mark.parametrize(
    "origin, allowed",
    [
        (None, True),
        ("http://127.0.0.1:{port}", True),
        ("https://lab.example", True),
        ("http://other:1", True),
        ("https://evil.example", False),
        ("http://127.0.0.1:1", False),
        ("http://127.0.0.1:{port}.evil.example", False),
        ("http://lab.example", False),
        ("null", False),
    ],
)
def test_origin(gateway, origin, allowed):
    options = {"origin": origin.format(port=gateway.port), "suppress_origin": False} if origin else {}
    if allowed:
        with gateway.open(**options) as client:
            assert client.works()
    else:
        with pytest.raises(websocket.WebSocketBadStatusException) as refusal:
            gateway.open(**options)
        assert refusal.value.status_code == 403


def test_a_rebound_name_is_refused(gateway):
    """A site whose name was made to point here sends an Origin that equals Host."""
    with pytest.raises(websocket.WebSocketBadStatusException) as refusal:
        gateway.open(host="evil.example", origin="http://evil.example", suppress_origin=False)
    assert refusal.value.status_code == 403
    assert gateway.get("/healthz", Host="evil.example").status == 403
    assert gateway.get("/healthz", Host="localhost:9").status == 200
    assert gateway.get("/healthz", Host="lab.example").status == 200


def test_a_plain_request_is_no_socket(gateway):
    assert gateway.get("/ws").status in (400, 404)
    connection = http.client.HTTPConnection("127.0.0.1", gateway.port, timeout=15)
    connection.request("GET", "/ws", headers={"Upgrade": "websocket", "Connection": "Upgrade"})
    assert connection.getresponse().status == 400
    connection.close()


def test_sockets_over_the_cap_are_told_to_come_again(tight):
    held = [tight.open() for _ in range(6)]
    assert all(client.works() for client in held)
    extra = [tight.open() for _ in range(10)]
    assert [client.closed() for client in extra] == [1013] * 10
    assert tight.get("/healthz").status == 200
    held.pop().ws.close()

    def admitted():
        with tight.open() as client:
            try:
                return client.works()
            except (AssertionError, OSError, websocket.WebSocketException):
                return False

    wait_for(admitted, what="a free place")
    for client in held:
        client.ws.close()


def deaf_client(gateway):
    """A client with a call that sends much, of which it reads nothing."""
    client = gateway.open(sockopt=[(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)])
    client.step(1, "large")
    return client


def test_a_client_that_never_reads_keeps_nobody_waiting(service):
    """The others are answered while it is held; here it is not dropped for as long as the test takes."""
    gateway = Gateway(service.port, send_timeout=2 * PATIENCE, ping_interval=2 * PATIENCE)
    deaf = [deaf_client(gateway) for _ in range(3)]
    wait_for(lambda: service.running == 3, "their calls")
    with gateway.open() as other:
        assert all(other.works() for _ in range(20))
    assert service.running == 3
    for client in deaf:
        client.ws.shutdown()
    assert gateway.stop()[0] == 0


def test_a_client_that_never_reads_is_dropped(tight, service):
    """It costs its own calls, and no thread for ever."""
    warm = [tight.open() for _ in range(5)]
    for client in warm:
        assert client.works()
        client.ws.close()
    wait_for(lambda: service.running == 0)
    before = wait_for(lambda: tight.threads, what="a count")
    begun = len(service.sessions.begun)
    deaf = [deaf_client(tight) for _ in range(3)]
    wait_for(lambda: len(service.sessions.begun) == begun + 3, "their calls")
    wait_for(lambda: service.running == 0, "the end of their calls")
    wait_for(lambda: tight.threads <= before, f"a fall of {tight.threads} threads to {before}")
    for client in deaf:
        client.ws.shutdown()


def test_sigterm_says_1001_and_leaves(service):
    """Though one of them reads nothing: waiting for it would end in being ended, and in no close frame."""
    gateway = Gateway(service.port, send_timeout=2 * PATIENCE)
    busy, idle = gateway.open(), gateway.open()
    deaf = deaf_client(gateway)
    busy.step(1, "endless")
    busy.read()
    worker = gateway.worker
    gateway.process.send_signal(signal.SIGTERM)
    assert idle.closed() == 1001
    assert busy.closed() == 1001
    for client in (busy, idle):
        client.ws.shutdown()
    code, printed = gateway.stop()
    assert code == 0
    assert "Traceback" not in printed, printed
    wait_for(lambda: service.running == 0)
    wait_for(lambda: ended(worker))
    deaf.ws.shutdown()


def ended(pid):
    """Whether a process has run to its end; one whose parent went first may stay a zombie for a while."""
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def test_ctrl_c_is_clean(service):
    gateway = Gateway(service.port)
    client = gateway.open()
    client.step(1, "endless")
    client.read()
    code, printed = gateway.stop(signal.SIGINT, group=True)
    assert client.closed() == 1001
    assert code == 0
    assert "Traceback" not in printed and "Error" not in printed, printed
    wait_for(lambda: service.running == 0)


def test_the_service_goes_and_comes_back():
    port = free_port()
    gateway = Gateway(port)
    try:
        with gateway.open() as client:
            client.get(1)
            status = client.status(1)
            assert status.code == 14 and "inference service does not answer" in status.message
            assert details(status)["ErrorInfo"].reason == "SERVICE_UNREACHABLE"
            assert gateway.get("/readyz").status == 503
            assert gateway.get("/healthz").status == 200
            service = Service(port)
            wait_for(client.works, what="an answer")
            assert gateway.get("/readyz").status == 200
            client.step(2, "endless")
            client.read()
            service.stop()
            assert client.status(2).code in (1, 14)
            client.get(3)
            assert client.status(3).code == 14
            service = Service(port)
            wait_for(client.works, what="an answer")
            service.stop()
    finally:
        gateway.stop()
