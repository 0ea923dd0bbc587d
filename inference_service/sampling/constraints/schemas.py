"""A JSON schema: read with its place for every complaint, closed, and as a regular expression where it is regular.

The texts are those of llguidance with ", " and ": " and no other white space: properties in the schema's order, strings
with the escapes that llguidance writes. `regex_of` says the same for the automaton over positions.
"""

import json
import math
import re
from decimal import Decimal, InvalidOperation
from typing import Any

from inference_service.sampling.constraints.alternatives import named, without_one_of
from inference_service.sampling.constraints.spec import ConstraintError

# Nothing that decides what a text may be.
ANNOTATIONS = {"title", "description", "default", "examples", "$schema", "$id", "$comment", "$defs", "definitions",
               "deprecated", "readOnly", "writeOnly"}
LITERAL = {"const", "enum", "default", "examples"}  # values, no schemas
MOST_COUNTED = 10_000_000  # more than any text has of anything
EXACT = 2**53  # up to here every whole number is a float of its own
LONGEST_REGEX = 200_000  # characters; more would take more than the automaton's limits

# U+10FFFF is no character; without it the automaton is smaller (see automaton).
CHARACTER = r'(?:[^"\\\x00-\x1f\x7f\x{10FFFF}]|\\(?:["\\bfnrt]|u00[01][0-9a-fA-F]|u007[fF]))'
INTEGER = "-?(?:0|[1-9][0-9]*)"
NUMBER = INTEGER + r"(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?"


# Strings and numbers of a JSON text; a string's escapes in whole, so that the half of a pair shows.
_TOKENS = re.compile(r'"(?:[^"\\]|\\.)*"|-?(?:NaN|Infinity|[0-9][0-9.eE+-]*)', re.DOTALL)
_ESCAPES = re.compile(r"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}"
                      r"|(?P<half>\\u[dD][89a-fA-F]|[\ud800-\udfff])|\\.", re.DOTALL)


class _NotRegular(Exception):
    pass


class _NotANumber(Exception):
    pass


def _refused(name):
    raise _NotANumber(name)


class Rounded(float):
    """A number that was written with more digits than a float keeps. text: as it was written."""

    text: str

    def __new__(cls, text):
        made = super().__new__(cls, text)
        made.text = text
        return made

    def __str__(self):
        return self.text


def _finite(text):
    """A number with a point or an exponent; a whole one, however written, as a whole number."""
    if not math.isfinite(float(text)):
        return _refused(text)
    try:
        exact = Decimal(text)
    except InvalidOperation:  # an exponent beyond all
        return Rounded(text)
    if exact == exact.to_integral_value():
        return int(exact)
    return float(text) if exact == Decimal(repr(float(text))) else Rounded(text)


def _whole(text):
    return int(text) if len(text) < 300 else _refused(text)


_JSON = json.JSONDecoder(parse_constant=_refused, parse_float=_finite, parse_int=_whole)


def within(text: str, start: int) -> Any:
    """The JSON that stands in a text from a place on; None where there is none."""
    try:
        return _JSON.raw_decode(text, start)[0]
    except (ValueError, RecursionError, _NotANumber):
        return None


def read(text: str) -> dict[str, Any]:
    """The schema, closed: an object that lists properties has no others unless additionalProperties says so.

    A byte-order mark before it is none of it. Raises ConstraintError with the place where the text is no JSON.
    """
    if text.startswith("\ufeff"):
        text = " " + text[1:]  # places stay
    try:
        schema = _JSON.decode(text)
    except _NotANumber as error:
        places = (found for found in _TOKENS.finditer(text) if found[0] == str(error))
        raise ConstraintError("the schema is not JSON: " + (
            f"{error} is no number" if str(error)[-1] in "Ny" else "the number is too large"),
            *_place(text, next(places).start())) from None
    except json.JSONDecodeError as error:
        raise ConstraintError(f"the schema is not JSON: {error.msg}", error.lineno, error.colno) from None
    except RecursionError:
        raise ConstraintError("the schema is nested too deeply") from None
    for found in _TOKENS.finditer(text):
        for escape in _ESCAPES.finditer(found[0]) if found[0][0] == '"' else ():
            if escape["half"]:
                raise ConstraintError("the schema is not JSON: one half of a surrogate pair stands alone",
                                      *_place(text, found.start() + escape.start()))
    if not isinstance(schema, dict):
        raise ConstraintError("the schema must be a JSON object", 1, 1)
    try:
        schema = without_one_of(_counted(schema, text), schema)
        return schema if '"allOf"' in text else _closed(schema)
    except RecursionError:
        raise ConstraintError("the schema is nested too deeply") from None


