"""Which positions of a text are masked, to see what a model restores.

After the explorers of the visualizer in JinxCodesAI/nano_gpt, whose sticky masking
drew each position by a chance that was higher beside masked ones and so met its
ratio only about. Here as many are masked as the ratio says, always.

Pure functions of counter-based noise: the same seed and the same place of a text
among others give the same positions, whatever else is asked for.
"""

import math
from collections.abc import Callable

import torch

from inference_service.sampling.noise import CORRUPTION_STREAM, Noise

STICKINESS = 20.0  # how much likelier a neighbour of a masked position is drawn


def masked_count(length: int, ratio: float) -> int:
    """How many of `length` positions a ratio masks: the nearest whole number, halves up, but at least one."""
    return min(length, max(1, math.floor(length * ratio + 0.5)))


def random(length: int, count: int, rounds: int, noise: Noise) -> list[int]:
    """Each position by itself."""
    return sorted(noise.uniform(list(range(length)), CORRUPTION_STREAM).argsort()[:count].tolist())


def sticky(length: int, count: int, rounds: int, noise: Noise) -> list[int]:
    """In rounds of about as many positions each; from the second on a neighbour of a masked one is likelier drawn.

    More rounds make fewer and longer spans.
    """
    masked = torch.zeros(length, dtype=torch.bool)
    for turn in range(min(rounds, count)):
        wanted = count * (turn + 1) // min(rounds, count) - int(masked.sum())
        beside = torch.zeros(length, dtype=torch.bool)
        beside[1:] |= masked[:-1]
        beside[:-1] |= masked[1:]
        weights = torch.where(beside, STICKINESS, 1.0).double()
        # The smallest of exponential times are a weighted draw without replacement (Efraimidis and Spirakis, 2006).
        uniform = noise.uniform(list(range(length)), CORRUPTION_STREAM, draw=turn + 1)
        times = (-torch.log1p(-uniform) / weights).masked_fill(masked, torch.inf)
        masked[times.argsort()[:wanted]] = True
    return masked.nonzero()[:, 0].tolist()


def fragment(length: int, count: int, rounds: int, noise: Noise) -> list[int]:
    """One run without a gap; every place for it is as likely as any."""
    first = int(noise.uniform([0], CORRUPTION_STREAM).item() * (length - count + 1))
    return list(range(first, first + count))


KINDS: dict[str, Callable[[int, int, int, Noise], list[int]]] = {
    "random": random, "sticky": sticky, "fragment": fragment}
MIXED = "mixed"
_KIND_DRAW = 255  # behind all rounds


def corrupt(length: int, kind: str, ratio: float, rounds: int, noise: Noise) -> tuple[str, list[int]]:
    """The kind that was used, for "mixed" the one that was drawn, and the masked positions, ascending.

    length: of the text, at least 1. ratio: above 0 to 1. rounds: 1 to 64, of "sticky". noise: of this text alone.
    """
    if kind == MIXED:
        drawn = noise.uniform([0], CORRUPTION_STREAM, draw=_KIND_DRAW).item()
        kind = tuple(KINDS)[int(drawn * len(KINDS))]
    return kind, KINDS[kind](length, masked_count(length, ratio), rounds, noise)
