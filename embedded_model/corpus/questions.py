"""Questions about facts that the prompt states.

Every answer is the whole fact, found by its name, its colour or its thing; a
sample may ask for several, so that the looking up gets a dense loss.
"""

from __future__ import annotations

import re
from random import Random

from .words import COLOURS, NAMES, OBJECTS

FACT = re.compile(r"([A-Z][a-z]+) has a ([a-z]+) ([a-z]+)\.")


def _facts(rng: Random, count: int) -> list[tuple[str, str, str]]:
    """Names, colours and things, none of them twice, so each one finds its fact."""
    return list(
        zip(rng.sample(NAMES, count), rng.sample(COLOURS, count), rng.sample(OBJECTS, count))
    )


def _sentence(fact: tuple[str, str, str]) -> str:
    return "{} has a {} {}.".format(*fact)


def _join(words: list[str]) -> str:
    return words[0] if len(words) == 1 else ", ".join(words[:-1]) + " and " + words[-1]


def ask(rng: Random, facts: list[tuple[str, str, str]], count: int) -> tuple[str, str]:
    wanted = rng.sample(facts, count)
    kind = rng.randrange(3)
    if kind == 0:
        question = f"What does {wanted[0][0]} have?" if count == 1 else f"What do {_join([f[0] for f in wanted])} have?"
    elif kind == 1:
        question = f"Who has the {_join(['the ' * (i > 0) + f[2] for i, f in enumerate(wanted)])}?"
    else:
        question = f"Who has something {_join([f[1] for f in wanted])}?"
    stated = " ".join(_sentence(fact) for fact in facts)
    return f"{stated} {question}", " ".join(_sentence(fact) for fact in wanted)


def make_single(rng: Random) -> tuple[str, str]:
    return ask(rng, _facts(rng, rng.randint(2, 4)), 1)


def make_several(rng: Random) -> tuple[str, str]:
    facts = _facts(rng, rng.randint(3, 4))
    return ask(rng, facts, rng.randint(2, len(facts)))


def make(rng: Random) -> tuple[str, str]:
    return make_single(rng) if rng.random() < 0.35 else make_several(rng)


def check(prompt: str, response: str) -> bool:
    stated = [m.groups() for m in FACT.finditer(prompt)]
    question = prompt[max(m.end() for m in FACT.finditer(prompt)) :]
    wanted = []
    for word in re.findall(r"\w+", question):
        wanted += [fact for fact in stated if word in fact]
    return bool(wanted) and response == " ".join(_sentence(fact) for fact in wanted)
