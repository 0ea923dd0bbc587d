"""A stream that ends well and has not brought what it is for is an error with a name, whatever the call."""

from concurrent import futures

import grpc
import pytest

import unmask
from unmask.v1 import inspection_service_pb2, model_service_pb2, session_pb2, session_service_pb2


class Silent(grpc.GenericRpcHandler):
    """Ends every stream without a message; `said` has the messages that some bring first, by their RPC."""

    def __init__(self, said):
        self._said = said

    def service(self, details):
        name = details.method.rpartition("/")[2]
        if name == "GetSession":
            answer = session_service_pb2.GetSessionResponse(session=session_pb2.Session(id="s", model="m"))
            return grpc.unary_unary_rpc_method_handler(lambda request, context: answer,
                                                       response_serializer=type(answer).SerializeToString)
        return grpc.unary_stream_rpc_method_handler(
            lambda request, context: iter(self._said.get(name, [])),
            response_serializer=lambda message: message.SerializeToString())


@pytest.fixture
def connected():
    servers = []

    def start(**said):
        server = grpc.server(futures.ThreadPoolExecutor(2))
        server.add_generic_rpc_handlers((Silent(said),))
        port = server.add_insecure_port("127.0.0.1:0")
        server.start()
        servers.append(server)
        return unmask.connect(f"127.0.0.1:{port}")

    yield start
    for server in servers:
        server.stop(None).wait()


CALLS = {
    "LoadModel": lambda client: client.load("m"),
    "Score": lambda client: client.score("answer"),
    "Recover": lambda client: client.recover(["text"]),
    "Select": lambda client: client.open("s").select({0: 1}),
    "Edit": lambda client: client.open("s").edit(unmask.edits.mask(1)),
    "Rewind": lambda client: client.open("s").undo(),
    "Export": lambda client: client.open("s").export(),
    "Attribute": lambda client: client.open("s").attribute(3),
}


@pytest.mark.parametrize("name", CALLS)
def test_a_stream_without_a_message(connected, name):
    with connected() as client, pytest.raises(unmask.UnmaskError, match="ended its answer") as caught:
        CALLS[name](client)
    assert caught.value.reason == "INCOMPLETE_ANSWER"


@pytest.mark.parametrize(("name", "message"), [
    ("LoadModel", model_service_pb2.LoadModelResponse(done=1, total=2)),
    ("Recover", inspection_service_pb2.RecoverResponse(text=inspection_service_pb2.RecoveredText(model="m"))),
    ("Attribute", inspection_service_pb2.AttributeResponse(progress={"done": 1, "total": 2})),
    ("Export", session_service_pb2.ExportResponse(progress={"done": 1, "total": 2})),
])
def test_a_stream_that_brings_progress_alone(connected, name, message):
    with connected(**{name: [message]}) as client, pytest.raises(unmask.UnmaskError, match="ended its answer"):
        CALLS[name](client)
