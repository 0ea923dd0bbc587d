"""The one pipeline from raw logits to what is drawn from.

raw logits -> p_base -> forbidden ids removed -> temperature -> p_final -> choice

Shapes: N positions, V tokens. Everything takes and returns float32 [N, V] unless said otherwise.
"""

from collections.abc import Sequence

import torch

from inference_service.sampling.noise import Noise


def p_base(logits: torch.Tensor) -> torch.Tensor:
    """The model's own softmax, before anything is done to it."""
    return torch.softmax(logits, dim=-1)


def forbid(logits: torch.Tensor, tokens: Sequence[int]) -> torch.Tensor:
    """The logits with some tokens made impossible, such as the mask id, which is never generated."""
    if not tokens:
        return logits
    return logits.index_fill(-1, torch.tensor(list(tokens), device=logits.device), -torch.inf)


def p_final(logits: torch.Tensor, temperature: float) -> torch.Tensor:
    """What a choice is drawn from: softmax(logits / temperature); at temperature 0 all on the likeliest token."""
    if temperature == 0:
        return torch.zeros_like(logits).scatter_(-1, logits.argmax(-1, keepdim=True), 1.0)
    return torch.softmax(_cooled(logits, temperature), dim=-1).to(logits.dtype)


def drawable(logits: torch.Tensor, temperature: float) -> torch.Tensor:
    """Which tokens p_final gives a chance in exact arithmetic, where nothing underflows to 0; bool [N, V]."""
    return p_final(logits, 0) > 0 if temperature == 0 else logits > -torch.inf


def choose(logits: torch.Tensor, temperature: float, noise: Noise, positions: list[int]) -> torch.Tensor:
    """One token for each row, int64 [N]: the likeliest at temperature 0, else drawn from p_final.

    Gumbel-max in log space (Maddison et al., "A* sampling", 2014): argmax(logits / T + g) is a draw
    from softmax(logits / T), and nothing overflows. Double precision, because low-precision noise
    skews masked diffusion's samples (Zheng et al., arXiv 2409.02908).
    """
    if temperature == 0:
        return logits.argmax(-1)
    gumbel = noise.gumbel(positions, logits.shape[-1]).to(logits.device)
    return (_cooled(logits, temperature) + gumbel).argmax(-1)


def _cooled(logits: torch.Tensor, temperature: float) -> torch.Tensor:
    """logits / temperature in double precision, each row shifted to a maximum of 0.

    So the coldest temperature, which single precision takes for 0, overflows to -inf only.
    """
    logits = logits.double()
    return (logits - logits.amax(-1, keepdim=True)) / temperature


def entropy(p: torch.Tensor) -> torch.Tensor:
    """Entropy of each row in nats, [N]; 0 ln 0 is 0."""
    return torch.special.entr(p).sum(-1)


def margin(p: torch.Tensor) -> torch.Tensor:
    """Probability of the likeliest token minus that of the second, [N]."""
    first, second = p.topk(2, dim=-1).values.unbind(-1)
    return first - second


def probability_of(p: torch.Tensor, tokens: torch.Tensor) -> torch.Tensor:
    """The probability of one token in each row, [N]."""
    return p.gather(-1, tokens.unsqueeze(-1)).squeeze(-1)


def guide(conditional: torch.Tensor, unconditional: torch.Tensor, scale: float) -> torch.Tensor:
    """Classifier-free guidance on logits: u + (scale + 1)(c - u) (Nie et al., arXiv 2410.18514)."""
    return unconditional + (scale + 1) * (conditional - unconditional)
