"""The gateway: sockets that are held, and what comes through its doors."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import websocket

from benchmarks.siege.attack import WAIT, Broken, Client, Siege, attack
from benchmarks.siege.ended import CLASSES, hidden_paths
from benchmarks.siege.processes import Gateway, environment, free_port
from unmask.v1 import model_service_pb2 as models_pb
from unmask.v1.envelope_pb2 import ServerEnvelope

HELD = 6.0  # seconds for which sockets are held
BOUND = "/healthz answers within 1 s all the time"
UPGRADE = ("GET /ws HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
           "Sec-WebSocket-Version: 13\r\n")


def get(port: int, path: str, timeout: float = 10, **headers: str) -> tuple[int, bytes]:
    """Status and body."""
    request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=timeout) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()


def answers_while_held(siege: Siege, count: int, first: bytes, more: Callable[[int], bytes] = lambda round: b"") -> str:
    """Holds sockets that have sent something, sends more to each every half second, and asks /healthz meanwhile."""
    port, held, waits = siege.gateway.port, [], []
    try:
        for _ in range(count):
            one = socket.create_connection(("127.0.0.1", port), timeout=5)
            one.settimeout(0.2)
            try:
                one.sendall(first)
            except OSError:
                pass
            held.append(one)
        end, round, next_more = time.monotonic() + HELD, 0, 0.0
        while time.monotonic() < end:
            begun = time.monotonic()
            try:
                status = get(port, "/healthz", 10)[0]
            except OSError as error:
                raise Broken(f"/healthz after {time.monotonic() - begun:.1f} s: {error}") from None
            waits.append(time.monotonic() - begun)
            if status != 200 or waits[-1] > 1:
                raise Broken(f"/healthz took {waits[-1]:.1f} s and said {status}")
            if (data := more(round)) and begun > next_more:
                next_more = begun + 0.5
                for one in held:
                    try:
                        one.sendall(data)
                    except OSError:
                        pass
            round += 1
            time.sleep(0.05)
    finally:
        [one.close() for one in held]
    return f"/healthz {len(waits)} times, at most {max(waits) * 1e3:.0f} ms"


@attack("the gateway", BOUND)
def half_headers(siege: Siege) -> str:
    """400 sockets with half a request header."""
    return answers_while_held(siege, 400, b"GET /healthz HTTP/1.1\r\nHost: 127.0", lambda round: b"x")


@attack("the gateway", BOUND)
def half_handshakes(siege: Siege) -> str:
    """300 sockets with half of a WebSocket's handshake."""
    return answers_while_held(siege, 300, UPGRADE.format(port=siege.gateway.port).encode())


@attack("the gateway", BOUND)
def slow_bodies(siege: Siege) -> str:
    """280 uploads of a recording that send a byte every half second."""
    return answers_while_held(siege, 280, (
        f"POST /recordings HTTP/1.1\r\nHost: 127.0.0.1:{siege.gateway.port}\r\n"
        "Content-Length: 1000000\r\n\r\n").encode(), lambda round: b"x")


@attack("the gateway", BOUND)
def silent_sockets(siege: Siege) -> str:
    """600 connections that send nothing."""
    return answers_while_held(siege, 600, b"")


@attack("the gateway", BOUND)
def open_sockets_that_never_speak(siege: Siege) -> str:
    """300 whole WebSocket handshakes after which nothing comes."""
    return answers_while_held(siege, 300, (UPGRADE + "Sec-WebSocket-Key: c2llZ2Utc2llZ2Utc2llZw==\r\n\r\n").format(
        port=siege.gateway.port).encode())


# ---- who is let in ----

def handshake(port: int, **headers: str) -> int:
    """The status of a WebSocket's handshake."""
    lines = {"Host": f"127.0.0.1:{port}", "Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Version":
             "13", "Sec-WebSocket-Key": "c2llZ2Utc2llZ2Utc2llZw==", **headers}
    with socket.create_connection(("127.0.0.1", port), timeout=10) as one:
        one.sendall(("GET /ws HTTP/1.1\r\n" + "".join(f"{key}: {value}\r\n" for key, value in lines.items())
                     + "\r\n").encode())
        return int(one.recv(100).split()[1])


@attack("the gateway", "403, as on a loopback gateway; 101 for this machine's own name")
def another_name_that_points_here(siege: Siege) -> str:
    """A gateway on 0.0.0.0, and a WebSocket whose Host and Origin are evil.example."""
    gateway = Gateway(siege.new_folder("open-gateway"), siege.service.address, UNMASK_WEB_HOST="0.0.0.0",
                      UNMASK_INSECURE="1")
    try:
        name = f"evil.example:{gateway.port}"
        evil = handshake(gateway.port, Host=name, Origin=f"http://{name}")
        page = get(gateway.port, "/", Host="evil.example")[0]
        own = handshake(gateway.port)
    finally:
        gateway.stop()
    if (evil, own) != (403, 101) or page != 403:
        raise Broken(f"evil.example gets {evil} and for the page {page}, 127.0.0.1 gets {own}")
    return f"evil.example {evil}, 127.0.0.1 {own}"


