"""Sorting, reversing, and palindromes."""

from __future__ import annotations

import re
from random import Random

from .words import NAMES, OBJECTS


def _digits(rng: Random) -> list[str]:
    return [str(rng.randrange(10)) for _ in range(rng.randint(3, 8))]


def make_digits(rng: Random) -> tuple[str, str]:
    digits = _digits(rng)
    if rng.random() < 0.5:
        return f"Sort the digits {''.join(digits)}.", "".join(sorted(digits))
    return f"Reverse the digits {''.join(digits)}.", "".join(reversed(digits))


def make_words(rng: Random) -> tuple[str, str]:
    if rng.random() < 0.5:
        names = rng.sample(NAMES, rng.randint(3, 6))
        return f"Sort the names {', '.join(names)}.", ", ".join(sorted(names))
    words = rng.sample(OBJECTS, rng.randint(3, 6))
    return f"Reverse the words {', '.join(words)}.", ", ".join(reversed(words))


def make_palindrome(rng: Random) -> tuple[str, str]:
    length = rng.randint(5, 9)
    half = [str(rng.randrange(10)) for _ in range((length + 1) // 2)]
    digits = half + half[: length // 2][::-1]
    return f"Write a palindrome of {length} digits.", "".join(digits)


def make_order(rng: Random) -> tuple[str, str]:
    """Sort or reverse, digits or words."""
    return make_digits(rng) if rng.random() < 0.65 else make_words(rng)


def make(rng: Random) -> tuple[str, str]:
    return make_palindrome(rng) if rng.random() < 0.25 else make_order(rng)


def check(prompt: str, response: str) -> bool:
    if "palindrome" in prompt:
        length = int(re.search(r"\d", prompt).group())
        return bool(re.fullmatch(r"\d+", response)) and len(response) == length and response == response[::-1]
    stated = re.search(r"(?:digits|names|words) (.*)\.$", prompt).group(1)
    items, joint = (stated.split(", "), ", ") if ", " in stated else (list(stated), "")
    wanted = sorted(items) if prompt.startswith("Sort") else items[::-1]
    return response == joint.join(wanted)
