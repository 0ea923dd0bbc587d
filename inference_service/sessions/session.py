"""A session: a log of frames whose parents make a tree.

Frame 0 is the creation. Nothing is overwritten: going back is a frame whose parent is the revision
gone back to, so every state stays reachable. This module knows no clock, no store and no model.
"""

import threading
from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cached_property

from inference_service.errors import InvalidField, OutOfRange
from inference_service.sessions.frame import Cause, Change, Frame, Settings, Summary

STATES_KEPT = 64


@dataclass(frozen=True)
class Origin:
    """What a session began with.

    given: the whole canvas, None where it is open. prompt_length: how many of its positions are the prompt.
    mask_token: what an open position shows. create_time in seconds since 1970, ttl in seconds.
    """

    session_id: str
    model: str
    given: tuple[int | None, ...]
    prompt_length: int
    mask_token: int
    create_time: float
    ttl: float

    @property
    def size(self) -> int:
        """Positions in the canvas."""
        return len(self.given)

    @property
    def length(self) -> int:
        """Positions after the prompt."""
        return len(self.given) - self.prompt_length

    @property
    def holes(self) -> int:
        """Open positions in the prompt."""
        return self.given[:self.prompt_length].count(None)

    @cached_property
    def given_positions(self) -> frozenset[int]:
        """The positions that nobody changes."""
        return frozenset(position for position, token in enumerate(self.given) if token is not None)

    @cached_property
    def given_in_prompt(self) -> frozenset[int]:
        """Those of them that are the prompt, and not words fixed in the generated part."""
        return frozenset(position for position in self.given_positions if position < self.prompt_length)

    def is_given(self, position: int) -> bool:
        return position in self.given_positions


@dataclass(frozen=True, slots=True)
class State:
    """The canvas at one revision, with all that the next step has to know. None is an open position.

    by_hand: positions whose token a person chose. pending: see Summary.
    """

    tokens: tuple[int | None, ...]
    settings: Settings
    sampler_state: dict
    total_forward_count: int
    total_wall_seconds: float = 0.0
    by_hand: frozenset[int] = frozenset()
    pending: bool = False

    @property
    def open(self) -> tuple[int, ...]:
        return tuple(position for position, token in enumerate(self.tokens) if token is None)


def fold(state: State, frame: Frame) -> State:
    """The state after a frame, from its parent's."""
    tokens, by_hand = state.tokens, state.by_hand
    if frame.changes:
        edited = list(tokens)
        for change in frame.changes:
            edited[change.position] = change.token
        tokens = tuple(edited)
        chosen = {change.position for change in frame.changes
                  if frame.cause is Cause.SELECT and change.token is not None}
        by_hand = (by_hand - {change.position for change in frame.changes}) | chosen
    summary = frame.summary
    return State(tokens, frame.settings or state.settings, dict(frame.sampler_state), summary.total_forward_count,
                 summary.total_wall_seconds, by_hand, summary.pending)


def first_frame(origin: Origin, settings: Settings) -> Frame:
    """Frame 0."""
    summary = Summary(origin.given.count(None), pending=True)
    return Frame(0, -1, Cause.CREATE, origin.create_time, summary, settings=settings)


