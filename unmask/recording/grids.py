"""The grids of a plain history: lists of token ids as they come out of JSON, made flat and checked.

A history has a grid a step. Programs that decode block after block save [block][step][position], and those that keep
the batch's dimension of one [step][1][position] or [block][step][1][position]; read in order, all are the same grids.
"""

from collections.abc import Iterator
from reprlib import repr as shown

from unmask.recording.bad import BadRecording
from unmask.recording.values import invalid

MOST_ID = 2**32 - 1
FIELD = "x0_history"
DECIDED = "true_indices_history"
Grid = list[int]


def is_id(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def flat(history: object) -> tuple[list[Grid], list[str], list[int]]:
    """The grids, each one's name in the file, and how many each entry of the history holds. Raises BadRecording."""
    if not isinstance(history, list) or not history:
        raise invalid(f"{FIELD}: must be a list of token grids, at least one; got {shown(history)}")
    found = [list(rows(entry, f"{FIELD}[{index}]")) for index, entry in enumerate(history)]
    names, grids = zip(*(row for group in found for row in group), strict=True)
    for name, grid in zip(names, grids, strict=True):
        if len(grid) != len(grids[0]):
            raise invalid(f"{name}: has {len(grid)} positions; {names[0]} has {len(grids[0])}, and all must be as long")
    return list(grids), list(names), [len(group) for group in found]


def rows(entry: object, name: str, deeper: int = 2) -> Iterator[tuple[str, Grid]]:
    """The grids in an entry, with their names. deeper: dimensions that may lie between."""
    if not isinstance(entry, list) or not entry:
        raise invalid(f"{name}: must be a list of token ids, at least one; got {shown(entry)}")
    if isinstance(entry[0], list):
        if not deeper:
            raise invalid(f"{name}: is nested deeper than [block][step][1][position]")
        for index, inner in enumerate(entry):
            yield from rows(inner, f"{name}[{index}]", deeper - 1)
        return
    yield name, ids_of(entry, name)


def ids_of(entry: list, name: str) -> Grid:
    for position, id in enumerate(entry):
        if not is_id(id) or not 0 <= id <= MOST_ID:
            raise invalid(f"{name}[{position}]: must be a token id, a whole number from 0 to {MOST_ID};"
                          f" got {shown(id)}")
    return entry


def decided(history: object, groups: list[int], size: int) -> list[list[int]]:
    """The positions that each step decided, ascending. groups: how many grids each entry of the x0 history holds."""
    if not isinstance(history, list):
        raise invalid(f"{DECIDED}: must be a list with an entry for each grid; got {shown(history)}")
    steps = [(f"{DECIDED}[{index}]", entry) for index, entry in enumerate(history)]
    if len(steps) != len(groups):
        raise unequal(DECIDED, steps, len(groups))
    if max(groups) > 1:  # blocks of steps
        for (name, entry), count in zip(steps, groups, strict=True):
            if not isinstance(entry, list) or len(entry) != count:
                raise unequal(name, entry, count)
        steps = [(f"{name}[{index}]", inner) for name, entry in steps for index, inner in enumerate(entry)]
    return [sorted(set(positions(entry, size, name))) for name, entry in steps]


def unequal(name: str, entry: object, count: int) -> BadRecording:
    has = f"{len(entry)} entries" if isinstance(entry, list) else shown(entry)
    return invalid(f"{name}: must have an entry for each of the {count} grids at that place; has {has}")


def positions(entry: object, size: int, name: str) -> list[int]:
    """Positions, as they are, as [batch, position] pairs, or as one boolean a position."""
    if not isinstance(entry, list):
        raise invalid(f"{name}: must be a list of positions; got {shown(entry)}")
    if entry and all(isinstance(value, bool) for value in entry):
        if len(entry) != size:
            raise invalid(f"{name}: has {len(entry)} booleans for {size} positions")
        return [position for position, value in enumerate(entry) if value]
    if entry and all(isinstance(value, list) and len(value) == 2 and value[0] == 0 for value in entry):
        return positions([position for _, position in entry], size, name)
    if len(entry) == 1 and isinstance(entry[0], list):
        return positions(entry[0], size, f"{name}[0]")
    for index, position in enumerate(entry):
        if not is_id(position) or not 0 <= position < size:
            raise invalid(f"{name}[{index}]: must be a position from 0 to {size - 1}, or [0, position];"
                          f" got {shown(position)}")
    return entry

