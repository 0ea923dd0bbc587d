"""Numbers in schemas are those that were written, from left to right and in any order, or are refused by name."""

import json
import re

import pytest

from inference_service.sampling.constraints import exact, schemas
from inference_service.sampling.constraints.compile import compiled
from inference_service.sampling.constraints.spec import ConstraintError, Progress, Spec
from inference_service.sampling.constraints.vocabulary import Vocabulary

LETTERS = "0123456789-.,:[]{}\"abcdik "
VOCABULARY = Vocabulary([*(letter.encode() for letter in LETTERS), b""], [len(LETTERS)])
END = len(LETTERS)
BIG = 2**53 + 1  # as a float it is 2**53
LOWEST, HIGHEST = -2**63, 2**63 - 1
NODE = {"type": "object", "properties": {"id": {"type": "integer", "minimum": BIG}, "a": {
    "type": "string", "pattern": "^[ab]+$"}, "k": {"type": "array", "items": {"$ref": "#"}, "maxItems": 2}},
    "required": ["id"]}

# A schema, texts that meet it, texts that do not. In the texts, words for BIG and the numbers beside it.
WORDS = {"SAME": str(BIG), "LESS": str(BIG - 1), "MORE": str(BIG + 1)}
CASES = {
    "the whole int64 range": (
        {"type": "integer", "minimum": LOWEST, "maximum": HIGHEST},
        [str(LOWEST), str(HIGHEST), "0", "-1"], [str(LOWEST - 1), str(HIGHEST + 1)]),
    "a minimum": ({"type": "integer", "minimum": BIG}, [str(BIG), str(BIG * 10)], [str(BIG - 1), "0", "-1"]),
    "a maximum": ({"type": "integer", "maximum": BIG}, [str(BIG), "-1"], [str(BIG + 1)]),
    "an exclusive minimum": ({"type": "integer", "exclusiveMinimum": BIG}, [str(BIG + 1)], [str(BIG)]),
    "an exclusive maximum": ({"type": "integer", "exclusiveMaximum": BIG}, [str(BIG - 1)], [str(BIG)]),
    "beyond 64 bits": ({"type": "integer", "minimum": -10**30, "maximum": 10**30 + 1},
                       [str(10**30 + 1), str(-10**30)], [str(10**30 + 2), str(-10**30 - 1)]),
    "a whole number with an exponent": (
        '{"type": "integer", "minimum": 0, "maximum": 1e20}', [str(10**20), str(10**20 - 1)], [str(10**20 + 1)]),
    "a constant": ({"const": BIG}, [str(BIG)], [str(BIG - 1), str(BIG + 1)]),
    "the lowest constant": ({"const": LOWEST}, [str(LOWEST)], [str(LOWEST + 1)]),
    "a constant beyond 64 bits": ({"const": 2**64 + 1}, [str(2**64 + 1)], [str(2**64)]),
    "a constant with an exponent": ('{"const": 1e23}', [str(10**23)], [str(int(1e23))]),
    "values": ({"enum": [BIG, 5, 2**70]}, [str(BIG), "5", str(2**70)], [str(BIG - 1), str(2**70 + 1)]),
    "values with a point among them": ('{"enum": [1.5, 9007199254740993]}', ["1.5", str(BIG)], [str(BIG - 1), "2"]),
    "values of one type": ({"type": "integer", "enum": [BIG, "a"]}, [str(BIG)], [str(BIG - 1), '"a"']),
    "within a constant": ({"const": {"a": [BIG]}}, ['{"a": [SAME]}'], ['{"a": [LESS]}']),
    "any number": (
        {"type": "number", "minimum": -BIG, "exclusiveMaximum": BIG},
        [f"-{BIG}", f"-{BIG}.0", f"{BIG - 1}.9", "0.5", "-0.5"], [f"-{BIG}.1", str(BIG), f"-{BIG + 1}"]),
    "one of several": ({"anyOf": [{"const": BIG}, {"type": "string", "pattern": "^a$"}]}, [str(BIG), '"a"'],
                       [str(BIG - 1), '"b"']),
    "in a list": (
        {"type": "array", "items": {"anyOf": [{"const": BIG}, {"type": "string", "pattern": "^a$"}]}, "minItems": 2,
         "maxItems": 3},
        ["[SAME, SAME]", '["a", SAME, "a"]'], ["[SAME]", "[SAME, LESS]", "[SAME, SAME, SAME, SAME]"]),
    "in what refers to itself": (
        NODE, ['{"id": SAME}', '{"id": SAME, "a": "ab", "k": [{"id": SAME}]}'],
        ['{"id": LESS}', '{"id": SAME, "k": [{"id": 5}]}', '{"id": SAME, "a": "c"}', "{}"]),
    "behind a reference": (
        {"$defs": {"n": {"type": "integer", "maximum": BIG}}, "type": "object", "properties": {
            "a": {"$ref": "#/$defs/n"}, "b": {"type": "string", "pattern": "a"}, "c": {"$ref": "#/$defs/n"}}},
        ['{"a": SAME}', "{}", '{"b": "a", "c": SAME}'], ['{"a": MORE}', '{"c": MORE}']),
}
TEXTS = [(name, re.sub("|".join(WORDS), lambda word: WORDS[word[0]], text), meets)
         for name, (_, good, bad) in CASES.items() for texts, meets in ((good, True), (bad, False)) for text in texts]


