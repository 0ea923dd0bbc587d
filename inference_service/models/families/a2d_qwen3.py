"""Tiny-A2D on Qwen3, such as dllm-hub/Qwen3-0.6B-diffusion-mdlm-v0.1. All that a2d_qwen2 says holds here."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from inference_service.models.families import a2d_qwen2
from inference_service.models.stock_config import stock_config


def settings(config: Mapping[str, Any]) -> dict[str, Any]:
    """config.json as keyword arguments of Qwen3Config; raises as stock_config does."""
    return stock_config(config, "Qwen3", "head_dim", "attention_bias")


FAMILY = replace(
    a2d_qwen2.FAMILY,
    name="a2d-qwen3",
    model_types=("a2d-qwen3",),
    model_class="Qwen3ForCausalLM",
    settings=settings,
    block_causal="a2d-qwen3-bd3lm",
)
