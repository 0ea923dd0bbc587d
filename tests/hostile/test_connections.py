"""Clients that connect and say nothing, or go no further than HTTP/2's first frame: others reach the service."""

import resource
import socket
from contextlib import ExitStack
from types import SimpleNamespace

import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from benchmarks.siege.processes import Service
from inference_service.descriptors import raise_limit
from tests.patience import PATIENCE
from tests.service.calls import Api

FEW = 256  # descriptors that the service is started with
NOTHING, PREFACE = b"", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes(3) + b"\4" + bytes(5)


@pytest.fixture(scope="module")
def service(tmp_path_factory):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard < 4 * FEW:
        pytest.skip("the system lets a process have no more")
    resource.setrlimit(resource.RLIMIT_NOFILE, (FEW, hard))  # which the service inherits
    try:
        service = Service(tmp_path_factory.mktemp("connected"))
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    yield service
    assert service.stop() == 0, service.said()


@pytest.mark.parametrize("says", [NOTHING, PREFACE], ids=["nothing", "HTTP/2"])
def test_idle_connections_keep_nobody_out(service, says):
    host, port = service.address.rsplit(":", 1)
    with ExitStack() as held:
        for _ in range(2 * FEW):
            held.enter_context(socket.create_connection((host, int(port)), PATIENCE)).sendall(says)
        api = Api(SimpleNamespace(address=service.address))
        health = health_pb2_grpc.HealthStub(api.channel)
        answer = health.Check(health_pb2.HealthCheckRequest(), timeout=PATIENCE, wait_for_ready=True)
        assert answer.status == health_pb2.HealthCheckResponse.SERVING
        assert api.create().id
        api.channel.close()


def test_who_says_nothing_is_let_go(service):
    host, port = service.address.rsplit(":", 1)
    with socket.create_connection((host, int(port)), 60) as silent:  # gRPC itself would wait for two minutes
        while silent.recv(4096):
            pass


def test_a_limit_is_raised_as_far_as_the_system_lets_it():
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (FEW, before[1]))
        assert raise_limit(FEW + 1) == FEW + 1
        assert raise_limit(FEW) == FEW + 1, "it takes nothing away"
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)
