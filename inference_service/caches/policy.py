"""What a cache policy is: which rows of a canvas go through the body, and which keys and values are read beside them.

A policy holds no state. An approximation reads the keys and values of an earlier canvas of the session, that of the
revision where they were last made anew, which the frame records; whoever has the frames can make them again.
"""

from collections.abc import Callable
from dataclasses import dataclass

from pydantic import Field

from inference_service.models.attention import Attention
from inference_service.sampling.parameters import Record
from inference_service.sampling.sampler import AnySampler, Need


class CacheParameters(Record):
    """Base of the policies' records."""


class Refreshed(CacheParameters):
    """Of policies that make keys and values anew from time to time."""

    interval: int | None = Field(None, ge=1, le=4096, description=(
        "Steps after which all keys and values are made anew, beside the beginning of each block; with 1 nothing is"
        " approximated. Left out: at the beginning of each block alone."))


@dataclass(frozen=True)
class Policy:
    """One policy.

    exact: whether the logits are those of a whole pass. fits: of which kinds of attention it can keep anything.
    keeps: whether it keeps anything.
    window: of an approximation, the rows that go through the body: (first, end) from where the block being decided
    begins and ends and the canvas's size; all rows before and behind are read as they last were. None for an exact one.
    costs: what it saves and what it costs, in a sentence.
    """

    name: str
    summary: str
    source: str
    costs: str
    exact: bool
    fits: Callable[[Attention], bool]
    parameters: type[CacheParameters] = CacheParameters
    keeps: bool = True
    window: Callable[[int, int, int], tuple[int, int]] | None = None

    def suits(self, sampler: AnySampler) -> bool:
        """Whether a sampler can go by what it gives: an approximation follows the block being decided."""
        return self.exact or sampler.needs is Need.BLOCKS and not sampler.revises