def place_of(name: str, text: str) -> tuple[int | None, int | None]:
    """Line and column of the first place where a schema's text names something in quotes; None, None without one."""
    at = text.find(f'"{name}"')
    if at < 0:
        return None, None
    return _place(text, at)


def place_of_number(value: float, text: str) -> tuple[int | None, int | None]:
    """Line and column of the first place where a schema's text has a number; None, None without one."""
    for found in _TOKENS.finditer(text):
        if found[0] == str(value) or type(value) is int and found[0][0] != '"' and _finite(found[0]) == value:
            return _place(text, found.start())
    return None, None


def _place(text, at):
    return text.count("\n", 0, at) + 1, at - text.rfind("\n", 0, at)


def regex_of(schema: dict[str, Any], root: dict[str, Any] | None = None) -> str | None:
    """The regular expression of a schema's texts; None where there is none or this does not know it.

    root: the schema that it is a part of, where references begin. Known: type, properties with required in a closed
    object, items, minItems, maxItems, minLength, maxLength, whole numbers' limits, other numbers' where they are large,
    enum, const, anyOf and oneOf, and $ref within the schema that does not come back to itself.
    """
    try:
        regex = _any(schema, schema if root is None else root, ())
    except (_NotRegular, RecursionError):
        return None
    return regex


def escaped(text: str) -> str:
    """A regular expression for a text as it is."""
    return re.sub(r"[\\.+*?()|\[\]{}^$#&~/-]", r"\\\g<0>", text)


def _counted(schema, text):
    """The schema without the most of something that no text can have so much of. Raises ConstraintError for the least.

    llguidance and the automaton take no such counts.
    """
    if isinstance(schema, list):
        return [_counted(one, text) for one in schema]
    if not isinstance(schema, dict):
        return schema
    for name in ("minLength", "minItems", "minProperties"):
        if type(schema.get(name)) is int and schema[name] > MOST_COUNTED:
            raise ConstraintError(f"the schema cannot be used: no text is as long as {name} {schema[name]} asks for",
                                  *place_of_number(schema[name], text))
    over = [name for name in ("maxLength", "maxItems", "maxProperties")
            if type(schema.get(name)) is int and schema[name] > MOST_COUNTED]
    return {key: value if key in LITERAL else _counted(value, text) for key, value in schema.items()
            if key not in over}


def _closed(schema):
    if not isinstance(schema, dict):
        return schema
    out = dict(schema)
    for key in ("properties", "$defs", "definitions", "patternProperties"):
        if isinstance(out.get(key), dict):
            out[key] = {name: _closed(one) for name, one in out[key].items()}
    for key in ("anyOf", "oneOf", "prefixItems"):
        if isinstance(out.get(key), list):
            out[key] = [_closed(one) for one in out[key]]
    for key in ("items", "additionalProperties", "additionalItems"):
        if isinstance(out.get(key), dict):
            out[key] = _closed(out[key])
    listed, required = out.get("properties"), out.get("required", [])
    known = isinstance(listed, dict) and isinstance(required, list) and all(
        isinstance(name, str) and name in listed for name in required)
    if known and not {"additionalProperties", "patternProperties", "unevaluatedProperties"} & set(out):
        out["additionalProperties"] = False
    return out


def _any(schema, root, seen):
    """The regular expression of a part; what it refers to twice stands there twice, so it may double at every level."""
    return _short(_regex(schema, root, seen))


def _short(regex):
    if len(regex) > LONGEST_REGEX:
        raise _NotRegular
    return regex


