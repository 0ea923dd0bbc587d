"""Whether a server is up: python -m unmask.probe 127.0.0.1:50051, or an http address. Exit code 0 is yes.

For the health checks of containers, and for `unmask serve`.
"""

import sys
import urllib.request
from typing import Any

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc


def is_serving(target) -> bool:
    """Whether the inference service says that it serves."""
    with grpc.insecure_channel(target, options=[("grpc.enable_http_proxy", 0)]) as channel:
        try:
            stub: Any = health_pb2_grpc.HealthStub(channel)  # its declared type lacks the methods
            answer = stub.Check(health_pb2.HealthCheckRequest(), timeout=1)
        except grpc.RpcError:
            return False
    return answer.status == health_pb2.HealthCheckResponse.SERVING


def answers(url) -> bool:
    """Whether a GET of the url succeeds."""
    try:
        # Without the proxies of the environment: this machine is asked.
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(url, timeout=1):
            return True
    except OSError:
        return False


if __name__ == "__main__":
    address = sys.argv[1]
    sys.exit(0 if (answers if address.startswith("http://") else is_serving)(address) else 1)