class Session:
    """The frames of one session, in memory."""

    def __init__(self, origin: Origin, frames: Iterable[Frame]):
        self.origin = origin
        self.frames = list(frames)
        first = self.frames[0]
        blank = State(origin.given, first.settings, {}, 0)
        self._root = fold(blank, first)
        self._states: OrderedDict[int, State] = OrderedDict()
        self._lock = threading.RLock()  # the engine appends while others read

    @property
    def head(self) -> int:
        """The newest revision."""
        return len(self.frames) - 1

    def check_revision(self, revision: int | None, field: str = "revision") -> int:
        """The revision asked for, the newest if None. Raises OutOfRange for one that does not exist."""
        if revision is None:
            return self.head
        if not 0 <= revision <= self.head:
            raise OutOfRange(f"{field}: must be from 0 to {self.head}; got {revision}",
                             metadata={"head_revision": self.head},
                             fields=[(field, f"must be from 0 to {self.head}")])
        return revision

    def canvas_revision(self, revision: int) -> int:
        """The revision that first had this one's canvas: a rewind has its target's."""
        while self.frames[revision].cause is Cause.REWIND:
            revision = self.frames[revision].parent
        return revision

    def state(self, revision: int | None = None) -> State:
        """The state at a revision: the fold of its ancestors, from the nearest one remembered."""
        revision = self.check_revision(revision)
        path = []
        with self._lock:
            ancestor = revision
            while ancestor > 0 and ancestor not in self._states:
                path.append(ancestor)
                ancestor = self.frames[ancestor].parent
            state = self._root if ancestor == 0 else self._states[ancestor]
            for step in reversed(path):
                state = fold(state, self.frames[step])
            self._remember(revision, state)
        return state

    def _remember(self, revision: int, state: State) -> None:
        self._states[revision] = state
        self._states.move_to_end(revision)
        if len(self._states) > STATES_KEPT:
            self._states.popitem(last=False)

    def append(self, frame: Frame) -> None:
        """Adds the frame made of the newest revision's successor number."""
        with self._lock:
            if frame.revision != self.head + 1:
                raise ValueError(f"frame {frame.revision} cannot follow revision {self.head}")
            state = fold(self.state(frame.parent), frame)
            self.frames.append(frame)
            self._remember(frame.revision, state)

    # ---- the frames that a person's calls make; a step's is made by the engine ----

    def select_frame(self, selections: dict[int, int | None], probabilities: dict[int, float], now: float,
                     keeps_schedule: bool = False) -> Frame:
        """The frame that commits tokens by hand. Raises InvalidField; changes nothing itself.

        selections: position to token, None to open the position. probabilities: p_base where known.
        keeps_schedule: whether the sampler's state still holds once positions were opened.
        """
        state = self.state()
        if not selections:
            raise InvalidField("selections", "must name at least one position")
        for position in selections:
            if not 0 <= position < self.origin.size:
                raise InvalidField("selections.position", f"must be from 0 to {self.origin.size - 1}; got {position}")
            if self.origin.is_given(position):
                raise InvalidField("selections.position", f"position {position} was given and cannot be changed;"
                                                          f" {self._selectable()}")
        changes = tuple(Change(position, token, probabilities.get(position) if token is not None else None)
                        for position, token in sorted(selections.items())
                        # A token that is there already becomes one picked by hand.
                        if state.tokens[position] != token or (token is not None and position not in state.by_hand))
        opened = sum(change.token is None for change in changes)
        filled = sum(state.tokens[change.position] is None for change in changes)
        return Frame(self.head + 1, self.head, Cause.SELECT, now,
                     self._unmoved(state, len(state.open) + opened - filled), changes,
                     # What is opened again gets a schedule of its own: the old one's steps may all be spent.
                     sampler_state={} if opened and not keeps_schedule else state.sampler_state)

    def _selectable(self) -> str:
        runs: list[list[int]] = []
        for position in (position for position, token in enumerate(self.origin.given) if token is None):
            if runs and runs[-1][-1] == position - 1:
                runs[-1][1:] = [position]
            else:
                runs.append([position])
        return "choose from " + ", ".join(" to ".join(map(str, run)) for run in runs)

    def rewind_frame(self, revision: int, now: float) -> Frame:
        """The frame that goes back. Raises OutOfRange; changes nothing itself."""
        target = self.check_revision(revision)
        state = self.state(target)
        return Frame(self.head + 1, target, Cause.REWIND, now, self._unmoved(state, len(state.open)),
                     sampler_state=state.sampler_state)

    def _unmoved(self, state: State, open_count: int) -> Summary:
        """The summary of a frame that took no step."""
        return Summary(open_count, total_forward_count=state.total_forward_count,
                       total_wall_seconds=state.total_wall_seconds, pending=state.pending)

    def step_frame(self, changes: Iterable[Change], summary: Summary, now: float, **more) -> Frame:
        """The frame of a denoising step from the newest revision; the open count is filled in here.

        Raises ValueError for a change to a given position: no sampler makes one.
        """
        state = self.state()
        changes = tuple(sorted(changes, key=lambda change: change.position))
        if any(self.origin.is_given(change.position) for change in changes):
            raise ValueError("a step cannot change what was given")
        opened = sum(change.token is None for change in changes)
        filled = sum(change.token is not None and state.tokens[change.position] is None for change in changes)
        summary = replace(summary, open_count=len(state.open) + opened - filled)
        return Frame(self.head + 1, self.head, Cause.STEP, now, totalled(summary, state), changes, **more)

    def after(self, frame: Frame) -> State:
        """The state that a frame would make."""
        return fold(self.state(frame.parent), frame)


def totalled(summary: Summary, state: State) -> Summary:
    """A step's summary with the totals, given the state that the step began from."""
    return replace(summary, total_forward_count=state.total_forward_count + summary.forward_count,
                   total_wall_seconds=state.total_wall_seconds + summary.wall_seconds)
