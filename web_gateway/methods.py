"""What a browser may call, read from the generated descriptors."""

from dataclasses import dataclass

from grpc_health.v1 import health_pb2

from unmask.v1 import inspection_service_pb2, model_service_pb2, session_service_pb2

# A list and not whatever the package holds: a service becomes reachable from browsers by being named here.
FILES = (session_service_pb2, model_service_pb2, inspection_service_pb2, health_pb2)

# Followed for as long as somebody watches.
ENDLESS = {"unmask.v1.SessionService/WatchSession", "grpc.health.v1.Health/Watch"}


@dataclass(frozen=True)
class Method:
    """One gRPC method.

    name: such as "unmask.v1.SessionService/Step".
    request, response: full names of its messages.
    streams: whether it answers with more than one message.
    endless: whether it has no time limit of its own.
    """

    name: str
    request: str
    response: str
    streams: bool
    endless: bool


def _all() -> dict[str, Method]:
    found = {}
    for file in FILES:
        for service in file.DESCRIPTOR.services_by_name.values():
            for method in service.methods:
                name = f"{service.full_name}/{method.name}"
                found[name] = Method(
                    name, method.input_type.full_name, method.output_type.full_name, method.server_streaming,
                    name in ENDLESS,
                )  # fmt: skip
    return found


METHODS = _all()
