"""Hierarchical decoding: the surest position of every run of open ones, so that each run is divided.

Source: Ma et al., "dInfer", arXiv 2510.08666, and HierarchyDecoder of github.com/inclusionAI/dInfer. With a
`remask_threshold`, its hierarchy-remask: committed positions of the block whose token has become doubtful are open
again, and the step commits more positions than it opened. So the open ones grow fewer in every step and it ends.
Here a position is doubtful by its own token's probability, in that code by the likeliest token's.
"""

import torch
from pydantic import Field

from inference_service.sampling import distribution
from inference_service.sampling.blockwise import open_in_block
from inference_service.sampling.drawing import Drawn, draw
from inference_service.sampling.parameters import Blockwise, Extent, ParameterError
from inference_service.sampling.region import best_first, block_of
from inference_service.sampling.sampler import Need, Prediction, Proposal, Reopen, Sampler, SamplingContext


class HierarchicalParameters(Blockwise):
    threshold: float = Field(0.9, ge=0, le=1, description="Every token above this probability is committed.")
    low_threshold: float = Field(0.4, ge=0, le=1, description=(
        "The surest token of each run of open positions is committed above this probability."))
    remask_threshold: float = Field(0.0, ge=0, le=1, description=(
        "A committed position of the block is open again once its token's probability is below this; 0: none, 0.4 is"
        " published."))

    def resolve(self, extent: Extent) -> "HierarchicalParameters":
        if self.early_stop and self.remask_threshold:
            raise ParameterError("early_stop", "must be false with a remask_threshold, which may open the end again")
        return super().resolve(extent)


def wanted(context: SamplingContext[HierarchicalParameters]) -> list[int]:
    return sorted([*open_in_block(context), *_revisable(context)])


def _revisable(context: SamplingContext[HierarchicalParameters]) -> list[int]:
    """The committed positions of the block that may be opened again."""
    region, length = context.region, context.parameters.block_size
    if not context.parameters.remask_threshold:
        return []
    block = block_of(region, region.open[0], length)
    return [position for position in region.committed() if block_of(region, position, length) == block]


def doubtful(drawn: Drawn, context: SamplingContext[HierarchicalParameters]) -> dict[int, float]:
    """The rows of committed positions that are open again, with what their tokens' probabilities are now."""
    revisable = set(_revisable(context))
    rows = [row for row, position in enumerate(drawn.positions) if position in revisable]
    tokens = [context.region.tokens[drawn.positions[row]] for row in rows]
    now = distribution.probability_of(drawn.p_base[rows], torch.tensor(tokens, dtype=torch.long,
                                                                       device=drawn.tokens.device))
    below = (now < context.parameters.remask_threshold).tolist()
    return {row: p for row, p, low in zip(rows, now.tolist(), below, strict=True) if low}


def selected(drawn: Drawn, ranked: list[int], least: int, context: SamplingContext[HierarchicalParameters],
             ) -> list[int]:
    """The rows to decide, surest first; ranked: the rows that are open, surest first. At least so many."""
    runs = {row: drawn.positions[row] - place for place, row in enumerate(sorted(ranked))}  # equal within a run
    high = (drawn.confidence > context.parameters.threshold).tolist()
    low = (drawn.confidence > context.parameters.low_threshold).tolist()
    chosen, led = set(), set()
    for row in ranked:
        if high[row] or (low[row] and runs[row] not in led):
            chosen.add(row)
        led.add(runs[row])
    others = [row for row in ranked if row not in chosen]
    chosen.update(others[:max(0, least - len(chosen))])
    return [row for row in ranked if row in chosen]


def propose(prediction: Prediction, context: SamplingContext[HierarchicalParameters]) -> Proposal:
    region = context.region
    drawn = draw(prediction, context, wanted(context))
    doubted, still_open = doubtful(drawn, context), set(region.open)
    rows = [row for row, position in enumerate(drawn.positions) if position in still_open or row in doubted]
    positions = [drawn.positions[row] for row in rows]
    ranked = [rows[index] for index in best_first(region, positions, drawn.confidence[rows], len(rows))]
    chosen = selected(drawn, ranked, 1 + len(doubted), context)
    decided = drawn.commits(chosen, drawn.confidence)
    opened = [row for row in sorted(doubted, key=lambda row: doubted[row]) if row not in chosen]
    return Proposal(
        commits=[commit for commit in decided if commit.position in still_open],
        reopens=[Reopen(drawn.positions[row], -doubted[row]) for row in opened],
        edits=[commit for commit in decided
               if commit.position not in still_open and commit.token != region.tokens[commit.position]])


SAMPLER = Sampler(
    name="hierarchical",
    summary="Commits the surest position of every run of open ones, and whatever else is sure.",
    source="Ma et al., dInfer: An Efficient Inference Framework for Diffusion Language Models, arXiv 2510.08666;"
           " github.com/inclusionAI/dInfer",
    parameters=HierarchicalParameters,
    needs=Need.BLOCKS,
    wanted=wanted,
    propose=propose,
    revises=True,
)
