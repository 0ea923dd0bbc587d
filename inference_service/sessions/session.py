"""A session: a log of frames whose parents make a tree.

Frame 0 is the creation. Nothing is overwritten: going back is a frame whose parent is the revision
gone back to, so every state stays reachable. This module knows no clock, no store and no model.
"""

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import replace
from itertools import islice, takewhile

from inference_service.errors import DataLoss, FailedPrecondition, InvalidField, OutOfRange
from inference_service.sessions.frame import Cause, Change, ConstraintProgress, Frame, Settings, Summary
from inference_service.sessions.log import Log
from inference_service.sessions.state import Origin, State, first_state, fold
from inference_service.sessions.tree import Tree
from unmask.frames import carried

STATES_KEPT = 64


def first_frame(origin: Origin, settings: Settings) -> Frame:
    """Frame 0."""
    stands = ConstraintProgress.INCOMPLETE if settings.constraint else ConstraintProgress.NONE
    summary = Summary(origin.given.count(None), pending=True, constraint=stands)
    return Frame(0, -1, Cause.CREATE, origin.create_time, summary, settings=settings)


class Session:
    """The frames of one session, and the states that they make.

    log: the frames. tree: their parents. first: the oldest revision that is kept. bases: revisions whose state can
    be had without folding, from `read_base`; all that kept frames need of trimmed ones are among them. lock: held
    while a state is read, and by whoever drops frames that it may be read from.
    """

    def __init__(self, origin: Origin, log: Log, tree: Tree, first: int = 0, bases: Iterable[int] = (),
                 read_base: Callable[[int], State] | None = None):
        self.origin = origin
        self.log = log
        self.tree = tree
        self.first = first
        self._bases = set(bases)
        self._read_base = read_base
        self._states: OrderedDict[int, State] = OrderedDict()
        self.looking_forwards = 0  # passes that no run takes: for those who look; of the engine's thread
        self.lock = threading.RLock()  # the engine appends while others read

    @property
    def head(self) -> int:
        """The newest revision."""
        return len(self.tree) - 1

    @property
    def frames(self) -> list[Frame]:
        """Every frame that is kept."""
        return self.log.between(self.first, self.head)

    def frame(self, revision: int) -> Frame:
        return self.log.between(revision, revision)[0]

    def check_revision(self, revision: int | None, field: str = "revision") -> int:
        """The revision asked for, the newest if None. Raises OutOfRange for one that does not exist, or any more."""
        if revision is None:
            return self.head
        if 0 <= revision < self.first:
            raise trimmed(field, revision, self.first, self.head)
        if not 0 <= revision <= self.head:
            raise OutOfRange(f"{field}: must be from {self.first} to {self.head}; got {revision}",
                             metadata={"head_revision": self.head},
                             fields=[(field, f"must be from {self.first} to {self.head}")])
        return revision

    def canvas_revision(self, revision: int) -> int:
        """The revision that first had this one's canvas: a rewind has its target's."""
        return self.tree.place(revision)

    def state(self, revision: int | None = None) -> State:
        """The state at a revision: the fold of its ancestors, from the nearest one remembered."""
        revision = self.head if revision is None else revision
        with self.lock:
            path, base, damage = [], None, None
            for ancestor in self.tree.way(revision):
                try:
                    base = self._known(ancestor)
                except DataLoss as error:  # a damaged one can be made again of the frames that led to it
                    damage = error
                if base:
                    break
                if damage and ancestor < self.first:  # which are gone
                    raise damage
                path.append(ancestor)
            path.reverse()
            frames = self.log.at(path)
            if base is None:  # all the way back to the creation
                base, frames = self._created(frames[0]), frames[1:]
            for frame in frames:
                base = fold(base, frame)
            self._remember(revision, base)
        return base

    def _known(self, revision: int) -> State | None:
        """A state that takes no folding."""
        if revision in self._states:
            self._states.move_to_end(revision)
            return self._states[revision]
        return self._read_base(revision) if self._read_base and revision in self._bases else None

    def _created(self, frame: Frame) -> State:
        assert frame.settings is not None  # the first frame has them
        return first_state(self.origin, frame.settings, frame.summary.pending)

    def _remember(self, revision: int, state: State) -> None:
        self._states[revision] = state
        self._states.move_to_end(revision)
        if len(self._states) > STATES_KEPT:
            self._states.popitem(last=False)

    def append(self, frame: Frame, state: State | None = None) -> None:
        """Adds the frame made of the newest revision's successor number. state: the one that it makes, if known."""
        with self.lock:
            if frame.revision != self.head + 1:
                raise ValueError(f"frame {frame.revision} cannot follow revision {self.head}")
            if state is None:
                state = self.after(frame) if frame.revision else self._created(frame)
            self.log.add(frame)
            self.tree.add(frame.parent, frame.cause)
            self._remember(frame.revision, state)

    def based(self, first: int, bases: Iterable[int]) -> None:
        """The states of `bases` and no others are kept before `first`, and frames before it no more."""
        with self.lock:
            self.first = first
            self._bases = {revision for revision in self._bases if revision >= first} | set(bases)

    def keeps_base(self, revision: int) -> None:
        """The state of a revision is kept now."""
        with self.lock:
            self._bases.add(revision)

    def can_tell(self, revision: int) -> bool:
        """Whether a revision's state can be had: it is kept, or frames that are kept were made from it."""
        return revision >= self.first or revision in self._bases

    def base_due(self, revision: int, every: int) -> bool:
        """Whether a frame made from a revision would be the one after so many that its state has to be kept."""
        way = list(islice(self.tree.way(revision), every - 1))
        return len(way) == every - 1 and not self._bases.intersection(way) and way[-1] > 0

    def bases_for(self, every: int) -> list[int]:
        """The revisions whose states have to be kept, so that none takes more than `every` frames to fold."""
        since = dict.fromkeys((self.first, *self._bases), 0)
        for revision in range(self.first + 1, self.head + 1):
            gone = since[self.tree.parent(revision)] + 1
            since[revision] = gone % every
        return [revision for revision, gone in since.items() if gone == 0 and (revision or self.first)]

    def roots(self, first: int) -> list[int]:
        """The revisions up to `first` whose states the frames behind it are made from, `first` among them."""
        older = {self.tree.parent(revision) for revision in range(first + 1, self.head + 1)}
        return sorted({first, *(revision for revision in older if revision < first)})

    def sources(self, revision: int, ancestor: int) -> list[int | None]:
        """Where each position of a revision's canvas comes from in an ancestor's; None: put in since."""
        way = self._way(revision, ancestor)
        found: list[int | None] = [*range(self.state(ancestor).size)]
        for frame in self.log.at(way[::-1]):
            found = carried(found, frame.splices)
        return found

    def steps_since(self, revision: int, ancestor: int) -> int | None:
        """How many steps were taken on the way from an ancestor to a revision; None where it is none."""
        way = self._way(revision, ancestor)
        if (self.tree.parent(way[-1]) if way else revision) != ancestor:
            return None
        return sum(self.tree.place(at) == at for at in way)

    def _way(self, revision: int, ancestor: int) -> list[int]:
        """A revision and those before it up to an ancestor's child, newest first."""
        return list(takewhile(lambda at: at != ancestor, self.tree.way(revision)))

    # ---- the frames that a person's calls make; a step's is made by the engine ----

    def select_frame(self, selections: dict[int, int | None], probabilities: dict[int, float], now: float,
                     keeps_schedule: bool = False, base: int | None = None) -> Frame:
        """The frame that commits tokens by hand. Raises InvalidField; changes nothing itself.

        selections: position to token, None to open the position. probabilities: p_base where known.
        keeps_schedule: whether the sampler's state still holds once positions were opened. base: the revision
        that it is made from, the newest if None.
        """
        base = self.head if base is None else base
        state = self.state(base)
        if not selections:
            raise InvalidField("selections", "must name at least one position")
        check_editable(state, base, all(token is None for token in selections.values()))
        for position in selections:
            if not 0 <= position < state.size:
                raise InvalidField("selections.position", f"must be from 0 to {state.size - 1}; got {position}")
            if position in state.given:
                raise InvalidField("selections.position", f"position {position} was given and cannot be selected,"
                                                          f" only edited; {_selectable(state)}")
        changes = tuple(Change(position, token, probabilities.get(position) if token is not None else None)
                        for position, token in sorted(selections.items())
                        # A token that is there already becomes one picked by hand.
                        if state.tokens[position] != token or (token is not None and position not in state.by_hand))
        opened = any(change.token is None for change in changes)
        frame = Frame(self.head + 1, base, Cause.SELECT, now, unmoved(state), changes,
                      # What is opened again gets a schedule of its own: the old one's steps may all be spent.
                      sampler_state={} if opened and not keeps_schedule else state.sampler_state)
        return self.counted(frame)

    def rewind_frame(self, revision: int, now: float) -> Frame:
        """The frame that goes back. Raises OutOfRange; changes nothing itself."""
        target = self.check_revision(revision)
        state = self.state(target)
        return Frame(self.head + 1, target, Cause.REWIND, now, unmoved(state), sampler_state=state.sampler_state,
                     read_only=state.read_only, cache_revision=state.cache_revision)

    def undo_revision(self) -> int:
        """Where an undo goes. Raises FailedPrecondition at the beginning."""
        back = self.tree.undo()
        if back is None:
            raise FailedPrecondition("direction: this is the session's beginning; there is nothing to undo",
                                     reason="NOTHING_TO_UNDO")
        return back

    def redo_revision(self) -> int:
        """Where a redo goes. Raises FailedPrecondition where nothing was undone."""
        on = self.tree.redo()
        if on is None:
            raise FailedPrecondition("direction: nothing was made from this revision; there is nothing to redo",
                                     reason="NOTHING_TO_REDO")
        return on

    def step_frame(self, changes: Iterable[Change], summary: Summary, now: float, base: int | None = None,
                   **more) -> Frame:
        """The frame of a denoising step from a revision, the newest if None; the open count is filled in here.

        Raises ValueError for a change to a given or protected position: no sampler makes one.
        """
        base = self.head if base is None else base
        state = self.state(base)
        changes = tuple(sorted(changes, key=lambda change: change.position))
        if any(change.position in state.untouchable for change in changes):
            raise ValueError("a step cannot change what was given or is protected")
        return self.counted(Frame(self.head + 1, base, Cause.STEP, now, totalled(summary, state), changes, **more))

    def counted(self, frame: Frame) -> Frame:
        """The frame with the number of positions that it leaves open."""
        return replace(frame, summary=replace(frame.summary, open_count=self.after(frame).tokens.count(None)))

    def after(self, frame: Frame) -> State:
        """The state that a frame would make."""
        return fold(self.state(frame.parent), frame)


