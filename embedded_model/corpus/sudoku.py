"""4x4 sudoku: solve one with a single solution, or write a full grid."""

from __future__ import annotations

from functools import cache
from itertools import permutations
from random import Random

SIZE = 4


def valid(grid: tuple[int, ...]) -> bool:
    """Whether 16 numbers, row by row, have 1-4 once in each row, column and quarter."""
    rows = [grid[4 * r : 4 * r + 4] for r in range(4)]
    columns = [grid[c::4] for c in range(4)]
    quarters = [[grid[4 * (r + i) + c + j] for i in (0, 1) for j in (0, 1)] for r in (0, 2) for c in (0, 2)]
    return all(sorted(unit) == [1, 2, 3, 4] for unit in [*rows, *columns, *quarters])


@cache
def grids() -> tuple[tuple[int, ...], ...]:
    """All 288 grids."""
    rows = list(permutations((1, 2, 3, 4)))
    found = []
    for a in rows:
        for b in (r for r in rows if not set(r[:2]) & set(a[:2])):
            for c in (r for r in rows if all(r[i] not in (a[i], b[i]) for i in range(4))):
                d = tuple(10 - a[i] - b[i] - c[i] for i in range(4))
                if valid(a + b + c + d):
                    found.append(a + b + c + d)
    return tuple(found)


def text(grid: tuple[int, ...]) -> str:
    """Four lines of four characters; 0 is written as an underscore."""
    cells = "".join("_" if n == 0 else str(n) for n in grid)
    return "\n".join(cells[i : i + 4] for i in range(0, 16, 4))


def puzzle(rng: Random, grid: tuple[int, ...]) -> tuple[int, ...]:
    """Take cells away, in a random order, while the solution stays the only one."""
    open_cells: list[int] = []
    rivals = [g for g in grids() if g != grid]
    wanted = rng.randint(5, 12)
    for cell in rng.sample(range(16), 16):
        if len(open_cells) == wanted:
            break
        given = [i for i in range(16) if i not in open_cells and i != cell]
        if not any(all(g[i] == grid[i] for i in given) for g in rivals):
            open_cells.append(cell)
    return tuple(0 if i in open_cells else n for i, n in enumerate(grid))


def make_solve(rng: Random) -> tuple[str, str]:
    grid = rng.choice(grids())
    ask = rng.choice(("Solve this sudoku:", "Solve this sudoku:", "Solve this:", "Solve the sudoku"))
    return f"{ask}\n{text(puzzle(rng, grid))}", text(grid)


def make_free(rng: Random) -> tuple[str, str]:
    ask = rng.choice(("Write a sudoku grid.", "Write a sudoku grid.", "Write a sudoku."))
    return ask, text(rng.choice(grids()))


def make(rng: Random) -> tuple[str, str]:
    return make_solve(rng) if rng.random() < 0.7 else make_free(rng)


def check(prompt: str, response: str) -> bool:
    lines = response.split("\n")
    if len(lines) != 4 or any(len(line) != 4 or set(line) - set("1234") for line in lines):
        return False
    if not valid(tuple(int(c) for c in "".join(lines))):
        return False
    _, _, asked = prompt.partition("\n")
    clues = asked.replace("\n", "")
    return all(clue in ("_", got) for clue, got in zip(clues, "".join(lines)))
