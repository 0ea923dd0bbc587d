"""How likely an answer is, as jobs for the engine.

A model that reads from left to right says it at once: the sum of ln p(a_i | prompt, a_1 .. a_{i-1}).

A masked model bounds the log-likelihood of an answer a of L tokens from below by

    -E[ L/k * sum of -log p(a_i | what is not masked) over the k masked i ]

with k uniform in 1..L and the k positions a uniform choice. Nie et al., "Large
Language Diffusion Models" (arXiv 2502.09992), equation 6 and algorithm 3. It is
enumerated where the answer is short, otherwise estimated as the authors do
(get_log_likelihood.py of ML-GSAI/LLaDA): in groups whose counts k lie evenly over 1..L,
offset by one draw. Theirs leaves out samples that fill no group and, by rounding
halves to even, gives some counts too much weight; here neither happens.

Of a model that attends from block to block the blocks are masked one after the other, each with all before it whole:
the bound is the sum of theirs (Arriola et al., "Block Diffusion", arXiv 2503.09573, equation 4).

Log-probabilities are taken where the logits are, on the device, so that only one
number for each wanted token leaves it.
"""

import math
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations, islice, pairwise
from math import comb

import torch

from inference_service.engine.jobs import DeviceWork
from inference_service.errors import FailedPrecondition, InvalidField
from inference_service.models.denoiser import Denoiser
from inference_service.sampling import distribution
from inference_service.sampling.noise import ORDER_STREAM, REVEAL_STREAM, Noise

LONGEST = 12  # 4,095 subsets
GROUP = 16  # samples that are spread evenly together, as in the reference
FEWEST_GROUPS = 8  # of which the standard error is told
MOST_TOKENS = 8192  # canvas positions in one pass
MOST_LOGITS = 1 << 26  # numbers in one pass: 256 MiB
MOST_DOUBLE = 1 << 22  # of them in double precision at a time: 32 MiB

BOUND = "a lower bound of the log-likelihood, as masked models have no other"
GUIDED = "with guidance the distributions are not the model's own, and the number is no bound of its likelihood"


@dataclass(frozen=True)
class Likelihood:
    """What is known of it so far, in nats.

    standard_error: None where there is no chance in it, or too little to tell. done, total: samples, or choices.
    token_log_likelihoods: of each token given what stands before it; of a model that reads from left to right only.
    """

    log_likelihood: float
    standard_error: float | None
    done: int
    total: int
    exact: bool
    token_log_likelihoods: tuple[float, ...] = ()
    notes: tuple[str, ...] = ()


Scoring = Generator[DeviceWork, list[list[float]], Likelihood]
Emit = Callable[[Likelihood], None]


def score_job(denoiser: Denoiser, prompt: Sequence[int], answer: Sequence[int], *, samples: int = 128,
              exact: bool = False, cfg_scale: float = 0.0, seed: int = 0,
              emit: Emit = lambda likelihood: None) -> Scoring:
    """The likelihood of an answer after a prompt, by the way that suits the model.

    prompt, answer: token ids. emit: called with what is known after each pass or group.
    Raises InvalidField for an answer that is empty, too long for the context or, with `exact`, to be enumerated, and
    for what the model cannot do; FailedPrecondition for a masked model without a mask token.
    """
    info = denoiser.info
    if not answer:
        raise InvalidField("answer", "must have at least one token")
    if len(prompt) + len(answer) > info.context_length:
        raise InvalidField("answer", f"must fit the context with its prompt: {info.context_length} positions, of which"
                                     f" the prompt takes {len(prompt)}; has {len(answer)} tokens")
    if info.attention.append_only:
        return _causal(denoiser, prompt, answer, cfg_scale, emit)
    if info.mask_token is None:
        raise FailedPrecondition("this model has no mask token, so nothing can be masked", reason="NO_MASK_TOKEN")
    if info.mask_token in answer:
        raise InvalidField("answer", f"must not hold the mask id, {info.mask_token}")
    if exact and len(answer) > LONGEST:
        raise InvalidField("exact", f"must be false for more than {LONGEST} tokens, as every choice of masked ones is"
                                    f" a pass; the answer has {len(answer)}")
    if info.attention.block_size:
        return _block_after_block(denoiser, prompt, answer, samples, exact, cfg_scale, seed, emit)
    return _masked(denoiser, prompt, answer, len(prompt), samples, exact, cfg_scale, seed, emit)


def _block_after_block(denoiser: Denoiser, prompt, answer, samples, exact, cfg_scale, seed, emit) -> Scoring:
    """The chain rule over the model's own blocks: each masked by itself, what stands before it whole."""
    start, attention, edges = len(prompt), denoiser.info.attention, [0]
    while edges[-1] < len(answer):
        edges.append(attention.reach(start + edges[-1], start + len(answer), start) - start)
    told: list[Likelihood] = []
    for first, end in pairwise(edges):
        told.append((yield from _masked(denoiser, [*prompt, *answer[:first]], answer[first:end], start, samples, exact,
                                        cfg_scale, seed + first, lambda _: None)))
        emit(_summed(told, len(edges) - 1, samples))
    return _summed(told, len(edges) - 1, samples)


