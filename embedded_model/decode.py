"""A small batched decoder for measuring: one strategy, a number of steps, a temperature.

The schedule is LLaDA's: so many positions a step that all are committed after
the last one, the remainder spread over the first steps.
"""

from __future__ import annotations

from collections.abc import Callable

import torch

STRATEGIES = ("low_confidence", "entropy", "margin", "random", "left_to_right")


def _score(strategy: str, p: torch.Tensor, chosen: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """Higher is committed sooner; p is [batch, length, vocab], chosen and the result [batch, length]."""
    batch, length, _ = p.shape
    if strategy == "low_confidence":  # the surest first: LLaDA's remasking keeps the least sure open
        return p.gather(-1, chosen[..., None])[..., 0]
    if strategy == "entropy":
        return (p * p.clamp_min(1e-20).log()).sum(-1)
    if strategy == "margin":
        best = p.topk(2, dim=-1).values
        return best[..., 0] - best[..., 1]
    if strategy == "random":
        return torch.rand(batch, length, generator=generator)
    if strategy == "left_to_right":
        return -torch.arange(length).float().expand(batch, length)
    raise ValueError(f"strategy {strategy!r}: one of {', '.join(STRATEGIES)}")


@torch.inference_mode()
def decode(
    forward: Callable[[torch.Tensor, torch.Tensor], torch.Tensor],
    prompts: list[list[int]],
    length: int,
    steps: int,
    strategy: str,
    temperature: float,
    mask_id: int,
    seed: int = 0,
) -> list[list[int]]:
    """Generate `length` tokens after each prompt.

    `forward` takes tokens and real, both [batch, length], and gives logits of
    every position. Prompts are padded on the left, so all responses align.
    """
    generator = torch.Generator().manual_seed(seed)
    before = max(len(prompt) for prompt in prompts)
    tokens = torch.full((len(prompts), before + length), mask_id)
    real = torch.ones_like(tokens, dtype=torch.bool)
    for row, prompt in enumerate(prompts):
        tokens[row, : before - len(prompt)] = 0
        real[row, : before - len(prompt)] = False
        tokens[row, before - len(prompt) : before] = torch.tensor(prompt)
    for step in range(steps):
        count = length // steps + (step < length % steps)
        logits = forward(tokens, real)[:, before:].float()
        logits[..., mask_id] = -torch.inf
        p = logits.softmax(-1)
        if temperature > 0:
            # Gumbel-max: minus the logarithm of an exponential variate is Gumbel noise.
            noise = -torch.empty_like(logits).exponential_(generator=generator).clamp_min_(1e-30).log_()
            chosen = (logits / temperature + noise).argmax(-1)
        else:
            chosen = logits.argmax(-1)
        window = tokens[:, before:]
        score = _score(strategy, p, chosen, generator).masked_fill(window != mask_id, -torch.inf)
        at = score.topk(count, dim=-1).indices
        window.scatter_(1, at, chosen.gather(1, at))
    return tokens[:, before:].tolist()
