"""What a sampler is: a rule that reads a prediction and says which positions to commit.

A sampler module is one file that makes one `Sampler`. It holds no state: what it has to remember
from step to step travels in `Proposal.state`, which the session keeps with the revision.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

import torch
from pydantic import BaseModel, ConfigDict, field_validator

from inference_service.sampling.noise import Noise


class Parameters(BaseModel):
    """Base of every sampler's parameter record: the fields' ranges are the published ranges."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False, strict=True)

    @field_validator("*", mode="before")
    @classmethod
    def _whole(cls, value: object) -> object:
        """16.0 as 16: whole numbers come as doubles from the wire. Nothing else is turned into another type."""
        return int(value) if isinstance(value, float) and value.is_integer() else value


@dataclass(frozen=True)
class Region:
    """The part of a canvas that is being decided.

    start: first generated position (what stands before it is the prompt). length: how many
    positions were asked for. open: the open positions, ascending; holes in the prompt included.
    """

    start: int
    length: int
    open: tuple[int, ...]


@dataclass(frozen=True)
class Ids:
    """The token ids that rules speak of. forbidden: never generated, the mask id at least."""

    forbidden: tuple[int, ...] = ()
    eos: int | None = None
    eot: int | None = None


@dataclass(frozen=True)
class Prediction:
    """Logits float32 [N, V] of N open positions, ascending."""

    positions: list[int]
    logits: torch.Tensor

    def rows(self, positions: list[int]) -> torch.Tensor:
        """The logits of some of the positions, [len(positions), V]."""
        if positions == self.positions:
            return self.logits
        index = {position: row for row, position in enumerate(self.positions)}
        return self.logits[[index[position] for position in positions]]


@dataclass(frozen=True)
class Commit:
    """A token for a position. probability: its p_base. score: what the rule ranked it by, higher first."""

    position: int
    token: int
    probability: float
    score: float


@dataclass(frozen=True)
class Proposal:
    """What a sampler would do: commits, the highest score first, and its state after them."""

    commits: list[Commit]
    state: dict = field(default_factory=dict)


@dataclass(frozen=True)
class Sampler:
    """One rule.

    parameters: its record. resolve(parameters, length): fills in what follows from the canvas and
    raises ParameterError for what does not fit it. wanted(parameters, region, state): the positions
    whose logits `propose` needs. propose(parameters, prediction, region, state, ids, noise).
    """

    name: str
    summary: str
    source: str
    parameters: type[Parameters]
    resolve: Callable[[Parameters, int], Parameters]
    wanted: Callable[[Parameters, Region, dict], list[int]]
    propose: Callable[[Parameters, Prediction, Region, dict, Ids, Noise], Proposal]


class ParameterError(ValueError):
    """A parameter that is out of its range or does not fit the canvas."""

    def __init__(self, name: str, message: str):
        super().__init__(f"{name}: {message}")
        self.name = name
        self.message = message


def resolve_block_length(block_length: int | None, length: int) -> int:
    """The block length, `length` if left out, checked to divide it."""
    if block_length is None:
        return length
    if block_length > length or length % block_length:
        divisors = [n for n in range(1, length + 1) if length % n == 0]
        raise ParameterError("block_length", f"must divide the length {length}: one of {_some(divisors)};"
                                             f" got {block_length}")
    return block_length


def _some(numbers: list[int]) -> str:
    """A list for a message, cut in the middle when long."""
    shown = numbers if len(numbers) <= 12 else [*numbers[:6], "...", *numbers[-5:]]
    return ", ".join(map(str, shown))


def current_block(region: Region, block_length: int) -> tuple[int, list[int]]:
    """The number of the block being decided, and its open positions with every open one before it.

    Blocks tile the generated part from its start and are decided in order; holes in the prompt
    belong to the first.
    """
    block = max(0, region.open[0] - region.start) // block_length
    end = region.start + (block + 1) * block_length
    return block, [position for position in region.open if position < end]


def best_first(region: Region, positions: list[int], scores: torch.Tensor, count: int) -> list[int]:
    """Row numbers of the `count` highest scores, highest first.

    Single-precision probabilities saturate at 1, so ties are common. They are broken as the published
    LLaDA code breaks them: by torch.topk over the whole canvas.
    """
    canvas = torch.full((region.start + region.length,), -torch.inf, dtype=scores.dtype, device=scores.device)
    canvas[positions] = scores
    row = {position: index for index, position in enumerate(positions)}
    return [row[position] for position in canvas.topk(count).indices.tolist()]
