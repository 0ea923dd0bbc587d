"""The part of a canvas that is being decided, its blocks, and which of its positions come first."""

from dataclasses import dataclass, field

import torch


@dataclass(frozen=True)
class Region:
    """The part of a canvas that is being decided.

    start: first generated position (what stands before it is the prompt). length: how many
    positions were asked for. open: the open positions, ascending; holes in the prompt included.
    tokens: the whole canvas, None where it is open. given: positions supplied by the user.
    by_hand: positions whose token a person chose. protected: others that only a person changes. origin: where the
    model's own blocks are counted from, None where it has none: then they are counted from `start`.
    """

    start: int
    length: int
    open: tuple[int, ...]
    tokens: tuple[int | None, ...] = ()
    given: frozenset[int] = field(default=frozenset())
    by_hand: frozenset[int] = field(default=frozenset())
    protected: frozenset[int] = field(default=frozenset())
    origin: int | None = None

    @property
    def context(self) -> list[int]:
        """The tokens that stand in the canvas, given and committed."""
        return [token for token in self.tokens if token is not None]

    def committed(self, protect: bool = True) -> list[int]:
        """The decided positions that a sampler may open or edit, ascending; those chosen by hand unless protected."""
        kept = self.given | self.protected | (self.by_hand if protect else frozenset())
        return [position for position, token in enumerate(self.tokens) if token is not None and position not in kept]


def current_block(region: Region, block_length: int) -> tuple[int, list[int]]:
    """The number of the block being decided, and its open positions with every open one before it.

    Blocks tile the generated part from its start and are decided in order; holes in the prompt belong to the first.
    Blocks of the model's own tile the whole canvas.
    """
    block = block_of(region, region.open[0], block_length)
    end = block_end(region, block, block_length)
    return block, [position for position in region.open if position < end]


def block_end(region: Region, block: int, block_length: int) -> int:
    """One past the last position of a block."""
    return (region.start if region.origin is None else region.origin) + (block + 1) * block_length


def block_count(region: Region, block_length: int) -> int:
    """How many blocks the generated part is in, at least one."""
    return blocks_over(region.length, 0 if region.origin is None else region.start - region.origin, block_length)


def blocks_over(length: int, lead: int, block_length: int) -> int:
    """How many blocks some generated positions are in. lead: the prompt's positions in the first of them."""
    return -(-(lead + max(1, length)) // block_length)


def block_of(region: Region, position: int, block_length: int) -> int:
    """The number of the block that a position belongs to; below 0 before the model's own first one that is counted."""
    if region.origin is not None:
        return (position - region.origin) // block_length
    return max(0, position - region.start) // block_length


def best_first(region: Region, positions: list[int], scores: torch.Tensor, count: int) -> list[int]:
    """Row numbers of the `count` highest scores, highest first.

    Single-precision probabilities saturate at 1, so ties are common. They are broken as the published
    LLaDA code breaks them: by torch.topk over the whole canvas.
    """
    canvas = torch.full((region.start + region.length,), -torch.inf, dtype=scores.dtype, device=scores.device)
    canvas[positions] = scores
    row = {position: index for index, position in enumerate(positions)}
    return [row[position] for position in canvas.topk(count).indices.tolist()]
