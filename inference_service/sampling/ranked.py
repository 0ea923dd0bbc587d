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
from inference_service.sampling.noise import Noise
from inference_service.sampling.sampler import (
    Commit,
    Ids,
    Parameters,
    Prediction,
    Proposal,
    Region,
    Sampler,
    best_first,
    current_block,
    resolve_block_length,
)

Strategy = Literal["high_confidence", "low_confidence", "high_entropy", "low_entropy", "margin", "random",
                   "left_to_right"]


class RankedParameters(Parameters):
    strategy: Strategy = Field("high_confidence", description=(
        "Which positions come first: the surest or least sure token, the most or least open choice,"
        " the clearest lead over the second token, chance, or reading order."))
    rule: Literal["constant", "threshold", "factor"] = Field("constant", description=(
        "How many are committed in a step: always `count`; or, of these, while the token's probability reaches"
        " `threshold`; or while the i-th one's reaches `factor` / (i + 1). At least one."))
    count: int | None = Field(None, ge=1, le=4096, description=(
        "The most positions that one step commits; left out: 1 by the constant rule, no limit by the others."))
    threshold: float = Field(0.9, ge=0, le=1, description="Probability asked of every token by the threshold rule.")
    factor: float = Field(1.0, ge=0, le=10, description="The factor rule's demand on the first token; the second"
                                                        " must reach half of it, the third a third, and so on.")
    block_length: int | None = Field(None, ge=1, le=4096, description=(
        "Positions decided before the next ones to the right; follows the length: one block."))
    temperature: float = Field(0.0, ge=0, le=10, description=(
        "0 takes the likeliest token; 1 draws from the model's own distribution; higher is wilder."))


def resolve(parameters: RankedParameters, length: int) -> RankedParameters:
    count = 1 if parameters.count is None and parameters.rule == "constant" else parameters.count
    block_length = resolve_block_length(parameters.block_length, length)
    return parameters.model_copy(update={"count": count, "block_length": block_length})


def wanted(parameters: RankedParameters, region: Region, state: dict) -> list[int]:
    return current_block(region, parameters.block_length)[1]


def rank(strategy: Strategy, p: torch.Tensor, tokens: torch.Tensor, noise: Noise, positions: list[int]) -> torch.Tensor:
    """Scores [N], higher first. p: p_base [N, V]; tokens: the chosen ones [N]."""
    if strategy == "random":
        return noise.order(positions)
    if strategy == "left_to_right":
        return -torch.tensor(positions, dtype=torch.float64)
    if strategy == "margin":
        return distribution.margin(p)
    if strategy.endswith("entropy"):
        scores = distribution.entropy(p)
    else:
        scores = distribution.probability_of(p, tokens)
    return scores if strategy.startswith("high") else -scores


def allowed(rule: str, parameters: RankedParameters, probabilities: list[float]) -> int:
    """How many of the ranked positions the rule lets through; probabilities: of their tokens, in rank order."""
    count = min(parameters.count or len(probabilities), len(probabilities))
    if rule == "constant":
        return count
    for index, probability in enumerate(probabilities[:count]):
        if probability < (parameters.threshold if rule == "threshold" else parameters.factor / (index + 1)):
            return max(1, index)
    return count


def propose(parameters: RankedParameters, prediction: Prediction, region: Region, state: dict, ids: Ids,
            noise: Noise) -> Proposal:
    positions = current_block(region, parameters.block_length)[1]
    raw = prediction.rows(positions)
    p_base = distribution.p_base(raw)
    tokens = distribution.choose(distribution.forbid(raw, ids.forbidden), parameters.temperature, noise, positions)
    scores = rank(parameters.strategy, p_base, tokens, noise, positions)
    chosen = distribution.probability_of(p_base, tokens).tolist()
    rows = best_first(region, positions, scores, len(positions))
    rows = rows[: allowed(parameters.rule, parameters, [chosen[row] for row in rows])]
    return Proposal([Commit(positions[row], int(tokens[row]), chosen[row], float(scores[row])) for row in rows])


SAMPLER = Sampler(
    name="ranked",
    summary="Ranks the open positions by a strategy and commits as many as a rule allows.",
    source="Wu et al., Fast-dLLM, arXiv 2505.22618; Ye et al., Dream 7B, arXiv 2508.15487",
    parameters=RankedParameters,
    resolve=resolve,
    wanted=wanted,
    propose=propose,
)
