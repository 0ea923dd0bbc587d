"""A real gateway process in front of a real gRPC server with a made-up service."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from concurrent import futures
from contextlib import suppress
from pathlib import Path

import grpc
import pytest
import websocket
from google.protobuf.any_pb2 import Any
from google.rpc import error_details_pb2, status_pb2
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_status import rpc_status

from tests.patience import PATIENCE
from unmask.v1 import model_service_pb2_grpc as model_grpc
from unmask.v1 import session_pb2 as session_message_pb2
from unmask.v1 import session_service_pb2 as session_pb2
from unmask.v1 import session_service_pb2_grpc as session_grpc
from unmask.v1.envelope_pb2 import Call, Cancel, ClientEnvelope, ServerEnvelope

ROOT = Path(__file__).resolve().parents[2]
STEP = "unmask.v1.SessionService/Step"
GET = "unmask.v1.SessionService/GetSession"
WATCH = "unmask.v1.SessionService/WatchSession"
IMPORT_MAP = '{"imports": {"lit-html": "./vendor/lit-html.js"}}'


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_for(condition, what="the condition"):
    """Waits until condition() is true and returns its value."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        if value := condition():
            return value
        time.sleep(0.02)
    raise AssertionError(f"{what} did not come about within {PATIENCE} s")


class Sessions(session_grpc.SessionServiceServicer):
    """Answers by the session's name: "fail", "endless", "large", "watched", "slow" or any other.

    free: set when "slow" may be answered. running: streams not yet ended. begun: the sessions of all that there were.
    """

    def __init__(self):
        self.running = set()
        self.begun = []
        self.free = threading.Event()

    def GetSession(self, request, context):
        if request.session_id == "fail":
            raise_details(context)
        if request.session_id == "slow":
            assert self.free.wait(PATIENCE)
        return session_pb2.GetSessionResponse(session=session_message_pb2.Session(id=request.session_id, revision=7))

    def Step(self, request, context):
        self.running.add(context)
        self.begun.append(request.session_id)
        if not context.add_callback(lambda: self.running.discard(context)):
            self.running.discard(context)  # cancelled before it began
        revision = 0
        while context.is_active() and (request.count == 0 or revision < request.count):
            revision += 1
            if request.session_id == "fail" and revision == 3:
                raise_details(context)
            if request.session_id == "endless":
                time.sleep(0.005)
            response = session_pb2.StepResponse()
            response.frame.revision = revision
            if request.session_id == "large":
                response.frame.sampler_state = "x" * 100_000
            yield response

    def WatchSession(self, request, context):
        ended = threading.Event()
        self.running.add(context)
        if not context.add_callback(lambda: (self.running.discard(context), ended.set())):
            self.running.discard(context)
            return
        yield session_pb2.WatchSessionResponse(session=session_message_pb2.Session(id=request.session_id))
        ended.wait(60)


class Models(model_grpc.ModelServiceServicer):
    pass


def raise_details(context):
    status = status_pb2.Status(code=grpc.StatusCode.ABORTED.value[0], message="another step is running")
    for part in (
        error_details_pb2.ErrorInfo(reason="SESSION_BUSY", domain="unmask.v1", metadata={"session": "s"}),
        error_details_pb2.BadRequest(
            field_violations=[error_details_pb2.BadRequest.FieldViolation(field="count", description="0 to 9")]
        ),
    ):
        packed = Any()
        packed.Pack(part)
        status.details.append(packed)
    context.abort_with_status(rpc_status.to_status(status))


class Recorder(grpc.ServerInterceptor):
    """Keeps the bytes of requests as they came and of responses as they left."""

    def __init__(self):
        self.requests, self.responses = [], []

    def intercept_service(self, continuation, details):
        handler = continuation(details)
        if handler is None:
            return None

        def deserialize(data):
            self.requests.append(data)
            return handler.request_deserializer(data)

        def serialize(message):
            # A field that no proto here knows, as a newer service would send it.
            data = handler.response_serializer(message) + b"\xfa\x3f\x03new"
            if len(data) < 10_000:
                self.responses.append(data)
            return data

        return handler._replace(request_deserializer=deserialize, response_serializer=serialize)


class Service:
    """The made-up inference service."""

    def __init__(self, port=0):
        self.recorder, self.sessions = Recorder(), Sessions()
        self.server = grpc.server(
            futures.ThreadPoolExecutor(64), interceptors=[self.recorder], options=[("grpc.so_reuseport", 0)]
        )
        session_grpc.add_SessionServiceServicer_to_server(self.sessions, self.server)
        model_grpc.add_ModelServiceServicer_to_server(Models(), self.server)
        self.health = health.HealthServicer()
        health_pb2_grpc.add_HealthServicer_to_server(self.health, self.server)
        self.health.set("", health_pb2.HealthCheckResponse.SERVING)
        self.port = self.server.add_insecure_port(f"127.0.0.1:{port}")
        self.server.start()

    @property
    def running(self):
        """Streams not yet ended or cancelled."""
        return len(self.sessions.running)

    def stop(self):
        self.server.stop(0).wait()


