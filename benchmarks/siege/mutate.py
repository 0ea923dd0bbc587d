"""Requests that are nearly right, for every method that the API has.

The methods and their messages are found by their descriptors, so that a new one is covered without a line here. A
request begins as a valid one, is changed in one to four places, and travels as bytes, which may then be damaged as
well. All of it is a function of a seed and of what the world holds.
"""

from __future__ import annotations

import gzip
import importlib
import pkgutil
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from random import Random

from google.protobuf.descriptor import FieldDescriptor as Field
from google.protobuf.descriptor import MethodDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass
from google.protobuf.struct_pb2 import Struct

import unmask.v1
from benchmarks.siege import values
from unmask.recording import files
from unmask.v1.recording_pb2 import Recording

WHOLE = {Field.CPPTYPE_INT32: (-2**31, 2**31 - 1), Field.CPPTYPE_INT64: (-2**63, 2**63 - 1),
         Field.CPPTYPE_UINT32: (0, 2**32 - 1), Field.CPPTYPE_UINT64: (0, 2**64 - 1)}
REAL = (Field.CPPTYPE_FLOAT, Field.CPPTYPE_DOUBLE)
DEEP = 12  # messages within messages that are made; wire damage makes deeper ones
STRUCT, VALUE, LIST = "google.protobuf.Struct", "google.protobuf.Value", "google.protobuf.ListValue"


@dataclass
class World:
    """What a valid request can name.

    sessions: ids of live sessions. recording: a recording's file. models: names that are loaded.
    """

    sessions: list[str]
    recording: bytes
    models: list[str] = field(default_factory=lambda: [""])


def methods() -> list[MethodDescriptor]:
    """Every method of every service in unmask.v1, in the order of their names."""
    found = {}
    for module in pkgutil.iter_modules(unmask.v1.__path__):
        if module.name.endswith("_pb2"):
            file = importlib.import_module(f"unmask.v1.{module.name}").DESCRIPTOR
            for service in file.services_by_name.values():
                found |= {method.full_name: method for method in service.methods}
    return [found[name] for name in sorted(found)]


def path(method: MethodDescriptor) -> str:
    """As it stands in a request: /unmask.v1.SessionService/Step."""
    return f"/{method.containing_service.full_name}/{method.name}"


def requests(method: MethodDescriptor, world: World, random: Random) -> list[bytes]:
    """The messages of one call, serialized: one, or for a method that takes a stream any number."""
    if not method.client_streaming:
        return [one(method.input_type, world, random)]
    if random.random() < 0.2:
        return [one(method.input_type, world, random) for _ in range(random.randrange(4))]
    return recorded(method.input_type, world, random)


def one(kind, world: World, random: Random) -> bytes:
    """A request that is valid but for one to four changes, and now and then damaged on its way."""
    message = GetMessageClass(kind)()
    fill(message, world, random)
    for _ in range(random.choice((0, 1, 1, 1, 2, 2, 3, 4))):
        change(message, world, random)
    data = message.SerializeToString()
    return damaged(data, random) if random.random() < 0.12 else data


def recorded(kind, world: World, random: Random) -> list[bytes]:
    """A recording in pieces, changed on the level of the recording, of its bytes, or of its pieces."""
    data = world.recording
    if random.random() < 0.7:
        recording = Recording.FromString(files.unpacked(data))
        for _ in range(random.randrange(1, 5)):
            change(recording, world, random)
        data = gzip.compress(recording.SerializeToString(), 1, mtime=0)
        if random.random() < 0.3:
            with suppress(files.BadRecording):  # JSON has no NaN
                data = files.as_json(recording)
    if random.random() < 0.4:
        data = damaged(data, random)
    size = random.choice((1000, 65_536, 1 << 20))
    pieces = [data[at:at + size] for at in range(0, len(data), size)][:40] or [b""]
    message = GetMessageClass(kind)
    return [message(chunk=piece, request_id="" if number else f"{random.getrandbits(64):x}").SerializeToString()
            for number, piece in enumerate(pieces)]



# ---- valid ----

