"""LocalLeap: sure positions, and with them less sure ones beside them, block after block.

Source: Kong et al., "Accelerating Diffusion LLM Inference via Local Determinism Propagation", arXiv 2510.07081,
and github.com/friedrichor/LocalLeap. With fewer `steps` than positions every step commits its even share at
least, as in github.com/iOptimizeThings/dlmserve; positions that come by the share alone are no anchors.
"""

import torch
from pydantic import Field

from inference_service.sampling.blockwise import EvenState, EvenSteps, even_share, open_in_block
from inference_service.sampling.drawing import draw
from inference_service.sampling.region import best_first
from inference_service.sampling.sampler import Need, Prediction, Proposal, Sampler, SamplingContext


class LocalLeapParameters(EvenSteps):
    threshold: float = Field(0.9, ge=0, le=1, description=(
        "The token's probability that makes a position an anchor; anchors are always committed."))
    relaxed_threshold: float = Field(0.75, ge=0, le=1, description=(
        "The probability that is enough near an anchor."))
    radius: int = Field(4, ge=0, le=4096, description="How many positions to both sides are near an anchor.")


def near(positions: list[int], anchors: torch.Tensor, radius: int) -> torch.Tensor:
    """Which positions have an anchor within the radius, bool [N]; anchors: which of them are some."""
    places = torch.tensor(positions, device=anchors.device)
    return ((places[:, None] - places[anchors]).abs() <= radius).any(-1)


def propose(prediction: Prediction, context: SamplingContext[LocalLeapParameters]) -> Proposal:
    """state: the even schedule's."""
    parameters, share = context.parameters, even_share(context)
    drawn = draw(prediction, context, share.positions)
    anchors = drawn.confidence >= parameters.threshold
    beside = near(drawn.positions, anchors, parameters.radius) & (drawn.confidence >= parameters.relaxed_threshold)
    leaps = (anchors | beside).tolist()
    ranked = best_first(context.region, drawn.positions, drawn.confidence, len(drawn.positions))
    rows = [row for rank, row in enumerate(ranked) if rank < share.count or leaps[row]]
    return Proposal(drawn.commits(rows, drawn.confidence), share.state)


SAMPLER = Sampler(
    name="local_leap",
    summary="Commits the positions that are sure, and near them also those that are fairly sure.",
    source="Kong et al., Accelerating Diffusion LLM Inference via Local Determinism Propagation, arXiv 2510.07081;"
           " github.com/friedrichor/LocalLeap",
    parameters=LocalLeapParameters,
    needs=Need.BLOCKS,
    wanted=open_in_block,
    propose=propose,
    state=EvenState,
)
