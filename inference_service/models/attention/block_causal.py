"""A position sees its block and all blocks before it: block diffusion.

Arriola et al., "Block Diffusion", arXiv 2503.09573. A block is decided against what stands before it; once nothing in
it is open, its keys and values are exact for good.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Self

import torch

from inference_service.models.attention.kind import Attention
from inference_service.models.fields import whole
from inference_service.sampling.sampler import Need

SIZE_FIELDS = ("block_size", "bd_size", "block_length")  # of a config.json


@dataclass(frozen=True)
class BlockCausal(Attention):
    """block_size: positions of a block. blocks_from_start: dllm's BD3LM counts from the prompt's end, SDAR from 0."""

    name = "block_causal"
    offers = frozenset({Need.BLOCKS})

    def __post_init__(self):
        if self.block_size < 1:
            raise ValueError(f"block_size must be at least 1; got {self.block_size}")

    @property
    def summary(self) -> str:
        where = "the prompt's end" if self.blocks_from_start else "position 0"
        return f"every position sees its block of {self.block_size}, counted from {where}, and all blocks before it"

    def of(self, config: Mapping[str, Any]) -> Self:
        field = next((field for field in SIZE_FIELDS if config.get(field) is not None), "")
        return replace(self, block_size=whole(config, field)) if field else self

    def reach(self, position: int, size: int, start: int) -> int:
        return min(size, self._edge(position, start) + self.block_size)

    def settled(self, count: int, start: int) -> int:
        return max(0, self._edge(count, start))

    def mask(self, sizes: Sequence[int], starts: Sequence[int], device: torch.device) -> torch.Tensor | None:
        places = torch.arange(max(sizes), device=device)
        origins = torch.tensor([self._edge(start, start) for start in starts], device=device)
        blocks = (places - origins[:, None]).div(self.block_size, rounding_mode="floor")
        inside = places < torch.tensor(sizes, device=device)[:, None]
        # What stands in the padding sees its own block, so that no row is without anything to look at.
        sees = (blocks[:, :, None] >= blocks[:, None, :]) & (inside[:, None, :] | ~inside[:, :, None])
        return sees[:, None]

    def origin(self, start: int) -> int:
        return self._edge(start, start)

    def _edge(self, position: int, start: int) -> int:
        """Where the block of a position begins; below 0 for a block that the canvas cuts."""
        origin = start if self.blocks_from_start else 0
        return origin + (position - origin) // self.block_size * self.block_size
