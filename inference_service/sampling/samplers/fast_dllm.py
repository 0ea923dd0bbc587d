"""Fast-dLLM's parallel decoding: in every step all positions that are sure enough, block after block.

Source: Wu et al., "Fast-dLLM", arXiv 2505.22618, section 3.3, and generate.py of github.com/NVlabs/Fast-dLLM.
A fault of that code is absent here: by its factor rule the last position is committed with the one before it,
however unsure it is.
"""

from typing import Literal

import torch
from pydantic import Field

from inference_service.sampling.blockwise import open_in_block
from inference_service.sampling.drawing import draw
from inference_service.sampling.parameters import Blockwise
from inference_service.sampling.region import best_first
from inference_service.sampling.sampler import Need, Prediction, Proposal, Sampler, SamplingContext
from inference_service.sampling.threshold import reaching


class FastDllmParameters(Blockwise):
    rule: Literal["threshold", "factor"] = Field("threshold", description=(
        "Which positions a step commits: those whose token's probability reaches `threshold`; or the surest one,"
        " then the r-th surest while its token's reaches 1 - `factor` / (r + 1). At least one."))
    threshold: float = Field(0.9, ge=0, le=1, description="Probability asked of every token by the threshold rule.")
    factor: float = Field(1.0, ge=0, le=10, description=(
        "The factor rule's leniency: at 1 the second surest token must reach two thirds, the third three quarters."))


def accepted(ranked: torch.Tensor, factor: float) -> int:
    """How many the factor rule lets through; ranked: probabilities of the tokens, highest first."""
    demands = 1 - factor / torch.arange(2, len(ranked) + 2, dtype=ranked.dtype, device=ranked.device)
    reached = ranked >= demands
    reached[0] = True
    return int(reached.long().cumprod(0).sum())


def propose(prediction: Prediction, context: SamplingContext[FastDllmParameters]) -> Proposal:
    parameters, region = context.parameters, context.region
    drawn = draw(prediction, context, open_in_block(context))
    if parameters.rule == "threshold":
        rows = reaching(region, drawn.positions, drawn.confidence, parameters.threshold)
    else:
        rows = best_first(region, drawn.positions, drawn.confidence, len(drawn.positions))
        rows = rows[:accepted(drawn.confidence[rows], parameters.factor)]
    return Proposal(drawn.commits(rows, drawn.confidence))


SAMPLER = Sampler(
    name="fast_dllm",
    summary="Commits every position that is sure enough, by a fixed threshold or one that rises with the rank.",
    source="Wu et al., Fast-dLLM, arXiv 2505.22618; github.com/NVlabs/Fast-dLLM",
    parameters=FastDllmParameters,
    needs=Need.BLOCKS,
    wanted=open_in_block,
    propose=propose,
)
