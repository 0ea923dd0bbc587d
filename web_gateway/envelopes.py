"""WebSocket frames to envelopes and back. No I/O.

A binary frame (bytes) is the serialized envelope, a text frame (str) its JSON.
"""

import json
import re

from google.protobuf import json_format
from google.protobuf.message import DecodeError
from google.rpc import error_details_pb2  # noqa: F401  known to the pool, so that JSON can show the details

from unmask.v1.envelope_pb2 import Call, ClientEnvelope, ServerEnvelope, Status

from . import expected, statuses

MAX_ID = 2**32 - 1

ALLOWED = {
    "id": f"a whole number from 1 to {MAX_ID}, not that of a call still open",
    "action": "either `call` or `cancel`",
    "call.method": 'a method\'s full name, such as "unmask.v1.SessionService/Step"',
    "call.request": "the method's request as google.protobuf.Any",
    "call.timeout": "more than 0 seconds; absent takes the gateway's limit",
}


ENVELOPE = "the JSON of unmask.v1.ClientEnvelope"


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
    except Exception:  # json_format's own errors, and what it lets through of those below it
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
        content = json.loads(frame, object_pairs_hook=_each_once)
    except json.JSONDecodeError as error:
        where = f"this is none from line {error.lineno}, column {error.colno}"
        raise _malformed(0, "frame", f"{ENVELOPE} ({where})") from None
    except RecursionError:
        raise _malformed(0, "frame", f"{ENVELOPE}; this is nested too deeply") from None
    except ValueError:
        raise _malformed(0, "frame", f"{ENVELOPE}; this has a number of too many digits") from None
    except _Twice as twice:
        raise _malformed(0, "frame", f"{ENVELOPE}; this has {_printable(twice.name)!r} twice in one object") from None
    if not isinstance(content, dict):
        raise _malformed(0, "frame", f"{ENVELOPE}; this is no object")
    try:
        return json_format.ParseDict(content, ClientEnvelope())
    except Exception as error:  # whatever it stumbles over, the frame is at fault; its words speak of Python
        path = _field_at_fault(str(error))
        field = ".".join(_printable(name) for name in path) or "frame"
        allowed = ALLOWED.get(field) or expected.at(path, _request_type(content)) or ENVELOPE
        if "too deep" in str(error):
            allowed = f"{ENVELOPE}; this is nested too deeply"
        raise _malformed(_id_of(content), field, allowed) from None


class _Twice(Exception):
    def __init__(self, name: str):
        self.name = name


def _each_once(pairs: list) -> dict:
    content = dict(pairs)
    if len(content) < len(pairs):
        seen = set()
        raise _Twice(next(name for name, _ in pairs if name in seen or seen.add(name)))
    return content


def _printable(name: str) -> str:
    """A name from outside as an answer may hold it: half of a surrogate pair has no UTF-8."""
    return name[:100].encode("utf-8", "replace").decode()


def _field_at_fault(text: str) -> list[str]:
    """The path of the field in json_format's words; empty where it names none."""
    if unknown := re.search(r'no field named "(.*?)" at "(.*?)"', text, re.DOTALL):
        path = [*unknown[2].split("."), unknown[1]]
        return path[1:] if path[0] == "ClientEnvelope" else path[-1:]
    if "oneof" in text:
        return ["action"]
    path = re.findall(r"Failed to parse (\w+) field", text)
    if path and path[0] in Call.DESCRIPTOR.fields_by_name:
        path.insert(0, "call")
    return path


def _request_type(content: dict) -> str:
    try:
        return content["call"]["request"]["@type"].rpartition("/")[2]
    except (AttributeError, KeyError, TypeError):
        return ""


def _id_of(content: dict) -> int:
    id = content.get("id")
    return id if type(id) is int and 0 < id <= MAX_ID else 0
