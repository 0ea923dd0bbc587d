"""What a field of the API takes, in words, read from the descriptors."""

from typing import Any

from google.protobuf import descriptor_pool
from google.protobuf.descriptor import Descriptor, FieldDescriptor

from unmask.v1.envelope_pb2 import ClientEnvelope

ANY = "google.protobuf.Any"
KINDS = {
    FieldDescriptor.CPPTYPE_INT32: f"a whole number from {-(2**31)} to {2**31 - 1}",
    FieldDescriptor.CPPTYPE_INT64: f"a whole number from {-(2**63)} to {2**63 - 1}",
    FieldDescriptor.CPPTYPE_UINT32: f"a whole number from 0 to {2**32 - 1}",
    FieldDescriptor.CPPTYPE_UINT64: f"a whole number from 0 to {2**64 - 1}",
    FieldDescriptor.CPPTYPE_FLOAT: "a number",
    FieldDescriptor.CPPTYPE_DOUBLE: "a number",
    FieldDescriptor.CPPTYPE_BOOL: "true or false",
}


def at(path: list[str], request_type: str) -> str:
    """What stands at a path below a ClientEnvelope; "" where that is not known.

    request_type: full name of the message in call.request.
    """
    message: Any = ClientEnvelope.DESCRIPTOR  # its declared type is that of one implementation
    for name in path[:-1]:
        field = _field(message, name)
        message = _below(field, request_type) if field is not None else None
        if message is None:
            return ""
    field = _field(message, path[-1]) if path else None
    if field is not None:
        return f"a list, each element {_kind(field)}" if field.is_repeated else _kind(field)
    return f"one of {', '.join(field.name for field in message.fields)}; there is no field of this name" if path else ""


def _field(message: Descriptor, name: str) -> FieldDescriptor | None:
    return next((field for field in message.fields if name in (field.name, field.json_name)), None)


def _below(field: FieldDescriptor, request_type: str) -> Descriptor | None:
    if field.message_type is None or field.message_type.full_name != ANY:
        return field.message_type
    try:
        return descriptor_pool.Default().FindMessageTypeByName(request_type)
    except KeyError:
        return None


def _kind(field: FieldDescriptor) -> str:
    if field.enum_type is not None:
        return f"one of {', '.join(field.enum_type.values_by_name)}"
    if field.message_type is not None:
        return f"the JSON of {field.message_type.full_name}"
    if field.type == FieldDescriptor.TYPE_BYTES:
        return "bytes in base64"
    return KINDS.get(field.cpp_type, "Unicode text, without halves of surrogate pairs")
