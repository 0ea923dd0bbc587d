"""Errors of the gateway's own, as unmask.v1.Status with google.rpc details."""

import typing

import grpc
from google.protobuf.any_pb2 import Any
from google.protobuf.message import Message
from google.rpc import error_details_pb2 as details

from unmask.v1.envelope_pb2 import Status

DOMAIN = "unmask.v1"


def make(code: grpc.StatusCode, reason: str, message: str, *, fields=(), quota=None, retry_after=None, **metadata):
    """A Status.

    reason: UPPER_SNAKE word for programs; `metadata` goes with it.
    fields: (field, what it allows) pairs, sent as BadRequest.
    quota: (subject, what it allows), sent as QuotaFailure.
    retry_after: seconds, sent as RetryInfo.
    """
    status = Status(code=code.value[0], message=message)
    info = details.ErrorInfo(
        reason=reason, domain=DOMAIN, metadata={key: str(value) for key, value in metadata.items()}
    )
    parts: list[Message] = [info]
    if fields:
        violations = [details.BadRequest.FieldViolation(field=field, description=text) for field, text in fields]
        parts.append(details.BadRequest(field_violations=violations))
    if quota:
        violation = details.QuotaFailure.Violation(subject=quota[0], description=quota[1])
        parts.append(details.QuotaFailure(violations=[violation]))
    if retry_after:
        retry = details.RetryInfo()
        retry.retry_delay.FromMilliseconds(int(retry_after * 1000))
        parts.append(retry)
    for part in parts:
        packed = Any()
        packed.Pack(part)
        status.details.append(packed)
    return status


def invalid(field: str, allowed: str, *, reason="INVALID_FIELD", **metadata) -> Status:
    """INVALID_ARGUMENT at one field; `allowed` says what would be right."""
    return make(grpc.StatusCode.INVALID_ARGUMENT, reason, f"{field}: {allowed}", fields=[(field, allowed)], **metadata)


def exhausted(reason: str, subject: str, allowed: str) -> Status:
    """RESOURCE_EXHAUSTED: one of the gateway's caps is reached."""
    return make(grpc.StatusCode.RESOURCE_EXHAUSTED, reason, allowed, quota=(subject, allowed), retry_after=1)


def from_rpc(error: grpc.RpcError) -> Status:
    """The Status of a failed gRPC call, with the service's details where it sent any."""
    code, text = error.code(), error.details() or ""
    metadata: typing.Any = error.trailing_metadata()  # pairs of a key and a value
    for key, value in metadata or ():
        if key == "grpc-status-details-bin":
            try:
                status = Status.FromString(value)
            except Exception:  # damaged details must not hide the error itself
                break
            if status.code == code.value[0]:
                return status
    if code == grpc.StatusCode.UNAVAILABLE:
        # Without details the answer is gRPC's own: nobody was there to give any.
        message = f"The inference service does not answer. Is it running? ({text})"
        return make(code, "SERVICE_UNREACHABLE", message, retry_after=1)
    return Status(code=code.value[0], message=text)
