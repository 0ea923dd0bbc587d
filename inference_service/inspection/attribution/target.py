"""The number that an attribution explains: how likely a token is, or how much likelier than another."""

from dataclasses import dataclass

import torch


@dataclass(frozen=True)
class Target:
    """ln p_base(token), or with a contrast ln p_base(token) - ln p_base(contrast)."""

    token: int
    contrast: int | None = None

    def __call__(self, logits: torch.Tensor) -> torch.Tensor:
        """The target of each row of raw logits [B, V], in nats, float64 [B]. Gradients pass."""
        logits = logits.double()
        if self.contrast is not None:  # the softmax's sum is in both and falls away
            return logits[:, self.token] - logits[:, self.contrast]
        return logits.log_softmax(-1)[:, self.token]
