"""Frames that are no envelopes: one typed error each, and everything goes on."""

import json

import pytest
import websocket

from unmask.v1.envelope_pb2 import Call, ClientEnvelope

from .conftest import GET, violation, wait_for

STEP = '{"id": 5, "call": {"request": {"@type": "type.googleapis.com/unmask.v1.StepRequest", "count": COUNT}}}'


@pytest.mark.parametrize(
    "frame, id, field",
    [
        (b"\xff" * 20, 0, "frame"),
        (b"\x08\x07\x12\xff", 7, "frame"),
        (b"\x08\x07\x12\x03\x0a\x01\xff", 7, "frame"),
        (b"", 0, "id"),
        (ClientEnvelope(call=Call(method=GET)).SerializeToString(), 0, "id"),
        (ClientEnvelope(id=5).SerializeToString(), 5, "action"),
    ],
)
def test_malformed_binary(client, frame, id, field):
    client.ws.send_binary(frame)
    envelope = client.read()
    code, reason, named, allowed = violation(envelope.status)
    assert (envelope.id, code, reason, named) == (id, 3, "MALFORMED_ENVELOPE", field)
    assert allowed
    assert client.works()


@pytest.mark.parametrize(
    "frame, id, field",
    [
        ("{", 0, "frame"),
        ("", 0, "frame"),
        ("null", 0, "frame"),
        ("[" * 60_000, 0, "frame"),
        ("{}", 0, "id"),
        ('{"id": 4294967296}', 0, "id"),
        ('{"id": -1, "cancel": {}}', 0, "id"),
        ('{"id": "x"}', 0, "id"),
        ('{"id": 5}', 5, "action"),
        ('{"id": 5, "call": {}, "cancel": {}}', 5, "action"),
        ('{"id": 5, "call": {"method": 3}}', 5, "call.method"),
        ('{"id": 5, "colour": 3}', 5, "colour"),
        ('{"id": 5, "call": {"colour": 3}}', 5, "call.colour"),
        ('{"id": 5, "call": {"timeout": "soon"}}', 5, "call.timeout"),
        ('{"id": 5, "call": {"request": {"@type": "type.googleapis.com/unmask.v1.Nothing"}}}', 5, "call.request"),
        (STEP.replace("COUNT", '"many"'), 5, "call.request.count"),
        (STEP.replace("COUNT", "-1"), 5, "call.request.count"),
    ],
)
def test_malformed_json(client, frame, id, field):
    client.ws.send(frame)
    envelope = client.read()
    assert envelope.get("id", 0) == id
    status = envelope["status"]
    assert status["code"] == 3
    info, broken = status["details"]
    assert info["reason"] == "MALFORMED_ENVELOPE" and info["domain"] == "unmask.v1"
    assert broken["fieldViolations"][0]["field"] == field
    assert broken["fieldViolations"][0]["description"]
    assert client.works()


def test_the_range_is_named(client):
    client.ws.send('{"id": 0, "cancel": {}}')
    text = json.dumps(client.read())
    assert "1 to 4294967295" in text


@pytest.mark.parametrize("size", [64 * 1024 + 1, 10_000_000])
def test_an_oversize_frame_is_told_and_closed(gateway, service, size):
    with gateway.open() as other:
        other.step(1, "endless")
        other.read()
        client = gateway.open()
        client.step(1, "endless")
        wait_for(lambda: service.running == 2)
        client.ws.send_binary(b"x" * size)
        status = client.status(0)
        assert violation(status) == (3, "FRAME_TOO_LARGE", "frame", "1 to 65536 bytes")
        assert client.closed() == 1009
        wait_for(lambda: service.running == 1, what="the end of the closed socket's call")
        assert other.read().HasField("message")
    with gateway.open() as client:
        assert client.works()


def test_the_largest_frame_is_taken(client):
    frame = b"\xff" * (64 * 1024)
    client.ws.send_binary(frame)
    assert violation(client.read().status)[1] == "MALFORMED_ENVELOPE"


def test_bytes_that_are_no_text_close_with_1007(gateway):
    client = gateway.open()
    client.ws.send(b"\xff\xfe", opcode=1)
    assert client.closed() == 1007


def test_a_flood_is_cut_off(gateway):
    """Frames are held only until they are read: whoever sends many at once is closed."""
    with gateway.open() as other:
        client = gateway.open()
        frame = websocket.ABNF.create_frame(b"\xff", websocket.ABNF.OPCODE_BINARY).format()
        client.ws.sock.sendall(frame * 20_000)
        assert client.closed() == 1008
        client.ws.shutdown()
        assert other.works()
