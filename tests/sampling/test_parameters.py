"""Parameters are refused by name, in words that say what is allowed."""

import math

import pytest

from inference_service.sampling.parameters import ParameterError
from inference_service.sampling.registry import SAMPLERS, describe, parameters_for


@pytest.mark.parametrize(("sampler", "values", "name", "allows"), [
    ("llada", {"steps": 0}, "steps", "a whole number from 1 to 4096"),
    ("llada", {"steps": -1}, "steps", "a whole number from 1 to 4096"),
    ("llada", {"steps": 4097}, "steps", "a whole number from 1 to 4096"),
    ("llada", {"steps": 2.5}, "steps", "a whole number from 1 to 4096"),
    ("llada", {"steps": "8"}, "steps", "a whole number from 1 to 4096"),
    ("llada", {"steps": True}, "steps", "a whole number from 1 to 4096"),
    ("llada", {"steps": [8]}, "steps", "a whole number from 1 to 4096"),
    ("llada", {"steps": {}}, "steps", "a whole number from 1 to 4096"),
    ("llada", {"block_length": 0}, "block_length", "a whole number from 1 to 4096"),
    ("llada", {"temperature": -0.1}, "temperature", "a number from 0 to 10"),
    ("llada", {"temperature": 10.1}, "temperature", "a number from 0 to 10"),
    ("llada", {"temperature": math.nan}, "temperature", "a number from 0 to 10"),
    ("llada", {"temperature": math.inf}, "temperature", "a number from 0 to 10"),
    ("llada", {"temperature": -math.inf}, "temperature", "a number from 0 to 10"),
    ("llada", {"temperature": "0.5"}, "temperature", "a number from 0 to 10"),
    ("llada", {"temperature": True}, "temperature", "a number from 0 to 10"),
    ("llada", {"temperature": None}, "temperature", "a number from 0 to 10"),
    ("llada", {"cfg_scale": 11}, "cfg_scale", "a number from 0 to 10"),
    ("llada", {"remasking": "low-confidence"}, "remasking", "one of low_confidence, random"),
    ("llada", {"remasking": None}, "remasking", "one of low_confidence, random"),
    ("llada", {"remasking": 1}, "remasking", "one of low_confidence, random"),
    ("llada", {"logits_eos_inf": "yes"}, "logits_eos_inf", "true or false"),
    ("llada", {"logits_eos_inf": 1}, "logits_eos_inf", "true or false"),
    ("llada", {"logits_eos_inf": None}, "logits_eos_inf", "true or false"),
    ("llada", {"gen_length": 8}, "gen_length", "no such parameter; its parameters: remasking"),
    ("llada", {"": 8}, "", "no such parameter"),
    ("llada", {"self": 8}, "self", "no such parameter"),
    ("llada", {"block_length": 5}, "block_length", "must divide the length 32: one of 1, 2, 4, 8, 16, 32; got 5"),
    ("llada", {"block_length": 64}, "block_length", "must divide the length 32"),
    ("llada", {"block_length": 8, "steps": 6}, "steps", "must be a multiple of the number of blocks, 4; got 6"),
    ("ranked", {"strategy": "best"}, "strategy", "one of high_confidence, low_confidence"),
    ("ranked", {"rule": ""}, "rule", "one of constant, threshold, factor"),
    ("ranked", {"count": -1}, "count", "a whole number from 0 to 4096"),
    ("ranked", {"threshold": 1.01}, "threshold", "a number from 0 to 1"),
    ("ranked", {"factor": -1}, "factor", "a number from 0 to 10"),
    ("ranked", {"steps": 4}, "steps", "no such parameter"),
])
def test_what_is_wrong_is_named_with_what_is_allowed(sampler, values, name, allows):
    with pytest.raises(ParameterError) as caught:
        parameters_for(SAMPLERS[sampler], values, 32)
    assert caught.value.name == name
    assert allows in caught.value.message


@pytest.mark.parametrize(("sampler", "values", "expected"), [
    ("llada", {}, {"steps": 32, "block_length": 32, "temperature": 0}),
    ("llada", {"steps": None, "block_length": None}, {"steps": 32, "block_length": 32}),
    ("llada", {"steps": 16.0, "block_length": 8.0, "temperature": 1}, {"steps": 16, "block_length": 8}),
    ("llada", {"steps": 64, "block_length": 1}, {"steps": 64, "block_length": 1}),
    ("ranked", {"count": 3.0}, {"count": 3, "block_length": 32}),
])
def test_what_is_left_out_is_filled_in(sampler, values, expected):
    """Whole numbers come as doubles from the wire."""
    record = parameters_for(SAMPLERS[sampler], values, 32).model_dump()
    assert {key: record[key] for key in expected} == expected
    assert None not in record.values()
    assert isinstance(record.get("steps", 1), int)
    assert parameters_for(SAMPLERS[sampler], record, 32).model_dump() == record


@pytest.mark.parametrize("sampler", SAMPLERS.values(), ids=lambda sampler: sampler.name)
def test_descriptions_say_what_the_record_takes(sampler):
    for described in describe(sampler):
        assert described.summary.endswith(".")
        if described.kind in ("integer", "number"):
            for value in (described.minimum, described.maximum):
                parameters_for(sampler, {described.name: value}, 4096)
            for value in (described.minimum - 1, described.maximum + 1):
                with pytest.raises(ParameterError):
                    parameters_for(sampler, {described.name: value}, 4096)
        for choice in described.choices:
            parameters_for(sampler, {described.name: choice}, 8)
        if described.default is not None:
            parameters_for(sampler, {described.name: described.default}, 8)
    assert sampler.source and sampler.summary.endswith(".")
