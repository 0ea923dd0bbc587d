"""Text to train on, generated from a seed: pairs of a prompt and a response.

Each task is a module with ``make(rng) -> (prompt, response)`` and
``check(prompt, response) -> bool``; a checker judges any response, not only
the one that was made.
"""

from __future__ import annotations

from random import Random

from . import arithmetic, help, lists, questions, records, stories, sudoku

# Task -> its share of the samples. Tasks that form late get more.
SHARES = {
    stories: 0.22,
    arithmetic: 0.24,
    questions: 0.22,
    lists: 0.12,
    sudoku: 0.10,
    records: 0.07,
    help: 0.03,
}
TASKS = {module.__name__.rsplit(".", 1)[1]: module for module in SHARES}


def sample(rng: Random) -> tuple[str, str]:
    """One prompt and response, of a task drawn by its share."""
    (task,) = rng.choices(list(SHARES), weights=list(SHARES.values()))
    return task.make(rng)
