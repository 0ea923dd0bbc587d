"""Tiny-A2D on Qwen2: a left-to-right model taught to unmask, such as dllm-hub's Qwen2.5-Coder diffusion models.

A Qwen2 in which every position sees every other, its logits not shifted (dllm samples with
right_shift_logits = False). Names: ZHZisZZ/dllm, pipelines/a2d and utils/models.py.

dllm trains two kinds with one config.json: "mdlm", which this is, and "bd3lm", which attends
from block to block by a mask that its sampler makes. Nothing in config.json or in the weights
tells them apart. A bd3lm is known by its name, or by a block_size in its config.json; under
another name it loads as this family, and is decoded wrongly.
"""

from collections.abc import Mapping
from typing import Any

from inference_service.models.family import Family
from inference_service.models.stock_config import stock_config


def settings(config: Mapping[str, Any]) -> dict[str, Any]:
    """config.json as keyword arguments of Qwen2Config; raises as stock_config does."""
    return stock_config(config, "Qwen2")


FAMILY = Family(
    name="a2d-qwen2",
    model_types=("a2d-qwen2",),
    model_class="Qwen2ForCausalLM",
    settings=settings,
    mask_names=("<|mask|>", "<|MASK|>"),
    eot_names=("<|im_end|>",),
    tokenizer_class="Qwen2Tokenizer",
    block_causal="a2d-qwen2-bd3lm",
    block_causal_names=("bd3lm",),
)
