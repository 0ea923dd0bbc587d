"""Tiny-A2D on Qwen2, of the kind that attends from block to block, which a2d_qwen2 tells apart.

Blocks are counted from the prompt's end: dllm pads the prompt on the left to whole ones. How long they are, config.json
says only where somebody has put a block_size there; without one they have the length of dllm's sampler, 32.
"""

from dataclasses import replace

from inference_service.models.attention import BlockCausal
from inference_service.models.families import a2d_qwen2

FAMILY = replace(a2d_qwen2.FAMILY, name="a2d-qwen2-bd3lm", attention=BlockCausal(32, blocks_from_start=True),
                 default_sampler="dllm", block_causal="", block_causal_names=())
