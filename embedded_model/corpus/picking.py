"""Repeating words, picking those of a kind, and recalling one or two facts.

Easy, and dense in copied tokens: from these a model learns to carry a word of
every kind from the prompt into the answer, which harder look-ups build on.
"""

from __future__ import annotations

import re
from random import Random

from . import questions
from .words import COLOURS, NAMES, OBJECTS, PLACES

KINDS = {"names": NAMES, "colours": COLOURS, "things": OBJECTS, "places": PLACES}
WORDS = tuple(word for kind in KINDS.values() for word in kind)


def _words(rng: Random) -> list[str]:
    """Three to eight different words; half of the time mostly colours and names."""
    count = rng.randint(3, 8)
    return rng.sample(WORDS if rng.random() < 0.5 else COLOURS + NAMES, count)


def make_repeat(rng: Random) -> tuple[str, str]:
    words = ", ".join(_words(rng))
    return f"Repeat the words {words}.", words


def make_pick(rng: Random) -> tuple[str, str]:
    words = _words(rng)
    kind = rng.choice([kind for kind, members in KINDS.items() if set(words) & set(members)])
    picked = [word for word in words if word in KINDS[kind]]
    return f"Pick the {kind} from {', '.join(words)}.", ", ".join(picked)


def make_recall(rng: Random) -> tuple[str, str]:
    facts = list(zip(rng.sample(NAMES, 2), rng.sample(COLOURS, 2), rng.sample(OBJECTS, 2)))
    facts = facts[: rng.randint(1, 2)]
    return questions.ask(rng, facts, rng.randint(1, len(facts)))


def make(rng: Random) -> tuple[str, str]:
    kind = rng.random()
    if kind < 0.35:
        return make_repeat(rng)
    if kind < 0.7:
        return make_pick(rng)
    return make_recall(rng)


def check(prompt: str, response: str) -> bool:
    stated = re.fullmatch(r"(?:Repeat the words|Pick the (\w+) from) (.*)\.", prompt)
    if not stated:
        return questions.check(prompt, response)
    kind, words = stated.groups()
    wanted = [word for word in words.split(", ") if kind is None or word in KINDS[kind]]
    return response == ", ".join(wanted)
