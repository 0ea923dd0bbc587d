"""Whether no value meets two JSON schemas at once, where that is plain: then `oneOf` says what `anyOf` says.

Told apart: values listed, types, limits of numbers, lengths of texts, and objects by a property that both require.
"""

import json
from collections.abc import Iterator
from typing import Any

DEEP = 16  # references and properties followed; what lies deeper is not told apart

Schema = Any  # what JSON can hold; an object or a boolean where it is right


def without_one_of(schema: Schema, root: Schema) -> Schema:
    """The schema with each `oneOf` whose alternatives exclude each other as `anyOf`; the others stay.

    root: where references begin.
    """
    if not isinstance(schema, dict):
        return schema
    out = dict(schema)
    for key in ("properties", "$defs", "definitions", "patternProperties"):
        if isinstance(out.get(key), dict):
            out[key] = {name: without_one_of(one, root) for name, one in out[key].items()}
    for key in ("anyOf", "oneOf", "allOf", "prefixItems"):
        if isinstance(out.get(key), list):
            out[key] = [without_one_of(one, root) for one in out[key]]
    for key in ("items", "additionalProperties", "additionalItems"):
        out |= {key: without_one_of(out[key], root)} if key in out else {}
    several = out.get("oneOf")
    if isinstance(several, list) and several and "anyOf" not in out:
        beside = {key: value for key, value in schema.items() if key != "oneOf"}
        whole = [beside | one if isinstance(one, dict) and not set(beside) & set(one) else one for one in several]
        if all(exclude(one, other, root) for at, one in enumerate(whole) for other in whole[:at]):
            out = {"anyOf" if key == "oneOf" else key: value for key, value in out.items()}
    return out


def exclude(one: Schema, other: Schema, root: Schema, deep: int = 0) -> bool:
    """Whether surely no value meets both; False also where that is not known."""
    if deep > DEEP or not all(isinstance(schema, dict) for schema in (one, other)):
        return one is False or other is False
    for first, second in ((one, other), (other, one)):
        if isinstance(first.get("$ref"), str):
            # What stands beside a reference only takes values away.
            found = named(first["$ref"], root)
            beside = {key: value for key, value in first.items() if key != "$ref"}
            return any(exclude(part, second, root, deep + 1) for part in (found, beside))
        for key in ("anyOf", "oneOf"):
            if isinstance(first.get(key), list) and first[key]:
                if all(exclude(part, second, root, deep + 1) for part in first[key]):
                    return True
    for first, second in ((one, other), (other, one)):
        if (values := _values(first)) is not None:
            return all(_fails(value, second) for value in values)
    kinds, others = _kinds(one), _kinds(other)
    common = kinds & others
    if not common:
        return True
    if len(common) > 1:
        return common == {"integer", "number"} and _apart(_limits(one), _limits(other))
    kind = next(iter(common))
    if kind in ("integer", "number"):
        return _apart(_limits(one), _limits(other))
    if kind == "string":
        return _apart(_lengths(one, "Length"), _lengths(other, "Length"))
    if kind == "array":
        return _apart(_lengths(one, "Items"), _lengths(other, "Items"))
    return kind == "object" and any(exclude(mine, theirs, root, deep + 1) for mine, theirs in _required(one, other))


def named(reference: str, root: Schema) -> Schema:
    """What a reference within the schema names; what is met by everything where it is not found."""
    if not reference.startswith("#"):
        return {}
    for step in reference[1:].split("/")[1:]:
        step = step.replace("~1", "/").replace("~0", "~")
        if not isinstance(root, dict) or step not in root:
            return {}
        root = root[step]
    return root


def _values(schema):
    if "const" in schema:
        return [schema["const"]]
    return schema["enum"] if isinstance(schema.get("enum"), list) else None


def _fails(value, schema):
    """Whether a value surely does not meet a schema."""
    kind = {bool: "boolean", int: "integer", str: "string", type(None): "null", list: "array",
            dict: "object"}.get(type(value), "number")
    if kind == "number" and value == int(value):
        kind = "integer"
    values = _values(schema)
    if values is not None and _plain(value) not in map(_plain, values) or kind not in _kinds(schema):
        return True
    if kind in ("integer", "number"):
        return _apart((value, False, value, False), _limits(schema))
    if kind in ("string", "array"):
        size = (len(value), False, len(value), False)
        return _apart(size, _lengths(schema, "Length" if kind == "string" else "Items"))
    return False


def _plain(value):
    """One text for values that are the same in JSON."""
    if isinstance(value, float) and value == int(value):
        value = int(value)
    if isinstance(value, dict):
        return "{" + ",".join(json.dumps(key) + ":" + _plain(value[key]) for key in sorted(value)) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(_plain, value)) + "]"
    return json.dumps(value)


def _kinds(schema):
    every = {"string", "integer", "number", "boolean", "null", "array", "object"}
    said = schema.get("type")
    said = {said} if isinstance(said, str) else set(said) if isinstance(said, list) and all(
        isinstance(kind, str) for kind in said) else every
    return said | {"integer"} if "number" in said else said


def _limits(schema):
    """Lowest and highest number, each with whether it is left out itself; None for no limit."""
    low, low_out, high, high_out = schema.get("minimum"), False, schema.get("maximum"), False
    low, high = (bound if _number(bound) else None for bound in (low, high))
    above, below = schema.get("exclusiveMinimum"), schema.get("exclusiveMaximum")
    if _number(above) and (low is None or above >= low):
        low, low_out = above, True
    if _number(below) and (high is None or below <= high):
        high, high_out = below, True
    if _kinds(schema) == {"integer"}:  # the next whole number
        if low_out and low is not None and low == int(low):
            low, low_out = int(low) + 1, False
        if high_out and high is not None and high == int(high):
            high, high_out = int(high) - 1, False
    return low, low_out, high, high_out


def _lengths(schema, of):
    low, high = schema.get(f"min{of}"), schema.get(f"max{of}")
    return low if _number(low) else None, False, high if _number(high) else None, False


def _number(value):
    return isinstance(value, int | float) and not isinstance(value, bool)


def _apart(one, other):
    for (_, _, high, high_out), (low, low_out, _, _) in ((one, other), (other, one)):
        if high is not None and low is not None and (high < low or high == low and (high_out or low_out)):
            return True
    return False


def _required(one: dict, other: dict) -> Iterator[tuple[Schema, Schema]]:
    """What both say of each property that both require."""
    if all(isinstance(schema.get("required"), list) and isinstance(schema.get("properties"), dict)
           for schema in (one, other)):
        for name, mine in one["properties"].items():
            if name in one["required"] and name in other["required"] and name in other["properties"]:
                yield mine, other["properties"][name]
