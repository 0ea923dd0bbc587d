"""The one pipeline from raw logits to what is drawn from.

raw logits -> p_base -> forbidden ids removed -> penalties -> constraint -> temperature -> top-k, top-p -> p_final
-> choice. What the constraint removes goes before the temperature: cold logits are reckoned from the likeliest token
that may stand.

Shapes: N positions, V tokens. Everything takes and returns [N, V] unless said otherwise. Logits are float32
as they come, double once a temperature was applied. The filters are transformers' own.
"""

from collections.abc import Callable, Sequence
from typing import Protocol

import torch
from transformers import RepetitionPenaltyLogitsProcessor, TopKLogitsWarper, TopPLogitsWarper

from inference_service.sampling.noise import Noise


class Shaping(Protocol):
    """What decides the way from logits to p_final; sampling.parameters.Parameters says what each means."""

    temperature: float
    top_k: int
    top_p: float
    repetition_penalty: float
    presence_penalty: float
    frequency_penalty: float


def p_base(logits: torch.Tensor) -> torch.Tensor:
    """The model's own softmax, before anything is done to it."""
    return torch.softmax(logits, dim=-1)


def shape(raw: torch.Tensor, shaping: Shaping, context: Sequence[int], forbidden: Sequence[int],
          allowed: torch.Tensor | None = None) -> torch.Tensor:
    """The logits of p_final; -inf where a token cannot be drawn.

    context: the tokens that penalties look at. allowed: what a constraint lets stand, bool [N, V].
    """
    logits = penalize(forbid(raw, forbidden), context, shaping)
    if allowed is not None:
        logits = logits.masked_fill(~allowed.to(logits.device), -torch.inf)
    if shaping.temperature:
        logits = cool(logits, shaping.temperature)
    return truncate(logits, shaping.top_k, shaping.top_p)


def forbid(logits: torch.Tensor, tokens: Sequence[int]) -> torch.Tensor:
    """The logits with some tokens made impossible, such as the mask id, which is never generated."""
    if not tokens:
        return logits
    return logits.index_fill(-1, torch.tensor(list(tokens), device=logits.device), -torch.inf)


def penalize(logits: torch.Tensor, context: Sequence[int], shaping: Shaping) -> torch.Tensor:
    """Makes what is in the context less likely.

    repetition_penalty: Keskar et al., "CTRL", arXiv 1909.05858. presence_penalty and frequency_penalty as
    OpenAI's API has them: off the logit once, and once for every occurrence.
    """
    if not len(logits) or not context:
        return logits
    if shaping.repetition_penalty != 1:
        ids = torch.tensor(context, device=logits.device).expand(len(logits), -1)
        logits = _applied(RepetitionPenaltyLogitsProcessor(shaping.repetition_penalty), ids, logits)
    if shaping.presence_penalty or shaping.frequency_penalty:
        counts = torch.bincount(torch.tensor(context, device=logits.device), minlength=logits.shape[-1])
        logits = logits - shaping.presence_penalty * (counts > 0) - shaping.frequency_penalty * counts
    return logits


def cool(logits: torch.Tensor, temperature: float) -> torch.Tensor:
    """logits / temperature in double precision, each row shifted to a maximum of 0.

    So the coldest temperature, which single precision takes for 0, overflows to -inf only.
    """
    logits = logits.double()
    return (logits - logits.amax(-1, keepdim=True)) / temperature


def truncate(logits: torch.Tensor, top_k: int, top_p: float) -> torch.Tensor:
    """Keeps the top_k likeliest tokens (0: all) that are in the nucleus of top_p: so min(top_k, nucleus) of them.

    The nucleus is that of all tokens, and keeps the one that crosses top_p (Holtzman et al., arXiv 1904.09751).
    """
    kept = logits
    if top_k and len(logits):
        kept = _applied(TopKLogitsWarper(top_k), None, kept)
    if top_p < 1 and len(logits):
        kept = torch.minimum(kept, _applied(TopPLogitsWarper(float(top_p)), None, logits))
    return kept


def _applied(step: Callable[..., torch.Tensor], ids: torch.Tensor | None, logits: torch.Tensor) -> torch.Tensor:
    """One of transformers' steps. Some never look at the ids; all declare a class of tensors that nobody makes."""
    return step(ids, logits)


def p_final(shaped: torch.Tensor, temperature: float) -> torch.Tensor:
    """What a choice is drawn from, float32: softmax(shaped); at temperature 0 all on the likeliest token."""
    if temperature == 0:
        return torch.zeros_like(shaped).scatter_(-1, shaped.argmax(-1, keepdim=True), 1.0)
    return torch.softmax(shaped, dim=-1).float()


def drawable(shaped: torch.Tensor, temperature: float) -> torch.Tensor:
    """Which tokens p_final gives a chance in exact arithmetic, where nothing underflows to 0; bool [N, V]."""
    return p_final(shaped, 0) > 0 if temperature == 0 else shaped > -torch.inf


def choose(shaped: torch.Tensor, temperature: float, noise: Noise, positions: list[int]) -> torch.Tensor:
    """One token for each row, int64 [N]: the likeliest at temperature 0, else drawn from p_final."""
    return shaped.argmax(-1) if temperature == 0 else gumbel_max(shaped, 1.0, noise, positions)


def gumbel_max(shaped: torch.Tensor, scale: float, noise: Noise, positions: list[int]) -> torch.Tensor:
    """argmax(shaped + scale * g) with standard Gumbel noise g, int64 [N]; 1 is a draw from softmax(shaped).

    Maddison et al., "A* sampling", 2014. In log space nothing overflows; in double precision, because
    low-precision noise skews masked diffusion's samples (Zheng et al., arXiv 2409.02908).
    """
    if not len(shaped):
        return torch.empty(0, dtype=torch.long, device=shaped.device)
    gumbel = noise.gumbel(positions, shaped.shape[-1]).to(shaped.device)
    return (shaped.double() + scale * gumbel).argmax(-1)


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
