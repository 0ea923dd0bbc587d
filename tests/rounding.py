"""How near two computations of the same logits have to be.

In which order floats are added is the processor's choice (and the thread count's), so bits are equal only between two
results of one process that computed them in the same way. What is stored, or computed in another way, is compared in
units of the logits' own scale. Of the two golden checkpoints: the stored numbers, which are float32 themselves, lie
within 2.5e-6 of the greatest logit from what float64 gives, and float32 on processors with AVX-512, with AVX2 and with
neither within 5e-6; the smallest mistake that a loader can make, a norm's epsilon of 1e-6 where 1e-5 is meant or a
rotation that is off by a hundredth, moves them by 3e-4 and more.
"""

import torch

ROUNDING = 3e-5  # of the greatest logit: ten times what rounding does, a tenth of what the smallest mistake does


def assert_same_logits(found: torch.Tensor, expected: torch.Tensor, share: float = ROUNDING) -> None:
    """Whether logits of one shape differ by rounding alone: at most `share` of the greatest absolute logit expected."""
    assert found.shape == expected.shape
    found, expected = found.double(), expected.double()
    assert found.isfinite().all() and expected.isfinite().all()
    furthest, scale = (found - expected).abs().max().item(), expected.abs().max().item()
    assert furthest <= share * scale, f"{furthest:.3g} apart; {share * scale:.3g} is allowed, logits reach {scale:.4g}"


class Elsewhere:
    """A model as another processor might compute it: every logit is off by up to 1e-5 of the greatest.

    That is twice what processors have been seen to differ by. What a stored decision, such as which token is the
    likeliest, must not hang on.
    """

    def __init__(self, model, seed: int):
        self.info, self._model = model.info, model
        self._generator = torch.Generator().manual_seed(seed)

    def logits(self, canvases, positions, keys=(), starts=()):
        return [rows + 1e-5 * rows.abs().max() * (2 * torch.rand(rows.shape, generator=self._generator) - 1)
                for rows in self._model.logits(canvases, positions)]