def trimmed(field: str, revision: int, first: int, head: int | None = None) -> FailedPrecondition:
    """The error for a revision before the first that is kept. head: the newest, where it is known."""
    upper = {} if head is None else {"head_revision": head}
    allowed = f"must be {first} or later" if head is None else f"must be from {first} to {head}"
    return FailedPrecondition(f"{field}: the session has outgrown the server's limit, and revisions before {first} are"
                              f" gone; got {revision}", reason="HISTORY_TRIMMED",
                              metadata={"first_revision": first, **upper}, fields=[(field, allowed)])


def check_editable(state: State, revision: int, only_opens: bool) -> None:
    """Raises FailedPrecondition for a change by hand that a revision does not allow.

    only_opens: the change opens positions and does nothing else, as the second part of the step would.
    """
    if state.read_only and not only_opens:
        raise FailedPrecondition(f"revision {revision} is the first part of a step that has two: positions can be"
                                 " opened here by hand, and nothing else; take the next part and edit there, or edit"
                                 " the revision that it was made from", reason="READ_ONLY_REVISION",
                                 metadata={"revision": revision})


def _selectable(state: State) -> str:
    runs: list[list[int]] = []
    for position in (position for position in range(state.size) if position not in state.given):
        if runs and runs[-1][-1] == position - 1:
            runs[-1][1:] = [position]
        else:
            runs.append([position])
    return "choose from " + ", ".join(" to ".join(map(str, run)) for run in runs) if runs else "none is left to select"


def unmoved(state: State) -> Summary:
    """The summary of a frame that took no step from a state."""
    return Summary(state.tokens.count(None), total_forward_count=state.total_forward_count,
                   total_wall_seconds=state.total_wall_seconds, pending=state.pending)


def totalled(summary: Summary, state: State) -> Summary:
    """A step's summary with the totals, given the state that the step began from."""
    return replace(summary, total_forward_count=state.total_forward_count + summary.forward_count,
                   total_wall_seconds=state.total_wall_seconds + summary.wall_seconds)
