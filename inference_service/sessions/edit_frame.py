"""Edits, done one after the other, and the one frame that they make.

Cells remember where in the canvas before they come from; so the frame says what was taken out, what was put in and
what changed, however the edits were put.
"""

from collections.abc import Sequence
from dataclasses import replace

from inference_service.errors import InvalidField
from inference_service.sessions.cells import Cell, cells_of, edited, with_open_end
from inference_service.sessions.edit_kinds import Append, Edit, EditFacts, Mask
from inference_service.sessions.frame import Cause, Change, Frame, Splice
from inference_service.sessions.session import Session, check_editable, unmoved
from inference_service.sessions.state import State, fold


def edit_frame(session: Session, edits: Sequence[tuple[str, Edit]], facts: EditFacts, now: float, keeps_schedule: bool,
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
        cells = edited(cells, edit, field, facts)
        if not cells:
            raise InvalidField(field, "must leave a position in the canvas")
        if len(cells) > facts.context_length:
            raise InvalidField(field, f"the model's context has {facts.context_length} positions; this would make"
                                      f" {len(cells)}")
        appended = isinstance(edit, Append)
    if facts.append_only:
        cells = with_open_end(cells, state, facts)
        if cells[0].token is None:
            raise InvalidField(edits[-1][0], "must leave a token: a model that reads from left to right needs one to go"
                                             " by")
    return session.counted(_frame(session, state, cells, appended, now, keeps_schedule, base))


def _frame(session: Session, state: State, cells: list[Cell], appended: bool, now: float, keeps_schedule: bool,
           base: int) -> Frame:
    canvas = state.canvas
    cells = [replace(cell, source=None) if cell.source in canvas.protected and cell.by_hand and not cell.protected
             else cell for cell in cells]  # no frame takes the protection alone: the place is made anew
    splices = tuple(_splices(state, cells))
    start = sum(cell.prompt for cell in cells) if appended else None
    bare = Frame(session.head + 1, base, Cause.EDIT, now, unmoved(state), splices=splices, start=start)
    moved = fold(state, bare).canvas
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
