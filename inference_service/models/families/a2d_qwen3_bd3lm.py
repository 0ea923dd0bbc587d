"""Tiny-A2D on Qwen3 of the kind that attends from block to block. All that a2d_qwen2_bd3lm says holds here."""

from dataclasses import replace

from inference_service.models.families import a2d_qwen2_bd3lm, a2d_qwen3

FAMILY = replace(a2d_qwen3.FAMILY, name="a2d-qwen3-bd3lm", attention=a2d_qwen2_bd3lm.FAMILY.attention,
                 default_sampler="dllm", block_causal="", block_causal_names=())
