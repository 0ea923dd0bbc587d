"""The exact log-likelihood, against the reference's numbers."""

import json

import pytest
from tiny_checkpoints import GOLDEN

from inference_service.errors import InvalidField
from inference_service.inspection.likelihood import exact_log_likelihood

CASES = json.loads((GOLDEN / "expected.json").read_text())["log_likelihood"]


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("batch_size", [1, 7, 64])
def test_equal_to_the_reference(golden, case, batch_size):
    value = exact_log_likelihood(golden, case["prompt"], case["answer"], batch_size)
    assert value == pytest.approx(case["log_likelihood"], abs=1e-3)


def test_one_token_is_its_own_log_probability(golden):
    logits = golden.logits([[5, 6, golden.info.mask_token]], [[2]])[0][0]
    assert exact_log_likelihood(golden, [5, 6], [7]) == pytest.approx(logits.log_softmax(-1)[7].item(), abs=1e-4)


def test_a_prompt_may_be_empty(golden):
    assert exact_log_likelihood(golden, [], [7, 8]) < 0


@pytest.mark.parametrize("length", [0, 13])
def test_length_is_limited(golden, length):
    with pytest.raises(InvalidField) as caught:
        exact_log_likelihood(golden, [1], [2] * length)
    assert caught.value.field == "answer"