def fill(message: Message, world: World, random: Random, depth: int = 0) -> None:
    """Gives a message what would be right where the name of a field tells, and little elsewhere."""
    for oneof in message.DESCRIPTOR.oneofs:
        if len(oneof.fields) > 1:
            _fill_field(message, random.choice(oneof.fields), world, random, depth)
    for described in message.DESCRIPTOR.fields:
        oneof = described.containing_oneof
        optional = oneof is not None and len(oneof.fields) == 1
        if oneof is not None and not optional:
            continue
        often = described.name in values.NEEDED
        if often or random.random() < (0.15 if optional else 0.3):
            _fill_field(message, described, world, random, depth)


def _fill_field(message, described, world, random, depth):
    if described.message_type is not None:
        if depth > 4:
            return
        if described.message_type.GetOptions().map_entry:
            _fill_map(getattr(message, described.name), described, random)
        elif described.message_type.full_name == STRUCT:
            getattr(message, described.name).update(
                {random.choice(values.PARAMETERS): random.choice((1, 2, 0.5, 8, True, "random", 0)) for _ in range(2)})
        elif described.is_repeated:
            fill(getattr(message, described.name).add(), world, random, depth + 1)
        else:
            inner = getattr(message, described.name)
            inner.SetInParent()
            fill(inner, world, random, depth + 1)
        return
    if described.is_repeated:
        getattr(message, described.name).extend(_valid(described, world, random)
                                                for _ in range(random.randrange(1, 5)))
    else:
        setattr(message, described.name, _valid(described, world, random))


def _fill_map(entries, described, random):
    value = described.message_type.fields_by_name["value"]
    if value.message_type is None:
        entries[random.choice(("mask", "eos", "a"))] = _edge(value, random)


def _valid(described, world, random):
    """A value that may be right; numbers are small ones."""
    name, kind = described.name, described.cpp_type
    if kind == Field.CPPTYPE_STRING:
        if described.type == Field.TYPE_BYTES:
            return random.choice((world.recording[:1000], b""))
        if name in ("session_id", "other_session_id"):
            return random.choice(world.sessions)
        if name in ("model", "models"):
            return random.choice(world.models)
        if name == "sampler":
            return random.choice(values.SAMPLERS)
        if name == "role":
            return random.choice(("user", "user", "assistant", "system"))
        if name == "request_id":
            return f"{random.getrandbits(64):x}"
        return random.choice(values.GRAMMARS.get(name, ("the cat", "A story.", "one two", "first")))
    if kind in WHOLE:
        return random.choice(values.NUMBERS.get(name, (0, 1, 2, 3, 5, 8, 12, 20)))
    if kind in REAL:
        return random.choice((0.0, 0.25, 0.5, 1.0))
    if kind == Field.CPPTYPE_BOOL:
        return random.random() < 0.5
    return random.choice([value.number for value in described.enum_type.values])


# ---- wrong ----

def change(message: Message, world: World, random: Random) -> None:
    """Changes one place, at any depth."""
    places = list(_messages(message))
    target = random.choice(places)
    if target.DESCRIPTOR.full_name in (STRUCT, VALUE, LIST):
        target.CopyFrom(_struct(random).fields["x"] if target.DESCRIPTOR.full_name == VALUE else
                        _struct(random) if target.DESCRIPTOR.full_name == STRUCT else
                        _struct(random).fields["list"].list_value)
        return
    if not target.DESCRIPTOR.fields:
        return
    described = random.choice(target.DESCRIPTOR.fields)
    if random.random() < 0.12:
        target.ClearField(described.name)
    elif described.message_type is not None and described.message_type.GetOptions().map_entry:
        _change_map(getattr(target, described.name), described, random)
    elif described.is_repeated:
        _change_list(target, described, world, random)
    elif described.message_type is not None:
        inner = getattr(target, described.name)
        inner.SetInParent()
        if inner.DESCRIPTOR.full_name == STRUCT:
            inner.CopyFrom(_struct(random))
        elif random.random() < 0.7:
            fill(inner, world, random)
    else:
        setattr(target, described.name, _edge(described, random))


def _messages(message: Message, depth: int = 0) -> Iterator[Message]:
    """It and every message in it, the first three of each list."""
    yield message
    if depth > DEEP:
        return
    for described, value in message.ListFields():
        if described.message_type is None or described.message_type.GetOptions().map_entry:
            continue
        for inner in list(value[:3]) if described.is_repeated else [value]:
            yield from _messages(inner, depth + 1)


