"""What is far too much is counted and refused; it is not gone through first."""

from types import SimpleNamespace

import pytest

from inference_service.errors import InvalidField
from inference_service.rpc.prompts import prompt_tokens


class Uncounted:
    """A million token ids that may be counted, and nothing else."""

    def __len__(self):
        return 1_000_000

    def __iter__(self):
        raise AssertionError("it was gone through")

    __contains__ = __iter__


def test_a_prompt_of_too_many_ids_is_not_looked_through(golden_model):
    prompt = SimpleNamespace(WhichOneof=lambda name: "tokens", tokens=SimpleNamespace(ids=Uncounted()))
    with pytest.raises(InvalidField, match="got 1000000"):
        prompt_tokens(prompt, golden_model)
