"""A stand-in for a model: logits that are a function of the canvas, and hooks to watch and to break them."""

import torch

from inference_service.models.denoiser import ModelInfo

VOCABULARY, EOS, EOT, MASK = 16, 13, 14, 15
_TABLE = torch.randn(997, VOCABULARY, generator=torch.Generator().manual_seed(0)) * 2


class FakeDenoiser:
    """calls: the canvases of every pass. before(canvases): runs in the pass; may wait or raise."""

    text = None

    def __init__(self, name="fake", context=64, before=lambda canvases: None):
        self.info = ModelInfo(name, "fake", 0, "float32", "cpu", context, VOCABULARY, MASK, EOS, EOT, None, (MASK,), "")
        self.before = before
        self.calls = []

    def logits(self, canvases, positions, keys=(), starts=()):
        self.calls.append([list(canvas) for canvas in canvases])
        self.before(canvases)
        return [_TABLE[[_row(canvas, position) for position in wanted]]
                for canvas, wanted in zip(canvases, positions, strict=True)]

    def drop_caches(self):
        return 0


def _row(canvas, position):
    return (sum((place + 1) * token for place, token in enumerate(canvas)) + 31 * position) % len(_TABLE)