def _regex(schema, root, seen):
    if not isinstance(schema, dict):
        raise _NotRegular
    said = {key: value for key, value in schema.items() if key not in ANNOTATIONS}
    if "$ref" in said:
        return _referred(said, root, seen)
    for key in ("anyOf", "oneOf"):
        if key in said:
            if len(said) > 1 or not said[key]:
                raise _NotRegular
            return _either(_any(one, root, seen) for one in said[key])
    if "enum" in said or "const" in said:
        if set(said) - {"type"} not in ({"enum"}, {"const"}):
            raise _NotRegular
        values = said["enum"] if "enum" in said else [said["const"]]
        kinds = _types(said) if "type" in said else None
        found = [_constant(value) for value in values if kinds is None or _has_type(value, kinds)]
        if not found:
            raise _NotRegular
        return _either(found)
    if "type" not in said:
        raise _NotRegular
    kinds, parts, used = _types(said), [], {"type"}
    for kind in kinds:
        regex, keys = _OF_TYPE[kind](said, root, seen)
        parts.append(regex)
        used |= keys
    if set(said) - used:
        raise _NotRegular
    return _either(parts)


def _referred(said, root, seen):
    target = said["$ref"]
    if len(said) > 1 or not isinstance(target, str) or not target.startswith("#") or target in seen:
        raise _NotRegular
    return _any(named(target, root), root, (*seen, target))


def _types(said):
    kinds = said["type"] if isinstance(said["type"], list) else [said["type"]]
    if not kinds or any(kind not in _OF_TYPE for kind in kinds):
        raise _NotRegular
    return kinds


def _has_type(value, kinds):
    name = {bool: "boolean", int: "integer", str: "string", type(None): "null", list: "array", dict: "object"}
    kind = name.get(type(value))
    return kind in kinds or kind == "integer" and "number" in kinds


def _constant(value):
    def plain(one):
        if isinstance(one, float):
            raise _NotRegular  # 1, 1.0 and 1e0 are one number and three texts
        if isinstance(one, str) and any(character < " " or character == "\x7f" for character in one):
            raise _NotRegular  # as are \n and \u000a
        for inner in [*one, *one.values()] if isinstance(one, dict) else one if isinstance(one, list) else ():
            plain(inner)

    plain(value)
    return escaped(json.dumps(value, ensure_ascii=False))


def _either(parts):
    parts = list(dict.fromkeys(parts))
    return parts[0] if len(parts) == 1 else f"(?:{'|'.join(parts)})"


def _count(said, key, otherwise):
    count = said.get(key, otherwise)
    if count is not None and (type(count) is not int or count < 0):
        raise _NotRegular
    return count


def _times(least, most):
    if most is not None and most < least:
        raise _NotRegular
    return f"{{{least},{'' if most is None else most}}}"


def _string(said, root, seen):
    times = _times(_count(said, "minLength", 0), _count(said, "maxLength", None))
    return f'"{CHARACTER}{times}"', {"minLength", "maxLength"}


def _array(said, root, seen):
    least, most = _count(said, "minItems", 0) or 0, _count(said, "maxItems", None)
    _times(least, most)
    if most == 0:
        return r"\[\]", {"items", "minItems", "maxItems"}
    if "items" not in said:
        raise _NotRegular
    item = _any(said["items"], root, seen)
    filled = f"{item}(?:, {item}){_times(max(least - 1, 0), None if most is None else most - 1)}"
    return rf"\[{filled if least else f'(?:{filled})?'}\]", {"items", "minItems", "maxItems"}


def _object(said, root, seen):
    if said.get("additionalProperties") is not False or not isinstance(said.get("properties", {}), dict):
        raise _NotRegular
    required = set(said.get("required", []))
    listed = [(escaped(json.dumps(name, ensure_ascii=False)) + ": " + _any(one, root, seen), name in required)
              for name, one in said.get("properties", {}).items()]
    if required - set(said.get("properties", {})) or any(not name.isprintable() for name in said.get("properties", {})):
        raise _NotRegular
    rest, alone = "", ""  # what may follow something; what may follow the brace
    for text, needed in reversed(listed):
        alone = _short(f"{text}{rest}" if needed else f"(?:{text}{rest}|{alone})" if alone else f"(?:{text}{rest})?")
        rest = _short(f", {text}{rest}" if needed else f"(?:, {text})?{rest}")
    return rf"\{{{alone}\}}", {"properties", "required", "additionalProperties"}


