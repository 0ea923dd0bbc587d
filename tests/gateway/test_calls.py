"""Calls carried between a socket and the service."""

import json
import threading
import time

import pytest
from google.protobuf import json_format
from google.protobuf.any_pb2 import Any

from unmask.v1 import model_service_pb2, session_service_pb2
from unmask.v1.envelope_pb2 import Call, ClientEnvelope

from .conftest import GET, STEP, WATCH, details, violation, wait_for


def test_binary_bytes_pass_as_they_are(client, service):
    request = b"\x0a\x01s\xfa\x3f\x07unknown"
    call = Call(method=GET)
    call.request.type_url = "type.googleapis.com/unmask.v1.GetSessionRequest"
    call.request.value = request
    client.send(ClientEnvelope(id=1, call=call))
    answer, end = client.read(), client.read()
    assert service.recorder.requests[-1] == request
    assert answer.message.value == service.recorder.responses[-1]
    assert answer.message.value.endswith(b"\xfa\x3f\x03new")
    assert answer.message.type_url == "type.googleapis.com/unmask.v1.GetSessionResponse"
    assert (answer.id, end.id, end.status.code) == (1, 1, 0)


def test_text_is_the_json_of_the_same(client):
    request = {"@type": "type.googleapis.com/unmask.v1.GetSessionRequest", "sessionId": "é"}
    client.ws.send(json.dumps({"id": 3, "call": {"method": GET, "request": request}}))
    answer, end = client.read(), client.read()
    assert answer["id"] == 3
    assert answer["message"]["@type"] == "type.googleapis.com/unmask.v1.GetSessionResponse"
    assert answer["message"]["session"] == {"id": "é", "revision": "7"}
    assert end == {"id": 3, "status": {}}


def test_each_call_is_answered_in_its_own_form(client):
    client.step(1, count=200)
    request = {"@type": "type.googleapis.com/unmask.v1.StepRequest", "sessionId": "s", "count": 200}
    client.ws.send(json.dumps({"id": 2, "call": {"method": STEP, "request": request}}))
    forms = {1: set(), 2: set()}
    ended = 0
    while ended < 2:
        envelope = client.read()
        text = isinstance(envelope, dict)
        forms[envelope["id"] if text else envelope.id].add(text)
        ended += "status" in envelope if text else envelope.HasField("status")
    assert forms == {1: {False}, 2: {True}}


def test_a_stream_arrives_whole_and_in_order(client):
    client.step(5, count=100)
    revisions = []
    while (envelope := client.read()).HasField("message"):
        revisions.append(session_service_pb2.StepResponse.FromString(envelope.message.value).frame.revision)
    assert revisions == list(range(1, 101))
    assert envelope.id == 5 and envelope.status.code == 0


def test_calls_run_beside_each_other(client, service):
    """The second is answered while the first one is held."""
    service.sessions.free.clear()
    client.get(1, "slow")
    client.get(2)
    assert client.status(2).code == 0
    service.sessions.free.set()
    assert client.status(1).code == 0


def test_cancel_reaches_the_service(client, service):
    client.step(1, "endless")
    client.read()
    assert service.running == 1
    client.cancel(1)
    assert client.status(1).code == 1
    wait_for(lambda: service.running == 0, what="the service's end of the call")
    client.cancel(1)
    client.get(1)
    assert client.status(1).code == 0


@pytest.mark.parametrize("politely", [True, False])
def test_a_closed_tab_ends_its_calls(gateway, service, politely):
    client = gateway.open()
    client.step(1, "endless")
    client.begin(2, WATCH, session_service_pb2.WatchSessionRequest(session_id="w"))
    wait_for(lambda: service.running == 2)
    if politely:
        client.ws.close()
    else:
        client.ws.shutdown()
    wait_for(lambda: service.running == 0, "the end of both calls")


@pytest.mark.parametrize("count", [0, 5])
def test_error_details_survive(client, count):
    """Of a unary call, and of a stream that fails after it has begun."""
    if count:
        client.step(1, "fail", count)
    else:
        client.get(1, "fail")
    status = client.status(1)
    assert (status.code, status.message) == (10, "another step is running")
    parts = details(status)
    assert parts["ErrorInfo"].metadata == {"session": "s"}
    assert parts["BadRequest"].field_violations[0].field == "count"


def test_error_details_show_as_json(client):
    request = {"@type": "type.googleapis.com/unmask.v1.GetSessionRequest", "sessionId": "fail"}
    client.ws.send(json.dumps({"id": 1, "call": {"method": GET, "request": request}}))
    status = client.read()["status"]
    assert status["details"][0]["reason"] == "SESSION_BUSY"
    assert status["details"][1]["fieldViolations"] == [{"field": "count", "description": "0 to 9"}]


