"""P2, path planning: in every step all positions are scored anew, decided ones too, and the worst are masked.

Source: Peng et al., "Path Planning for Masked Diffusion Model Sampling", arXiv 2502.03540, with the model as its
own planner, and github.com/pengzhangzhi/path_planning and Open-dLLM. In step i of `steps` the floor(n (1 - i / steps))
positions with the lowest score are masked; open ones that are not among them take their token.
"""

import math

import torch
from pydantic import Field

from inference_service.sampling import distribution
from inference_service.sampling.drawing import draw
from inference_service.sampling.noise import ORDER_STREAM
from inference_service.sampling.parameters import InSteps, Revising
from inference_service.sampling.sampler import Prediction, Proposal, Reopen, Sampler, SamplingContext
from inference_service.sampling.states import Count, Stepped


class P2Parameters(InSteps, Revising):
    eta: float = Field(1.0, ge=0, le=10, description=(
        "How easily decided positions are masked again: their log-probability counts so many times; 0 never masks"
        " one."))
    alg_temp: float = Field(0.5, ge=0, le=10, description=(
        "0 masks the positions that score worst; higher lets chance have a say."))


class P2State(Stepped):
    """schedule: the number of steps. step: those behind it."""

    schedule: Count


def masks_after(parameters: P2Parameters, changeable: int, step: int) -> int:
    """How many positions are masked after a step, counted from 1."""
    return math.floor(changeable * (1 - step / parameters.step_count) + 1e-9)


def positions_of(context: SamplingContext[P2Parameters]) -> list[int]:
    """All positions that may change, ascending: the open ones and the committed ones."""
    return sorted({*context.region.open, *context.region.committed(context.parameters.protect_edits)})


def step_at(context: SamplingContext[P2Parameters]) -> int:
    """The next step that decides something, counted from 1; steps + 1 when all is done.

    Afresh it is the first that leaves fewer positions open than there are, so a whole canvas has none.
    """
    parameters, opened, changeable = context.parameters, len(context.region.open), len(positions_of(context))
    same = context.state.get("schedule") == parameters.step_count and context.state["step"] < parameters.step_count

    def decides(step: int) -> bool:
        masks = masks_after(parameters, changeable, step)
        if not same or not parameters.eta:  # afresh, or no decided one can be masked: only what it commits counts
            return masks < opened
        return bool(masks or opened)

    first = context.state["step"] + 1 if same else 1
    return next((step for step in range(first, parameters.step_count + 1) if decides(step)), parameters.step_count + 1)


def wanted(context: SamplingContext[P2Parameters]) -> list[int]:
    return positions_of(context)


def finished(context: SamplingContext[P2Parameters]) -> bool:
    return step_at(context) > context.parameters.step_count


def propose(prediction: Prediction, context: SamplingContext[P2Parameters]) -> Proposal:
    """state: the number of steps of the schedule, and those behind it."""
    parameters, region = context.parameters, context.region
    step, positions = step_at(context), positions_of(context)
    drawn = draw(prediction, context, positions)
    stands = torch.tensor([region.tokens[position] is not None for position in positions])
    there = torch.tensor([region.tokens[position] or 0 for position in positions], device=drawn.tokens.device)
    tokens = torch.where(stands.to(there.device), there, drawn.tokens)
    scores = distribution.probability_of(drawn.p_base, tokens).double().cpu().clamp(min=1e-300).log()
    scores = torch.where(stands, parameters.eta * scores, scores)
    ranked = scores
    if parameters.alg_temp:
        ranked = scores + parameters.alg_temp * context.noise.gumbel(positions, 1, ORDER_STREAM)[:, 0]
    if not parameters.eta:
        ranked = torch.where(stands, torch.inf, ranked)
    order = ranked.argsort(descending=True, stable=True).tolist()
    masks = masks_after(parameters, len(positions), step)
    kept = order[:len(positions) - (masks if parameters.eta else min(masks, len(region.open)))]
    masked = order[len(kept):]
    commits = drawn.commits([row for row in kept if not stands[row]], scores)
    reopens = [Reopen(positions[row], -float(scores[row])) for row in reversed(masked) if stands[row]]
    return Proposal(commits, {"schedule": parameters.step_count, "step": step}, reopens)


SAMPLER = Sampler(
    name="p2",
    summary="Scores all positions anew in every step, decided ones too, and keeps the best of them.",
    source="Peng et al., Path Planning for Masked Diffusion Model Sampling, arXiv 2502.03540;"
           " github.com/pengzhangzhi/Open-dLLM",
    parameters=P2Parameters,
    wanted=wanted,
    propose=propose,
    finished=finished,
    state=P2State,
    revises=True,
)