def _integer(said, root, seen):
    low, high = said.get("minimum"), said.get("maximum")
    for key, step in (("exclusiveMinimum", 1), ("exclusiveMaximum", -1)):
        if key in said:
            if type(said[key]) is not int:
                raise _NotRegular
            bound = said[key] + step
            low, high = (max(bound, bound if low is None else low), high) if step > 0 else (
                low, min(bound, bound if high is None else high))
    if any(bound is not None and type(bound) is not int for bound in (low, high)):
        raise _NotRegular
    regex = INTEGER if low is None and high is None else _between(low, high)
    return regex, {"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"}


def _number(said, root, seen):
    """With limits only where they are whole and large: others are llguidance's, which rounds these."""
    names = {"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"}
    bounds = [said[name] for name in names & set(said)]
    if not bounds:
        return NUMBER, names
    if any(type(bound) is not int for bound in bounds) or all(abs(bound) < EXACT for bound in bounds):
        raise _NotRegular
    low, high = said.get("minimum"), said.get("maximum")
    above, below = said.get("exclusiveMinimum"), said.get("exclusiveMaximum")
    low_out, high_out = above is not None and (low is None or above >= low), below is not None and (
        high is None or below <= high)
    low, high = above if low_out else low, below if high_out else high
    parts = []
    if low is None or low < 0:
        parts += ["-" + part for part in _decimals(
            max(-high, 0) if high is not None else 0, None if low is None else -low,
            high is not None and high <= 0 and high_out, low_out)]
    if high is None or high >= 0:
        parts += _decimals(max(low or 0, 0), high, low is not None and low >= 0 and low_out, high_out)
    if not parts:
        raise _NotRegular
    return _either(parts), names


def _decimals(low, high, low_out, high_out):
    """Numbers from low to high, both whole and not negative, without exponents; out: without the limit itself."""
    if high is not None and (low > high or low == high and (low_out or high_out)):
        return []
    parts = []
    if low_out:
        parts.append(rf"{low}\.[0-9]*[1-9][0-9]*")
    elif low == high:
        return [rf"{low}(?:\.0+)?"]
    first = low + 1 if low_out else low
    if high is None or first < high:
        parts.append(_natural(first, None if high is None else high - 1) + r"(?:\.[0-9]+)?")
    return parts if high is None or high_out else [*parts, rf"{high}(?:\.0+)?"]


def _between(low, high):
    """Whole numbers from low to high, both included, None for no limit; without leading zeros."""
    parts = []
    if low is None or low < 0:
        nearest = 1 if high is None or high >= 0 else -high
        if low is not None and high is not None and high >= 0:
            nearest = 0  # llguidance takes -0 here alone
        parts.append(f"-{_natural(nearest, None if low is None else -low)}")
    if high is None or high >= 0:
        parts.append(_natural(max(low or 0, 0), high))
    return _either(parts)


def _natural(low, high):
    if high is None:
        digits = len(str(low))
        return _either([_natural(low, 10**digits - 1), f"[1-9][0-9]{{{digits},}}"])
    if low > high:
        raise _NotRegular
    return _either(_same_length(str(max(low, 10 ** (digits - 1) if digits > 1 else 0)), str(min(high, 10**digits - 1)))
                   for digits in range(len(str(low)), len(str(high)) + 1))


def _same_length(low, high):
    if low == high:
        return low
    rest = len(low) - 1
    if set(low[1:]) <= {"0"} and set(high[1:]) <= {"9"}:
        return f"[{low[0]}-{high[0]}]" + (f"[0-9]{{{rest}}}" if rest else "")
    if low[0] == high[0]:
        return low[0] + _same_length(low[1:], high[1:])
    parts = [low[0] + _same_length(low[1:], "9" * rest)]
    if int(high[0]) - int(low[0]) > 1:
        parts.append(f"[{int(low[0]) + 1}-{int(high[0]) - 1}][0-9]{{{rest}}}")
    parts.append(high[0] + _same_length("0" * rest, high[1:]))
    return _either(parts)


def _fixed(regex):
    return lambda said, root, seen: (regex, set())


_OF_TYPE = {"string": _string, "integer": _integer, "number": _number, "boolean": _fixed("(?:true|false)"),
            "null": _fixed("null"), "array": _array, "object": _object}