def test_a_method_without_code_is_the_services_answer(client):
    client.begin(1, "unmask.v1.ModelService/ListModels", model_service_pb2.ListModelsRequest())
    assert client.status(1).code == 12


def test_the_callers_timeout_counts(client, service):
    """The call has no end of its own, and the gateway's limit is an hour."""
    began = time.monotonic()
    client.begin(1, STEP, session_service_pb2.StepRequest(session_id="endless"), timeout=0.3)
    assert client.status(1).code == 4
    assert time.monotonic() - began > 0.2
    wait_for(lambda: service.running == 0)


def test_the_gateways_limits():
    from web_gateway.calls import Calls
    from web_gateway.config import Settings
    from web_gateway.methods import METHODS

    calls = Calls(None, None, Settings(unary_timeout=30, stream_timeout=3600), None)
    absent, long, short = Call(), Call(), Call()
    long.timeout.FromSeconds(10**9)
    short.timeout.FromMilliseconds(1500)
    assert [calls._timeout(METHODS[GET], call) for call in (absent, long, short)] == [30, 30, 1.5]
    assert [calls._timeout(METHODS[STEP], call) for call in (absent, long, short)] == [3600, 3600, 1.5]
    assert [calls._timeout(METHODS[WATCH], call) for call in (absent, short)] == [None, 1.5]


def test_unknown_method(client):
    client.begin(9, "unmask.v1.SessionService/Explode", session_service_pb2.StepRequest())
    status = client.status(9)
    assert status.code == 12
    assert STEP in status.message and "Explode" in status.message
    assert client.works()


def test_wrong_type(client, service):
    seen = len(service.recorder.requests)
    client.begin(9, STEP, session_service_pb2.RewindRequest(session_id="s"))
    code, reason, field, allowed = violation(client.status(9))
    assert (code, reason, field) == (3, "WRONG_TYPE", "call.request")
    assert "unmask.v1.StepRequest" in allowed
    assert len(service.recorder.requests) == seen


def test_negative_timeout(client):
    client.begin(9, STEP, session_service_pb2.StepRequest(), timeout=-1)
    assert violation(client.status(9))[2:] == (
        "call.timeout",
        "more than 0 seconds; absent takes the gateway's limit",
    )


def test_an_open_id_is_refused_and_its_call_goes_on(client, service):
    client.step(4, "endless")
    client.read()
    client.get(4)
    status = client.status(0)
    assert violation(status)[:3] == (3, "DUPLICATE_ID", "id")
    assert details(status)["ErrorInfo"].metadata == {"id": "4"}
    assert service.running == 1
    first, second = client.read(), client.read()
    assert first.HasField("message") and second.HasField("message")
    client.cancel(4)
    assert client.status(4).code == 1


def test_too_many_calls(tight, service):
    with tight.open() as one, tight.open() as other:
        for id in (1, 2, 3):
            one.step(id, "endless")
        one.step(4, "endless")
        status = one.status(4)
        parts = details(status)
        assert status.code == 8 and parts["ErrorInfo"].reason == "TOO_MANY_CALLS"
        assert parts["QuotaFailure"].violations[0].subject == "socket"
        assert parts["RetryInfo"].retry_delay.seconds == 1
        for id in (1, 2, 3):
            other.step(id, "endless")
        assert details(other.status(3))["QuotaFailure"].violations[0].subject == "gateway"
        one.cancel(1)
        assert one.status(1).code == 1
        one.get(1)
        assert one.status(1).code == 0
    wait_for(lambda: service.running == 0)


def test_json_that_cannot_be_shown_becomes_an_error():
    from web_gateway import envelopes

    envelope = envelopes.ServerEnvelope(id=2)
    envelope.message.type_url = "type.googleapis.com/unmask.v1.StepResponse"
    envelope.message.value = b"\xff"
    shown = json.loads(envelopes.encode(envelope, as_text=True))
    assert shown["id"] == 2 and shown["status"]["code"] == 13
    assert json_format.Parse(json.dumps(shown), envelopes.ServerEnvelope()).status.message
    assert envelopes.encode(envelope, as_text=False) == envelope.SerializeToString()


def test_a_call_while_the_gateway_ends_is_refused_and_holds_no_place():
    from web_gateway.calls import Calls
    from web_gateway.config import Settings
    from web_gateway.upstream import Upstream

    upstream = Upstream("127.0.0.1:9")
    assert upstream.channel
    upstream.close()
    slots, told = threading.BoundedSemaphore(1), []
    calls = Calls(upstream, slots, Settings(), lambda envelope, as_text: told.append(envelope))
    call = Call(method=GET, request=Any(type_url="type.googleapis.com/unmask.v1.GetSessionRequest"))
    for id in (1, 2):
        calls.begin(id, call, as_text=False)
    assert [(envelope.id, envelope.status.code) for envelope in told] == [(1, 14), (2, 14)]
    assert slots.acquire(blocking=False)
