"""Two-digit sums and differences with two-digit results, and sums that make a number.

Each answer repeats its problem, so that the digits a result depends on stand at
constant distances from it; several problems a sample give a denser loss.
"""

from __future__ import annotations

import re
from random import Random

PROBLEM = re.compile(r"(\d\d) ?([+-]) ?(\d\d)")
EQUATION = re.compile(r"(\d\d)([+-])(\d\d)=(\d\d)")


def _problem(rng: Random) -> tuple[int, str, int]:
    if rng.random() < 0.5:
        total = rng.randint(20, 99)
        a = rng.randint(10, total - 10)
        return a, "+", total - a
    a = rng.randint(20, 99)
    return a, "-", rng.randint(10, a - 10)


def _value(a: int, sign: str, b: int) -> int:
    return a + b if sign == "+" else a - b


def make_single(rng: Random) -> tuple[str, str]:
    a, sign, b = _problem(rng)
    ask = rng.choice(("What is {}?", "What is {}?", "Work out {}.", "How much is {}?", "{}", "{}="))
    asked = f"{a} {sign} {b}" if rng.random() < 0.3 else f"{a}{sign}{b}"
    return ask.format(asked), f"{a}{sign}{b}={_value(a, sign, b)}"


def make_several(rng: Random, count: int | None = None) -> tuple[str, str]:
    problems = [_problem(rng) for _ in range(count or rng.randint(2, 5))]
    asked = ", ".join(f"{a}{sign}{b}" for a, sign, b in problems)
    answers = "\n".join(f"{a}{sign}{b}={_value(a, sign, b)}" for a, sign, b in problems)
    return f"Work out {asked}.", answers


def make_inverse(rng: Random, count: int | None = None) -> tuple[str, str]:
    """Write sums that make N: many right answers, so the order of unmasking matters."""
    total = rng.randint(25, 99)
    count = count or rng.randint(1, 4)
    parts = rng.sample(range(10, total - 9), min(count, total - 19))
    sums = "\n".join(f"{a}+{total - a}={total}" for a in parts)
    number = ("a sum that makes", "two sums that make", "three sums that make", "four sums that make")
    return f"Write {number[len(parts) - 1]} {total}.", sums


def make(rng: Random) -> tuple[str, str]:
    kind = rng.random()
    if kind < 0.25:
        return make_single(rng)
    if kind < 0.75:
        return make_several(rng)
    return make_inverse(rng)


def check(prompt: str, response: str) -> bool:
    equations = [EQUATION.fullmatch(line) for line in response.split("\n")]
    if not all(equations):
        return False
    for equation in equations:
        a, sign, b, result = equation.groups()
        if _value(int(a), sign, int(b)) != int(result):
            return False
    if prompt.startswith("Write"):
        count = next(
            n for n, word in enumerate(("a sum ", "two ", "three ", "four "), 1) if f"Write {word}" in prompt
        )
        total = re.search(r"\d\d", prompt).group()
        good = all(e.group(2) == "+" and e.group(4) == total for e in equations)
        return good and len(equations) == count == len(set(response.split("\n")))
    asked = ["".join(match.groups()) for match in PROBLEM.finditer(prompt)]
    return asked == [equation.group()[:5] for equation in equations]
