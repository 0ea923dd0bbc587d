"""What is wrong with a constraint is said in plain words at its place; what takes too much is refused in time."""

import threading
from contextlib import ExitStack

import pytest

from inference_service.sampling.constraints import automaton, compile, grammars
from inference_service.sampling.constraints.compile import compiled
from inference_service.sampling.constraints.spec import LONGEST, ConstraintError, Spec
from inference_service.sampling.constraints.vocabulary import Vocabulary
from inference_service.sandbox import processes

BYTES = Vocabulary([bytes([byte]) for byte in range(256)] + [b""], [256])


@pytest.mark.parametrize(("kind", "value", "said", "place"), [
    ("choice", (), "no text to choose", (None, None)),
    ("choice", ("a", ""), "is empty", (2, None)),
    ("choice", ("a", "b", "a"), "same as text 1", (3, None)),
    ("choice", ["a"], "must be a list of texts", (None, None)),
    ("choice", ("a" * LONGEST, "b"), "at most 65,536", (None, None)),
    ("regex", "", "regular expression is empty", (None, None)),
    ("grammar", " \n", "grammar is empty", (None, None)),
    ("words", "a", "kind must be one of choice, regex", (None, None)),
    ("regex", "ab(c|d", "unclosed group", (1, 3)),
    ("regex", "ab\n[z-a]", "the start must be <= the end", (2, 2)),
    ("regex", "a/b/c)", "unopened group", (1, 6)),
    ("regex", "x(?=a)", "look-around", (1, 2)),
    ("regex", r"(a)\1", "backreferences are not supported", (1, 4)),
    ("regex", r"a\bfoo", "may not stand inside", (1, 2)),
    ("regex", "(^b)|c", "may not stand inside", (1, 2)),
    ("regex", "^[$^]a$b$", "may not stand inside", (1, 7)),
    ("regex", r"[^\s\S]", "no text matches it", (None, None)),
    ("grammar", "start: foo", 'unknown name: "foo"', (1, 8)),
    ("grammar", 'start: a\na: "x"\n  | bar', 'unknown name: "bar"', (2, 4)),
    ("grammar", "start: (", "Expected token", (1, 9)),
    ("grammar", "start: /a(b/", "unclosed group", (1, 8)),
    ("grammar", 'x: "a"', 'no rule named "start"', (None, None)),
    ("grammar", 'start: "<" <|eot|>', "cannot name tokens", (1, 12)),
    ("grammar", "start: start", "no text matches it", (None, None)),
    ("json_schema", '{"type": "string",\n "x": }', "not JSON", (2, 7)),
    ("json_schema", '{"type": "integer",\n "minimum": NaN}', "NaN is no number", (2, 13)),
    ("json_schema", '{"type": "integer", "minimum": -Infinity}', "-Infinity is no number", (1, 32)),
    ("json_schema", '{"const": "NaN",\n"maximum": 1e999}', "too large", (2, 12)),
    ("json_schema", '{"maximum": 1' + "0" * 5000 + "}", "too large", (1, 13)),
    ("json_schema", '{"const":\n "\\\\ud800 \\ud83d\\ude00 \\ud800"}', "surrogate", (2, 24)),
    ("regex", "^*ab", "^ cannot be repeated", (1, 1)),
    ("json_schema", "[]", "must be a JSON object", (1, 1)),
    ("json_schema", '{"type": "object",\n "properties": {"a": {"type": "strin"}}}', "strin", (2, 31)),
    ("json_schema", '{"type": "array", "uniqueItems": true}', "not supported", (1, 19)),
    ("json_schema", '{"type": "string",\n"pattern": "(a"}', "unclosed group", (2, 1)),
    ("json_schema", '{"type": "integer", "minimum": 5, "maximum": 3}', "minimum (5)", (None, None)),
])
def test_errors_point_into_what_was_written(kind, value, said, place):
    with pytest.raises(ConstraintError) as found:
        compiled(Spec(kind, value), BYTES)
    assert said in found.value.message
    assert (found.value.line, found.value.column) == place
    assert "\n" not in str(found.value)


