"""What was refused is let go of: a hundred refused requests of megabytes are not kept until something collects them."""

import gc
import weakref
from types import SimpleNamespace

import pytest

from inference_service.errors import InvalidField
from inference_service.rpc.errors import answers_errors


class Large:
    """Stands for a request of megabytes."""


class Ended(Exception):
    """The call's end, as gRPC raises it where a status is set."""


class Context:
    def time_remaining(self):
        return None

    async def abort_with_status(self, status):
        raise Ended


def refused(seen):
    """Fails as a request does that cannot be read: with one error that another one caused, both with it in a frame."""
    large = Large()
    seen.append(weakref.ref(large))
    try:
        raise ValueError(type(large))
    except ValueError as error:
        raise InvalidField("request", "must be smaller") from error


@answers_errors
async def unary(self, request, context):
    refused(self.seen)


@answers_errors
async def stream(self, request, context):
    refused(self.seen)
    yield


async def begin(method, servicer):
    answer = method(servicer, None, Context())
    await (answer if method is unary else anext(answer))


@pytest.mark.parametrize("method", [unary, stream])
async def test_no_frame_of_a_refusal_keeps_its_request(method):
    servicer = SimpleNamespace(seen=[])
    gc.disable()
    try:
        with pytest.raises(Ended) as kept:  # as something that logs it, or a cycle, keeps it
            await begin(method, servicer)
        assert [ref() for ref in servicer.seen] == [None]
    finally:
        gc.enable()
    assert kept.value
