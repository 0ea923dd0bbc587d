"""A canvas as a row of cells that remember where they come from, and what each edit does to them. Pure functions."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from inference_service.errors import FailedPrecondition, InvalidField
from inference_service.sessions.edit_kinds import (
    Append,
    Delete,
    DeleteLast,
    Edit,
    EditFacts,
    Force,
    Insert,
    Mask,
    Protect,
    Replace,
    Unmask,
    Unprotect,
)
from inference_service.sessions.state import State


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
    canvas = state.canvas
    return [Cell(token, position, position < canvas.prompt_length, position in canvas.given,
                 position in canvas.by_hand, position in canvas.protected)
            for position, token in enumerate(canvas.tokens)]


def edited(cells: list[Cell], edit: Edit, field: str, facts: EditFacts) -> list[Cell]:
    """The cells after an edit. field: what errors name. Raises InvalidField or FailedPrecondition."""
    return DO[type(edit)](cells, edit, field, facts)


def with_open_end(cells: list[Cell], before: State, facts: EditFacts) -> list[Cell]:
    """The cells as a model that reads from left to right has them: one open position, at the end.

    What stands behind an opened one is taken out. Where none is left open the next one is, behind a text that has not
    ended and was going on, or that reads otherwise at its end now. before: the state that was edited.
    """
    first = next((position for position, cell in enumerate(cells) if cell.token is None), None)
    if first is not None:
        return cells[:first + 1]
    last, written = cells[-1], sum(not cell.prompt for cell in cells)
    same = last.source == before.size - 1 and last.token == before.tokens[-1]
    full = last.token in facts.ends or written >= facts.most or len(cells) >= facts.context_length
    return cells if full or (same and None not in before.tokens) else [*cells, Cell()]


def _mask(cells: list[Cell], edit: Mask, field: str, facts: EditFacts) -> list[Cell]:
    if facts.append_only and any(cells[position].prompt for position in _positions(cells, edit, field)):
        raise InvalidField(f"{field}.positions", "must be behind the prompt: in a text that is written from left to"
                                                 " right, opening a position takes out all behind it")
    return _each(cells, _positions(cells, edit, field), lambda cell: cell if cell.token is None else cell.opened())


def _unmask(cells: list[Cell], edit: Unmask, field: str, facts: EditFacts) -> list[Cell]:
    positions = set(_positions(cells, edit, field))
    sources = [source for position in positions if (source := cells[position].source) is not None]
    earlier = facts.earlier(sources) if edit.earlier else {}

    def filled(position: int, cell: Cell) -> Cell:
        name = f"{field}.positions"
        if cell.token is not None:
            raise InvalidField(name, f"position {position} is not open")
        if edit.earlier:
            if cell.source is None or cell.source not in earlier:
                raise InvalidField(name, f"nothing has stood at position {position} yet; take the draft")
            token, given = earlier[cell.source]
            return cell.supplied(token) if given else cell.told(token)
        if cell.source is None or cell.source not in facts.draft:
            raise InvalidField(name, f"position {position} was not open before this request, so nothing was drafted"
                                     " there; edit again to take the draft")
        return cell.told(*facts.draft[cell.source])

    return [filled(position, cell) if position in positions else cell for position, cell in enumerate(cells)]


def _force(cells: list[Cell], edit: Force, field: str, facts: EditFacts) -> list[Cell]:
    if facts.append_only and edit.position <= len(cells):
        cells = [*cells, *[Cell()] * (edit.position + len(edit.tokens) - len(cells))]
    _check_span(cells, edit.position, len(edit.tokens), field)
    told = dict(enumerate(edit.tokens, edit.position))
    return [cell.told(told[position]) if position in told else cell for position, cell in enumerate(cells)]


def _replace(cells: list[Cell], edit: Replace, field: str, facts: EditFacts) -> list[Cell]:
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
    if facts.append_only and None in wanted:
        raise InvalidField(field, "must fill the span: in a text that is written from left to right, an open position"
                                  " takes out all behind it")
    new = [place.opened() if token is None else place.supplied(token) if given else place.told(token)
           for place, token in zip(places, wanted, strict=True)]
    return [*cells[:edit.position], *new, *cells[end:]]


def _protect(cells: list[Cell], edit: Protect, field: str, facts: EditFacts) -> list[Cell]:
    positions = _positions(cells, edit, field)
    for position in positions:
        if cells[position].token is None:
            raise InvalidField(f"{field}.positions", f"position {position} is open; only what is decided is protected")
    return _each(cells, positions, lambda cell: cell if cell.given else replace(cell, protected=True))


def _unprotect(cells: list[Cell], edit: Unprotect, field: str, facts: EditFacts) -> list[Cell]:
    positions = _positions(cells, edit, field)
    for position in positions:
        if cells[position].given:
            raise InvalidField(f"{field}.positions", f"position {position} was given: samplers never change it; mask"
                                                     " it to have it decided")
    return _each(cells, positions, lambda cell: replace(cell, protected=False, by_hand=False, chosen=False))


def _insert(cells: list[Cell], edit: Insert, field: str, facts: EditFacts) -> list[Cell]:
    if not 0 <= edit.position <= len(cells):
        raise InvalidField(f"{field}.position", f"must be from 0 to {len(cells)}; got {edit.position}")
    _check_count(edit.count, facts.context_length - len(cells), field)
    if facts.append_only and (edit.position < len(cells) or edit.count > 1 or cells[-1].token is None):
        raise InvalidField(field, "must be one position at the end of a text that has none open: this one is written"
                                  " from left to right")
    prompt = cells[edit.position].prompt if edit.position < len(cells) else False
    return [*cells[:edit.position], *[Cell(prompt=prompt)] * edit.count, *cells[edit.position:]]


def _delete(cells: list[Cell], edit: Delete, field: str, facts: EditFacts) -> list[Cell]:
    _check_span(cells, edit.position, edit.count, field)
    _check_count(edit.count, len(cells) - edit.position, field)
    return [*cells[:edit.position], *cells[edit.position + edit.count:]]


def _delete_last(cells: list[Cell], edit: DeleteLast, field: str, facts: EditFacts) -> list[Cell]:
    decided = [position for position, cell in enumerate(cells) if cell.token is not None and not cell.prompt]
    _check_count(edit.count, len(decided), field)
    gone = set(decided[-edit.count:])
    return [cell for position, cell in enumerate(cells) if position not in gone]


def _append(cells: list[Cell], edit: Append, field: str, facts: EditFacts) -> list[Cell]:
    if facts.append_only and cells[-1].token is None:
        cells = cells[:-1]
    answer = [position for position, cell in enumerate(cells) if not cell.prompt]
    end = next((position for position in answer if cells[position].token in facts.ends), len(cells))
    kept = cells[:end]
    turn = list(edit.turn)
    if end < len(cells) and turn and turn[0] == cells[end].token:  # the turn closes the answer as it did itself
        kept, turn = cells[:end + 1], turn[1:]
    still = [position for position, cell in enumerate(kept) if cell.token is None]
    if still:
        raise FailedPrecondition(f"{field}: position {still[0]} is still open; finish the answer first",
                                 reason="CANVAS_OPEN", metadata={"open_count": len(still)})
    left = facts.context_length - len(kept) - len(turn)
    length = max(1, min(edit.length, left)) if edit.capped else edit.length
    _check_count(length, left, f"{field}.length", at="")
    said = [Cell(prompt=True) if token is None else Cell(token, prompt=True, given=True) for token in turn]
    before = [replace(cell, prompt=True, given=True, by_hand=False, protected=False) for cell in kept]
    return [*before, *said, *[Cell()] * (1 if facts.append_only else length)]


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
