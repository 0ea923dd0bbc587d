"""Frames that are no envelopes, in every way of JSON and protobuf: a typed error in the API's words, and no close."""

import json
import re

import pytest
from google.protobuf import json_format
from hypothesis import given
from hypothesis import strategies as st

from tests.gateway.conftest import GET, Gateway, Service, violation
from unmask.v1.envelope_pb2 import Call, ClientEnvelope, ServerEnvelope
from web_gateway import envelopes

STEP = "type.googleapis.com/unmask.v1.StepRequest"
# What a person who knows the API and not Python would not understand.
INNER = re.compile(r"Error\b|<class|Traceback|has no attr|codec|json_format|google\.protobuf\.(?!Any)|sys\.|\.py\b|upb")


@pytest.fixture(scope="module")
def service():
    service = Service()
    yield service
    service.stop()


@pytest.fixture(scope="module")
def gateway(service):
    gateway = Gateway(service.port)
    yield gateway
    gateway.stop()


@pytest.fixture
def client(gateway):
    with gateway.open() as client:
        yield client


def step(body):
    return f'{{"id": 5, "call": {{"method": "m", "request": {{"@type": "{STEP}", {body}}}}}}}'


TEXTS = {
    "half a surrogate pair": (r'"\ud800"', "frame"),
    "the other half": (r'"\udfff"', "frame"),
    "half a pair in a method": (r'{"id": 5, "call": {"method": "\ud800"}}', "call.method"),
    "half a pair in a request": (step(r'"sessionId": "\ud800"'), "call.request.sessionId"),
    "half a pair in a name": (r'{"id": 5, "\ud800": 1}', "?"),
    "half a pair in a type": (r'{"id": 5, "call": {"request": {"@type": "x/\ud800"}}}', "call.request"),
    "half a pair twice": (r'{"id": 5, "\ud800": 1, "\ud800": 1}', "frame"),
    "not a number": ('{"id": NaN}', "id"),
    "infinity": ('{"id": -Infinity}', "id"),
    "more than a double": ('{"id": 1e999}', "id"),
    "digits without end": ('{"id": ' + "9" * 5000 + "}", "frame"),
    "a fraction": ('{"id": 1.5}', "id"),
    "a truth": ('{"id": true}', "id"),
    "a number in a request": (step('"count": 4294967296'), "call.request.count"),
    "a list for one": (step('"count": [1]'), "call.request.count"),
    "an object for a text": (step('"sessionId": {}'), "call.request.sessionId"),
    "twice": ('{"id": 5, "id": 6}', "frame"),
    "a byte order mark": ("\ufeff{}", "frame"),
    "a list": ("[]", "frame"),
    "a text": ('"id"', "frame"),
    "a type that is a number": ('{"id": 5, "call": {"request": {"@type": 5}}}', "frame"),
    "no type": ('{"id": 5, "call": {"request": {"@type": ""}}}', "call.request"),
    "a type that nobody knows": ('{"id": 5, "call": {"request": {"@type": "x/unmask.v1.Nothing"}}}', "call.request"),
    "a value that is no enum's": (
        '{"id": 5, "call": {"request": {"@type": "x/unmask.v1.ExportRequest", "form": "FORM_NONE"}}}',
        "call.request.form"),
    "an extension": ('{"id": 5, "[x.y]": 1}', "frame"),
    "a duration": ('{"id": 5, "call": {"timeout": "1e999s"}}', "call.timeout"),
    "deep": ('{"a":' * 10_000 + "1" + "}" * 10_000, "frame"),
    "deep in a request": (
        '{"id": 5, "call": {"request": {"@type": "x/google.protobuf.Struct", "value": '
        + '{"a":' * 300 + "1" + "}" * 303,
        "call.request"),
    "many lists": ("[" * 60_000, "frame"),
}


@pytest.mark.parametrize("kind", TEXTS)
def test_text(client, kind):
    frame, field = TEXTS[kind]
    client.ws.send(frame)
    answer = client.read()["status"]
    assert answer["code"] == 3
    info, broken = answer["details"]
    assert info["reason"] == "MALFORMED_ENVELOPE"
    named = broken["fieldViolations"][0]
    assert named["field"] == field or field == "?"
    assert named["description"] and not INNER.search(json.dumps(answer)), answer
    assert client.works()


@pytest.mark.parametrize("frame", [b"\xff" * 20, b"\x08", b"\x08\x07\x12\xff", b"\x0a\x00", b"\x08\x07\x0b\x0b\x0b",
                                   b"\x08\x07\x12\x03\x0a\x01\xff", b"\x08\x07" + b"\x0b" * 5000, b"{}"])
def test_bytes(client, frame):
    client.ws.send_binary(frame)
    status = client.read().status
    code, reason, _, allowed = violation(status)
    assert (code, reason) == (3, "MALFORMED_ENVELOPE")
    assert not INNER.search(f"{status.message} {allowed}")
    assert client.works()


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(exclude_categories=())),
    lambda inner: st.lists(inner, max_size=4)
    | st.dictionaries(
        st.sampled_from(["id", "call", "cancel", "method", "request", "timeout", "@type", "value", "count"])
        | st.text(st.characters(exclude_categories=()), max_size=4), inner, max_size=4),
    max_leaves=12,
)


@given(json_values)
def test_any_json_is_an_envelope_or_a_typed_error(content):
    holds_a_typed_error_or_an_envelope(json.dumps(content))


@given(json_values, st.sampled_from([STEP, "x/unmask.v1.CreateSessionRequest", "x/unmask.v1.EditRequest",
                                     "x/google.protobuf.Value", "x/google.protobuf.FieldMask", "x/unmask.v1.Prompt"]))
def test_any_json_as_a_request_is_one_or_a_typed_error(content, type_url):
    request = (content if isinstance(content, dict) else {"value": content, "count": content}) | {"@type": type_url}
    holds_a_typed_error_or_an_envelope(json.dumps({"id": 5, "call": {"method": "m", "request": request}}))


@given(st.text(max_size=80) | st.binary(max_size=80))
def test_anything_at_all_is_an_envelope_or_a_typed_error(frame):
    holds_a_typed_error_or_an_envelope(frame)


def holds_a_typed_error_or_an_envelope(frame):
    try:
        envelope = envelopes.decode(frame)
    except envelopes.BadFrame as bad:
        violation(bad.status)
        answer = ServerEnvelope(id=bad.id, status=bad.status)
        assert envelopes.encode(answer, as_text=False)
        shown = envelopes.encode(answer, as_text=True)
        shown.encode()
        assert json_format.Parse(shown, ServerEnvelope()) == answer
        if isinstance(frame, bytes):
            assert not INNER.search(bad.status.message)
    else:
        assert envelope.id and envelope.WhichOneof("action")


def test_what_a_service_says_in_bad_words_still_reaches_a_text_client():
    """A message whose bytes are not what its type says."""
    envelope = ServerEnvelope(id=3)
    envelope.message.type_url, envelope.message.value = "type.googleapis.com/unmask.v1.StepResponse", b"\xff\xff"
    assert json.loads(envelopes.encode(envelope, as_text=True))["status"]["code"] == 13


def test_ids_are_known_where_they_can_be():
    with pytest.raises(envelopes.BadFrame) as bad:
        envelopes.decode(ClientEnvelope(id=5, call=Call(method=GET)).SerializeToString()[:-1])
    assert bad.value.id == 5