def written(schema):
    return schema if isinstance(schema, str) else json.dumps(schema)


_MADE = {}


def made(name, any_order):
    if (name, any_order) not in _MADE:
        _MADE[name, any_order] = compiled(Spec("json_schema", written(CASES[name][0])), VOCABULARY, any_order)
    return _MADE[name, any_order]


@pytest.mark.parametrize(("name", "text", "meets"), TEXTS)
def test_a_text_from_left_to_right(name, text, meets):
    progress = made(name, False).prefixes.after([LETTERS.index(letter) for letter in text]).progress
    assert (progress in (Progress.MATCHED, Progress.COMPLETE)) is meets


@pytest.mark.parametrize(("name", "text", "meets"), TEXTS)
def test_a_text_in_any_order(name, text, meets):
    assert made(name, True).any_order().feasible([*(LETTERS.index(letter) for letter in text), END]) is meets


@pytest.mark.parametrize(("schema", "number", "key"), [
    ({"type": "integer", "multipleOf": BIG}, BIG, "multipleOf"),
    ({"type": "integer", "minimum": BIG, "multipleOf": 5}, BIG, "minimum"),
    ({"minimum": BIG}, BIG, "minimum"),
    ({"allOf": [{"type": "integer", "minimum": BIG}, {"maximum": BIG + 2}]}, BIG, "minimum"),
    ({"type": "integer", "enum": [5, BIG], "minimum": 1}, BIG, "enum"),
    ({"type": "object", "additionalProperties": {"const": BIG}}, BIG, "const"),
    ('{"type": "number", "maximum": 0.12345678901234567891}', "0.12345678901234567891", "maximum"),
    ('{"const": 3.00000000000000000001}', "3.00000000000000000001", "const"),
    ('{"enum": ["a", 123456789.123456789]}', "123456789.123456789", "enum"),
    ('{"type": "number", "minimum": 1e-400}', "1e-400", "minimum"),
    ('{"type": "number", "minimum": 1e-99999999999999999999}', "1e-99999999999999999999", "minimum"),
])
def test_what_would_be_rounded_is_refused_by_name_with_its_place(schema, number, key):
    text = written(schema)
    with pytest.raises(ConstraintError, match="would be rounded") as refused:
        exact.body(schemas.read(text), text)
    assert f"the number {number} of {key!r}" in refused.value.message
    assert (refused.value.line, refused.value.column) == (1, text.index(str(number)) + 1)


def test_a_schema_within_a_grammar_is_looked_at_too():
    def grammar(number):
        return f'start: "a" json\njson: %json {{"type": "integer", "minimum": {number}}}'

    compiled(Spec("grammar", grammar(BIG - 2)), VOCABULARY)
    with pytest.raises(ConstraintError, match=f"the number {BIG} of 'minimum' in a schema would be rounded") as refused:
        compiled(Spec("grammar", grammar(BIG)), VOCABULARY)
    assert refused.value.line == 2


def test_numbers_that_decide_nothing_may_have_any_digits():
    read = schemas.read('{"type": "null", "default": 0.12345678901234567891, "examples": [9007199254740993]}')
    assert exact.body(read, "").startswith("start: %json")


@pytest.mark.parametrize("count", [2**31, 2**53 + 1, 2**70])
def test_counts_beyond_any_text(count):
    read = schemas.read(json.dumps({"type": "string", "minLength": 1, "maxLength": count}))
    assert read == {"type": "string", "minLength": 1}
    assert schemas.read(json.dumps({"const": {"maxLength": count}})) == {"const": {"maxLength": count}}
    with pytest.raises(ConstraintError, match=f"as minItems {count} asks for") as refused:
        schemas.read(json.dumps({"type": "array", "minItems": count}))
    assert refused.value.column == 31


def test_a_count_may_be_written_with_a_point():
    assert schemas.read('{"type": "string", "maxLength": 3.0}')["maxLength"] == 3


def test_a_byte_order_mark_is_no_part_of_a_schema():
    assert schemas.read('\ufeff{"type": "null"}') == {"type": "null"}
    with pytest.raises(ConstraintError, match="column 11") as refused:
        schemas.read('\ufeff{"type": x}')
    assert "not JSON" in str(refused.value)