def _summed(parts: Sequence[Likelihood], blocks: int, samples: int) -> Likelihood:
    """The likelihood of blocks in a row, of which there may be more to come. samples: of each of these."""
    errors = [part.standard_error for part in parts if part.standard_error is not None]
    return Likelihood(math.fsum(part.log_likelihood for part in parts),
                      math.sqrt(math.fsum(error ** 2 for error in errors)) if errors else None,
                      sum(part.done for part in parts),
                      sum(part.total for part in parts) + samples * (blocks - len(parts)),
                      len(parts) == blocks and all(part.exact for part in parts),
                      notes=max((part.notes for part in parts), key=len))


def _masked(denoiser: Denoiser, prompt, answer, start, samples, exact, cfg_scale, seed, emit) -> Scoring:
    """By masking the answer. start: where the generated part starts, of which the prompt may have the beginning."""
    if exact or len(answer) == 1:  # of one token there is one choice
        return _enumerated(denoiser, prompt, answer, start, cfg_scale, emit)
    return _estimated(denoiser, prompt, answer, start, samples, cfg_scale, seed, emit)


def _causal(denoiser: Denoiser, prompt, answer, cfg_scale, emit) -> Scoring:
    if cfg_scale:
        raise InvalidField("cfg_scale", "must be 0 for a model that reads from left to right: it cannot hide the prompt"
                                        f" behind masks; got {cfg_scale:g}")
    if not prompt:
        raise InvalidField("prompt", "must have at least one token for a model that reads from left to right, such as"
                                     " its start of text: nothing foretells the first token of a text")
    return _chained(denoiser, prompt, answer, emit)