class Gateway:
    """The gateway as a process of its own."""

    def __init__(self, inference_port, **settings):
        self.port = settings.pop("web_port", None) or free_port()
        environ = {name: value for name, value in os.environ.items() if not name.startswith("UNMASK_")}
        environ |= {"UNMASK_WEB_PORT": str(self.port), "UNMASK_INFERENCE_ADDRESS": f"127.0.0.1:{inference_port}"}
        environ |= {f"UNMASK_{name.upper()}": str(value) for name, value in settings.items()}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "web_gateway"], cwd=ROOT, env=environ, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True,
        )  # fmt: skip
        wait_for(self._answers, what="the gateway")

    def _answers(self):
        assert self.process.poll() is None, self.process.stdout.read()
        try:
            return self.get("/healthz").status == 200
        except urllib.error.URLError:
            return False

    def get(self, path, **headers):
        """GET; the response whatever its status, with `body` read."""
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}{path}", headers=headers)
        try:
            response = urllib.request.urlopen(request, timeout=PATIENCE)
        except urllib.error.HTTPError as error:
            response = error
        response.body = response.read()
        return response

    def open(self, **options):
        options.setdefault("suppress_origin", True)
        return Client(f"ws://127.0.0.1:{self.port}/ws", **options)

    @property
    def worker(self):
        """The worker's process id."""
        return int(Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()[0])

    @property
    def threads(self):
        """How many threads the worker has of its own; gRPC's pool has names of its own and grows when it likes."""
        tasks = Path(f"/proc/{self.worker}/task")
        own = (tasks / str(self.worker) / "comm").read_text()
        count = 0
        for task in tasks.iterdir():
            with suppress(OSError):  # it has ended meanwhile
                count += (task / "comm").read_text() == own
        return count

    def stop(self, number=signal.SIGTERM, group=False):
        """Sends a signal; (exit code, what was printed)."""
        if self.process.poll() is None:
            (os.killpg if group else os.kill)(self.process.pid, number)
        try:
            printed = self.process.communicate(timeout=PATIENCE)[0]
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            raise
        return self.process.returncode, printed


class Client:
    """One WebSocket, as a program uses it."""

    def __init__(self, url, **options):
        self.ws = websocket.create_connection(url, timeout=PATIENCE, **options)

    def begin(self, id, method, request, timeout=None):
        call = Call(method=method)
        call.request.Pack(request)
        if timeout is not None:
            call.timeout.FromMilliseconds(int(timeout * 1000))
        self.send(ClientEnvelope(id=id, call=call))

    def step(self, id, session="s", count=0):
        self.begin(id, STEP, session_pb2.StepRequest(session_id=session, count=count))

    def get(self, id, session="s"):
        self.begin(id, GET, session_pb2.GetSessionRequest(session_id=session))

    def cancel(self, id):
        self.send(ClientEnvelope(id=id, cancel=Cancel()))

    def send(self, envelope):
        self.ws.send_binary(envelope.SerializeToString())

    def read(self):
        """The next envelope: a ServerEnvelope, or a dict for a text frame."""
        opcode, data = self.ws.recv_data()
        if opcode == websocket.ABNF.OPCODE_TEXT:
            return json.loads(data)
        assert opcode == websocket.ABNF.OPCODE_BINARY, f"closed: {data}"
        return ServerEnvelope.FromString(data)

    def status(self, id):
        """Reads up to the status of a call."""
        while True:
            envelope = self.read()
            if envelope.id == id and envelope.HasField("status"):
                return envelope.status

    def closed(self):
        """Reads up to the close frame; its code."""
        while True:
            opcode, data = self.ws.recv_data()
            if opcode == websocket.ABNF.OPCODE_CLOSE:
                return int.from_bytes(data[:2], "big")

    def works(self):
        """Whether a call on this socket is answered."""
        self.get(4_000_000_000)
        return self.status(4_000_000_000).code == 0

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.ws.close(timeout=1)


def details(status):
    """A status' details by the short name of their type."""
    known = {
        name: getattr(error_details_pb2, name) for name in ("ErrorInfo", "BadRequest", "QuotaFailure", "RetryInfo")
    }
    found = {}
    for packed in status.details:
        name = packed.type_url.rpartition(".")[2]
        found[name] = known[name].FromString(packed.value)
    return found


def violation(status):
    """(code, reason, field, description) of an error that names a field."""
    parts = details(status)
    broken = parts["BadRequest"].field_violations[0]
    return status.code, parts["ErrorInfo"].reason, broken.field, broken.description


@pytest.fixture(scope="session")
def service():
    service = Service()
    yield service
    service.stop()


@pytest.fixture(scope="session")
def folder(tmp_path_factory):
    """A page's folder."""
    folder = tmp_path_factory.mktemp("frontend")
    files = {
        "index.html": f'<!doctype html><script type="importmap">{IMPORT_MAP}</script><script src="app.js"></script>',
        "app.js": "export {}", "part.mjs": "export {}", "data/some.json": "{}", "icon.svg": "<svg/>",
        "app.webmanifest": "{}", "style.css": "a{}", "notes.md": "private", "test/app.test.js": "private",
        "tools/build.js": "private", ".hidden/key.js": "private", "parts/view.js": "export {}",
        "parts/LICENSE": "as you like", "vendor/@some/lib@1.2.0/index.js": "export {}",
    }  # fmt: skip
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    (folder.parent / "outside.js").write_text("private")
    return folder


@pytest.fixture(scope="session")
def gateway(service, folder):
    """One gateway for the tests that leave it as it was."""
    gateway = Gateway(service.port, frontend_dir=folder, allowed_origins="https://lab.example, http://other:1")
    yield gateway
    gateway.stop()


@pytest.fixture(scope="session")
def tight(service):
    """A gateway with small caps and little patience."""
    gateway = Gateway(service.port, max_sockets=6, max_calls_per_socket=3, max_calls=5, send_timeout=0.5, linger=0.5)
    yield gateway
    gateway.stop()


@pytest.fixture
def client(gateway):
    with gateway.open() as client:
        yield client