@pytest.mark.parametrize("regex", ["(a{1,1000}){1,1000}", ".*a.{24}", "((((a{100}){100}){100}){100}){100}"])
def test_what_takes_too_much_is_refused(regex):
    with pytest.raises(ConstraintError, match="too large"):
        compiled(Spec("regex", regex), BYTES).any_order()


@pytest.mark.parametrize(("regex", "text", "matches"), [
    ("a|ab", "ab", True), ("^ab$", "ab", True), (r"a\$", "a$", True), (r"a\\$", "a\\", True), ("(?x) a # b", "a", True),
    (r"\d", "\u0663", True), (".", "\n", False), ("(?i)k", "\u212a", True), ("a*", "", True), ("^a|b$", "b", True),
    ("a??b", "ab", True), ("[^a]", "\U0001f600", True), (r"\x{1F600}", "\U0001f600", True), ("a", "aa", False),
])
def test_both_ways_read_a_regular_expression_alike(regex, text, matches):
    assert automaton.of_regex(grammars.without_anchors(regex)).matches(text.encode()) == matches
    tokens = [*text.encode(), 256]
    found = compiled(Spec("regex", regex), BYTES)
    assert (found.prefixes.fits(tokens) == len(tokens)) == matches
    assert found.any_order().feasible(tokens) == matches


@pytest.mark.parametrize(("kind", "value"), [
    ("regex", "a.{20}b"), ("regex", '[^"]{1,100}'), ("regex", r"[^\n]{1,500}"), ("regex", ".*needle.*"),
    ("json_schema", '{"type": "string", "maxLength": 300}')])
def test_what_is_not_too_much_is_taken(kind, value):
    assert compiled(Spec(kind, value), BYTES).any_order().feasible([None] * 64)


def test_a_vocabulary_that_cannot_write_a_match_is_told():
    with pytest.raises(ConstraintError, match="vocabulary can begin"):
        compiled(Spec("regex", "xyz"), Vocabulary([b"a", b""], [1]))


def test_texts_of_a_choice_are_taken_as_they_are():
    texts = tuple(chr(code) for code in range(32, 127)) + ("a b", "a/b", "a\nb", ".*", "é|", "\\n")
    found = compiled(Spec("choice", texts), BYTES)
    for text in (*texts, "aa", "..", "x*"):
        tokens = [*text.encode(), 256]
        assert (found.prefixes.fits(tokens) == len(tokens)) == (text in texts)
        assert found.any_order().feasible(tokens) == (text in texts)


def test_a_small_expression_does_not_wait_for_a_large_one(monkeypatch):
    """Gates, not clocks: every place of the large ones is taken, and one more waits."""
    monkeypatch.setattr(compile, "FAR", 3)
    made = []
    large = threading.Thread(target=lambda: made.append(compiled(Spec("regex", "[a-z]{1,9}"), BYTES).any_order()))
    with ExitStack() as places:
        for _ in range(2):
            places.enter_context(processes.slow.place())
        large.start()
        assert compiled(Spec("regex", "[a-z]+ is [0-9]{2}"), BYTES).any_order().feasible(list(b"a is 12"))
        assert compiled(Spec("choice", ("yes", "no")), BYTES).any_order().feasible(list(b"no"))
        assert large.is_alive() and not made
    large.join()
    assert made


def test_what_takes_longer_than_it_seemed_is_made_all_the_same(monkeypatch):
    monkeypatch.setattr(compile, "FAR", 1 << 60)
    assert compiled(Spec("regex", r"\p{L}{1,45}"), BYTES).any_order().feasible([*"é".encode(), 256])


def test_the_size_of_what_was_made_is_known():
    found = compiled(Spec("regex", "[a-z]{1,40}"), BYTES)
    assert found.size == 0
    assert found.any_order()._moves.by_state.nbytes < found.size < 1 << 20
