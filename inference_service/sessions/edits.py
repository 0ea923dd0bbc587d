"""What a person does to a canvas: edits that are done one after the other, and the one frame that they make.

Each edit works on a row of cells, which remember where in the canvas before they come from; so the frame says what
was taken out, what was put in and what changed, however the edits were put.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from inference_service.errors import FailedPrecondition, InvalidField
from inference_service.sessions.frame import Cause, Change, Frame, Splice
from inference_service.sessions.session import Session, check_editable, unmoved
from inference_service.sessions.state import State, carried, fold

Told = tuple[int, float | None]  # a token and its p_base, if known


@dataclass(frozen=True, slots=True)
class Mask:
    positions: Sequence[int]


@dataclass(frozen=True, slots=True)
class Unmask:
    """earlier: with what stood there before; otherwise with the draft."""

    positions: Sequence[int]
    earlier: bool


@dataclass(frozen=True, slots=True)
class Force:
    """tokens: from `position` on, one a position."""

    position: int
    tokens: Sequence[int]


@dataclass(frozen=True, slots=True)
class Replace:
    """tokens: None makes an open position. keep_length: what they leave of the span is open."""

    position: int
    count: int
    tokens: Sequence[int | None]
    keep_length: bool


@dataclass(frozen=True, slots=True)
class Protect:
    positions: Sequence[int]


@dataclass(frozen=True, slots=True)
class Unprotect:
    positions: Sequence[int]


@dataclass(frozen=True, slots=True)
class Insert:
    position: int
    count: int


@dataclass(frozen=True, slots=True)
class Delete:
    position: int
    count: int


@dataclass(frozen=True, slots=True)
class DeleteLast:
    count: int


@dataclass(frozen=True, slots=True)
class Append:
    """turn: what follows the answer, None where it leaves a position open. length: open positions after it.

    capped: fewer of them where the context leaves less.
    """

    turn: Sequence[int | None]
    length: int
    capped: bool = False


Edit = Mask | Unmask | Force | Replace | Protect | Unprotect | Insert | Delete | DeleteLast | Append


@dataclass(frozen=True, slots=True)
class Known:
    """What edits may ask for.

    draft: the likeliest token of positions open at the revision edited. earlier: what last stood at a position of
    it, and whether that was given. ends: the tokens that end an answer; those of `keeps_end` stay before a turn.
    """

    draft: Mapping[int, Told]
    earlier: Callable[[int], tuple[int, bool] | None]
    ends: Sequence[int]
    context_length: int


@dataclass(frozen=True, slots=True)
class Cell:
    """A position. source: the one that it was, None where it was put in. by_hand, protected: see State."""

    token: int | None = None
    source: int | None = None
    prompt: bool = False
    given: bool = False
    by_hand: bool = False
    protected: bool = False
    probability: float | None = None
    chosen: bool = False  # a token that was there already was picked again

    def opened(self) -> "Cell":
        return replace(self, token=None, given=False, by_hand=False, protected=False, probability=None)

    def told(self, token: int, probability: float | None = None) -> "Cell":
        """Decided by hand; what was given stays so."""
        if self.given:
            return self.supplied(token)
        return replace(self, token=token, given=False, by_hand=True, probability=probability, chosen=True)

    def supplied(self, token: int) -> "Cell":
        return replace(self, token=token, given=True, by_hand=False, protected=False, probability=None)


def cells_of(state: State) -> list[Cell]:
    return [Cell(token, position, position < state.start, position in state.given, position in state.by_hand,
                 position in state.protected) for position, token in enumerate(state.tokens)]


def edit_frame(session: Session, edits: Sequence[tuple[str, Edit]], known: Known, now: float, keeps_schedule: bool,
               base: int) -> Frame:
    """The frame of some edits, each with the name of its field. Raises InvalidField; changes nothing itself.

    keeps_schedule: whether the sampler's state still holds on a canvas with other open positions. base: the revision
    that is edited.
    """
    state = session.state(base)
    if not edits:
        raise InvalidField("edits", "must have at least one edit")
    check_editable(state, base, all(isinstance(edit, Mask) for _, edit in edits))
    cells, appended = cells_of(state), False
    for field, edit in edits:
        if appended:
            raise InvalidField(field, "nothing can follow an append in the same request")
        cells = DO[type(edit)](cells, edit, field, known)
        if not cells:
            raise InvalidField(field, "must leave a position in the canvas")
        if len(cells) > known.context_length:
            raise InvalidField(field, f"the model's context has {known.context_length} positions; this would make"
                                      f" {len(cells)}")
        appended = isinstance(edit, Append)
    return session.counted(_frame(session, state, cells, appended, now, keeps_schedule, base))


def earlier_at(session: Session, base: int) -> Callable[[int], tuple[int, bool] | None]:
    """Finds what last stood at a position of a revision, on the way to it; what stands there still included."""
    now = session.state(base)

    def find(position: int) -> tuple[int, bool] | None:
        if now.tokens[position] is not None:  # opened by an edit of the same request
            return now.tokens[position], position in now.given
        for revision in session.tree.way(base):
            if revision <= session.first:
                return None
            frame, before = session.frame(revision), session.tree.parent(revision)
            if frame.splices:
                source = carried(list(range(session.state(before).size)), frame.splices)[position]
                if source is None:
                    return None
            else:
                source = position
            if any(change.position == position and change.token is None for change in frame.changes):
                state = session.state(before)
                token = state.tokens[source]
                if token is not None:
                    return token, source in state.given
            position = source
        return None

    return find


# ---- one edit ----

def _mask(cells: list[Cell], edit: Mask, field: str, known: Known) -> list[Cell]:
    return _each(cells, _positions(cells, edit, field), lambda cell: cell if cell.token is None else cell.opened())


def _unmask(cells: list[Cell], edit: Unmask, field: str, known: Known) -> list[Cell]:
    def filled(position: int, cell: Cell) -> Cell:
        name = f"{field}.positions"
        if cell.token is not None:
            raise InvalidField(name, f"position {position} is not open")
        if edit.earlier:
            found = known.earlier(cell.source) if cell.source is not None else None
            if found is None:
                raise InvalidField(name, f"nothing has stood at position {position} yet; take the draft")
            token, given = found
            return cell.supplied(token) if given else cell.told(token)
        if cell.source not in known.draft:
            raise InvalidField(name, f"position {position} was not open before this request, so nothing was drafted"
                                     " there; edit again to take the draft")
        return cell.told(*known.draft[cell.source])

    positions = set(_positions(cells, edit, field))
    return [filled(position, cell) if position in positions else cell for position, cell in enumerate(cells)]


def _force(cells: list[Cell], edit: Force, field: str, known: Known) -> list[Cell]:
    _check_span(cells, edit.position, len(edit.tokens), field)
    told = dict(enumerate(edit.tokens, edit.position))
    return [cell.told(told[position]) if position in told else cell for position, cell in enumerate(cells)]


def _replace(cells: list[Cell], edit: Replace, field: str, known: Known) -> list[Cell]:
    _check_span(cells, edit.position, edit.count, field)
    if edit.keep_length and len(edit.tokens) > edit.count:
        raise InvalidField(field, f"must have at most {edit.count} tokens, as many as the span has positions; has"
                                  f" {len(edit.tokens)}")
    if not edit.count and not edit.tokens:
        raise InvalidField(field, "must have positions to replace, or tokens to put in")
    end = edit.position + edit.count
    span = cells[edit.position:end]
    beside = [*span[-1:], *cells[edit.position:edit.position + 1]]
    prompt = beside[0].prompt if beside else False
    given = all(cell.given for cell in span) if span else prompt
    wanted = [*edit.tokens, *[None] * (edit.count - len(edit.tokens) if edit.keep_length else 0)]
    # Positions stay the same ones as far as both reach.
    added = [Cell(prompt=prompt)] * (len(wanted) - len(span))
    places = [*span[:len(wanted)], *added]
    if added and span and prompt and not any(cell.prompt for cell in cells[end:end + 1]):
        places = [*span[:-1], *added, span[-1]]  # what is put in behind the prompt's last would not be prompt
    new = [place.opened() if token is None else place.supplied(token) if given else place.told(token)
           for place, token in zip(places, wanted, strict=True)]
    return [*cells[:edit.position], *new, *cells[end:]]


def _protect(cells: list[Cell], edit: Protect, field: str, known: Known) -> list[Cell]:
    positions = _positions(cells, edit, field)
    for position in positions:
        if cells[position].token is None:
            raise InvalidField(f"{field}.positions", f"position {position} is open; only what is decided is protected")
    return _each(cells, positions, lambda cell: cell if cell.given else replace(cell, protected=True))


def _unprotect(cells: list[Cell], edit: Unprotect, field: str, known: Known) -> list[Cell]:
    positions = _positions(cells, edit, field)
    for position in positions:
        if cells[position].given:
            raise InvalidField(f"{field}.positions", f"position {position} was given: samplers never change it; mask"
                                                     " it to have it decided")
    return _each(cells, positions, lambda cell: replace(cell, protected=False, by_hand=False, chosen=False))


def _insert(cells: list[Cell], edit: Insert, field: str, known: Known) -> list[Cell]:
    if not 0 <= edit.position <= len(cells):
        raise InvalidField(f"{field}.position", f"must be from 0 to {len(cells)}; got {edit.position}")
    _check_count(edit.count, known.context_length - len(cells), field)
    prompt = cells[edit.position].prompt if edit.position < len(cells) else False
    return [*cells[:edit.position], *[Cell(prompt=prompt)] * edit.count, *cells[edit.position:]]


def _delete(cells: list[Cell], edit: Delete, field: str, known: Known) -> list[Cell]:
    _check_span(cells, edit.position, edit.count, field)
    _check_count(edit.count, len(cells) - edit.position, field)
    return [*cells[:edit.position], *cells[edit.position + edit.count:]]


def _delete_last(cells: list[Cell], edit: DeleteLast, field: str, known: Known) -> list[Cell]:
    decided = [position for position, cell in enumerate(cells) if cell.token is not None and not cell.prompt]
    _check_count(edit.count, len(decided), field)
    gone = set(decided[-edit.count:])
    return [cell for position, cell in enumerate(cells) if position not in gone]


def _append(cells: list[Cell], edit: Append, field: str, known: Known) -> list[Cell]:
    answer = [position for position, cell in enumerate(cells) if not cell.prompt]
    end = next((position for position in answer if cells[position].token in known.ends), len(cells))
    kept = cells[:end]
    turn = list(edit.turn)
    if end < len(cells) and turn and turn[0] == cells[end].token:  # the turn closes the answer as it did itself
        kept, turn = cells[:end + 1], turn[1:]
    still = [position for position, cell in enumerate(kept) if cell.token is None]
    if still:
        raise FailedPrecondition(f"{field}: position {still[0]} is still open; finish the answer first",
                                 reason="CANVAS_OPEN", metadata={"open_count": len(still)})
    left = known.context_length - len(kept) - len(turn)
    length = max(1, min(edit.length, left)) if edit.capped else edit.length
    _check_count(length, left, f"{field}.length", at="")
    said = [Cell(prompt=True) if token is None else Cell(token, prompt=True, given=True) for token in turn]
    before = [replace(cell, prompt=True, given=True, by_hand=False, protected=False) for cell in kept]
    return [*before, *said, *[Cell()] * length]


DO: Mapping[type, Callable] = {
    Mask: _mask, Unmask: _unmask, Force: _force, Replace: _replace, Protect: _protect, Unprotect: _unprotect,
    Insert: _insert, Delete: _delete, DeleteLast: _delete_last, Append: _append,
}


def _each(cells: list[Cell], positions: Sequence[int], change: Callable[[Cell], Cell]) -> list[Cell]:
    touched = set(positions)
    return [change(cell) if position in touched else cell for position, cell in enumerate(cells)]


def _positions(cells: list[Cell], edit, field: str) -> Sequence[int]:
    if not edit.positions:
        raise InvalidField(f"{field}.positions", "must name at least one position")
    for position in edit.positions:
        if not 0 <= position < len(cells):
            raise InvalidField(f"{field}.positions", f"must be from 0 to {len(cells) - 1}; got {position}")
    return edit.positions


def _check_span(cells: list[Cell], position: int, count: int, field: str) -> None:
    if not 0 <= position <= len(cells) - count:
        most = len(cells) - count
        raise InvalidField(f"{field}.position", f"must be from 0 to {most}, for {count} positions to fit a canvas of"
                                                f" {len(cells)}; got {position}" if most >= 0 else
                           f"{count} positions do not fit a canvas of {len(cells)}")


def _check_count(count: int, most: int, field: str, at: str = ".count") -> None:
    if not 1 <= count <= most:
        allowed = f"must be from 1 to {most}" if most > 0 else "there is none to take, and no room for one"
        raise InvalidField(f"{field}{at}", f"{allowed}; got {count}")


# ---- the frame ----

def _frame(session: Session, state: State, cells: list[Cell], appended: bool, now: float, keeps_schedule: bool,
           base: int) -> Frame:
    cells = [replace(cell, source=None) if cell.source in state.protected and cell.by_hand and not cell.protected
             else cell for cell in cells]  # no frame takes the protection alone: the place is made anew
    splices = tuple(_splices(state, cells))
    start = sum(cell.prompt for cell in cells) if appended else None
    bare = Frame(session.head + 1, base, Cause.EDIT, now, unmoved(state), splices=splices, start=start)
    moved = fold(state, bare)
    changes, protected, unprotected = [], [], []
    for position, cell in enumerate(cells):
        by_hand, given = position in moved.by_hand, position in moved.given
        same = cell.token == moved.tokens[position] and (cell.given == given or cell.token is None)
        if not same or (cell.chosen and cell.by_hand and not by_hand):
            changes.append(Change(position, cell.token, cell.probability, cell.given))
            by_hand = cell.token is not None and not cell.given
        freed = (by_hand and not cell.by_hand) or (
            position in moved.protected and not cell.protected and cell.token is not None)
        if freed:
            unprotected.append(position)
        if cell.protected and (freed or position not in moved.protected):
            protected.append(position)
    opened = any(change.token is None for change in changes)
    given_changed = any(change.given or change.position in moved.given for change in changes)
    # What is opened, or reads otherwise than it did, gets a schedule of its own, as a new turn always does.
    afresh = appended or ((splices or opened or given_changed) and not keeps_schedule)
    return replace(bare, changes=tuple(changes), protected=tuple(protected), unprotected=tuple(unprotected),
                   sampler_state={} if afresh else state.sampler_state)


def _splices(state: State, cells: list[Cell]) -> list[Splice]:
    """What was taken out and put in, left to right; never across the end of the prompt, so that it can be told."""
    splices, old, at = [], 0, 0
    for source, run in _runs(cells, state.size):
        gone = range(old, source)
        before = sum(position < state.start for position in gone)
        inside = sum(cell.prompt for cell in run)
        for removed, inserted in ((before, inside), (len(gone) - before, len(run) - inside)):
            if removed or inserted:
                splices.append(Splice(at, removed, inserted))
            at += inserted
        old, at = source + 1, at + 1
    return splices


def _runs(cells: list[Cell], size: int):
    """For each position that stayed, and the end: its source, and the new cells that stand before it."""
    run: list[Cell] = []
    for cell in cells:
        if cell.source is None:
            run.append(cell)
        else:
            yield cell.source, run
            run = []
    yield size, run
