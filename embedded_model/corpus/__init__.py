"""Text to train on, generated from a seed: pairs of a prompt and a response.

Each task is a module with ``make(rng) -> (prompt, response)`` and
``check(prompt, response) -> bool``; a checker judges any response, not only
the one that was made.
"""

from __future__ import annotations

from random import Random

from . import arithmetic, help, lists, picking, questions, records, stories, sudoku

TASKS = {
    "stories": stories,
    "arithmetic": arithmetic,
    "questions": questions,
    "lists": lists,
    "sudoku": sudoku,
    "records": records,
    "help": help,
    "picking": picking,
}

# The batch from which on a mixture holds, and each task's share of its samples, in
# the order of TASKS. Copying words came late without easy exercises in it (the second
# mixture); with it learnt, looking facts up had become the hardest task (the third), and
# then sorting (the fourth). The last one is only for the causal twin, which trains on where the
# diffusion model ends.
MIXTURES = {
    0: (0.22, 0.24, 0.22, 0.12, 0.10, 0.07, 0.03, 0.0),
    6_000: (0.19, 0.24, 0.20, 0.08, 0.06, 0.07, 0.03, 0.13),
    10_000: (0.16, 0.16, 0.32, 0.13, 0.06, 0.04, 0.02, 0.11),
    15_750: (0.18, 0.09, 0.15, 0.36, 0.06, 0.05, 0.03, 0.08),
    21_000: (0.12, 0.08, 0.48, 0.10, 0.05, 0.04, 0.03, 0.10),
}


def mixture(batch: int) -> tuple[float, ...]:
    """The shares that hold for a batch."""
    return next(shares for start, shares in reversed(MIXTURES.items()) if batch >= start)


def sample(rng: Random, shares: tuple[float, ...] = MIXTURES[0]) -> tuple[str, str]:
    """One prompt and response, of a task drawn by its share."""
    (task,) = rng.choices(list(TASKS.values()), weights=shares)
    return task.make(rng)