def _chained(denoiser: Denoiser, prompt, answer, emit) -> Scoring:
    """The chain rule: one pass, or a few where a vocabulary times an answer is more than fits one."""
    canvas, wanted = [*prompt, *answer], range(len(prompt), len(prompt) + len(answer))
    rows = max(1, MOST_LOGITS // denoiser.info.vocabulary_size)
    told: list[float] = []
    likelihood = None
    for first in range(0, len(wanted), rows):
        part = wanted[first:first + rows]
        told += (yield _pass(denoiser, [canvas], [list(part)], [[canvas[position] for position in part]]))[0]
        likelihood = Likelihood(math.fsum(told), None, len(told), len(answer), True, tuple(told))
        emit(likelihood)
    assert likelihood is not None  # an answer has a token
    return likelihood


def _enumerated(denoiser: Denoiser, prompt, answer, start, cfg_scale, emit) -> Scoring:
    """Every choice of masked positions once."""
    length = len(answer)
    choices = 2 ** length - 1
    subsets = (Masking(chosen, length / len(chosen) * _weight(length, len(chosen))) for chosen in _subsets(length))
    notes = _notes(cfg_scale) if length > 1 else _notes(cfg_scale)[1:]
    total, done, likelihood = 0.0, 0, None
    for batch in _batches(subsets, _canvases_at_once(denoiser, prompt, answer, cfg_scale)):
        total += math.fsum((yield from _weighted(denoiser, prompt, answer, start, batch, cfg_scale)))
        done += len(batch)
        likelihood = Likelihood(total, None, done, choices, done == choices, notes=notes)
        emit(likelihood)
    assert likelihood is not None  # an answer has a token
    return likelihood


def _estimated(denoiser: Denoiser, prompt, answer, start, samples, cfg_scale, seed, emit) -> Scoring:
    """Groups of samples, each an estimate of its own, until there are as many as asked for."""
    length = len(answer)
    groups, sizes, likelihood = [], group_sizes(samples), None
    for index, size in enumerate(sizes):
        drawn = iter(stratified(length, size, Noise(seed, index)))
        told: list[float] = []
        for batch in _batches(drawn, _canvases_at_once(denoiser, prompt, answer, cfg_scale)):
            told += yield from _weighted(denoiser, prompt, answer, start, batch, cfg_scale)
        groups.append(math.fsum(told) / size)
        mean, error = combined(groups, sizes[:index + 1])
        likelihood = Likelihood(mean, error, sum(sizes[:index + 1]), samples, False, notes=_notes(cfg_scale))
        emit(likelihood)
    assert likelihood is not None  # an answer has a token
    return likelihood


def _notes(cfg_scale: float) -> tuple[str, ...]:
    return (BOUND, GUIDED)[:2 if cfg_scale else 1]


# ---- samples ----

@dataclass(frozen=True)
class Masking:
    """A choice of masked positions, counted from the answer's start, and what the sum over them is multiplied by."""

    positions: tuple[int, ...]
    weight: float


def group_sizes(samples: int) -> list[int]:
    """Samples dealt to groups of at most 16, as evenly as goes, and to at least 8 groups where there are as many."""
    count = min(samples, max(FEWEST_GROUPS, -(-samples // GROUP)))
    return [samples // count + (index < samples % count) for index in range(count)]


def stratified(length: int, size: int, noise: Noise) -> list[Masking]:
    """A group of samples whose counts of masked positions lie evenly over 1..length; each count is as likely as any.

    noise: of this group alone.
    """
    offset = int(noise.uniform([0], REVEAL_STREAM).item() * length)
    samples = []
    for row in range(size):
        # Whole numbers and halves up: every offset is moved by the same amount, so uniform stays uniform.
        count = (offset + (2 * row * length + size) // (2 * size)) % length + 1
        order = noise.uniform(list(range(length)), ORDER_STREAM, draw=row).argsort()
        samples.append(Masking(tuple(sorted(order[:count].tolist())), length / count))
    return samples


def combined(means: Sequence[float], sizes: Sequence[int]) -> tuple[float, float | None]:
    """The mean over groups, and its standard error from how the groups differ; None for a single one.

    Samples of one group are not independent, groups are: so the error is that of the groups' means.
    """
    shares = [size / sum(sizes) for size in sizes]
    mean = math.fsum(share * one for share, one in zip(shares, means, strict=True))
    if len(means) < 2:
        return mean, None
    spread = math.fsum((share * (one - mean)) ** 2 for share, one in zip(shares, means, strict=True))
    return mean, math.sqrt(len(means) / (len(means) - 1) * spread)


def _subsets(length: int) -> Iterator[tuple[int, ...]]:
    """Every choice of at least one of `length` positions."""
    return (chosen for size in range(1, length + 1) for chosen in combinations(range(length), size))


def _weight(length: int, size: int) -> float:
    """Probability of one choice of `size` positions: the size is uniform, then the choice is."""
    return 1 / (length * comb(length, size))


# ---- passes ----

def _batches(items: Iterator[Masking], size: int) -> Iterator[list[Masking]]:
    while batch := list(islice(items, size)):
        yield batch


def _canvases_at_once(denoiser: Denoiser, prompt, answer, cfg_scale: float) -> int:
    """Samples in one pass; with guidance each is two canvases."""
    canvas = (len(prompt) + len(answer)) * (2 if cfg_scale else 1)
    logits = len(answer) * denoiser.info.vocabulary_size * (2 if cfg_scale else 1)
    return max(1, min(MOST_TOKENS // canvas, MOST_LOGITS // logits))


def _weighted(denoiser: Denoiser, prompt, answer, start: int, batch: list[Masking], cfg_scale: float,
              ) -> Generator[DeviceWork, list[list[float]], list[float]]:
    """For each masking its weight times the sum of ln p over what it masks."""
    mask, first = denoiser.info.mask_token, len(prompt)
    canvases, positions, wanted = [], [], []
    for masking in batch:
        canvas = [*prompt, *answer]
        for offset in masking.positions:
            canvas[first + offset] = mask
        canvases.append(canvas)
        positions.append([first + offset for offset in masking.positions])
        wanted.append([answer[offset] for offset in masking.positions])
    told = yield _pass(denoiser, canvases, positions, wanted, cfg_scale, start)
    return [masking.weight * math.fsum(logs) for masking, logs in zip(batch, told, strict=True)]


def _pass(denoiser: Denoiser, canvases, positions, wanted, cfg_scale: float = 0.0, start: int = 0) -> DeviceWork:
    """ln p of the wanted tokens at the positions of each canvas.

    start: where the generated part starts; with guidance a second canvas has masks before it.
    """
    def run() -> list[list[float]]:
        if not cfg_scale:
            rows = denoiser.logits(canvases, positions, starts=[start] * len(canvases))
        else:
            hidden = [[*[denoiser.info.mask_token] * start, *canvas[start:]] for canvas in canvases]
            both = denoiser.logits([*canvases, *hidden], [*positions, *positions],
                                   starts=[start] * 2 * len(canvases))
            rows = [distribution.guide(seen, unseen, cfg_scale)
                    for seen, unseen in zip(both[:len(canvases)], both[len(canvases):], strict=True)]
        return [_logs(logits, tokens) for logits, tokens in zip(rows, wanted, strict=True)]

    return DeviceWork(run, sum(map(len, canvases)) * (2 if cfg_scale else 1))


@torch.inference_mode()
def _logs(logits: torch.Tensor, tokens: list[int]) -> list[float]:
    """ln p of one token in each row, in double precision, a few rows at a time so that no second table is made."""
    index, told = torch.tensor(tokens, device=logits.device)[:, None], []
    rows = max(1, MOST_DOUBLE // logits.shape[-1])
    for part, wanted in zip(logits.split(rows), index.split(rows), strict=True):
        told += part.double().log_softmax(-1).gather(1, wanted)[:, 0].tolist()
    return told
