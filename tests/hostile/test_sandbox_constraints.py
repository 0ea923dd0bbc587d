"""Constraints made to hurt: each ends as a constraint or as a typed error, with this process alive and small."""

import json
import resource

import pytest

from inference_service.sampling.constraints.compile import compiled
from inference_service.sampling.constraints.spec import ConstraintError, Spec, TooComplex
from inference_service.sampling.constraints.vocabulary import Vocabulary

BYTES = Vocabulary([bytes([byte]) for byte in range(256)] + [b""], [256])
MOST_MORE = 300 << 20  # bytes by which this process may grow over one constraint


def nested(count):
    schema = {"type": "boolean"}
    for _ in range(count):
        schema = {"type": "array", "items": schema}
    return json.dumps(schema)


def fanned(count, kind):
    """Each definition names the next one twice."""
    def twice(number):
        following = {"$ref": f"#/$defs/d{number + 1}"}
        if kind == "anyOf":
            return {"anyOf": [following, {"type": "array", "items": following}]}
        return {"type": "object", "properties": {"a": following, "b": following}, "required": ["a", "b"]}

    return json.dumps({"$defs": {f"d{number}": twice(number) for number in range(count)} | {
        f"d{count}": {"type": "boolean"}}, "$ref": "#/$defs/d0"})


def chain(count, name):
    rules = "".join(f"{name}{number}: {name}{number + 1}\n" for number in range(count))
    return f'start: {name}0\n{rules}{name}{count}: "a"'


# What ends a process that compiles it, or takes more than the limits: never a constraint.
REFUSED = {
    "whole numbers at the lower end inside a grammar": ("grammar", "start: %json " + json.dumps(
        {"type": "integer", "minimum": -(2**63), "maximum": -(2**63) + 5})),
    "a chain of rules": ("grammar", chain(4000, "r")),
    "a chain of terminals": ("grammar", chain(4000, "R")),
    "nested parentheses": ("regex", "(" * 30_000 + "a" + ")" * 30_000),
    "a nested grammar": ("grammar", "start: " + "(" * 20_000 + '"a"' + ")" * 20_000),
    "a schema 6,000 deep": ("json_schema", '{"items":' * 6000 + "{}" + "}" * 6000),
    "a constant 30,000 deep": ("json_schema", '{"const":' + "[" * 30_000 + "]" * 30_000 + "}"),
    "several large factors": ("json_schema", json.dumps(
        {"allOf": [{"type": "integer", "multipleOf": factor} for factor in (99_991, 99_989, 99_971, 99_961)]})),
    "every one of every other": ("json_schema", json.dumps(
        {"allOf": [{"anyOf": [{"type": "string", "pattern": f"a{i}{j}"} for j in range(10)]} for i in range(10)]})),
    "counts of counts": ("regex", "((((a{100}){100}){100}){100}){100}"),
    "far back": ("regex", ".*a.{24}"),
}

# Large, and what becomes of it is either; it is the process that counts.
EITHER = {
    "nested arrays": ("json_schema", nested(32)),
    "definitions that fan out": ("json_schema", fanned(40, "object")),
    "alternatives that fan out": ("json_schema", fanned(40, "anyOf")),
    "1,500 properties that may be left out": ("json_schema", json.dumps(
        {"type": "object", "properties": {f"k{number}": {"type": "integer"} for number in range(1500)}})),
    "the whole numbers at the lower end": ("json_schema", json.dumps(
        {"type": "integer", "minimum": -(2**63), "maximum": -(2**63) + 5})),
    "numbers of 200 digits": ("json_schema", '{"type":"integer","minimum":-1' + "0" * 200 + ',"maximum":5}'),
    "a large number behind references": ("json_schema", fanned(30, "object").replace(
        '"boolean"', f'"integer", "maximum": {2**60}')),
    "a thousand million letters": ("regex", "a{1000000000}"),
    "letters of every script": ("regex", r"(\p{L}|\p{N}){1,500}"),
    "a long text": ("json_schema", '{"type":"string","minLength":1000000000}'),
    "a long list": ("json_schema", '{"type":"array","items":{"type":"integer"},"minItems":1000000000}'),
    "a pattern in a schema": ("json_schema", '{"type":"string","pattern":"^(.*a.{20}){20}$"}'),
    "ambiguous rules": ("grammar", 'start: a\na: a a a | a a | "x" | "x" "x" |'),
    "6,000 values": ("json_schema", json.dumps({"enum": [f"{number * 7919:x}" for number in range(6000)]})),
    "7,000 texts": ("choice", [f"{number:x}" for number in range(7000)]),
    "9,000 alternatives": ("regex", "|".join(f"{number}.*" for number in range(9000))),
    "rules that may be empty": ("grammar", f"start: {' '.join(f'n{number}' for number in range(1500))}\n" + "\n".join(
        f'n{number}: "a"?' for number in range(1500))),
    "one of a hundred": ("json_schema", json.dumps({"oneOf": [
        {"type": "object", "properties": {f"p{j}": {"enum": [i]} for j in range(20)},
         "required": [f"p{j}" for j in range(20)]} for i in range(100)]})),
}


def grown(do):
    """By how many bytes this process grew at most."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    do()
    return 1024 * (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)


def made(kind, value, any_order):
    return compiled(Spec(kind, tuple(value) if kind == "choice" else value), BYTES, any_order)


@pytest.mark.timeout(600)
@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_compiled_is_an_error_with_words(name):
    with pytest.raises(ConstraintError) as refused:
        made(*REFUSED[name], any_order=True)
    assert refused.value.message and "\n" not in str(refused.value)
    assert "Traceback" not in str(refused.value) and "/" + "home" not in str(refused.value)


def test_what_ends_the_process_that_compiles_it_says_so():
    with pytest.raises(TooComplex) as refused:
        made(*REFUSED["a chain of rules"], any_order=False)
    assert refused.value.limit == "crash"


@pytest.mark.timeout(600)
@pytest.mark.parametrize("name", EITHER)
def test_what_is_large_takes_little_here(name):
    def both():
        for any_order in (False, True):
            try:
                found = made(*EITHER[name], any_order)
                if not any_order:
                    found.prefixes.after([])
            except ConstraintError as error:
                assert str(error)

    assert grown(both) < MOST_MORE
