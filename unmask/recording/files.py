"""A recording's file, in both of its forms."""

import gzip
import json
import re
import zlib

from google.protobuf import json_format
from google.protobuf.message import DecodeError

from unmask.recording import history, parts
from unmask.recording.bad import BadRecording
from unmask.recording.checks import check, check_kind
from unmask.v1.recording_pb2 import Recording

MOST_BYTES = 256 << 20  # of a file, unpacked
GZIP = b"\x1f\x8b"
JSON = re.compile(rb"(\xef\xbb\xbf)?\s*[\[{]")
LEVEL = 6  # of gzip; 9 saves a thousandth


def read(data: bytes) -> Recording:
    """The recording that a file holds: binary, JSON, or JSON of a plain history. Raises BadRecording."""
    recording = parsed(data)
    check(recording)
    return recording


def parsed(data: bytes) -> Recording:
    """The recording before it is checked."""
    if data.startswith(GZIP):
        return from_binary(data)
    if JSON.match(data):
        return from_json(data)
    what = "neither compressed protobuf (gzip) nor JSON" if data else "empty"
    raise BadRecording(f"the file is {what}, so it is no recording", "NOT_A_RECORDING")


def from_binary(data: bytes) -> Recording:
    try:
        recording = parts.recording_of(unpacked(data))
    except DecodeError:
        raise BadRecording("what the gzip file holds is no recording", "NOT_A_RECORDING") from None
    recording.DiscardUnknownFields()
    return recording


def unpacked(data: bytes) -> bytes:
    """What a gzip file of one member holds, at most MOST_BYTES of it."""
    unpacking = zlib.decompressobj(zlib.MAX_WBITS | 16)
    try:
        content = unpacking.decompress(data, MOST_BYTES + 1)
    except zlib.error as error:
        raise BadRecording(f"the file is damaged: {error}", "DAMAGED") from None
    if len(content) > MOST_BYTES:
        raise too_large()
    if not unpacking.eof:
        raise BadRecording("the file is damaged: its end is missing", "DAMAGED")
    if unpacking.unused_data:
        raise BadRecording("the file is damaged: something follows its end", "DAMAGED")
    return content


def from_json(data: bytes) -> Recording:
    if len(data) > MOST_BYTES:
        raise too_large()
    try:
        content = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise BadRecording(f"the file is damaged, it is no whole JSON: {error}", "DAMAGED") from None
    if history.is_history(content):
        return from_history(content)
    if "format" not in content:
        raise BadRecording('the JSON is no recording: it has neither "format" nor "x0_history"', "NOT_A_RECORDING")
    check_kind(content["format"], content.get("version"))  # a later version's fields may be of other types
    if sum(len(value) for value in content.values() if isinstance(value, (list, dict))) > parts.MOST_PARTS:
        raise parts.too_many()
    try:
        return json_format.ParseDict(content, Recording(), ignore_unknown_fields=True)
    except (json_format.ParseError, ValueError, TypeError, RecursionError) as error:
        raise BadRecording(f"the JSON does not fit a recording: {error}", "INVALID") from None
    except SystemError:  # what protobuf's own code raises for a name with half of a surrogate pair
        raise BadRecording("the JSON does not fit a recording: it has a name that is not Unicode text", "INVALID"
                           ) from None


def from_history(content: list | dict) -> Recording:
    try:
        return history.recording_of(content)
    except RecursionError:
        raise BadRecording("the history's lists are nested too deep", "INVALID") from None


def write(recording: Recording, form: str) -> bytes:
    """The file of a recording: "binary", or "json" with a frame a line. Equal recordings give equal bytes.

    Raises BadRecording for one that could not be read again.
    """
    if form == "binary":
        content = recording.SerializeToString(deterministic=True)
        file = gzip.compress(content, LEVEL, mtime=0)
    elif form == "json":
        content = file = as_json(recording)
    else:
        raise ValueError(f'form must be "binary" or "json"; got {form!r}')
    if len(content) > MOST_BYTES:
        raise too_large()
    return file


def as_json(recording: Recording) -> bytes:
    """Protobuf's own mapping, with every entry of a list on a line of its own."""
    try:
        fields = json_format.MessageToDict(recording)
    except (json_format.SerializeToJsonError, ValueError) as error:
        raise BadRecording(f"JSON has no way to say it: {error}", "INVALID") from None
    lines = []
    for name, value in fields.items():
        entries = ",\n".join(map(line, value)) if isinstance(value, list) else None
        lines.append(f'"{name}": {line(value)}' if entries is None else f'"{name}": [\n{entries}\n]')
    return "{{\n{}\n}}\n".format(",\n".join(lines)).encode()


def line(value) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), sort_keys=True)


def too_large() -> BadRecording:
    return BadRecording(f"the recording is larger than {MOST_BYTES >> 20} MiB unpacked, the most that is read",
                        "TOO_LARGE")
