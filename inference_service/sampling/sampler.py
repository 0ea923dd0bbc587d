"""What a sampler is: a rule that reads a prediction and says what to commit, to open again and to edit.

A sampler module is one file that makes one `Sampler`. It holds no state: what it has to remember
from step to step travels in `Proposal.state`, which the session keeps with the revision.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Generic, TypeVar

import torch

from inference_service.sampling import distribution
from inference_service.sampling.noise import Noise
from inference_service.sampling.parameters import Parameters
from inference_service.sampling.region import Region
from inference_service.sampling.states import State


class Need(StrEnum):
    """What a rule needs of a canvas.

    WHOLE: open positions anywhere, decided in any order, all of them seen. BLOCKS: one block decided after the other.
    END: a single open position, at the end, which every token moves on; what stands before it is seen alone.
    """

    WHOLE = "whole"
    BLOCKS = "blocks"
    END = "end"


# The record of the sampler at work. What reads a record that others inherit from reads theirs too.
Record = TypeVar("Record", bound=Parameters, covariant=True)
Own = TypeVar("Own", bound=Parameters)


@dataclass(frozen=True)
class Ids:
    """The token ids that rules speak of.

    forbidden: never generated, the mask id at least. unnamed: those of them that have no token, which may be asked for.
    eos, eot: end of text, which fills up, and end of turn. more_ends: others that end a text.
    """

    forbidden: tuple[int, ...] = ()
    eos: int | None = None
    eot: int | None = None
    more_ends: tuple[int, ...] = ()
    unnamed: tuple[int, ...] = ()

    @property
    def ends_of_text(self) -> list[int]:
        """Every id that ends a text but for the end of turn."""
        return [token for token in (self.eos, *self.more_ends) if token is not None]

    @property
    def ends(self) -> list[int]:
        """Every id that ends a text or a turn."""
        return [*self.ends_of_text, *([] if self.eot is None else [self.eot])]


@dataclass(frozen=True)
class Prediction:
    """Logits float32 [N, V] of N positions, ascending.

    earlier: the prediction that `Sampler.recalls` asked for, or None.
    """

    positions: list[int]
    logits: torch.Tensor
    earlier: "Prediction | None" = None

    def rows(self, positions: list[int]) -> torch.Tensor:
        """The logits of some of the positions, [len(positions), V]."""
        if positions == self.positions:
            return self.logits
        index = {position: row for row, position in enumerate(self.positions)}
        return self.logits[[index[position] for position in positions]]


@dataclass(frozen=True)
class Commit:
    """A token for a position. probability: its p_base, None where nobody asked the model.

    score: what the rule ranked it by, higher first.
    """

    position: int
    token: int
    probability: float | None
    score: float


@dataclass(frozen=True)
class Reopen:
    """A decided position to open again. score: what the rule ranked it by, higher first."""

    position: int
    score: float


@dataclass(frozen=True)
class Proposal:
    """What a sampler would do, and its state after it; each list has the highest score first.

    commits: of open positions. reopens: of committed ones. edits: other tokens for committed ones.
    substep: the part of a step that this is, where a sampler has such parts. read_only: a person should not edit
    what comes of it, because the step's next part goes by it.
    """

    commits: list[Commit] = field(default_factory=list)
    state: dict = field(default_factory=dict)
    reopens: list[Reopen] = field(default_factory=list)
    edits: list[Commit] = field(default_factory=list)
    substep: str = ""
    read_only: bool = False


@dataclass(frozen=True)
class SamplingContext(Generic[Record]):
    """All that a sampler may read beside the prediction.

    parameters: its own record, resolved. allowed(positions): what a constraint lets stand at some positions, bool
    [N, V], None without one. state: what it left in the last step's proposal; {} at first, and
    again once a person has opened positions or another sampler has been at work. revision: whose canvas it is, for
    what is recalled later; the noise may be another revision's.
    """

    parameters: Record
    region: Region
    ids: Ids
    noise: Noise
    state: dict = field(default_factory=dict)
    revision: int = 0
    allowed: Callable[[list[int]], torch.Tensor] | None = None

    @property
    def forbidden(self) -> tuple[int, ...]:
        """The tokens that these settings never generate."""
        forbidden, never = self.ids.forbidden, self.ids.ends_of_text if self.parameters.logits_eos_inf else []
        if self.parameters.unnamed_ids:
            unnamed = set(self.ids.unnamed)
            forbidden = tuple(id for id in forbidden if id not in unnamed)
        return (*forbidden, *never)

    def shape(self, raw: torch.Tensor, positions: list[int]) -> torch.Tensor:
        """Raw logits of some positions as they are drawn from; see distribution.shape."""
        allowed = self.allowed(positions) if self.allowed and positions else None
        return distribution.shape(raw, self.parameters, self.region.context, self.forbidden, allowed)


def nothing_open(context: SamplingContext[Parameters]) -> bool:
    return not context.region.open


def nothing_earlier(context: SamplingContext[Parameters]) -> None:
    return None


@dataclass(frozen=True)
class Sampler(Generic[Own]):
    """One rule.

    parameters: its record. state: the record of what it remembers, None for one that remembers nothing.
    wanted(context): the positions whose logits `propose` needs; none costs no forward pass.
    propose(prediction, context). finished(context): whether nothing is left to do; the canvas is whole then.
    recalls(context): (revision, positions) of an earlier prediction that it needs beside the new one, or None.
    revises: whether it may open or edit what is committed. needs: what the model's attention must offer.
    keeps_schedule: whether its state still holds once a person has opened positions; otherwise it begins afresh with
    them.
    """

    name: str
    summary: str
    source: str
    parameters: type[Own]
    wanted: Callable[[SamplingContext[Own]], list[int]]
    propose: Callable[[Prediction, SamplingContext[Own]], Proposal]
    finished: Callable[[SamplingContext[Own]], bool] = nothing_open
    recalls: Callable[[SamplingContext[Own]], tuple[int, list[int]] | None] = nothing_earlier
    state: type[State] | None = None
    revises: bool = False
    needs: Need = Need.WHOLE
    keeps_schedule: bool = False

    @property
    def appends(self) -> bool:
        """Whether it writes at the end of a canvas, token by token."""
        return self.needs is Need.END


AnySampler = Sampler[Any]  # one whose record is known when it is called, not here
