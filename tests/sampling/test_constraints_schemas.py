"""The regular expression of a schema says what llguidance says of the schema."""

import json
import random

import pytest

from inference_service.sampling.constraints import automaton, schemas
from inference_service.sampling.constraints.compile import compiled
from inference_service.sampling.constraints.positions import Positions
from inference_service.sampling.constraints.spec import Spec
from inference_service.sampling.constraints.vocabulary import Vocabulary
from inference_service.sampling.constraints.witness import Witnesses

LETTERS = ['{"', '"}', '": ', ', "', '"', "{", "}", "[", "]", ", ", ": ", "\\", "\\u00", "1f", "7", "a", "b", "é",
           "true", "false", "null", "-", "0", "1", "12", "5", "99", ".", "e", "E+", "/", "n", " ", "\x7f"]
PIECES = [text.encode() for text in LETTERS]
END = len(PIECES)
VOCABULARY = Vocabulary([*PIECES, b""], [END])

REGULAR = [
    {"type": "string"},
    {"type": "string", "minLength": 2, "maxLength": 3},
    {"type": "number"},
    {"type": "integer"},
    {"type": ["boolean", "null"]},
    *({"type": "integer"} | limits for limits in (
        {"minimum": 0}, {"minimum": -5, "maximum": 120}, {"maximum": -12}, {"minimum": 95, "maximum": 1512},
        {"exclusiveMinimum": 0, "exclusiveMaximum": 10}, {"minimum": -120, "maximum": -5}, {"maximum": 15},
        {"minimum": 12}, {"minimum": 5, "maximum": 5}, {"minimum": 1, "exclusiveMinimum": 1})),
    {"type": "array", "items": {"type": "integer"}},
    {"type": "array", "items": {"type": "boolean"}, "minItems": 1, "maxItems": 2},
    {"type": "array", "items": {"type": "null"}, "maxItems": 0},
    {"enum": ["a", "b/n", 12, None, True, [1, 5], {"a": "é"}]},
    {"const": "a.b"},
    {"type": "string", "enum": ["a", 1]},
    {"anyOf": [{"type": "integer"}, {"type": "string", "maxLength": 2}]},
    {"type": "object", "properties": {}, "additionalProperties": False},
    {"type": "object", "properties": {"a": {"type": "integer"}}},
    {"type": "object", "properties": {"a": {"type": "null"}, "b": {"type": "null"}, "n": {"type": "null"}}},
    {"type": "object", "properties": {"a": {"type": "null"}, "b": {"type": "null"}, "n": {"type": "null"}},
     "required": ["b"], "title": "t"},
    {"type": "object", "properties": {"a": {"type": "null"}, "b": {"type": "null"}}, "required": ["a", "b"]},
    {"$defs": {"n": {"type": "integer", "maximum": 1}}, "type": "array", "items": {"$ref": "#/$defs/n"}, "minItems": 2},
]
OTHER = [
    {}, {"type": "object"}, {"type": "string", "pattern": "^a+$"}, {"type": "string", "format": "date"},
    {"type": "array"}, {"const": 1.5}, {"const": "a\n"}, {"type": "number", "minimum": 3},
    {"$defs": {"n": {"type": "array", "items": {"$ref": "#/$defs/n"}}}, "$ref": "#/$defs/n"},
    {"type": "object", "properties": {"a": {}}}, {"type": "object", "additionalProperties": {"type": "null"}},
]


@pytest.mark.parametrize("schema", REGULAR, ids=json.dumps)
def test_both_allow_the_same_next_tokens_along_random_texts(schema):
    text, chance = json.dumps(schema), random.Random(0)
    found = compiled(Spec("json_schema", text), VOCABULARY)
    regex = schemas.regex_of(schemas.read(text))
    prefixes, table = found.prefixes, automaton.of_regex(regex)
    for _ in range(25):
        tokens, state = [], table.start
        for _ in range(24):
            allowed = prefixes.after(tokens).allowed
            there = []
            for piece in PIECES:
                to = state
                for byte in piece:
                    to = int(table.moves[to, byte])
                there.append(to)
            assert [to > 0 for to in there] == allowed[:END].tolist(), b"".join(PIECES[token] for token in tokens)
            assert bool(table.accepts[state]) == bool(allowed[END])
            choices = [token for token in range(END) if there[token]]
            if not choices:
                break
            token = chance.choice(choices)
            tokens.append(token)
            state = there[token]


@pytest.mark.parametrize("schema", REGULAR, ids=json.dumps)
def test_whatever_is_drawn_is_json(schema):
    found, chance = compiled(Spec("json_schema", json.dumps(schema)), VOCABULARY).any_order(), random.Random(1)
    assert isinstance(found, Positions)
    done = 0
    for length in (1, 3, 8, 16, 24):
        canvas = [None] * length
        if not found.feasible(canvas):
            continue
        for place in chance.sample(range(length), length):
            canvas[place] = chance.choice(found.allowed(canvas, [place])[0].nonzero().flatten().tolist())
        text = b"".join(PIECES[token] for token in canvas if token != END).decode()
        value = json.loads(text)
        assert set(value) <= set(schema["properties"]) if "properties" in schema else True
        done += 1
    assert done


@pytest.mark.parametrize("schema", OTHER, ids=json.dumps)
def test_what_is_not_regular_or_not_known_goes_by_witnesses(schema):
    found = compiled(Spec("json_schema", json.dumps(schema)), VOCABULARY).any_order()
    assert isinstance(found, Witnesses)


def test_an_object_has_the_listed_properties_alone_unless_it_says_more():
    listed = {"type": "object", "properties": {"a": {"type": "object", "properties": {"b": {"type": "null"}}}}}
    closed = schemas.read(json.dumps(listed))
    assert closed["additionalProperties"] is False
    assert closed["properties"]["a"]["additionalProperties"] is False
    for more in ({"additionalProperties": True}, {"required": ["z"]}, {"allOf": [listed]}):
        assert "additionalProperties" not in schemas.read(json.dumps(listed | more)) or "additionalProperties" in more
