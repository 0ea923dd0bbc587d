"""The families are found, and told apart."""

import pytest
import transformers

from inference_service.models.registry import FAMILIES, family_of
from inference_service.sampling.registry import SAMPLERS


def test_they_come_in_one_order():
    assert [family.name for family in FAMILIES] == ["a2d-qwen2", "a2d-qwen3", "dream", "illada", "llada", "nanogpt",
                                                   "causal"]


def test_no_two_take_the_same_model_type():
    kinds = [kind for family in FAMILIES for kind in family.model_types]
    assert len(kinds) == len(set(kinds))


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)
def test_what_a_family_names_is_there(family):
    assert hasattr(transformers, family.stock_class({"model_type": "llama"}))
    assert not family.tokenizer_class or hasattr(transformers, family.tokenizer_class)
    assert family.default_sampler in SAMPLERS
    for kind in family.model_types:
        assert family_of({"model_type": kind}) is family
