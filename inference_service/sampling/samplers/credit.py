"""Credit decoding: tokens that stay the likeliest from step to step need less to be committed.

Source: Wang et al., "CreditDecoding", arXiv 2510.06133, as in github.com/inclusionAI/dInfer (Ma et al., arXiv
2510.08666). Two faults of that code are absent here: credit belongs to one canvas, not to a place in a block
whosever it is, and none is given to a token that is never generated.
"""

import math
from dataclasses import replace
from typing import Annotated

import torch
from pydantic import Field

from inference_service.sampling import distribution
from inference_service.sampling.blockwise import open_in_block
from inference_service.sampling.drawing import draw
from inference_service.sampling.parameters import Blockwise
from inference_service.sampling.region import current_block
from inference_service.sampling.sampler import Need, Prediction, Proposal, Sampler, SamplingContext
from inference_service.sampling.states import Number, State
from inference_service.sampling.threshold import reaching

Credits = dict[str, dict[str, float]]  # position, token: its credit

TIE = 1e-5


class CreditParameters(Blockwise):
    threshold: float = Field(0.9, ge=0, le=1, description=(
        "Probability asked of every token, credit included; where none reaches it, the surest are committed."))
    credit_alpha: float = Field(0.7, ge=0, le=10, description=(
        "How much credit C counts: this times ln(C + 1) is added to the token's logit."))
    boost_gamma: float = Field(0.2, ge=0, le=10, description=(
        "The likeliest token of a step is credited its probability to this power; the lower, the more an unsure one"
        " counts."))
    decay_beta: float = Field(0.8, ge=0, le=1, description="What is left of a credit after a step.")


class CreditState(State):
    """place: the block's length and number. credits: of the positions left open."""

    place: list[int]
    credits: dict[Number, dict[Number, Annotated[float, Field(ge=0)]]]


def credits(context: SamplingContext[CreditParameters], positions: list[int], raw: torch.Tensor) -> Credits:
    """The credits with this step's; raw: logits of the positions, [N, V]."""
    parameters = context.parameters
    tokens = distribution.forbid(raw, context.forbidden).argmax(-1)
    gains = distribution.probability_of(distribution.p_base(raw), tokens).double() ** parameters.boost_gamma
    earlier = context.state["credits"] if _begun(context) else {}
    after = {}
    for position, token, gain in zip(map(str, positions), map(str, tokens.tolist()), gains.tolist(), strict=True):
        after[position] = {other: credit * parameters.decay_beta for other, credit in earlier.get(position, {}).items()}
        after[position][token] = after[position].get(token, 0.0) + gain
    return after


def _place(context: SamplingContext[CreditParameters]) -> list[int]:
    """Where the credits are counted: the block's length and number."""
    length = context.parameters.block_size
    return [length, current_block(context.region, length)[0]]


def _begun(context: SamplingContext[CreditParameters]) -> bool:
    """Whether the state's credits are of the block being decided."""
    return context.state.get("place") == _place(context)


def credited(raw: torch.Tensor, positions: list[int], after: Credits, alpha: float) -> torch.Tensor:
    """The logits with alpha ln(C + 1) added, [N, V]."""
    cells = [(row, int(token), alpha * math.log1p(credit))
             for row, position in enumerate(positions) for token, credit in after[str(position)].items()
             if int(token) < raw.shape[-1]]  # a state may be of another model
    rows, tokens, gains = (torch.tensor(column, device=raw.device) for column in zip(*cells, strict=True))
    return raw.index_put((rows, tokens), gains.to(raw.dtype), accumulate=True)


def propose(prediction: Prediction, context: SamplingContext[CreditParameters]) -> Proposal:
    """state: the block's length and number; its credits, of the positions left open."""
    parameters, positions = context.parameters, open_in_block(context)
    raw = prediction.rows(positions)
    after = credits(context, positions, raw)
    fused = credited(raw, positions, after, parameters.credit_alpha)
    drawn = draw(Prediction(positions, fused), context, positions)
    scores = drawn.confidence
    rows = reaching(context.region, positions, scores, min(parameters.threshold, scores.max().item() - TIE))
    p_base = distribution.p_base(raw)
    told = replace(drawn, p_base=p_base, confidence=distribution.probability_of(p_base, drawn.tokens))
    commits = told.commits(rows, scores)
    for commit in commits:
        del after[str(commit.position)]
    return Proposal(commits, {"place": _place(context), "credits": after})


SAMPLER = Sampler(
    name="credit",
    summary="Commits every position that is sure enough, counting for a token how long it has been the likeliest.",
    source="Wang et al., CreditDecoding, arXiv 2510.06133; Ma et al., dInfer, arXiv 2510.08666;"
           " github.com/inclusionAI/dInfer",
    parameters=CreditParameters,
    needs=Need.BLOCKS,
    wanted=open_in_block,
    propose=propose,
    state=CreditState,
)