def _change_list(target, described, world, random):
    listed, many = getattr(target, described.name), random.choice((1, 2, 65, 1025, 5000))
    if described.message_type is not None:
        if random.random() < 0.5 and listed:
            fill(listed[random.randrange(len(listed))], world, random)
            return
        one = listed.add()
        fill(one, world, random)
        listed.extend([one] * min(many, 2000))
    elif random.random() < 0.5:
        listed.extend(_edge(described, random) for _ in range(min(many, 65)))
    else:
        edge = _edge(described, random)
        short = isinstance(edge, (str, bytes)) and len(edge) > 100
        listed.extend([edge] * (3 if short else many))


def _change_map(entries, described, random):
    value = described.message_type.fields_by_name["value"]
    for _ in range(random.choice((1, 3, 200))):
        key = values.text(random)[:200]
        if value.message_type is None:
            entries[key] = _edge(value, random)
        else:
            entries[key].SetInParent()


def _edge(described, random):
    kind = described.cpp_type
    if described.type == Field.TYPE_BYTES:
        return values.data(random)
    if kind == Field.CPPTYPE_STRING:
        return values.text(random)
    if kind in WHOLE:
        return values.whole(random, *WHOLE[kind])
    if kind in REAL:
        return values.real(random)
    if kind == Field.CPPTYPE_BOOL:
        return random.random() < 0.5
    return random.choice((-1, 3, 99, 2**31 - 1, -2**31))


def _struct(random):
    """Parameters with values of every kind, some of them deep."""
    made = Struct()
    names = [*values.PARAMETERS, values.text(random)[:80], "x", "list"]
    made.update({"x": _json(random, 0), "list": [_json(random, 1) for _ in range(random.choice((0, 1, 300)))]})
    for _ in range(random.randrange(5)):
        made.update({random.choice(names): _json(random, 0)})
    made.fields["list"].list_value.SetInParent()
    return made


def _json(random, depth):
    kind = random.randrange(9)
    if kind == 0:
        return None
    if kind == 1:
        return random.random() < 0.5
    if kind in (2, 3):
        return values.real(random)
    if kind == 4:
        return float(random.choice(values.WHOLE))
    if kind == 5:
        return values.text(random)[:5000]
    if kind == 6:
        deep: object = 1.0
        for _ in range(random.choice((3, 20, 28))):  # three messages a level, of the hundred that protobuf reads
            deep = [deep]
        return deep
    if depth > 2:
        return "leaf"
    if kind == 7:
        return [_json(random, depth + 1) for _ in range(random.randrange(4))]
    return {values.text(random)[:30]: _json(random, depth + 1) for _ in range(random.randrange(4))}


# ---- damaged ----

def damaged(data: bytes, random: Random) -> bytes:
    """Bytes with something wrong on the wire: cut, flipped, doubled, put in, or not of this format at all."""
    made = bytearray(data or b"\0")
    kind = random.randrange(9)
    at = random.randrange(len(made))
    if kind == 0:
        return bytes(made[:at])
    if kind == 1:
        made[at] ^= 1 << random.randrange(8)
    elif kind == 2:
        for _ in range(random.randrange(1, 20)):
            made[random.randrange(len(made))] = random.randrange(256)
    elif kind == 3:
        made += bytes(made)  # every field twice: of a oneof the last one holds, messages are merged
    elif kind == 4:
        made[at:at] = random.choice((b"\xed\xa0\x80", b"\xff\xfe", b"\xc0\x80", b"\xf4\x90\x80\x80"))  # not UTF-8
    elif kind == 5:
        made += bytes([random.choice((0x7a, 0x3a, 0x0a, 0x12, 0x1a))]) + random.randbytes(random.randrange(6))
    elif kind == 6:
        deep = b""
        for _ in range(random.choice((50, 110, 3000))):  # one field within the other, deeper than is read
            deep = b"\x1a" + _varint(len(deep)) + deep
        made += deep
    elif kind == 7:
        return random.randbytes(random.choice((1, 10, 100, 5000)))
    else:
        made += b"\x0a\xff\xff\xff\xff\x0f"  # a length of 4 GiB, and nothing behind it
    return bytes(made)


def _varint(number: int) -> bytes:
    made = bytearray()
    while number > 0x7f:
        made.append(number & 0x7f | 0x80)
        number >>= 7
    return bytes([*made, number])
