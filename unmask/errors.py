"""What a call can raise.

    UnmaskError              any refusal of the server, with its reason
    +-- InvalidField         a field of the request is at fault; `fields` says which
    +-- NotFound             no such session or model, or it expired
    +-- Conflict             somebody else changed the session, or is changing it
    +-- NotNow               right request, wrong moment: a complete canvas, a model not loaded
    +-- Refused              the server's policy says no
    +-- Overloaded           too much at once; `retry_after` says when to come back
    +-- Unreachable          no server there, or it is starting or stopping
    +-- Broken               the server's fault, or a damaged checkpoint
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import grpc
from google.rpc import error_details_pb2
from grpc_status import rpc_status


class UnmaskError(Exception):
    """A refusal. reason: UPPER_SNAKE word. metadata: string to string. fields: (field, what is wrong) pairs.

    retry_after: seconds after which to try again, or None.
    """

    def __init__(self, message: str, reason: str = "", metadata=None, fields=(), retry_after: float | None = None):
        super().__init__(message)
        self.reason = reason
        self.metadata = dict(metadata or {})
        self.fields = tuple(fields)
        self.retry_after = retry_after


class InvalidField(UnmaskError):
    pass


class NotFound(UnmaskError):
    pass


class Conflict(UnmaskError):
    pass


class NotNow(UnmaskError):
    pass


class Refused(UnmaskError):
    pass


class Overloaded(UnmaskError):
    pass


class Unreachable(UnmaskError):
    pass


class Broken(UnmaskError):
    pass


KINDS = {
    grpc.StatusCode.INVALID_ARGUMENT: InvalidField,
    grpc.StatusCode.OUT_OF_RANGE: InvalidField,
    grpc.StatusCode.NOT_FOUND: NotFound,
    grpc.StatusCode.ABORTED: Conflict,
    grpc.StatusCode.FAILED_PRECONDITION: NotNow,
    grpc.StatusCode.PERMISSION_DENIED: Refused,
    grpc.StatusCode.UNAUTHENTICATED: Refused,
    grpc.StatusCode.RESOURCE_EXHAUSTED: Overloaded,
    grpc.StatusCode.UNAVAILABLE: Unreachable,
}


def from_rpc(error: grpc.RpcError) -> UnmaskError:
    """The error that a gRPC status means, with its google.rpc details."""
    kind = KINDS.get(error.code(), Broken)
    reason, metadata, fields, retry_after = error.code().name, {}, [], None
    call: Any = error  # what gRPC raises is its call as well
    status = rpc_status.from_call(call)
    for detail in status.details if status else ():
        info, bad, retry = error_details_pb2.ErrorInfo(), error_details_pb2.BadRequest(), error_details_pb2.RetryInfo()
        if detail.Unpack(info):
            reason, metadata = info.reason, info.metadata
        elif detail.Unpack(bad):
            fields = [(violation.field, violation.description) for violation in bad.field_violations]
        elif detail.Unpack(retry):
            retry_after = retry.retry_delay.ToNanoseconds() / 1e9
    return kind(error.details() or reason, reason, metadata, fields, retry_after)


@contextmanager
def translated() -> Iterator[None]:
    """Turns gRPC's errors into ours."""
    try:
        yield
    except grpc.RpcError as error:
        raise from_rpc(error) from None
