"""Dream, Dream-Coder and DiffuCoder: a Qwen2 in which every position sees every other, its logits shifted by one.

They began as left-to-right models and kept that shift: row i - 1 predicts position i. Names
and fields are Qwen2's. Fields: config.json of Dream-org/Dream-v0-Instruct-7B and
apple/DiffuCoder-7B-Instruct. DreamReasoner, which attends from block to block, has a block_size
and is refused for it.
"""

from collections.abc import Mapping
from typing import Any

from inference_service.models.family import Family
from inference_service.models.stock_config import stock_config


def settings(config: Mapping[str, Any]) -> dict[str, Any]:
    """Dream's config.json as keyword arguments of Qwen2Config; raises as stock_config does."""
    return stock_config(config, "Qwen2")


FAMILY = Family(
    name="dream",
    model_types=("Dream",),
    model_class="Qwen2ForCausalLM",
    settings=settings,
    shifted=True,
    default_sampler="dream",
    mask_names=("<|mask|>",),
    eot_names=("<|im_end|>",),
    # The checkpoints bring a tokenizer class of their own, which is Qwen2's, and no tokenizer.json.
    tokenizer_class="Qwen2Tokenizer",
)
