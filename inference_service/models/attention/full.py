"""Every position sees every other: LLaDA, Dream and most masked diffusion models. No keys or values stay exact."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from inference_service.models.attention.kind import Attention, padding
from inference_service.sampling.sampler import Need


@dataclass(frozen=True)
class Full(Attention):
    name = "full"
    offers = frozenset({Need.WHOLE, Need.BLOCKS})

    @property
    def summary(self) -> str:
        return "every position sees every other"

    def reach(self, position: int, size: int, start: int) -> int:
        return size

    def settled(self, count: int, start: int) -> int:
        return 0

    def mask(self, sizes: Sequence[int], starts: Sequence[int], device: torch.device) -> torch.Tensor | None:
        return padding(sizes, device)
