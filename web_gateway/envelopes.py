"""WebSocket frames to envelopes and back. No I/O.

A binary frame (bytes) is the serialized envelope, a text frame (str) its JSON.
"""

import json
import re

from google.protobuf import json_format
from google.protobuf.message import DecodeError
from google.rpc import error_details_pb2  # noqa: F401  known to the pool, so that JSON can show the details

from unmask.v1.envelope_pb2 import Call, ClientEnvelope, ServerEnvelope, Status

from . import statuses

MAX_ID = 2**32 - 1

ALLOWED = {
    "id": f"a whole number from 1 to {MAX_ID}, not that of a call still open",
    "action": "either `call` or `cancel`",
    "call.method": 'a method\'s full name, such as "unmask.v1.SessionService/Step"',
    "call.request": "the method's request as google.protobuf.Any",
    "call.timeout": "more than 0 seconds; absent takes the gateway's limit",
}


class BadFrame(Exception):
    """A frame that is not a usable envelope.

    id: the call it meant, 0 where that cannot be told.
    status: what to answer.
    """

    def __init__(self, id: int, status: Status):
        super().__init__(status.message)
        self.id = id
        self.status = status


def decode(frame: bytes | str) -> ClientEnvelope:
    """Reads a frame. Raises BadFrame."""
    envelope = _from_text(frame) if isinstance(frame, str) else _from_bytes(frame)
    if not envelope.id:
        raise _malformed(0, "id", ALLOWED["id"])
    if not envelope.WhichOneof("action"):
        raise _malformed(envelope.id, "action", ALLOWED["action"])
    return envelope


def encode(envelope: ServerEnvelope, as_text: bool) -> bytes | str:
    """Writes a frame. What JSON cannot show, a message of an unknown type or a damaged one, becomes an error."""
    if not as_text:
        return envelope.SerializeToString()
    try:
        return json_format.MessageToJson(envelope, indent=None, ensure_ascii=False)
    except (TypeError, ValueError, DecodeError, json_format.Error):
        status = Status(code=envelope.status.code, message=envelope.status.message)
        if envelope.WhichOneof("event") == "message":
            type_name = envelope.message.type_url.rpartition("/")[2]
            status = Status(code=13, message=f"A {type_name} that has no JSON form; binary frames carry it.")
        return json_format.MessageToJson(ServerEnvelope(id=envelope.id, status=status), indent=None)


def too_large(limit: int) -> ServerEnvelope:
    """What is said before a socket is closed with 1009."""
    return ServerEnvelope(status=statuses.invalid("frame", f"1 to {limit} bytes", reason="FRAME_TOO_LARGE"))


def _malformed(id: int, field: str, allowed: str) -> BadFrame:
    return BadFrame(id, statuses.invalid(field, allowed, reason="MALFORMED_ENVELOPE"))


def _from_bytes(frame: bytes) -> ClientEnvelope:
    envelope = ClientEnvelope()
    try:
        envelope.ParseFromString(frame)
    except DecodeError as error:
        # Fields before the damage have been read: most often the id is among them.
        what = "a string that is not UTF-8" if "UTF-8" in str(error) else "not the bytes of one"
        raise _malformed(envelope.id, "frame", f"a serialized unmask.v1.ClientEnvelope; this is {what}") from None
    return envelope


def _from_text(frame: str) -> ClientEnvelope:
    try:
        return json_format.Parse(frame, ClientEnvelope())
    except (json_format.ParseError, ValueError, RecursionError) as error:
        text = str(error).split("\n")[0].rstrip(".")
        field = _field_at_fault(text)
        allowed = ALLOWED.get(field, "the JSON of unmask.v1.ClientEnvelope")
        raise _malformed(_id_of(frame), field, f"{allowed} ({text})") from None


def _field_at_fault(text: str) -> str:
    """The path of the field in json_format's words, "frame" where it names none."""
    if unknown := re.search(r'no field named "(.*?)" at "(.*?)"', text):
        path = [*unknown[2].split("."), unknown[1]]
        return ".".join(path[1:]) if path[0] == "ClientEnvelope" else unknown[1]
    if "oneof" in text:
        return "action"
    path = re.findall(r"Failed to parse (\w+) field", text)
    if path and path[0] in Call.DESCRIPTOR.fields_by_name:
        path.insert(0, "call")
    return ".".join(path) or "frame"


def _id_of(frame: str) -> int:
    try:
        id = json.loads(frame)["id"]
    except (ValueError, TypeError, KeyError, RecursionError):
        return 0
    return id if type(id) is int and 0 < id <= MAX_ID else 0
