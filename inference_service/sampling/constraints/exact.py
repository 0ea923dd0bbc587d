"""Schemas with numbers that llguidance would round, as grammars in which they are exact.

llguidance holds a schema's numbers as 64-bit floats: whole ones from 2**53 on come out as others. A part of a schema
that has such numbers is written in rules of our own down to them, as regular expressions; what has none goes to
llguidance as it is.
"""

import json
import re
from collections.abc import Iterator
from typing import Any

from llguidance import regex_to_lark

from inference_service.sampling.constraints import schemas
from inference_service.sampling.constraints.alternatives import named
from inference_service.sampling.constraints.spec import ConstraintError

STYLE = {"whitespace_flexible": False, "key_separator": ": ", "item_separator": ", "}
BOUNDS = ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf")
_PARTS = ("items", "additionalProperties", "additionalItems", "unevaluatedProperties", "not", "if", "then", "else",
          "contains", "propertyNames")
_SEVERAL = ("anyOf", "oneOf", "allOf", "prefixItems", "properties", "patternProperties", "dependentSchemas")


def body(schema: dict[str, Any], text: str) -> str:
    """Rules in Lark's syntax for the texts of a closed schema, with a rule `start`.

    text: what the person wrote. Raises ConstraintError where a number can neither be held exactly nor be written as a
    regular expression.
    """
    try:
        return _Rules(schema, text).all()
    except RecursionError:
        raise ConstraintError("the schema is nested too deeply") from None


def check_within(grammar: str, bare: str) -> None:
    """Raises ConstraintError for a number that would be rounded in a schema (%json) of somebody's grammar.

    bare: the grammar with blanks for its literals and comments.
    """
    for found in re.finditer(r"%json\s*", bare):
        schema = schemas.within(grammar, found.end())
        if rounded := _rounded(schema, schema, set()):
            key, value = rounded
            raise ConstraintError(f"the number {value} of {key!r} in a schema would be rounded; such numbers are exact"
                                  " in a constraint that is a JSON schema", *schemas.place_of_number(value, grammar))


class _Rules:
    def __init__(self, root, text):
        self._root = root
        self._text = text
        self._named: dict[str, str] = {}  # the rule of each reference
        self._rules: list[str] = []

    def all(self):
        start = self._of(self._root)
        return "\n".join([f"start: {start}", *self._rules])

    def _of(self, schema):
        """What stands in a rule for a part of the schema."""
        found = _rounded(schema, self._root, set())
        if found is None:
            return self._as_it_is(schema)
        if (regex := schemas.regex_of(schema, self._root)) is not None:
            return f"/{regex_to_lark(regex, use_ascii='')}/"
        said = {key: value for key, value in schema.items() if key not in schemas.ANNOTATIONS}
        several = said.get("anyOf", said.get("oneOf"))
        if set(said) == {"$ref"}:
            return self._referred(said["$ref"])
        if len(said) == 1 and isinstance(several, list):
            return _either(map(self._of, several))
        if set(said) - {"type"} == {"enum"} and isinstance(said["enum"], list) and len(said["enum"]) > 1 and not any(
                isinstance(value, schemas.Rounded) for value in _within(said["enum"])):
            return _either(self._of({key: value for key, value in said.items() if key == "type"} | {"const": value})
                           for value in said["enum"])
        if said.get("type") == "object" and self._is_plain_object(said):
            return self._object(said["properties"], set(said.get("required", [])))
        if said.get("type") == "array" and set(said) <= {"type", "items", "minItems", "maxItems"}:
            return self._array(said)
        key, value = found
        raise _refused(key, value, self._text)

    def _as_it_is(self, schema):
        """llguidance's own, with what its references lead to."""
        if schema is True:
            schema = {}
        if not isinstance(schema, dict):
            raise ConstraintError("the schema cannot be used: a part of it is no schema that any value meets")
        shared = {key: self._root[key] for key in ("$defs", "definitions") if key in self._root}
        return "%json " + json.dumps(shared | schema | {"x-guidance": STYLE})

    def _referred(self, reference):
        if reference not in self._named:
            self._named[reference] = rule = f"part{len(self._named)}"  # before its making, which may come back to it
            self._rules.append(f"{rule}: {self._of(named(reference, self._root))}")
        return self._named[reference]

    @staticmethod
    def _is_plain_object(said):
        listed, required = said.get("properties"), said.get("required", [])
        return (set(said) <= {"type", "properties", "required", "additionalProperties"}
                and said.get("additionalProperties") is False and isinstance(listed, dict)
                and isinstance(required, list) and all(name in listed for name in required)
                and all(name.isprintable() for name in listed))

    def _object(self, properties, required):
        rest, alone = "", ""  # what may follow something; what may follow the brace
        for name, part in reversed(properties.items()):
            key = json.dumps(name, ensure_ascii=False) + ": "
            one = f"{json.dumps(key, ensure_ascii=False)} {self._of(part)}"
            needed = name in required
            alone = f"{one} {rest}" if needed else f"({one} {rest} | {alone})" if alone else f"({one} {rest})?"
            rest = f'", " {one} {rest}' if needed else f'(", " {one})? {rest}'
        return f'"{{" {alone} "}}"'

    def _array(self, said):
        least, most = said.get("minItems", 0), said.get("maxItems")
        if most == 0:
            return '"[]"'
        item = self._of(said["items"])
        more = f'(", " {item}){{{max(least - 1, 0)},{"" if most is None else most - 1}}}'
        return f'"[" {item} {more} "]"' if least else f'"[" ({item} {more})? "]"'


def _either(parts):
    return "(" + " | ".join(parts) + ")"


def _rounded(schema, root, seen):
    """A key and a number of it that llguidance would round, with all that the schema refers to; None for none."""
    if not isinstance(schema, dict):
        return None
    for key in (*BOUNDS, "const", "enum"):
        for value in _within(schema.get(key)):
            if isinstance(value, schemas.Rounded) or type(value) is int and abs(value) >= schemas.EXACT:
                return key, value
    parts = [schema[key] for key in _PARTS if key in schema]
    for key in _SEVERAL:
        several = schema.get(key)
        parts += several.values() if isinstance(several, dict) else several if isinstance(several, list) else []
    reference = schema.get("$ref")
    if isinstance(reference, str) and reference not in seen:
        seen.add(reference)
        parts.append(named(reference, root))
    return next((found for part in parts if (found := _rounded(part, root, seen))), None)


def _within(value: Any) -> Iterator[Any]:
    """The value, and all that it holds."""
    yield value
    for inner in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from _within(inner)


def _refused(key, value, text):
    return ConstraintError(f"the schema cannot be used: the number {value} of {key!r} would be rounded; beyond"
                           " 2**53, or 17 digits, whole numbers alone are exact, as limits without multipleOf, in const"
                           " and in enum", *schemas.place_of_number(value, text))
