"""The gRPC server: services, health, reflection, and how it starts and stops."""

import asyncio
import logging
from contextlib import suppress

import grpc
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection

from inference_service.config import Config
from inference_service.ending import Ending, bounded
from inference_service.engine import compiled_constraints
from inference_service.engine.engine import Engine
from inference_service.engine.predictions import Predictions
from inference_service.listening import cannot_listen, require_private
from inference_service.models.denoiser import ModelInfo
from inference_service.models.library import Library, read_catalog
from inference_service.rpc.admission import MESSAGE_BYTES, Admission, Bound, Kind
from inference_service.rpc.codec import ProtoCodec, tree_of
from inference_service.rpc.health import Health
from inference_service.rpc.inspection_service import InspectionService
from inference_service.rpc.model_service import ModelService
from inference_service.rpc.session.service import SessionService
from inference_service.rpc.unreadable import RefusesUnreadable
from inference_service.sandbox import processes
from inference_service.sessions.collection import Sessions
from inference_service.sessions.limits import Limits
from inference_service.sessions.store import SQLiteStore
from unmask.address import joined
from unmask.v1 import (
    inspection_service_pb2,
    inspection_service_pb2_grpc,
    model_service_pb2,
    model_service_pb2_grpc,
    session_service_pb2,
    session_service_pb2_grpc,
)

log = logging.getLogger(__name__)

SERVICES = [
    session_service_pb2.DESCRIPTOR.services_by_name["SessionService"].full_name,
    model_service_pb2.DESCRIPTOR.services_by_name["ModelService"].full_name,
    inspection_service_pb2.DESCRIPTOR.services_by_name["InspectionService"].full_name,
]
SWEEP_SECONDS = 600
# How long a running pass may take to its end when the process is to end, then calls, then the store: less than
# `ending.GRACE` in all.
PASS_SECONDS, CALLS_SECONDS, STORE_SECONDS = 4.0, 2.0, 1.0
STORE_CHECK_SECONDS = 1.0  # between two looks at whether the store can be written
RESERVE_BYTES = 8 << 20  # of the disk, kept for deleting sessions when it is full
MOST_PENDING = 65_536
OPTIONS = [
    # Clients may ping this often without a call open; more often is refused with "too_many_pings".
    ("grpc.http2.min_ping_interval_without_data_ms", 5_000),
    # Makes clients look up the servers again now and then, so that added ones are found.
    ("grpc.max_connection_age_ms", 60_000),
    ("grpc.max_connection_age_grace_ms", 3_600_000),
    # Who connects and does not say that it speaks HTTP/2 is let go, so that its place is free for others.
    ("grpc.server_handshake_timeout_ms", 10_000),
    # One process for one port: a second one is told that it is taken.
    ("grpc.so_reuseport", 0),
    # Keeps what an unread stream may hold back small.
    ("grpc.http2.bdp_probe", 0),
    ("grpc.max_receive_message_length", MESSAGE_BYTES),
    # Calls that have come in and are not taken up yet. Beyond these gRPC drops some as CANCELLED, with no reason; rpc/
    # admission takes up every call at once and says why where it refuses.
    ("grpc.server.max_pending_requests", MOST_PENDING),
    ("grpc.server.max_pending_requests_hard_limit", MOST_PENDING),
    ("grpc.server_max_unrequested_time_in_server", 600),
]


def admission_for(config: Config) -> Admission:
    return Admission({
        Kind.INTERACTIVE: Bound(config.connection_interactive, config.max_interactive),
        Kind.STREAM: Bound(config.connection_streams, config.max_streams),
        Kind.WATCH: Bound(config.connection_watches, config.max_watches),
        Kind.HEALTH_WATCH: Bound(config.connection_watches, config.max_watches),
    }, Bound(config.connection_bytes, config.max_bytes))


