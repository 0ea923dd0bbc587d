"""The gRPC channel to the inference service."""

import threading
from typing import Any

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

from .methods import Method

CHANNEL_OPTIONS = (
    # A frozen service is noticed in seconds; keepalive alone does not leave it.
    ("grpc.keepalive_time_ms", 10_000),
    ("grpc.keepalive_timeout_ms", 3_000),
    ("grpc.http2.ping_timeout_ms", 3_000),
    ("grpc.keepalive_permit_without_calls", 0),
    # A service that was killed and started again is reached again within a second.
    ("grpc.min_reconnect_backoff_ms", 2_000),
    ("grpc.initial_reconnect_backoff_ms", 200),
    ("grpc.max_reconnect_backoff_ms", 800),
    # Keeps flow control tight: a browser that does not read stops the service after a few messages.
    ("grpc.http2.bdp_probe", 0),
)


class Upstream:
    """Begins calls. Connects at the first one, never before the fork: gRPC does not survive it."""

    def __init__(self, address: str):
        self._address = address
        self._lock = threading.Lock()
        self._channel = None

    @property
    def channel(self) -> grpc.Channel:
        with self._lock:
            if self._channel is None:
                self._channel = grpc.insecure_channel(self._address, options=CHANNEL_OPTIONS)
            return self._channel

    def call(self, method: Method, request: bytes, timeout: float | None):
        """Begins a call without waiting for it.

        request: the serialized request, sent as it is.
        timeout: seconds, or None for no limit.

        Returns an iterator of serialized responses with `cancel()`; it raises
        grpc.RpcError. On the wire a unary call is a stream of one message, so
        both kinds go this one way.
        """
        return self.channel.unary_stream(f"/{method.name}")(request, timeout=timeout)

    def health(self, timeout: float = 2) -> str:
        """The service's health, such as "SERVING". Raises grpc.RpcError."""
        stub: Any = health_pb2_grpc.HealthStub(self.channel)  # its declared type lacks the methods
        answer = stub.Check(health_pb2.HealthCheckRequest(), timeout=timeout)
        return health_pb2.HealthCheckResponse.ServingStatus.Name(answer.status)

    def close(self):
        with self._lock:
            if self._channel is not None:
                self._channel.close()
