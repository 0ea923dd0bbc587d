"""The families are found, and told apart."""

import pytest
import transformers

from inference_service.models.registry import FAMILIES, family_of
from inference_service.sampling.registry import SAMPLERS


def test_they_come_in_one_order():
    assert [family.name for family in FAMILIES] == [
        "a2d-qwen2", "a2d-qwen2-bd3lm", "a2d-qwen3", "a2d-qwen3-bd3lm", "dream", "illada", "llada", "nanogpt", "sdar",
        "causal"]


TOLD_APART = {family.block_causal: family for family in FAMILIES if family.block_causal}


def test_no_two_take_the_same_model_type():
    """But for those that a checkpoint's name or its blocks tell apart."""
    kinds = [kind for family in FAMILIES for kind in family.model_types if family.name not in TOLD_APART]
    assert len(kinds) == len(set(kinds))


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)
def test_what_a_family_names_is_there(family):
    assert hasattr(transformers, family.stock_class({"model_type": "llama"}))
    assert not family.tokenizer_class or hasattr(transformers, family.tokenizer_class)
    assert family.default_sampler in SAMPLERS
    for kind in family.model_types:
        assert family_of({"model_type": kind}) is TOLD_APART.get(family.name, family)
