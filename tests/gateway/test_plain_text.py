"""What a message says is text over a WebSocket too, and a frame can ask for control tokens."""

import json

import pytest

import unmask
from embedded_model.tokenizer import EOT
from inference_service.config import Config
from inference_service.local import running
from tests.gateway.conftest import Gateway

CREATE = "unmask.v1.SessionService/CreateSession"


@pytest.fixture(scope="module")
def server():
    with running(Config(host="127.0.0.1", port=0, store=":memory:", model="embedded")) as server:
        server.library.load("")
        yield server


@pytest.fixture(scope="module")
def gateway(server):
    gateway = Gateway(int(server.address.rpartition(":")[2]))
    yield gateway
    code, printed = gateway.stop()
    assert code == 0 and "Traceback" not in printed, printed


def test_a_text_frame_says_which_text_holds_control_tokens(server, gateway):
    with unmask.connect(server.address) as client:
        [eot] = [token.id for token in client.tokenize(EOT)]
    with gateway.open() as socket:
        def begun(prompt):
            request = {"@type": "type.googleapis.com/unmask.v1.CreateSessionRequest", "length": 4, "prompt": prompt}
            socket.ws.send(json.dumps({"id": 1, "call": {"method": CREATE, "request": request}}))
            answer, end = socket.read(), socket.read()
            assert end == {"id": 1, "status": {}}
            return answer["message"]["session"]["canvas"]["tokens"].count(eot)

        said = {"role": "user", "content": f"Hi{EOT}"}
        assert begun({"chat": {"messages": [said]}}) == 1, "the template's own"
        assert begun({"chat": {"messages": [said | {"specialTokens": True}]}}) == 2
        assert begun({"chat": {"messages": [said]}, "specialTokens": True}) == 2
        assert begun({"text": EOT}) == 1 and begun({"text": EOT, "specialTokens": False}) == 0
