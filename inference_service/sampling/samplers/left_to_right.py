"""Left to right: the first open positions, in reading order.

What every autoregressive model does, and the plain order to compare the others with.
"""

from pydantic import Field

from inference_service.sampling.drawing import draw
from inference_service.sampling.parameters import Committing
from inference_service.sampling.sampler import Prediction, Proposal, Sampler, SamplingContext


class LeftToRightParameters(Committing):
    count: int = Field(1, ge=1, le=4096, description="Positions that one step commits.")


def wanted(context: SamplingContext[LeftToRightParameters]) -> list[int]:
    return list(context.region.open[:context.parameters.count])


def propose(prediction: Prediction, context: SamplingContext[LeftToRightParameters]) -> Proposal:
    drawn = draw(prediction, context, wanted(context))
    return Proposal(drawn.commits(list(range(len(drawn.positions))), drawn.confidence))


SAMPLER = Sampler(
    name="left_to_right",
    summary="Commits the first open position, then the next, as autoregressive models do.",
    source="the order of autoregressive models; a baseline",
    parameters=LeftToRightParameters,
    wanted=wanted,
    propose=propose,
)
