"""What counts as this machine alone, and how host and port are written: one answer for all servers and clients."""

import socket

import pytest

from unmask.address import is_loopback, joined, listening_error, reachable


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.2", "::1", "[::1]", "::1%lo", "0:0:0:0:0:0:0:1", "localhost",
                                  "localhost.", "LOCALHOST", "::ffff:127.0.0.1", "[::ffff:7f00:1]"])
def test_loopback(host):
    assert is_loopback(host)


@pytest.mark.parametrize("host", [
    "", "0.0.0.0", "::", "[::]", "192.168.0.1", "::ffff:192.168.0.1", "fe80::1%lo", "127.evil.example",
    "127.0.0.1.evil", "localhost.evil.example", "evil.localhost", "127.0.0.1.", "127.1", "0177.0.0.1", "2130706433",
    "127.0.0.1:80",
    " 127.0.0.1", "127.0.0.1/8", "[127.0.0.1", "::1]", "локалхост", "\0",
])
def test_not_loopback(host):
    """Names, whatever they resolve to, and spellings that only some resolvers take."""
    assert not is_loopback(host)


@pytest.mark.parametrize(("host", "address"), [
    ("127.0.0.1", "127.0.0.1:80"), ("lab.example", "lab.example:80"), ("::1", "[::1]:80"), ("[::1]", "[::1]:80"),
    ("::", "[::]:80"), ("fe80::1%lo", "[fe80::1%lo]:80"), ("::ffff:127.0.0.1", "[::ffff:127.0.0.1]:80"),
])
def test_host_and_port(host, address):
    assert joined(host, 80) == address


@pytest.mark.parametrize(("bound", "host"), [
    ("127.0.0.1", "127.0.0.1"), ("0.0.0.0", "127.0.0.1"), ("::", "::1"), ("[::]", "::1"), ("::1", "::1"),
    ("box", "box"),
])
def test_a_client_here_reaches(bound, host):
    assert reachable(bound) == host


def test_a_taken_port_is_told_from_an_address_that_is_not_here():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert listening_error("127.0.0.1", port).strerror == "Address already in use"
    assert listening_error("127.0.0.1", port) is None
    assert listening_error("192.0.2.1", port) is not None
    assert listening_error("." * 300, port) is not None


def test_both_servers_ask_the_same_question(monkeypatch):
    from inference_service.config import Config
    from web_gateway.config import Settings

    for host in ("127.evil.example", "::", "127.1"):
        assert not Config(host=host).is_loopback
        assert Config(host=host).policy == "catalog"
        with pytest.raises(ValueError, match="insecure"):
            Settings(web_host=host)
    for host in ("::1", "[::1]", "::ffff:127.0.0.1"):
        assert Config(host=host).policy == "local"
        assert Settings(web_host=host, web_port=80).bind == joined(host, 80)
