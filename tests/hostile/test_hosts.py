"""Names and addresses: who is let in by which name, what may be loaded from where, and servers on IPv6."""

import os
import re
import signal
import socket
import subprocess
import sys
from contextlib import contextmanager

import pytest
import websocket

import unmask
from tests.conftest import GOLDEN
from tests.forked import Forked
from tests.gateway.conftest import Client, Gateway, Service, details
from tests.patience import PATIENCE
from unmask.cli.serve import policy as policy_for
from unmask.v1 import model_service_pb2 as models
from unmask.v1 import session_service_pb2 as sessions
from web_gateway.config import Settings
from web_gateway.origins import host_allowed, origin_allowed

LOAD = "unmask.v1.ModelService/LoadModel"
GET_MODEL = "unmask.v1.ModelService/GetModel"
CREATE = "unmask.v1.SessionService/CreateSession"
NOT_FOUND = 5
PERMISSION_DENIED = 7


def has_ipv6():
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::1", 0))
    except OSError:
        return False
    return True


needs_ipv6 = pytest.mark.skipif(not has_ipv6(), reason="this machine has no IPv6 loopback address")


def free_port(host="127.0.0.1"):
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.bind((host, 0))
        return probe.getsockname()[1]


@contextmanager
def serving(tmp_path, *arguments, **variables):
    """`unmask serve` as a process; yields what it printed up to and with the line that says where."""
    environ = {name: value for name, value in os.environ.items() if not name.startswith("UNMASK_")}
    process = subprocess.Popen([sys.executable, "-m", "unmask", "serve", *arguments], text=True, start_new_session=True,
                               stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                               env=environ | {"UNMASK_STORE": str(tmp_path / "sessions.sqlite3")} | variables)
    try:
        printed = ""
        for line in process.stdout:
            printed += line
            if "Unmask is ready" in line:
                break
        else:
            pytest.fail(printed)
        yield printed
    finally:
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=PATIENCE)


# ---- names ----

OPEN = Settings(web_host="0.0.0.0", insecure=True)


@pytest.mark.parametrize("host", ["localhost:8000", "LocalHost", "localhost.", "127.0.0.1:8000", "[::1]:8000", "[::1]",
                                  "192.168.0.7:8000", "[2001:db8::1]"])
@pytest.mark.parametrize("settings", [OPEN, Settings()], ids=["open", "loopback"])
def test_addresses_and_localhost_are_served_wherever_it_listens(host, settings):
    assert host_allowed(host, settings)


@pytest.mark.parametrize("host", [
    "evil.example", "evil.example:8000", "127.0.0.1.evil.example", "127.evil.example", "localhost.evil.example", "box",
    "", ":8000", "evil.example@127.0.0.1", "127.0.0.1@evil.example", "127.0.0.1/evil.example", "127.0.0.1#evil", "[::1",
    "[evil.example]", "[::1]evil.example", "127.0.0.1:80:80", "127.0.0.1\\evil", "127.1", "٠.0.0.1", "127.0.0.1 evil",
])
@pytest.mark.parametrize("settings", [OPEN, Settings()], ids=["open", "loopback"])
def test_names_that_nobody_named_are_not(host, settings):
    assert not host_allowed(host, settings)


def test_names_are_a_setting_of_their_own(monkeypatch):
    monkeypatch.setenv("UNMASK_ALLOWED_HOSTS", "Lab.example., box")
    for settings in (Settings(), Settings(web_host="0.0.0.0", insecure=True)):
        assert host_allowed("lab.example:8000", settings)
        assert host_allowed("LAB.example.", settings)
        assert host_allowed("box", settings)
        assert not host_allowed("x.lab.example", settings)
    assert host_allowed("named.example", Settings(web_host="named.example", insecure=True))
    assert host_allowed("any.example", Settings(allowed_hosts="*"))
    for wrong in ("https://lab.example", "lab.example:80", "*.lab.example", "a b"):
        with pytest.raises(ValueError, match="host's name"):
            Settings(allowed_hosts=wrong)


def test_a_page_of_an_allowed_host_is_still_held_to_its_origin():
    settings = Settings(allowed_hosts="lab.example")
    assert origin_allowed("http://lab.example", "lab.example", settings)
    assert not origin_allowed("http://evil.example", "lab.example", settings)
    assert not origin_allowed("null", "lab.example", settings)


@pytest.fixture(scope="module")
def service():
    service = Service()
    yield service
    service.stop()


def test_a_gateway_that_listens_everywhere_opens_no_socket_to_a_rebound_page(service):
    gateway = Gateway(service.port, web_host="0.0.0.0", insecure=1)
    try:
        with pytest.raises(websocket.WebSocketBadStatusException) as refused:
            gateway.open(host="evil.example", origin="http://evil.example", suppress_origin=False)
        assert refused.value.status_code == 403
        answer = gateway.get("/healthz", Host="evil.example")
        assert answer.status == 403 and b"UNMASK_ALLOWED_HOSTS" in answer.body
        with gateway.open() as client:
            assert client.works()
        with gateway.open(host="192.168.0.7", origin="http://192.168.0.7", suppress_origin=False) as client:
            assert client.works()
    finally:
        gateway.stop()


@pytest.mark.parametrize("path", ["/", "/healthz", "/recordings/s"])
def test_a_foreign_page_is_told_nothing_at_all(gateway, path):
    assert gateway.get(path, Origin="http://evil.example").status == 403
    assert gateway.get(path, Origin=f"http://127.0.0.1:{gateway.port}").status != 403


