"""How likely an answer is.

A masked model bounds the log-likelihood of an answer a of L tokens after a prompt:

    -E[ L/k * sum of -log p(a_i | what is not masked) over the k masked i ]

with k uniform in 1..L and the k positions a uniform choice. Nie et al., "Large
Language Diffusion Models" (arXiv 2502.09992), equation 6 and algorithm 3.
"""

from collections.abc import Iterator, Sequence
from itertools import combinations, islice
from math import comb

import torch

from inference_service.errors import FailedPrecondition, InvalidField
from inference_service.models.denoiser import Denoiser

LONGEST = 12  # 4,095 subsets


def exact_log_likelihood(
    denoiser: Denoiser, prompt: Sequence[int], answer: Sequence[int], batch_size: int = 64
) -> float:
    """The bound by enumeration: every choice of masked positions once, no chance in it. In nats.

    prompt, answer: token ids; 1 to 12 of them in the answer. batch_size: canvases in one forward pass.
    Raises InvalidField for an answer that is empty or too long to enumerate,
    FailedPrecondition for a model without a mask token.
    """
    mask = denoiser.info.mask_token
    if mask is None:
        raise FailedPrecondition("this model has no mask token, so nothing can be masked", reason="NO_MASK_TOKEN")
    length = len(answer)
    if not 1 <= length <= LONGEST:
        raise InvalidField("answer", f"must have 1 to {LONGEST} tokens to be scored exactly, has {length}")
    wanted = torch.tensor(answer)
    total = 0.0
    subsets = _subsets(length)
    while batch := list(islice(subsets, batch_size)):
        canvases = [
            [*prompt, *(mask if i in chosen else token for i, token in enumerate(answer))] for chosen in map(set, batch)
        ]
        positions = [[len(prompt) + i for i in chosen] for chosen in batch]
        for chosen, logits in zip(batch, denoiser.logits(canvases, positions), strict=True):
            logs = logits.double().log_softmax(-1)
            right = wanted[list(chosen)].to(logs.device)
            total += length / len(chosen) * _weight(length, len(chosen)) * logs.gather(1, right[:, None]).sum().item()
    return total


def _subsets(length: int) -> Iterator[tuple[int, ...]]:
    """Every choice of at least one of `length` positions."""
    return (chosen for size in range(1, length + 1) for chosen in combinations(range(length), size))


def _weight(length: int, size: int) -> float:
    """Probability of one choice of `size` positions: the size is uniform, then the choice is."""
    return 1 / (length * comb(length, size))
