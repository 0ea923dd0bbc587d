"""Requests that are not the bytes of their message: refused like any other wrong field, not as the server's fault."""

import inspect
from typing import Any

import grpc
from google.protobuf.message import DecodeError

from inference_service.errors import InvalidField
from inference_service.rpc.errors import abort

UNREADABLE = object()


def refusal() -> InvalidField:
    return InvalidField("request", "must be the serialized message of the method, its strings in UTF-8",
                        reason="MALFORMED_REQUEST")


class RefusesUnreadable(grpc.aio.ServerInterceptor):
    """gRPC itself would answer UNKNOWN and name the class of the error."""

    async def intercept_service(self, continuation, handler_call_details):
        handler: Any = await continuation(handler_call_details)  # a named tuple, which its declared type is not
        if handler is None or handler.request_deserializer is None:
            return handler
        read = handler.request_deserializer

        def deserialize(data: bytes):
            try:
                return read(data)
            except DecodeError:
                return UNREADABLE

        kind = f"{'stream' if handler.request_streaming else 'unary'}_" + (
            "stream" if handler.response_streaming else "unary")
        wrapped = _answering(getattr(handler, kind), handler.request_streaming, handler.response_streaming)
        return handler._replace(request_deserializer=deserialize, **{kind: wrapped})


def _answering(method, requests_stream: bool, responses_stream: bool):
    """The method, not called with what could not be read. A stream raises in its place, for the method to answer."""
    if requests_stream and responses_stream:  # reflection's
        async def conversing(requests, context):
            try:
                async for response in method(_readable(requests), context):
                    yield response
            except InvalidField as error:
                await abort(context, error)
        return conversing
    if requests_stream:
        async def gathering(requests, context):
            return await method(_readable(requests), context)
        return gathering
    if responses_stream and inspect.isasyncgenfunction(method):  # health's Watch writes its answers by itself
        async def stream(request, context):
            if request is UNREADABLE:
                await abort(context, refusal())
            async for response in method(request, context):
                yield response
        return stream

    async def unary(request, context):
        if request is UNREADABLE:
            await abort(context, refusal())
        return await method(request, context)
    return unary


async def _readable(requests):
    async for request in requests:
        if request is UNREADABLE:
            raise refusal()
        yield request
