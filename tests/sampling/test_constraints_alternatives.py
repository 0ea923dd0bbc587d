"""oneOf is taken where its alternatives exclude each other, and refused with what to write where that is not known."""

import json

import pytest

from inference_service.sampling.constraints.alternatives import exclude, without_one_of
from inference_service.sampling.constraints.compile import compiled
from inference_service.sampling.constraints.spec import ConstraintError, Spec
from inference_service.sampling.constraints.vocabulary import Vocabulary

BYTES = Vocabulary([bytes([byte]) for byte in range(256)] + [b""], [256])
TEXT, WHOLE = {"type": "string"}, {"type": "integer"}


def kind(name, required=True):
    return {"type": "object", "properties": {"kind": {"const": name}}, "required": ["kind"] if required else []}


APART = [
    (TEXT, WHOLE, '"a"', "1"), ({"const": "a"}, {"const": "b"}, '"a"', '"b"'), (TEXT, {"const": 5}, '"x"', "5"),
    ({"enum": [1, 2]}, {"enum": ["c", None]}, "2", "null"), (WHOLE | {"minimum": 3}, WHOLE | {"maximum": 2}, "3", "2"),
    (WHOLE | {"exclusiveMinimum": 0}, WHOLE | {"exclusiveMaximum": 1}, "1", "0"),
    (kind("a"), kind("b"), '{"kind": "a"}', '{"kind": "b"}'),
    (TEXT | {"maxLength": 1}, TEXT | {"minLength": 2}, '"a"', '"ab"'),
    ({"type": "number", "maximum": 1}, {"type": "number", "exclusiveMinimum": 1}, "1", "1.5"),
    ({"$ref": "#/$defs/t"}, {"const": 1}, '"a"', "1"),
]
TOGETHER = [
    (WHOLE, {"type": "number"}), ({"const": 1}, {"const": 1.0}), (TEXT, {"const": "a"}), ({}, WHOLE),
    (WHOLE | {"minimum": 2}, WHOLE | {"maximum": 2}), (kind("a", False), kind("b", False)), (kind("a"), kind("a")),
    ({"$ref": "#/$defs/n"}, WHOLE), ({"$ref": "#/$defs/loop"}, WHOLE),
]
ROOT = {"$defs": {"t": TEXT, "n": WHOLE, "loop": {"$ref": "#/$defs/loop"}}}


@pytest.mark.parametrize(("one", "other", "first", "second"), APART, ids=json.dumps)
def test_alternatives_that_exclude_each_other_are_both_taken(one, other, first, second):
    assert exclude(one, other, ROOT) and exclude(other, one, ROOT)
    found = compiled(Spec("json_schema", json.dumps({"oneOf": [one, other]} | ROOT)), BYTES).any_order()
    for text in (first, second):
        assert found.feasible(list(text.encode()))
    assert not found.feasible(list(b"[]"))


@pytest.mark.parametrize(("one", "other"), TOGETHER, ids=json.dumps)
def test_others_are_refused_with_what_to_write(one, other):
    assert not exclude(one, other, ROOT) and not exclude(other, one, ROOT)
    with pytest.raises(ConstraintError, match="write anyOf") as found:
        compiled(Spec("json_schema", json.dumps(ROOT | {"title": "x", "oneOf": [one, other]}, indent=0)), BYTES)
    assert "coerce" not in str(found.value) and found.value.line > 1


def test_what_stands_beside_counts_and_values_are_left_alone():
    schema = {"type": "integer", "oneOf": [{"minimum": 5}, {"maximum": 2}]}
    assert without_one_of(schema, schema) == {"type": "integer", "anyOf": schema["oneOf"]}
    schema = {"const": {"oneOf": [1, 2]}}
    assert without_one_of(schema, schema) == schema