class Server:
    """Everything of one service process, wired together."""

    def __init__(self, config: Config):
        require_private(config)
        self._config = config
        self.library = Library(config.model, config.policy, read_catalog(config.models_file), config.cache_bytes,
                               self._forget, config.family)
        self._store = SQLiteStore(config.store, tree_of, RESERVE_BYTES)
        self._sessions = Sessions(self._store, ProtoCodec(), Limits(
            sessions=config.max_sessions, session_bytes=config.session_bytes))
        self._predictions = Predictions(config.prediction_bytes)
        self._failed = asyncio.Event()
        self._ending: Ending | None = None  # of the process, where the server is all that it does
        self._loop = asyncio.get_running_loop()
        self._engine = Engine(config.max_batch_tokens, config.max_waiting, self._on_fault, self._drop_caches,
                              config.stall_seconds, max_waiting_interactive=config.max_waiting_interactive)
        self._health = Health(SERVICES)
        self._watching: asyncio.Task | None = None
        self.admission = admission_for(config)
        self._grpc = grpc.aio.server(options=[*OPTIONS, ("grpc.max_concurrent_streams", self.admission.most_calls)],
                                     interceptors=[self.admission, RefusesUnreadable()])
        parts = self.library, self._sessions, self._engine, self._predictions
        session_service_pb2_grpc.add_SessionServiceServicer_to_server(SessionService(*parts), self._grpc)
        inspection_service_pb2_grpc.add_InspectionServiceServicer_to_server(InspectionService(*parts), self._grpc)
        model_service_pb2_grpc.add_ModelServiceServicer_to_server(ModelService(self.library), self._grpc)
        health_pb2_grpc.add_HealthServicer_to_server(self._health.servicer, self._grpc)
        if config.reflection:
            reflection.enable_server_reflection([*SERVICES, health.SERVICE_NAME, reflection.SERVICE_NAME], self._grpc)
        self.address = ""

    async def start(self) -> None:
        """Listens; calls are answered from now on, and health says SERVING once the default model is ready."""
        await self._set_health(health_pb2.HealthCheckResponse.NOT_SERVING)
        try:
            port = self._grpc.add_insecure_port(joined(self._config.host, self._config.port))
        except RuntimeError:
            raise cannot_listen(self._config.host, self._config.port) from None
        await self._grpc.start()
        self.address = joined(self._config.host, port)
        await asyncio.to_thread(processes.processes.start)
        self._watching = asyncio.create_task(self._watch_store())

    async def ready(self) -> None:
        """The default model is in memory."""
        if not self._failed.is_set():
            await self._set_health(health_pb2.HealthCheckResponse.SERVING)

    async def run(self, ending: Ending) -> int:
        """Serves until the process is to end, which a fault of the engine's begins too; the exit code."""
        self._ending = ending
        if self._failed.is_set():
            ending.begin(1)
        sweeping = asyncio.create_task(self._sweep())
        await ending.begun.wait()
        sweeping.cancel()
        await self.stop()
        return ending.code

    async def stop(self) -> None:
        """Lets running steps reach their boundary, then ends; what takes too long for that is left behind."""
        await self._set_health(health_pb2.HealthCheckResponse.NOT_SERVING)
        if self._watching:
            self._watching.cancel()
        await bounded(lambda: self._engine.stop(PASS_SECONDS), PASS_SECONDS + 1)
        await asyncio.wait([asyncio.create_task(self._grpc.stop(0.5))], timeout=CALLS_SECONDS)
        try:
            if not await bounded(self._store.close, STORE_SECONDS):
                log.error("the store is still written to and was not closed")
        except Exception:
            log.exception("the store could not be closed")

    def _on_fault(self) -> None:
        """The engine runs no job any more. From any thread."""
        if self._ending:
            self._ending.begin(1)
        self._loop.call_soon_threadsafe(self._fail)

    def _fail(self) -> None:
        self._failed.set()
        self._telling = asyncio.create_task(self._set_health(health_pb2.HealthCheckResponse.NOT_SERVING))

    def _drop_caches(self) -> int:
        """Frees what can be computed again; on the engine's thread."""
        return self._predictions.clear() + self.library.drop_caches()

    def _forget(self, info: ModelInfo) -> None:
        """Drops what is kept of a model that was taken out of use. From any thread."""
        self._predictions.forget(info)
        compiled_constraints.KEPT.forget(info)

    async def _set_health(self, status: int) -> None:
        """Of everything; what is wrong with the store comes on top of it."""
        serving = status == health_pb2.HealthCheckResponse.SERVING
        await self._health.tell("server", () if serving else self._health.everything)

    async def _watch_store(self) -> None:
        """Health says what a call has found, and tries the store again until it can be written."""
        while True:
            with suppress(Exception):
                trouble = self._store.trouble and await asyncio.to_thread(self._store.check)
                await self._health.tell("store", SERVICES[:1] if trouble else ())
            await asyncio.sleep(STORE_CHECK_SECONDS)

    async def _sweep(self) -> None:
        while True:
            await asyncio.sleep(SWEEP_SECONDS)
            with suppress(Exception):
                await asyncio.to_thread(self._sessions.sweep)
