"""The error tree as gRPC statuses with google.rpc details."""

import functools
import inspect
import logging

from google.protobuf.any_pb2 import Any
from google.protobuf.message import Message
from google.rpc import error_details_pb2, status_pb2
from grpc import StatusCode
from grpc_status import rpc_status

from inference_service import errors
from inference_service.sandbox import scope

log = logging.getLogger(__name__)

DOMAIN = "unmask.v1"

CODES = {
    errors.InvalidField: StatusCode.INVALID_ARGUMENT,
    errors.NotFound: StatusCode.NOT_FOUND,
    errors.Aborted: StatusCode.ABORTED,
    errors.OutOfRange: StatusCode.OUT_OF_RANGE,
    errors.FailedPrecondition: StatusCode.FAILED_PRECONDITION,
    errors.PermissionDenied: StatusCode.PERMISSION_DENIED,
    errors.Exhausted: StatusCode.RESOURCE_EXHAUSTED,
    errors.Unavailable: StatusCode.UNAVAILABLE,
    errors.DataLoss: StatusCode.DATA_LOSS,
    errors.DeadlineExceeded: StatusCode.DEADLINE_EXCEEDED,
    errors.Cancelled: StatusCode.CANCELLED,
    errors.Internal: StatusCode.INTERNAL,
}


def short(text: str, size: int = 800) -> str:
    """A text cut to `size` bytes: a status travels in trailers, which both ends cap at 8 KiB in all.

    Longer ones, such as those that quote what came in, would reach the caller as an error of the transport.
    """
    data = text.encode()
    return text if len(data) <= size else data[:size].decode(errors="ignore") + "..."


def status_of(error: errors.ServiceError) -> status_pb2.Status:
    """The status of an error: ErrorInfo always, BadRequest for fields, RetryInfo where trying again helps."""
    code = next((CODES[kind] for kind in type(error).__mro__ if kind in CODES), StatusCode.INTERNAL)
    details: list[Message] = [error_details_pb2.ErrorInfo(reason=error.reason, domain=DOMAIN, metadata=error.metadata)]
    if error.fields:
        violations = [error_details_pb2.BadRequest.FieldViolation(field=short(field, 200),
                                                                  description=short(description))
                      for field, description in error.fields]
        details.append(error_details_pb2.BadRequest(field_violations=violations))
    if error.retry_after is not None:
        info = error_details_pb2.RetryInfo()
        info.retry_delay.FromNanoseconds(int(error.retry_after * 1e9))
        details.append(info)
    status = status_pb2.Status(code=code.value[0], message=short(error.message))
    for detail in details:
        packed = Any()
        packed.Pack(detail)
        status.details.append(packed)
    return status


async def abort(context, error: Exception) -> None:
    """Ends the call with the error's status; what is not in the tree is our fault and says no more than that."""
    if not isinstance(error, errors.ServiceError):
        log.error("a call failed", exc_info=error)
        error = errors.Internal("the server failed to answer this call")
    await context.abort_with_status(rpc_status.to_status(status_of(error)))


def answers_errors(handler):
    """Wraps a servicer method, unary or streaming, so that a raised ServiceError becomes the call's status.

    What works for the call, on whichever thread, sees its deadline and its end in `sandbox.scope`.
    """
    if inspect.isasyncgenfunction(handler):
        @functools.wraps(handler)
        async def stream(self, request, context):
            call = scope.begin(context.time_remaining())
            try:
                async for response in handler(self, request, context):
                    yield response
            except Exception as error:
                await abort(context, error)
            finally:
                call.cancelled.set()
        return stream

    @functools.wraps(handler)
    async def unary(self, request, context):
        call = scope.begin(context.time_remaining())
        try:
            return await handler(self, request, context)
        except Exception as error:
            await abort(context, error)
        finally:
            call.cancelled.set()
    return unary
