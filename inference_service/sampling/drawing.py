"""A token for every position looked at, drawn by the pipeline: where most samplers begin."""

from dataclasses import dataclass

import torch

from inference_service.sampling import distribution
from inference_service.sampling.parameters import Parameters
from inference_service.sampling.sampler import Commit, Prediction, SamplingContext


@dataclass(frozen=True)
class Drawn:
    """positions: N of them. p_base, shaped: [N, V]. tokens: drawn from p_final, int64 [N].

    confidence: p_base of the tokens, [N]: what most rules rank by.
    """

    positions: list[int]
    p_base: torch.Tensor
    shaped: torch.Tensor
    tokens: torch.Tensor
    confidence: torch.Tensor

    def commits(self, rows: list[int], scores: torch.Tensor) -> list[Commit]:
        """Some rows' tokens as commits, in the order of the rows."""
        tokens, confidence, score = self.tokens.tolist(), self.confidence.tolist(), scores.tolist()
        return [Commit(self.positions[row], tokens[row], confidence[row], score[row]) for row in rows]


def draw(prediction: Prediction, context: SamplingContext[Parameters], positions: list[int]) -> Drawn:
    """One token for each of the positions, by the context's parameters and noise."""
    raw = prediction.rows(positions)
    p_base = distribution.p_base(raw)
    shaped = context.shape(raw, positions)
    tokens = distribution.choose(shaped, context.parameters.temperature, context.noise, positions)
    return Drawn(positions, p_base, shaped, tokens, distribution.probability_of(p_base, tokens))
