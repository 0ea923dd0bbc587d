"""LLaDA's sampler: an even quota of commits in every step, block after block.

Source: Nie et al., "Large Language Diffusion Models", arXiv 2502.09992, section 2.4, and generate.py
of github.com/ML-GSAI/LLaDA. Two faults of that code are absent here: the end-of-text demotion works
at every temperature, and open positions in the prompt take no share from the block's quota.
"""

from typing import Literal

import torch
from pydantic import Field

from inference_service.sampling import distribution
from inference_service.sampling.blockwise import EvenState, EvenSteps, even_share, open_in_block
from inference_service.sampling.drawing import Drawn, draw
from inference_service.sampling.region import best_first
from inference_service.sampling.sampler import Need, Prediction, Proposal, Sampler, SamplingContext


class LladaParameters(EvenSteps):
    remasking: Literal["low_confidence", "random"] = Field("low_confidence", description=(
        "What stays masked in a step: the tokens the model is least sure of, or random ones."))
    confidence_eos_eot_inf: bool = Field(False, description=(
        "Commit end-of-text and end-of-turn only where nothing else is left to commit."))


def propose(prediction: Prediction, context: SamplingContext[LladaParameters]) -> Proposal:
    """state: the even schedule's."""
    share = even_share(context)
    drawn = draw(prediction, context, share.positions)
    scores = confidence(drawn, prediction, context)
    rows = best_first(context.region, share.positions, scores, share.count)
    return Proposal(drawn.commits(rows, scores), share.state)


def confidence(drawn: Drawn, prediction: Prediction, context: SamplingContext[LladaParameters]) -> torch.Tensor:
    """What the positions are ranked by, [N]: the noise-free probability of the chosen token, or chance."""
    parameters, ids = context.parameters, context.ids
    ends = ids.ends if parameters.confidence_eos_eot_inf else []
    if parameters.remasking == "random":
        scores = context.noise.uniform(drawn.positions).to(drawn.tokens.device)
        for token in ends:
            scores = scores.masked_fill(drawn.tokens == token, -1.0)  # after all others
        return scores
    never = ids.ends_of_text if parameters.logits_eos_inf else []
    ranked = distribution.forbid(prediction.rows(drawn.positions), [*never, *ends])
    return distribution.probability_of(distribution.p_base(ranked), drawn.tokens)


SAMPLER = Sampler(
    name="llada",
    summary="An even quota of commits in every step, block after block, the surest (or random) positions first.",
    source="Nie et al., Large Language Diffusion Models, arXiv 2502.09992; github.com/ML-GSAI/LLaDA generate.py",
    parameters=LladaParameters,
    needs=Need.BLOCKS,
    wanted=open_in_block,
    propose=propose,
    state=EvenState,
)