@attack("the gateway", "403 for all of them")
def names_that_look_like_loopback(siege: Siege) -> str:
    """WebSockets whose Host is 127.evil.example, localhost.evil.example, 127.0.0.1.evil.example or [::1].evil."""
    found = {}
    for name in ("127.evil.example", "localhost.evil.example", "127.0.0.1.evil.example", "evil.example", "[::1].evil"):
        found[name] = handshake(siege.gateway.port, Host=name, Origin=f"http://{name}")
    if any(status not in (400, 403) for status in found.values()):
        raise Broken(str(found))
    return ", ".join(f"{name} {status}" for name, status in found.items())


@attack("the gateway", "a typed error that names no class, and the socket stays open")
def frames_that_are_no_envelopes(siege: Siege) -> str:
    """Text frames with half of a surrogate pair, deep JSON and NaN; binary frames that are no protobuf."""
    socket_ = websocket.create_connection(f"ws://127.0.0.1:{siege.gateway.port}/ws", timeout=10, suppress_origin=True)
    texts = ('{"id": 1, "call": {"method": "\\ud800"}}', '{"\\ud800": 1}', '"\\ud800"', "[" * 20_000, "NaN", "",
             '{"id": 1e99}', '{"id": 1, "call": {"method": "unmask.v1.SessionService/GetSession", "request": {"@type":'
             ' "type.googleapis.com/unmask.v1.GetSessionRequest", "sessionId": "\\ud800"}}}',
             '{"id": 2, "call": {"request": {"@type": "\\udfff"}}}')
    frames = [(text, False) for text in texts] + [(data, True) for data in (
        b"\xff\xff\xff", b"\x0a\xff\xff\xff\xff\x0f", b"", b"\x12\x03\x0a\x01\xff", b"\x12" * 1000)]
    hidden, seen = hidden_paths([siege.folder]), []
    for frame, binary in frames:
        (socket_.send_binary if binary else socket_.send)(frame)
        code, data = socket_.recv_data()
        if code == websocket.ABNF.OPCODE_CLOSE:
            raise Broken(f"{frame[:60]!r} closes the socket with {int.from_bytes(data[:2], 'big')}")
        text = data.decode() if code == websocket.ABNF.OPCODE_TEXT else str(ServerEnvelope.FromString(data))
        if (found := CLASSES.search(text)) or any(path in text for path in hidden) or "_pb2" in text:
            raise Broken(f"{frame[:60]!r} is answered with {found[0] if found else 'a path'}: {text[:200]}")
        seen.append(json.loads(text)["status"]["code"] if code == websocket.ABNF.OPCODE_TEXT else
                    ServerEnvelope.FromString(data).status.code)
    socket_.close()
    return f"{len(frames)} frames, each a status: codes {sorted(set(seen))}"


@attack("the gateway", "404; the page itself 200")
def files_that_the_page_does_not_need(siege: Siege) -> str:
    """GET of package.json, the lock, the page's tests and tools, and of paths that lead out of the folder."""
    found = {path: get(siege.gateway.port, path)[0] for path in (
        "/package.json", "/package-lock.json", "/tsconfig.json", "/tools/vendor.mjs", "/test/", "/tests/",
        "/node_modules/", "/../pyproject.toml", "/%2e%2e/pyproject.toml", "/..%2fpyproject.toml",
        "/src/../../pyproject.toml",
        "//etc/passwd", "/.git/config", "/src/", "/%00")}
    served = [path for path, status in found.items() if status not in (400, 403, 404)]
    if served or get(siege.gateway.port, "/")[0] != 200:
        raise Broken(f"served: {', '.join(served)}")
    return f"{len(found)} paths, none served"


@contextmanager
def serving(siege: Siege, *options: str) -> Iterator[tuple[int, int]]:
    """`unmask serve` with options; the ports of the page and of gRPC."""
    page, rpc, folder = free_port(), free_port(), siege.new_folder("serve")
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "unmask", "serve", "--port", str(page), "--grpc-port", str(rpc), *options],
            cwd=folder, env=environment(folder, {"UNMASK_STORE": str(folder / "s" / "sessions.sqlite3")}), stdout=log,
            stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL)
    try:
        end = time.monotonic() + 2 * WAIT
        while "Unmask is ready" not in (folder / "log").read_text():
            if time.monotonic() > end or process.poll() is not None:
                raise Broken(f"unmask serve: {(folder / 'log').read_text()[-300:]}")
            time.sleep(0.1)
        yield page, rpc
    finally:
        process.terminate()
        process.wait(WAIT)


@attack("the gateway", "PERMISSION_DENIED in the same words, whether the path exists or not")
def loading_folders_through_an_open_gateway(siege: Siege) -> str:
    """`unmask serve --host 0.0.0.0 --insecure`, and LoadModel of /etc, of a folder that is not there, and of a file."""
    with serving(siege, "--host", "0.0.0.0", "--insecure") as (_, rpc):
        client = Client(f"127.0.0.1:{rpc}")
        ends = [siege.ask(client.models.LoadModel, models_pb.LoadModelRequest(name=name))
                for name in ("/etc", "/nowhere/at/all", "/etc/passwd", "someone/some-model")]
    if {end.code for end in ends} != {"PERMISSION_DENIED"} or len({end.message for end in ends}) > 1:
        raise Broken(", ".join(f"{end}: {end.message[:80]}" for end in ends))
    return ends[0].message[:120]
