"""Dream's samplers: time runs from 1 to eps, and each step decides the share that falls due.

Source: Ye et al., "Dream 7B: Diffusion Large Language Models", arXiv 2508.15487, and diffusion_generate of
github.com/DreamLM/Dream. Each canvas has its own quota, where that code takes the mean of a batch. A step in
which nothing falls due is passed over: it would cost a forward pass and change nothing.
"""

from typing import Literal

import torch
from pydantic import Field

from inference_service.sampling import distribution
from inference_service.sampling.drawing import Drawn, draw
from inference_service.sampling.noise import ORDER_STREAM, REVEAL_STREAM
from inference_service.sampling.parameters import Committing, InSteps
from inference_service.sampling.region import best_first
from inference_service.sampling.sampler import Prediction, Proposal, Sampler, SamplingContext
from inference_service.sampling.states import Stepped


class DreamParameters(InSteps, Committing):
    alg: Literal["origin", "maskgit_plus", "topk_margin", "entropy"] = Field("entropy", description=(
        "Which positions come first: any with equal chance, the likeliest token, the clearest lead over the second"
        " token, or the lowest entropy."))
    alg_temp: float = Field(0.0, ge=0, le=10, description=(
        "0 takes the positions that score best; higher draws them by chance, the better the likelier."))
    eps: float = Field(1e-3, ge=1e-6, le=0.5, description="The time at which the last step ends; time starts at 1."
                       " Matters little unless it is large.")


class DreamState(Stepped):
    """schedule: steps and eps. step: those behind it, passed ones included."""

    schedule: list[float] = []


def times(parameters: DreamParameters) -> torch.Tensor:
    """The times between which the steps run, [steps + 1], from 1 to eps."""
    return torch.linspace(1, parameters.eps, parameters.step_count + 1)


def due(context: SamplingContext[DreamParameters]) -> tuple[int, list[int]]:
    """The step that decides something, from the one at hand on, and by "origin" the positions that it reveals.

    By the other algorithms a list of all open positions: the quota says how many of them.
    """
    parameters, region = context.parameters, context.region
    schedule, done = [parameters.step_count, parameters.eps], context.state.get("step", 0)
    first = done if context.state.get("schedule") == schedule and done < parameters.step_count else 0
    positions = list(region.open)
    for step in range(first, parameters.step_count):
        if parameters.alg != "origin":
            if quota(parameters, len(positions), step):
                return step, positions
        elif revealed := _revealed(context, positions, step):
            return step, revealed
    raise AssertionError("the last step decides whatever is open")


def quota(parameters: DreamParameters, open_count: int, step: int) -> int:
    """How many of the open positions a step decides: floor(n (1 - s / t)), in the last step all."""
    t, s = times(parameters)[step:step + 2]
    return int(open_count * (1 - s / t)) if step < parameters.step_count - 1 else open_count


def _revealed(context: SamplingContext[DreamParameters], positions: list[int], step: int) -> list[int]:
    """Each open position by itself with the chance 1 - s / t, in the last step all."""
    t, s = times(context.parameters)[step:step + 2]
    chance = float(1 - s / t) if step < context.parameters.step_count - 1 else 1.0
    draws = context.noise.uniform(positions, REVEAL_STREAM, step).tolist()
    return [position for position, number in zip(positions, draws, strict=True) if number < chance]


def wanted(context: SamplingContext[DreamParameters]) -> list[int]:
    return due(context)[1]


def propose(prediction: Prediction, context: SamplingContext[DreamParameters]) -> Proposal:
    """state: the schedule, [steps, eps]; the steps behind it, passed ones included."""
    parameters = context.parameters
    step, positions = due(context)
    drawn = draw(prediction, context, positions)
    scores = score(parameters.alg, drawn)
    if parameters.alg == "origin":
        rows = best_first(context.region, positions, scores, len(positions))
    else:
        ranked = scores
        if parameters.alg_temp:
            # The n best of score + T * Gumbel are n draws without replacement from softmax(score / T).
            noise = context.noise.gumbel(positions, 1, ORDER_STREAM)[:, 0].to(scores.device)
            ranked = scores + parameters.alg_temp * noise
        rows = best_first(context.region, positions, ranked, quota(parameters, len(positions), step))
    state = {"schedule": [parameters.step_count, parameters.eps], "step": step + 1}
    return Proposal(drawn.commits(rows, scores), state)


def score(alg: str, drawn: Drawn) -> torch.Tensor:
    """What the positions are ranked by, [N], of the distribution after temperature, top-k and top-p."""
    p = torch.softmax(drawn.shaped, dim=-1).float()
    if alg == "topk_margin":
        return distribution.margin(p)
    if alg == "entropy":
        return -distribution.entropy(p)
    return distribution.probability_of(p, drawn.tokens)


SAMPLER = Sampler(
    name="dream",
    summary="Time runs down and each step decides the share of positions that falls due, in one of four orders.",
    source="Ye et al., Dream 7B: Diffusion Large Language Models, arXiv 2508.15487; github.com/DreamLM/Dream",
    parameters=DreamParameters,
    wanted=wanted,
    propose=propose,
    state=DreamState,
)
