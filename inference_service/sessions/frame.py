"""A frame: one revision as it is kept and as it travels."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any

from unmask.frames import Cause


class StopReason(IntEnum):
    """Why a model that reads from left to right has stopped. The numbers are those of the API."""

    NONE = 0
    END = 1
    STOP_SEQUENCE = 2
    MAX_TOKENS = 3
    CONTEXT = 4
    CONSTRAINT = 5


class ConstraintProgress(IntEnum):
    """Where a text stands with its constraint. The numbers are those of the API."""

    NONE = 0
    INCOMPLETE = 1
    MATCHED = 2
    COMPLETE = 3
    VIOLATED = 4


@dataclass(frozen=True, slots=True)
class Change:
    """One position's new content. token None: open again. probability: the token's p_base, if known.

    given: the token is part of what the user supplied.
    """

    position: int
    token: int | None
    probability: float | None = None
    given: bool = False


@dataclass(frozen=True, slots=True)
class Splice:
    """Positions taken out, and open ones put in, at a position of the canvas that the splices before it left."""

    position: int
    removed: int
    inserted: int


@dataclass(frozen=True, slots=True)
class Constraint:
    """What the generated text must match. value: the pattern, or a choice's texts.

    kind: "choice", "regex", "grammar" or "json_schema".
    """

    kind: str
    value: str | tuple[str, ...]


@dataclass(frozen=True, slots=True)
class CacheChoice:
    """What is kept between the passes, by the policy's name. parameters: every one of the policy's, by name."""

    name: str
    parameters: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Settings:
    """How predictions become commits. parameters: every one of the sampler's, by name.

    cache: None for what the model has by itself: what is exact and costs least.
    """

    sampler: str
    parameters: Mapping[str, Any]
    seed: int
    constraint: Constraint | None = None
    cache: CacheChoice | None = None


@dataclass(frozen=True, slots=True)
class Summary:
    """A step in numbers. The totals are those of all frames on the way from frame 0.

    forward_count: passes that the step takes by itself; reused_forward_count: those of them that were at hand already.
    compute_seconds: device time of the forward pass, then or now. wall_seconds: from the step's beginning to its frame.
    pending: the sampler has more to do, though perhaps no position is open. tokens_before_end: set when it
    has not: generated tokens before the first that ends the turn or the text.
    """

    open_count: int = 0
    forward_count: int = 0
    total_forward_count: int = 0
    mean_probability: float | None = None
    min_probability: float | None = None
    mean_entropy: float | None = None
    compute_seconds: float = 0.0
    approximations: tuple[str, ...] = ()
    wall_seconds: float = 0.0
    total_wall_seconds: float = 0.0
    pending: bool = False
    tokens_before_end: int | None = None
    stop_reason: StopReason = StopReason.NONE
    constraint: ConstraintProgress = ConstraintProgress.NONE
    reused_forward_count: int = 0


@dataclass(frozen=True, slots=True)
class Draft:
    """The likeliest token of every open position; entry i of each list belongs to positions[i].

    probabilities and entropies are one byte each: round(255 p) and round(255 H / ln V).
    """

    positions: tuple[int, ...]
    tokens: tuple[int, ...]
    probabilities: bytes
    entropies: bytes
    predicted_at: int


@dataclass(frozen=True, slots=True)
class Frame:
    """One revision. Relative to the parent: first splices, then changes; settings are given where they differ.

    substep: the part of a step that it is, where the sampler has such parts. start: set where a turn was
    appended: the generated part begins here, and all that is decided before is given. protected, unprotected:
    positions that samplers may not touch from now on, or may again. read_only: a person may only open
    positions here. cache_revision: the revision whose canvas the keys and values are of that the step's prediction
    read, and the next one's may; None where all were computed anew.
    """

    revision: int
    parent: int
    cause: Cause
    create_time: float
    summary: Summary
    changes: tuple[Change, ...] = ()
    settings: Settings | None = None
    draft: Draft | None = None
    sampler_state: Mapping[str, object] = field(default_factory=dict)
    substep: str = ""
    splices: tuple[Splice, ...] = ()
    start: int | None = None
    protected: tuple[int, ...] = ()
    unprotected: tuple[int, ...] = ()
    read_only: bool = False
    cache_revision: int | None = None
