"""Rank the open positions by a strategy, then commit as many as a rule allows.

The manual workflow's sampler: what "auto-select" proposes. Names mean what they say:
"high_confidence" commits the surest position first, "low_confidence" the least sure.
Rules: threshold after Wu et al., "Fast-dLLM", arXiv 2505.22618; factor as in the visualizer of
github.com/taiqihe/LLaDA, where the demand falls with the rank (Fast-dLLM's own factor is another
rule). Entropy and margin rankings after Ye et al., "Dream 7B", arXiv 2508.15487.
"""

from typing import Literal

import torch
from pydantic import Field

from inference_service.sampling import distribution
from inference_service.sampling.blockwise import open_in_block
from inference_service.sampling.drawing import Drawn, draw
from inference_service.sampling.noise import Noise
from inference_service.sampling.parameters import Blockwise, Extent
from inference_service.sampling.region import best_first
from inference_service.sampling.sampler import Need, Prediction, Proposal, Sampler, SamplingContext

Strategy = Literal["high_confidence", "low_confidence", "high_entropy", "low_entropy", "margin", "random",
                   "left_to_right"]


class RankedParameters(Blockwise):
    strategy: Strategy = Field("high_confidence", description=(
        "Which positions come first: the surest or least sure token, the most or least open choice,"
        " the clearest lead over the second token, chance, or reading order."))
    rule: Literal["constant", "threshold", "factor"] = Field("constant", description=(
        "How many are committed in a step: always `count`; or, of these, while the token's probability reaches"
        " `threshold`; or while the i-th one's reaches `factor` / (i + 1). At least one."))
    count: int | None = Field(None, ge=0, le=4096, description=(
        "The most positions that one step commits; 0 or left out: 1 by the constant rule, no limit by the others."))
    threshold: float = Field(0.9, ge=0, le=1, description="Probability asked of every token by the threshold rule.")
    factor: float = Field(1.0, ge=0, le=10, description="The factor rule's demand on the first token; the second"
                                                        " must reach half of it, the third a third, and so on.")

    def resolve(self, extent: Extent) -> "RankedParameters":
        return super().resolve(extent).replaced(count=self.count or 0)


def rank(strategy: Strategy, drawn: Drawn, noise: Noise) -> torch.Tensor:
    """Scores [N], higher first."""
    if strategy == "random":
        return noise.uniform(drawn.positions)
    if strategy == "left_to_right":
        return -torch.tensor(drawn.positions, dtype=torch.float64)
    if strategy == "margin":
        return distribution.margin(drawn.p_base)
    scores = distribution.entropy(drawn.p_base) if strategy.endswith("entropy") else drawn.confidence
    return scores if strategy.startswith("high") else -scores


def allowed(rule: str, parameters: RankedParameters, probabilities: list[float]) -> int:
    """How many of the ranked positions the rule lets through; probabilities: of their tokens, in rank order."""
    count = min(parameters.count or (1 if rule == "constant" else len(probabilities)), len(probabilities))
    if rule == "constant":
        return count
    for index, probability in enumerate(probabilities[:count]):
        if probability < (parameters.threshold if rule == "threshold" else parameters.factor / (index + 1)):
            return max(1, index)
    return count


def propose(prediction: Prediction, context: SamplingContext[RankedParameters]) -> Proposal:
    parameters, region = context.parameters, context.region
    drawn = draw(prediction, context, open_in_block(context))
    scores = rank(parameters.strategy, drawn, context.noise)
    chosen = drawn.confidence.tolist()
    rows = best_first(region, drawn.positions, scores, len(drawn.positions))
    rows = rows[: allowed(parameters.rule, parameters, [chosen[row] for row in rows])]
    return Proposal(drawn.commits(rows, scores))


SAMPLER = Sampler(
    name="ranked",
    summary="Ranks the open positions by a strategy and commits as many as a rule allows.",
    source="Wu et al., Fast-dLLM, arXiv 2505.22618; Ye et al., Dream 7B, arXiv 2508.15487",
    parameters=RankedParameters,
    needs=Need.BLOCKS,
    wanted=open_in_block,
    propose=propose,
)
