"""Predict everything, then mask a part of it again: fewer positions from iteration to iteration.

Source: the inference visualizer of github.com/JinxCodesAI/nano_gpt. Which positions are opened again is a mixture
of chance and of the model's own doubt: having seen the whole text, how unlikely does it find each token? Its masks
made by hand count towards the ratio. The cosine ratio is MaskGIT's (Chang et al., arXiv 2202.04200).
"""

import math
from dataclasses import replace
from typing import Literal

from pydantic import Field

from inference_service.sampling.drawing import draw
from inference_service.sampling.parameters import Revising
from inference_service.sampling.remasking import ranked
from inference_service.sampling.sampler import Prediction, Proposal, Sampler, SamplingContext
from inference_service.sampling.states import Count, State

PREDICT, REMASK = "predict", "remask"


class PredictRemaskParameters(Revising):
    iterations: int = Field(20, ge=1, le=200, description=(
        "How often everything open is predicted; between two predictions a part is masked again."))
    start_ratio: float = Field(0.99, ge=0, le=1, description="The share of positions masked at the beginning.")
    end_ratio: float = Field(0.15, ge=0, le=1, description="The share masked before the last prediction.")
    schedule: Literal["linear", "cosine"] = Field("linear", description=(
        "How the share falls from start to end: evenly, or slowly at first."))
    rho: float = Field(0.8, ge=0, le=1, description=(
        "Which positions are masked again: 1 random ones, 0 those whose token the model doubts most; a mixture"
        " between. 1 spares the forward pass that looks for doubt."))
    temperature: float = Field(1.0, ge=0, le=10, description=(
        "0 takes the likeliest token; 1 draws from the model's own distribution; higher is wilder."))


class PredictRemaskState(State):
    """phase: the one that comes next. iteration: its number, from 0."""

    phase: Literal["predict", "remask"]
    iteration: Count


def ratio(parameters: PredictRemaskParameters, iteration: int) -> float:
    """The share of positions that are masked when an iteration, counted from 0, begins."""
    last = parameters.iterations - 1
    progress = iteration / last if last else 1.0
    left = 1 - progress if parameters.schedule == "linear" else math.cos(math.pi / 2 * progress)
    return parameters.end_ratio + left * (parameters.start_ratio - parameters.end_ratio)


def upcoming(context: SamplingContext[PredictRemaskParameters]) -> tuple[str, int, int] | None:
    """What comes next: the phase, its iteration, and how many positions to open; None when all is done.

    Phases with nothing to predict or to open are passed over.
    """
    parameters, region = context.parameters, context.region
    phase, iteration = context.state.get("phase", PREDICT), context.state.get("iteration", 0)
    may = region.committed(parameters.protect_edits)
    changeable = sum(position not in region.given for position in range(len(region.tokens)))
    while True:
        if phase == PREDICT and region.open:
            return PREDICT, iteration, 0
        if iteration >= parameters.iterations - 1:
            return None if not region.open else (PREDICT, iteration, 0)
        target = math.floor(changeable * ratio(parameters, iteration + 1) + 1e-9)  # 0.15 * 20 is 3
        count = min(len(may), max(0, target - len(region.open)))
        if count:
            return REMASK, iteration, count
        phase, iteration = PREDICT, iteration + 1


def _at_hand(context: SamplingContext[PredictRemaskParameters]) -> tuple[str, int, int]:
    """What comes next on a canvas that is not finished."""
    following = upcoming(context)
    assert following is not None
    return following


def wanted(context: SamplingContext[PredictRemaskParameters]) -> list[int]:
    phase, _, _ = _at_hand(context)
    if phase == PREDICT:
        return list(context.region.open)
    return [] if context.parameters.rho == 1 else context.region.committed(context.parameters.protect_edits)


def finished(context: SamplingContext[PredictRemaskParameters]) -> bool:
    return upcoming(context) is None


def propose(prediction: Prediction, context: SamplingContext[PredictRemaskParameters]) -> Proposal:
    """state: the phase that comes next and its iteration."""
    phase, iteration, count = _at_hand(context)
    if phase == REMASK:
        positions = context.region.committed(context.parameters.protect_edits)
        reopens = ranked(prediction, context, positions, context.parameters.rho)[:count]
        return Proposal(state={"phase": PREDICT, "iteration": iteration + 1}, reopens=reopens, substep="remasking")
    drawn = draw(prediction, context, list(context.region.open))
    rows = drawn.confidence.argsort(descending=True, stable=True).tolist()
    last = _last(context, iteration)
    return Proposal(drawn.commits(rows, drawn.confidence), {"phase": REMASK, "iteration": iteration},
                    substep="final" if last else "prediction", read_only=not last)


def _last(context: SamplingContext[PredictRemaskParameters], iteration: int) -> bool:
    """Whether nothing is masked again after the prediction of an iteration."""
    region = context.region
    whole = replace(region, open=(), tokens=tuple(-1 if token is None else token for token in region.tokens))
    return upcoming(replace(context, region=whole, state={"phase": REMASK, "iteration": iteration})) is None


SAMPLER = Sampler(
    name="predict_remask",
    summary="Predicts every open position, masks the doubtful or random ones again, and so on with ever fewer.",
    source="github.com/JinxCodesAI/nano_gpt visualization; Chang et al., MaskGIT, arXiv 2202.04200",
    parameters=PredictRemaskParameters,
    wanted=wanted,
    propose=propose,
    finished=finished,
    state=PredictRemaskState,
    revises=True,
    keeps_schedule=True,
)
