"""Batches for training: canvases of one length range each, masked as LLaDA masks."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from random import Random

import torch
from tokenizers import Tokenizer

from . import corpus
from .tokenizer import BOS, EOS, EOT, MASK, chat, turn

# Lengths of generation a user may choose; the tail after the response is end-of-text.
BUCKETS = (16, 32, 48, 64, 96, 128)
BUCKET_WEIGHTS = (4, 6, 3, 6, 2, 1)
FILL_WEIGHT = 0.1
SYSTEMS = ("You are a helpful assistant.", "You are a small model.", "Answer the user.", "Be brief.")


@dataclass
class Canvas:
    """Token ids; from `start` on they may be masked, from `end` on they are fill."""

    ids: list[int]
    start: int
    end: int
    hidden: int = 0  # so many ids from the start are always masks and never learnt


@dataclass
class Batch:
    """All tensors are [samples, length] but t, [samples, 1]."""

    tokens: torch.Tensor  # ids, some of them masked
    targets: torch.Tensor  # ids
    masked: torch.Tensor  # bool: to be predicted
    weight: torch.Tensor  # what a position counts in the loss; 0 where it is given
    real: torch.Tensor  # bool: not padding
    t: torch.Tensor


def draw(rng: Random, shares: tuple[float, ...]) -> tuple[str, str, float, int]:
    """One sample's texts and the choices about its canvas: before, response, part, fill."""
    prompt, response = corpus.sample(rng, shares)
    part = rng.random()
    if part < 0.05:
        before = BOS  # without prompt: text as such
    else:
        before = chat(prompt, rng.choice(SYSTEMS) if rng.random() < 0.03 else None)
        if rng.random() < 0.03:  # an earlier exchange, when it is short enough
            earlier = corpus.sample(rng, shares)
            if len(earlier[0]) + len(earlier[1]) < 160:
                past = turn("user", earlier[0]) + turn("assistant", earlier[1])
                before = BOS + past + before.removeprefix(BOS)
    return before, response, part, rng.getrandbits(32)


def canvases(
    rng: Random, tokenizer: Tokenizer, count: int, context: int, shares: tuple[float, ...]
) -> list[Canvas]:
    eos, eot = tokenizer.token_to_id(EOS), tokenizer.token_to_id(EOT)
    drawn = [draw(rng, shares) for _ in range(count)]
    befores = tokenizer.encode_batch_fast([d[0] for d in drawn])
    responses = tokenizer.encode_batch_fast([d[1] for d in drawn])
    made = []
    for (_, _, part, seed), before, response in zip(drawn, befores, responses):
        choice = Random(seed)
        body = response.ids + [eot]
        if choice.random() < 0.6:
            fill = choice.randint(0, 8)
        else:
            fitting = [(b, w) for b, w in zip(BUCKETS, BUCKET_WEIGHTS) if b >= len(body)]
            fill = choice.choices(*zip(*fitting))[0] - len(body) if fitting else 0
        start = len(before.ids)
        ids = (before.ids + body + [eos] * fill)[:context]
        canvas = Canvas(ids, start, min(start + len(body), context))
        if 0.05 <= part < 0.10:
            canvas.hidden = start  # the prompt hidden: what classifier-free guidance compares with
        elif 0.10 <= part < 0.20:
            canvas.start = 1  # the prompt may be masked too: facts from answers
        made.append(canvas)
    return made


def mask(batch: list[Canvas], length: int, mask_id: int, pad_id: int, generator: torch.Generator) -> Batch:
    """Pad to `length` and mask each open position with its sample's probability t.

    t is stratified: one draw in each of equally many parts of (0, 1), which
    steadies the loss (arXiv:2502.09992 section 2.1; arXiv:2107.00630 appendix I).
    """
    count = len(batch)
    targets = torch.tensor([c.ids + [pad_id] * (length - len(c.ids)) for c in batch])
    place = torch.arange(length)
    start, end, stop, hidden = (
        torch.tensor(column)[:, None]
        for column in zip(*((c.start, c.end, len(c.ids), c.hidden) for c in batch))
    )
    t = (torch.randperm(count, generator=generator) + torch.rand(count, generator=generator)) / count
    t = t[:, None]
    may = (place >= start) & (place < stop)
    masked = (torch.rand(count, length, generator=generator) < t) & may
    weight = torch.where(place < end, 1.0, FILL_WEIGHT) * may
    tokens = targets.masked_fill(masked | (place < hidden), mask_id)
    return Batch(tokens, targets, masked, weight, place < stop, t)


def padded(length: int) -> int:
    """Few different lengths: a CPU's matrix kernels are made anew for every new shape."""
    step = 8 if length <= 128 else 32
    return -(-length // step) * step


def batches(
    seed: int, tokenizer: Tokenizer, tokens: int, context: int, skip: int = 0, pace: float = 1.0
) -> Iterator[Batch]:
    """Endless batches of about so many tokens; the same ones for the same seed.

    pace: how many batches one counts for when the mixtures change. Canvases wait with
    others of their padded length until they fill a batch.
    """
    mask_id, pad_id = tokenizer.token_to_id(MASK), tokenizer.token_to_id(EOS)
    rng = Random(seed)
    waiting: dict[int, list[Canvas]] = {}
    made = 0
    while True:
        for canvas in canvases(rng, tokenizer, 256, context, corpus.mixture(int(made * pace))):
            length = padded(len(canvas.ids))
            group = waiting.setdefault(length, [])
            group.append(canvas)
            if (len(group) + 1) * length > tokens:
                del waiting[length]
                made += 1
                if made > skip:
                    generator = torch.Generator().manual_seed(seed * 1_000_003 + made)
                    yield mask(group, length, mask_id, pad_id, generator)
