"""Constraints with free parts: a text is found from the shortest length on at which there is one."""

import json
import time

import pytest
import torch

from inference_service.sampling.constraints import completion
from inference_service.sampling.constraints.compile import compiled
from inference_service.sampling.constraints.spec import Spec
from inference_service.sampling.constraints.vocabulary import Vocabulary

LETTERS = Vocabulary([bytes([byte]) for byte in range(256)] + [b""], [256])
WORDS = Vocabulary([*(bytes([byte]) for byte in range(256)), b'{"', b'": ', b'"}', b"}}", b"{}", b"[]", b", ", b' "',
                    b"ab", b"the", b" the", b"</", b"b>", b"SELECT", b" FROM", b"print", b" z", b""], [273])
STRING = {"type": "string"}


def having(**properties):
    return {"type": "object", "properties": properties, "required": list(properties)}


NODES = having(c={"type": "array", "items": {"$ref": "#/definitions/n"}}, s=STRING)
FREE = [
    (having(o={"type": "object"}), '{"o": {}}'),
    (having(c={"type": "array", "items": {"type": "object"}}, s=STRING), '{"c": [], "s": ""}'),
    (having(name={"type": "string", "pattern": "^[A-Z][a-z]+$"}, tags={"type": "array", "items": STRING}),
     '{"name": "Aa", "tags": []}'),
    ({"type": "string", "format": "email"}, '"a@a"'),
    ({"type": "object", "additionalProperties": {"type": "integer"}, "minProperties": 1}, '{"": 0}'),
    ({"additionalProperties": {"type": "integer"}, "minProperties": 1}, "0"),
    ({"definitions": {"n": NODES}, "$ref": "#/definitions/n"}, '{"c": [], "s": ""}'),
    ({"type": "string", "format": "uuid"}, '"' + "-".join("a" * count for count in (8, 4, 4, 4, 12)) + '"'),
    ('start: /[a-z]*/ " z"', " z"), ('start: /[a-z]*/ "zq"', "zq"), ('start: "<b>" /[^<]*/ "</b>"', "<b></b>"),
    ('start: "SELECT " /[a-z]+/ " FROM " /[a-z]+/', "SELECT a FROM a"),
    ('start: "x = " /[0-9]+/ "\\nprint(x)"', "x = 0\nprint(x)"),
    ('start: "<b>" /[a-z ]+/ "</b>" "<i>" /[a-z ]+/ "</i>"', "<b>a</b><i>a</i>"),
    ('start: "' + "a" * 20 + '" /b{3}/ "c"', "a" * 20 + "bbbc"), ('start: "[" start "]" | "x"', "x"),
]


def spec(value):
    return Spec("grammar", value) if isinstance(value, str) else Spec("json_schema", json.dumps(value))


@pytest.mark.parametrize("vocabulary", [LETTERS, WORDS], ids=["letters", "words"])
@pytest.mark.parametrize(("value", "shortest"), FREE, ids=[text for _, text in FREE])
def test_a_text_is_found_from_the_shortest_length_on(value, shortest, vocabulary):
    found, least = compiled(spec(value), vocabulary).any_order(), vocabulary.fewest(shortest.encode())
    if vocabulary is LETTERS:
        assert len(least) == 1 or found.search([None] * (len(least) - 1)) is None
    for length in {len(least), len(least) + 1, len(least) + 2, max(len(least), 40)}:
        torch.manual_seed(length)
        for logits in (None, dict(enumerate(4 * torch.randn(length, vocabulary.width)))):
            witness = found.search([None] * length, logits)
            assert witness and len(witness) == length and found.matches(witness)


@pytest.mark.parametrize(("value", "before", "after"), [
    ('start: "<b>" /[^<]*/ "</b>"', b"<b>free te", b"xt</b>"), ('start: /[a-z]*/ " z"', b"", b" z"),
    (having(o={"type": "object"}), b'{"o": {"a', b'"x"}}')])
def test_what_is_decided_on_both_sides_is_met(value, before, after):
    canvas = [*before, *[None] * 4, *after]
    found = compiled(spec(value), LETTERS).any_order()
    if value == FREE[0][0]:
        canvas = [*before, *[None] * 3, *after]
    witness = found.search(canvas)
    assert witness and found.matches(witness)
    assert all(token is None or token == there for token, there in zip(canvas, witness, strict=True))


def test_a_text_goes_on_to_its_end_in_brackets_that_are_open():
    found = compiled(Spec("grammar", 'start: "[" start "]" | "x" /y*/ "z"'), LETTERS).any_order()
    place = found._first_place.after(b"[[[[[[[[[[[[xyyy")
    assert completion.shortest(place, LETTERS.single >= 0) == b"z" + b"]" * 12


def test_no_completion_is_looked_for_without_end():
    found = compiled(Spec("json_schema", json.dumps({"type": "string", "minLength": 30_000})), LETTERS)
    begun = time.process_time()
    witness = compiled(Spec("grammar", 'start: /[a-z]{20000}/ "."'), LETTERS).any_order()
    assert witness.search([None] * 16) is None
    assert time.process_time() - begun < 5
    assert found.prefixes.fits(list(b'"a')) == 2


def test_the_fewest_tokens_are_not_the_longest_first():
    vocabulary = Vocabulary([b"a", b"ab", b"bcd", b"c", b"d", b""], [5])
    assert vocabulary.fewest(b"abcd") == (0, 2)
    assert vocabulary.fewest(b"x") is None
