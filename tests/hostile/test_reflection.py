"""Reflection, the one service that is not ours: what it is asked is answered or refused as anywhere else."""

import grpc
import pytest
from grpc import StatusCode as Code
from grpc_reflection.v1alpha import reflection_pb2 as pb
from grpc_reflection.v1alpha import reflection_pb2_grpc

from tests.service.calls import WAIT, Api, read_refusal

METHOD = "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo"


@pytest.fixture(scope="module")
def api(serve):
    with serve() as server:
        api = Api(server)
        yield api
        api.channel.close()


@pytest.mark.parametrize("data", [b"\xff\xff\xff", b"\x22\x01\xff", b"\x22\x7f"])
def test_what_is_no_request_is_refused_by_name(api, data):
    good = pb.ServerReflectionRequest(list_services="").SerializeToString()
    call = api.channel.stream_stream(METHOD)(iter([good, data, good]), timeout=WAIT)
    with pytest.raises(grpc.RpcError) as caught:
        list(call)
    told = read_refusal(caught.value)
    assert (told.code, told.reason) == (Code.INVALID_ARGUMENT, "MALFORMED_REQUEST")
    assert "class" not in told.message and "Error" not in told.message


@pytest.mark.parametrize("asked", [
    {}, {"file_by_filename": "../../etc/passwd"}, {"file_by_filename": "\0"}, {"file_containing_symbol": "." * 10_000},
    {"file_containing_extension": pb.ExtensionRequest(containing_type="a.B", extension_number=-1)},
    {"file_containing_extension": pb.ExtensionRequest(containing_type="unmask.v1.Session", extension_number=2**31 - 1)},
    {"all_extension_numbers_of_type": "no.such"}, {"all_extension_numbers_of_type": ""},
])
def test_what_is_not_there_is_an_answer(api, asked):
    stub = reflection_pb2_grpc.ServerReflectionStub(api.channel)
    answers = list(stub.ServerReflectionInfo(iter([pb.ServerReflectionRequest(**asked)] * 3), timeout=WAIT))
    assert [answer.WhichOneof("message_response") for answer in answers] == ["error_response"] * 3
