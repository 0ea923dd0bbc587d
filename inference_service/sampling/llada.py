"""LLaDA's sampler: an even quota of commits in every step, block after block.

Source: Nie et al., "Large Language Diffusion Models", arXiv 2502.09992, section 2.4, and generate.py
of github.com/ML-GSAI/LLaDA. Two faults of that code are absent here: the end-of-text demotion works
at every temperature, and open positions in the prompt take no share from the block's quota.
"""

from typing import Literal

import torch
from pydantic import Field

from inference_service.sampling import distribution
from inference_service.sampling.noise import Noise
from inference_service.sampling.sampler import (
    Commit,
    Ids,
    ParameterError,
    Parameters,
    Prediction,
    Proposal,
    Region,
    Sampler,
    best_first,
    current_block,
    resolve_block_length,
)


class LladaParameters(Parameters):
    steps: int | None = Field(None, ge=1, le=4096, description=(
        "Denoising steps in all, shared evenly by the blocks; follows the length: one step a token."))
    block_length: int | None = Field(None, ge=1, le=4096, description=(
        "Positions decided before the next ones to the right; follows the length: one block."))
    temperature: float = Field(0.0, ge=0, le=10, description=(
        "0 takes the likeliest token; 1 draws from the model's own distribution; higher is wilder."))
    cfg_scale: float = Field(0.0, ge=0, le=10, description=(
        "Classifier-free guidance: how much further than the model to lean on the prompt; doubles the work."))
    remasking: Literal["low_confidence", "random"] = Field("low_confidence", description=(
        "What stays masked in a step: the tokens the model is least sure of, or random ones."))
    logits_eos_inf: bool = Field(False, description="Never generate the end-of-text token.")
    confidence_eos_eot_inf: bool = Field(False, description=(
        "Commit end-of-text and end-of-turn only where nothing else is left to commit."))


def resolve(parameters: LladaParameters, length: int) -> LladaParameters:
    block_length = resolve_block_length(parameters.block_length, length)
    blocks = length // block_length
    steps = parameters.steps if parameters.steps is not None else length
    if steps % blocks:
        raise ParameterError("steps", f"must be a multiple of the number of blocks, {blocks}; got {steps}")
    return parameters.model_copy(update={"steps": steps, "block_length": block_length})


def wanted(parameters: LladaParameters, region: Region, state: dict) -> list[int]:
    return current_block(region, parameters.block_length)[1]


def quota(open_count: int, steps_left: int) -> int:
    """How many to commit now, so that the rest spreads evenly and earlier steps take the remainder."""
    return -(-open_count // max(1, steps_left))


def propose(parameters: LladaParameters, prediction: Prediction, region: Region, state: dict, ids: Ids,
            noise: Noise) -> Proposal:
    """state: the schedule, [block length, steps]; the block's number; the steps already spent on it."""
    block, positions = current_block(region, parameters.block_length)
    schedule = [parameters.block_length, parameters.steps]
    same = state.get("block") == block and state.get("schedule") == schedule
    step = state["step"] if same else 0  # another schedule begins afresh
    steps_in_block = parameters.steps * parameters.block_length // max(1, region.length)

    raw = prediction.rows(positions)
    p_base = distribution.p_base(raw)
    scored = distribution.forbid(raw, [ids.eos]) if parameters.logits_eos_inf and ids.eos is not None else raw
    tokens = distribution.choose(distribution.forbid(scored, ids.forbidden), parameters.temperature, noise, positions)
    scores = confidence(parameters, scored, tokens, ids, noise, positions)

    rows = best_first(region, positions, scores, quota(len(positions), steps_in_block - step))
    chosen = distribution.probability_of(p_base, tokens)
    commits = [Commit(positions[row], int(tokens[row]), float(chosen[row]), float(scores[row])) for row in rows]
    return Proposal(commits, {"schedule": schedule, "block": block, "step": step + 1})


def confidence(parameters: LladaParameters, logits: torch.Tensor, tokens: torch.Tensor, ids: Ids, noise: Noise,
               positions: list[int]) -> torch.Tensor:
    """What the positions are ranked by, [N]: the noise-free probability of the chosen token, or chance."""
    ends = [token for token in (ids.eos, ids.eot) if token is not None] if parameters.confidence_eos_eot_inf else []
    if parameters.remasking == "random":
        scores = noise.order(positions).to(logits.device)
        for token in ends:
            scores = scores.masked_fill(tokens == token, -1.0)  # after all others
        return scores
    return distribution.probability_of(distribution.p_base(distribution.forbid(logits, ends)), tokens)


SAMPLER = Sampler(
    name="llada",
    summary="An even quota of commits in every step, block after block, the surest (or random) positions first.",
    source="Nie et al., Large Language Diffusion Models, arXiv 2502.09992; github.com/ML-GSAI/LLaDA generate.py",
    parameters=LladaParameters,
    resolve=resolve,
    wanted=wanted,
    propose=propose,
)
