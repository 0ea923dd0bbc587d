"""Attribution by gradients of the target with respect to the embeddings. Tensors in, tensors out.

Saliency: Simonyan et al., arXiv 1312.6034. Gradient times input: Shrikumar et al., arXiv 1605.01713. Integrated
gradients: Sundararajan et al., arXiv 1703.01365, by Gauss-Legendre quadrature, which needs far fewer points than
equal steps. Passes are in the weights' number format, sums in float32 or finer.
"""

from collections.abc import Callable, Sequence

import numpy as np
import torch

from inference_service.models.denoiser import Denoiser
from inference_service.models.from_embeddings import embeddings_of, mean_embedding, row_logits


def gradient(denoiser: Denoiser, embeddings: torch.Tensor, row: int,
             target: Callable[[torch.Tensor], torch.Tensor], start: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    """The target [B], and its gradient [B, L, D] in float32, at embeddings [B, L, D].

    start: where the generated part of the canvas starts.
    """
    with torch.inference_mode(False), torch.enable_grad():
        # A clone: what was made in inference mode cannot have a gradient.
        at = embeddings.detach().clone().requires_grad_()
        values = target(row_logits(denoiser, at, row, start=start))
        found, = torch.autograd.grad(values.sum(), at)
    return values.detach(), found.float()


def saliency(gradients: torch.Tensor) -> torch.Tensor:
    """The gradient's length at each position, [L], from [L, D]."""
    return gradients.norm(dim=-1)


def input_x_gradient(embeddings: torch.Tensor, gradients: torch.Tensor) -> torch.Tensor:
    """Embedding times gradient, summed over the width, [L], from twice [L, D]."""
    return (embeddings.float() * gradients).sum(-1)


def nodes(count: int) -> list[tuple[float, float]]:
    """Points in (0, 1) and their weights, which add up to 1: exact for polynomials of degree 2 count - 1."""
    points, weights = np.polynomial.legendre.leggauss(count)
    return [((1 + point) / 2, weight / 2) for point, weight in zip(points.tolist(), weights.tolist(), strict=True)]


def baseline_of(denoiser: Denoiser, ids: Sequence[int], positions: Sequence[int]) -> torch.Tensor:
    """The embeddings [L, D] with the mask's, or the vocabulary's mean where the model has no mask, at some positions.

    Not zero: every layer first divides by the length of what comes in, so that near zero the target jumps too fast for
    any number of points, and the scores do not add up.
    """
    embeddings = embeddings_of(denoiser, ids).clone()
    mask = None if denoiser.info.attention.append_only else denoiser.info.mask_token
    neutral = mean_embedding(denoiser) if mask is None else embeddings_of(denoiser, [mask])[0]
    embeddings[list(positions)] = neutral.to(embeddings.dtype)
    return embeddings


def on_the_way(denoiser: Denoiser, base: torch.Tensor, end: torch.Tensor, row: int,
               points: Sequence[tuple[float, float]], target: Callable[[torch.Tensor], torch.Tensor],
               start: int = 0) -> torch.Tensor:
    """The part of the integral of the gradient from `base` to `end` that some nodes give, [L, D] in float32."""
    alphas, weights = (torch.tensor(column, device=base.device) for column in zip(*points, strict=True))
    way = end.float() - base.float()
    embeddings = (base.float() + alphas[:, None, None] * way).to(base.dtype)
    return (weights[:, None, None] * gradient(denoiser, embeddings, row, target, start)[1]).sum(0)
