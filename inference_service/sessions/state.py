"""A canvas at one revision, and how a frame makes the next one of it. Pure functions of records."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from inference_service.sessions.frame import Frame, Settings, Splice


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
    """The canvas at one revision, with all that the next step has to know. None is an open position.

    start: first position of the generated part. given: positions supplied by the user. protected: others that
    samplers may not touch. by_hand: positions whose token a person chose. pending: see Summary. read_only: a
    person may only open positions of it. cache_revision: see Frame.
    """

    tokens: tuple[int | None, ...]
    settings: Settings
    sampler_state: dict
    total_forward_count: int
    total_wall_seconds: float = 0.0
    by_hand: frozenset[int] = frozenset()
    pending: bool = False
    start: int = 0
    given: frozenset[int] = frozenset()
    protected: frozenset[int] = frozenset()
    read_only: bool = False
    cache_revision: int | None = None

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
    return State(origin.given, settings, {}, 0, pending=pending, start=origin.prompt_length, given=given)


def fold(state: State, frame: Frame) -> State:
    """The state after a frame, from its parent's."""
    if frame.splices:
        state = spliced(state, frame.splices)
    tokens, given, by_hand, protected = state.tokens, state.given, state.by_hand, state.protected
    if frame.changes:
        edited = list(tokens)
        for change in frame.changes:
            edited[change.position] = change.token
        tokens = tuple(edited)
        touched = {change.position for change in frame.changes}
        if frame.cause.by_hand:
            given = (given - touched) | {change.position for change in frame.changes if change.given}
            chosen = {change.position for change in frame.changes if change.token is not None and not change.given}
            by_hand = (by_hand - touched) | chosen
            protected -= {change.position for change in frame.changes if change.token is None}
        elif by_hand:
            by_hand -= touched
    start = state.start
    if frame.start is not None:
        start = frame.start
        given = given | {position for position in range(start) if tokens[position] is not None}
        by_hand -= given
    if frame.protected or frame.unprotected:
        # One that is in both was picked by hand, is not any more, and is protected.
        protected = (protected - set(frame.unprotected)) | set(frame.protected)
        by_hand -= set(frame.unprotected)
    summary = frame.summary
    return State(tokens, frame.settings or state.settings, dict(frame.sampler_state), summary.total_forward_count,
                 summary.total_wall_seconds, by_hand, summary.pending, start, given, protected, frame.read_only,
                 frame.cache_revision)


def spliced(state: State, splices: Iterable[Splice]) -> State:
    """The state with positions taken out and put in; what is put in is open.

    The prompt loses what is taken out before its end, and gains what is put in before it.
    """
    tokens, start = list(state.tokens), state.start
    sets = [state.given, state.by_hand, state.protected]
    for splice in splices:
        at, removed, inserted = splice.position, splice.removed, splice.inserted
        tokens[at:at + removed] = [None] * inserted
        if at < start:
            start += inserted - min(removed, start - at)
        sets = [frozenset(position if position < at else position + inserted - removed
                          for position in positions if not at <= position < at + removed) for positions in sets]
    given, by_hand, protected = sets
    return replace(state, tokens=tuple(tokens), start=start, given=given, by_hand=by_hand, protected=protected)


def carried(sources: list[int | None], splices: Iterable[Splice]) -> list[int | None]:
    """Where each position of a spliced canvas comes from, given that of the canvas before; None: put in since."""
    sources = list(sources)
    for splice in splices:
        sources[splice.position:splice.position + splice.removed] = [None] * splice.inserted
    return sources