@pytest.fixture(scope="module")
def gateway(service):
    gateway = Gateway(service.port)
    yield gateway
    gateway.stop()


# ---- what may be loaded ----

def test_through_an_open_gateway_nothing_but_the_catalog_is_loaded(tmp_path):
    page, grpc = free_port(), free_port()
    there, not_there = tmp_path / "there", tmp_path / "not_there"
    there.mkdir()
    names = [str(there), str(not_there), str(GOLDEN), "/etc", "/etc/passwd", "~root", "GSAI-ML/LLaDA-8B-Instruct"]
    with serving(tmp_path, "--host", "0.0.0.0", "--insecure", "--port", str(page), "--grpc-port", str(grpc)) as printed:
        assert f"Unmask is ready: http://127.0.0.1:{page}\n" in printed
        with Client(f"ws://127.0.0.1:{page}/ws", suppress_origin=True) as client:
            told = set()
            for number, name in enumerate(names, 1):
                client.begin(number, LOAD, models.LoadModelRequest(name=name))
                status = client.status(number)
                assert status.code == PERMISSION_DENIED, status
                assert details(status)["ErrorInfo"].reason == "MODEL_NOT_ALLOWED"
                told.add(status.message)
            assert len(told) == 1, "one answer for what is there and what is not"
            told = set()
            for number, name in enumerate(names, 20):
                for method, request in ((GET_MODEL, models.GetModelRequest(name=name)),
                                        (CREATE, sessions.CreateSessionRequest(model=name))):
                    client.begin(number, method, request)
                    status = client.status(number)
                    assert status.code == NOT_FOUND, status
                    told.add(status.message.replace(repr(name), "NAME"))
            assert len(told) == 1
            client.begin(99, LOAD, models.LoadModelRequest(name="embedded"))
            assert client.status(99).code == 0


@pytest.mark.parametrize(("web_host", "set_by_hand", "policy"), [
    ("127.0.0.1", None, None), ("::1", None, None), ("0.0.0.0", None, "catalog"), ("lab.example", None, "catalog"),
    ("127.evil.example", None, "catalog"), ("0.0.0.0", "local", None), ("0.0.0.0", "", "catalog"),
])
def test_the_policy_follows_the_door_and_the_operator(monkeypatch, web_host, set_by_hand, policy):
    monkeypatch.delenv("UNMASK_MODEL_POLICY", raising=False)
    if set_by_hand is not None:
        monkeypatch.setenv("UNMASK_MODEL_POLICY", set_by_hand)
    assert policy_for(web_host).get("UNMASK_MODEL_POLICY") == policy


# ---- IPv6 ----

@needs_ipv6
def test_everything_on_ipv6(tmp_path):
    page, grpc = free_port("::1"), free_port("::1")
    arguments = ["--host", "::1", "--grpc-host", "::1", "--port", str(page), "--grpc-port", str(grpc)]
    with serving(tmp_path, *arguments) as printed:
        assert f"Unmask is ready: http://[::1]:{page}\n" in printed
        with unmask.connect(f"[::1]:{grpc}") as client:
            assert [model.name for model in client.models()][0] == "embedded"
        with Client(f"ws://[::1]:{page}/ws", origin=f"http://[::1]:{page}") as client:
            client.begin(1, GET_MODEL, models.GetModelRequest())
            assert client.status(1).code == 0
        with pytest.raises(websocket.WebSocketBadStatusException):
            Client(f"ws://[::1]:{page}/ws", host="evil.example", origin="http://evil.example")
        again = subprocess.run([sys.executable, "-m", "unmask", "serve", *arguments], capture_output=True, text=True,
                               timeout=PATIENCE)
        assert (again.returncode, again.stderr) == (
            1, f"Port {grpc} is taken: choose another with --grpc-port or UNMASK_PORT.\n")


@needs_ipv6
@pytest.mark.parametrize("host", ["::1", "[::1]"])
def test_the_service_alone_says_an_address_that_can_be_used(tmp_path, host):
    environ = os.environ | {"UNMASK_HOST": host, "UNMASK_PORT": "0", "UNMASK_STORE": ":memory:"}
    process = Forked("inference_service", env=environ)
    try:
        ready = process.printed.get(timeout=PATIENCE)
        address = re.fullmatch(r"UNMASK READY (\[::1\]:\d+)", ready)[1]
        with unmask.connect(address) as client:
            assert client.models()
        probe = subprocess.run([sys.executable, "-m", "unmask.probe", address], timeout=PATIENCE)
        assert probe.returncode == 0
    finally:
        process.terminate()
        process.wait(PATIENCE)


@pytest.mark.parametrize(("host", "words"), [
    ("127.evil.example", "other machines"), ("0177.0.0.1", "other machines"), ("", "UNMASK_HOST"),
    ("192.0.2.1", "cannot listen on 192.0.2.1:"),
])
def test_the_service_says_what_is_wrong_with_an_address_and_not_that_the_port_is_taken(host, words):
    environ = os.environ | {"UNMASK_HOST": host, "UNMASK_PORT": str(free_port()), "UNMASK_STORE": ":memory:",
                            "UNMASK_INSECURE": "1" if host == "192.0.2.1" else "0"}
    process = Forked("inference_service", env=environ)
    assert process.wait(PATIENCE) in (1, 2)
    said = "\n".join(process.errors)
    assert words in said and "taken" not in said
