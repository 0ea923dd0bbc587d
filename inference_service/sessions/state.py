"""A canvas at one revision, and how a frame makes the next one of it. Pure functions of records."""

from dataclasses import dataclass

from inference_service.sessions.frame import Frame, Settings
from unmask import frames
from unmask.frames import Canvas


@dataclass(frozen=True)
class Origin:
    """What a session began with.

    given: the whole canvas, None where it is open. prompt_length: how many of its positions are the prompt.
    mask_token: what an open position shows, None where the model has no such token. create_time in seconds since 1970,
    ttl in seconds. weights: which ones of the model all its steps are computed with, "" where that is not known.
    """

    session_id: str
    model: str
    given: tuple[int | None, ...]
    prompt_length: int
    mask_token: int | None
    create_time: float
    ttl: float
    weights: str = ""


@dataclass(frozen=True, slots=True)
class State:
    """The canvas at one revision, with all that the next step has to know.

    pending: see Summary. read_only: a person may only open positions of it. cache_revision: see Frame.
    """

    canvas: Canvas
    settings: Settings
    sampler_state: dict
    total_forward_count: int
    total_wall_seconds: float = 0.0
    pending: bool = False
    read_only: bool = False
    cache_revision: int | None = None

    @property
    def tokens(self) -> tuple[int | None, ...]:
        """One a position, None where it is open."""
        return self.canvas.tokens

    @property
    def start(self) -> int:
        """First position of the generated part."""
        return self.canvas.prompt_length

    @property
    def given(self) -> frozenset[int]:
        """Positions supplied by the user."""
        return self.canvas.given

    @property
    def by_hand(self) -> frozenset[int]:
        """Positions whose token a person chose."""
        return self.canvas.by_hand

    @property
    def protected(self) -> frozenset[int]:
        """Others that samplers may not touch."""
        return self.canvas.protected

    @property
    def size(self) -> int:
        """Positions in the canvas."""
        return len(self.tokens)

    @property
    def length(self) -> int:
        """Positions of the generated part."""
        return len(self.tokens) - self.start

    @property
    def open(self) -> tuple[int, ...]:
        """The open positions, ascending."""
        return tuple(position for position, token in enumerate(self.tokens) if token is None)

    @property
    def holes(self) -> int:
        """Positions of the prompt that are, or were, to be decided."""
        return self.start - len(self.given_in_prompt)

    @property
    def given_in_prompt(self) -> frozenset[int]:
        """The given positions of the prompt, and not words fixed in the generated part."""
        return frozenset(position for position in self.given if position < self.start)

    @property
    def untouchable(self) -> frozenset[int]:
        """The positions that no sampler changes."""
        return self.given | self.protected


def first_state(origin: Origin, settings: Settings, pending: bool = True) -> State:
    """The state that a session begins with."""
    given = frozenset(position for position, token in enumerate(origin.given) if token is not None)
    return State(Canvas(origin.given, origin.prompt_length, given), settings, {}, 0, pending=pending)


def fold(state: State, frame: Frame) -> State:
    """The state after a frame, from its parent's."""
    canvas = frames.fold(state.canvas, frame.splices, frame.changes, frame.cause.by_hand, frame.start, frame.protected,
                         frame.unprotected)
    summary = frame.summary
    return State(canvas, frame.settings or state.settings, dict(frame.sampler_state), summary.total_forward_count,
                 summary.total_wall_seconds, summary.pending, frame.read_only, frame.cache_revision)
