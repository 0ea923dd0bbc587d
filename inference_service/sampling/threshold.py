"""The threshold rule: every position that is sure enough, and one at least."""

import torch

from inference_service.sampling.region import Region, best_first


def reaching(region: Region, positions: list[int], scores: torch.Tensor, threshold: float) -> list[int]:
    """Row numbers of the scores that reach the threshold, highest first; if none does, of the highest."""
    count = int((scores >= threshold).sum())
    return best_first(region, positions, scores, max(1, count))
