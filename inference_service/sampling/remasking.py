"""Which decided positions to mask again: the doubtful ones, random ones, or a mixture.

Source: the inference visualizer of github.com/JinxCodesAI/nano_gpt. Having seen the whole canvas, how unlikely does
the model find the token that stands there?
"""

from inference_service.sampling import distribution
from inference_service.sampling.noise import REOPEN_STREAM
from inference_service.sampling.parameters import Parameters
from inference_service.sampling.sampler import Prediction, Reopen, SamplingContext


def ranked(prediction: Prediction, context: SamplingContext[Parameters], positions: list[int], rho: float,
           ) -> list[Reopen]:
    """The positions with the highest score first: rho U + (1 - rho) wrong, with U uniform and wrong = 1 - p(token).

    With rho = 1 no prediction is needed.
    """
    scores = rho * context.noise.uniform(positions, REOPEN_STREAM)
    if rho < 1 and positions:
        p = distribution.p_base(prediction.rows(positions))
        tokens = p.new_tensor([context.region.tokens[position] for position in positions]).long()
        scores = scores + (1 - rho) * (1 - distribution.probability_of(p, tokens)).double().cpu()
    best = scores.sort(descending=True, stable=True)
    return [Reopen(positions[row], score) for row, score in zip(best.indices.tolist(), best.values.tolist(),
                                                                strict=True)]
