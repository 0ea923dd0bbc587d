"""A position sees what stands before it, and itself: models that write from left to right."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from inference_service.models.attention.kind import Attention, padding
from inference_service.sampling.sampler import Need


@dataclass(frozen=True)
class Causal(Attention):
    name = "causal"
    offers = frozenset({Need.END})
    append_only = True

    @property
    def summary(self) -> str:
        return "left to right"

    def reach(self, position: int, size: int, start: int) -> int:
        return position + 1

    def settled(self, count: int, start: int) -> int:
        return count

    def row(self, position: int, shifted: bool) -> int:
        return position - 1  # its own row has seen its token

    def mask(self, sizes: Sequence[int], starts: Sequence[int], device: torch.device) -> torch.Tensor | None:
        return padding(sizes, device)  # the stock class lets nobody look to the right by itself
