"""SDAR's dense models, such as JetLM/SDAR-4B-Chat: a Qwen3 whose positions see their block and all before it.

Blocks are counted from position 0, so that a prompt's last, partial one is decided with what follows. Names and fields:
github.com/JetAstra/SDAR, training/model; config.json has the length of a block.
"""

from collections.abc import Mapping
from typing import Any

from inference_service.models.attention import BlockCausal
from inference_service.models.family import Family
from inference_service.models.stock_config import stock_config


def settings(config: Mapping[str, Any]) -> dict[str, Any]:
    """config.json as keyword arguments of Qwen3Config; raises as stock_config does."""
    return stock_config(config, "Qwen3", "head_dim", "attention_bias")


FAMILY = Family(
    name="sdar",
    model_types=("sdar",),
    model_class="Qwen3ForCausalLM",
    settings=settings,
    attention=BlockCausal(4),
    default_sampler="sdar",
    mask_names=("<|MASK|>", "<|mask|>"),
    eot_names=("<|im_end|>",),
    tokenizer_class="Qwen2Tokenizer",
)
