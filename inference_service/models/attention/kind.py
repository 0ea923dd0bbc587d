"""What a position sees of the others, as a value, and all that follows from it.

Every kind sees all to the left of some place: `reach`. Mask, exact keys and values, and what an edit makes void follow
from that; where positions may be open, and which rules may decide them, a kind says itself.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import torch

from inference_service.sampling.sampler import Need


@dataclass(frozen=True)
class Attention(ABC):
    """One kind, with its parameters as fields.

    name: as the API has it. offers: what samplers may need that it gives. append_only: whether a canvas has one open
    position, at its end, which every token moves on; otherwise positions may be open anywhere.
    block_size: positions of a block, 0 for a kind without blocks. blocks_from_start: whether blocks are counted from
    where the generated part starts; otherwise from position 0.
    In all methods `start` is where the generated part of a canvas starts.
    """

    name: ClassVar[str]
    offers: ClassVar[frozenset[Need]]
    append_only: ClassVar[bool] = False
    block_size: int = 0
    blocks_from_start: bool = False

    def of(self, config: Mapping[str, Any]) -> Self:
        """The value for a checkpoint with this config.json. Raises DataLoss for a field that is none."""
        return self

    @property
    @abstractmethod
    def summary(self) -> str:
        """What sees what, in words."""

    @property
    def settles(self) -> bool:
        """Whether any keys and values stay exact while what stands behind them changes."""
        return self.settled(1 << 20, 0) > 0

    @property
    def bidirectional(self) -> bool:
        """Whether every position sees every other: the API's field for clients that know no kinds."""
        return Need.WHOLE in self.offers

    @abstractmethod
    def reach(self, position: int, size: int, start: int) -> int:
        """One past the last position that a position sees, on a canvas of `size`; all before it are seen."""

    @abstractmethod
    def settled(self, count: int, start: int) -> int:
        """How many positions, from the first on, have keys and values that depend on the first `count` tokens alone.

        They stay exact whatever comes behind these tokens; what an edit at position `count` makes void begins there.
        """

    @abstractmethod
    def mask(self, sizes: Sequence[int], starts: Sequence[int], device: torch.device) -> torch.Tensor | None:
        """The attention mask of one pass over canvases of some sizes, padded on the right; None where none is needed.

        int64 [B, longest], 1 where there is a canvas, or bool [B, 1, longest, longest], True where a row may look.
        """

    def origin(self, start: int) -> int | None:
        """Where the block of the first generated position begins, None for a kind without blocks."""
        return None

    def row(self, position: int, shifted: bool) -> int:
        """The row of the body's output that predicts a position. shifted: whether row i - 1 does so for i."""
        return max(position - 1, 0) if shifted else position


def padding(sizes: Sequence[int], device: torch.device) -> torch.Tensor | None:
    """The mask of canvases of different sizes in one batch, [B, longest]; None where they are of one."""
    longest = max(sizes)
    if min(sizes) == longest:
        return None
    return (torch.arange(longest, device=device) < torch.tensor(sizes, device=device)[:, None]).long()
