"""ReMDM: while positions are revealed, decided ones return to the mask by chance, so that mistakes can be mended.

Source: Wang et al., "Remasking Discrete Diffusion Models with Inference-Time Scaling", arXiv 2503.00307, and
github.com/kuleshov-group/remdm. With alpha the share that is decided, running from 0 to 1, a step from alpha_t to
alpha_s opens each decided position with the chance sigma and reveals each open one with the chance
(alpha_s - (1 - sigma) alpha_t) / (1 - alpha_t). Both are drawn before the model is asked, so only the positions to
be revealed are computed, and a step in which neither happens is passed over.
"""

from typing import Literal

import torch
from pydantic import Field

from inference_service.sampling.drawing import draw
from inference_service.sampling.noise import REOPEN_STREAM, REVEAL_STREAM
from inference_service.sampling.parameters import Extent, InSteps, ParameterError, Revising
from inference_service.sampling.sampler import Prediction, Proposal, Reopen, Sampler, SamplingContext
from inference_service.sampling.states import Number, Stepped


class RemdmParameters(InSteps, Revising):
    strategy: Literal["cap", "rescale", "conf", "loop"] = Field("cap", description=(
        "How likely a decided position returns to the mask: eta at most; eta times the most that is possible; less"
        " the surer it was; or eta in a loop between t_on and t_off alone."))
    eta: float = Field(0.04, ge=0, le=1, description=(
        "How much is masked again; 0 is plain masked diffusion. conf goes by confidence instead."))
    t_on: float = Field(0.55, ge=0, le=1, description="loop: the time, running from 1 to 0, at which masking again"
                                                      " begins.")
    t_off: float = Field(0.05, ge=0, le=1, description="loop: the time at which it ends.")
    alpha_on: float = Field(0.9, ge=0.01, le=0.99, description="loop: the share decided during the loop.")

    def resolve(self, extent: Extent) -> "RemdmParameters":
        if self.strategy == "loop" and self.t_off >= self.t_on:
            raise ParameterError("t_off", f"must be less than t_on, which is {self.t_on:g}; got {self.t_off:g}")
        return super().resolve(extent)


class RemdmState(Stepped):
    """schedule: the parameters that the steps follow. confidence: what each token was committed with, by position."""

    schedule: list[float | str]
    confidence: dict[Number, float] = {}


def alphas(parameters: RemdmParameters, step: int) -> tuple[float, float, bool]:
    """The share decided before and after a step, and whether positions are masked again in it."""
    t, s = (1 - (step + i) / parameters.step_count for i in (0, 1))
    if parameters.strategy != "loop":
        return 1 - t, 1 - s, True
    looping = parameters.t_off < t <= parameters.t_on
    return _looped(parameters, t), _looped(parameters, s), looping


def _looped(parameters: RemdmParameters, t: float) -> float:
    """alpha by ReMDM-loop: up to alpha_on, constant while it loops, then on to 1."""
    on, off, top = parameters.t_on, parameters.t_off, parameters.alpha_on
    if t > on:
        return top * (1 - t) / (1 - on)
    if t <= off:
        return 1 - t * (1 - top) / off if off else 1.0
    return top


def sigmas(context: SamplingContext[RemdmParameters], step: int, decided: list[int]) -> tuple[torch.Tensor, float]:
    """The chance to be masked again of each decided position, float64 [N], and the one that open ones reckon with."""
    parameters = context.parameters
    before, after, masks = alphas(parameters, step)
    if not masks:
        return torch.zeros(len(decided), dtype=torch.float64), 0.0
    most = min(1.0, (1 - after) / before) if before else 1.0
    if parameters.strategy == "conf":
        known = context.state.get("confidence", {})
        doubt = torch.tensor([-known.get(str(position), 1.0) for position in decided], dtype=torch.float64)
        return torch.softmax(doubt, 0) * most, 0.0
    sigma = parameters.eta * most if parameters.strategy == "rescale" else min(parameters.eta, most)
    return torch.full((len(decided),), sigma, dtype=torch.float64), sigma


def drawn_step(context: SamplingContext[RemdmParameters], step: int, decided: list[int]) -> tuple[list[int], list[int]]:
    """The positions that a step reveals, and which of the decided ones it opens; each by itself, by chance."""
    opened = list(context.region.open)
    sigma, reckoned = sigmas(context, step, decided)
    before, after, _ = alphas(context.parameters, step)
    chance = 1.0 if after >= 1 or before >= 1 else (after - (1 - reckoned) * before) / (1 - before)
    return (_hit(context, opened, torch.tensor(chance), REVEAL_STREAM, step),
            _hit(context, decided, sigma, REOPEN_STREAM, step))


def _hit(context: SamplingContext[RemdmParameters], positions: list[int], chances: torch.Tensor, stream: int,
         step: int) -> list[int]:
    """The positions that chance picks."""
    if not positions or not bool((chances > 0).any()):
        return []
    hits = context.noise.uniform(positions, stream, step) < chances
    return [positions[row] for row in hits.nonzero().flatten().tolist()]


def begin(context: SamplingContext[RemdmParameters]) -> int:
    """The step at hand: the next one, or afresh the one whose time the share of open positions is."""
    parameters, region = context.parameters, context.region
    if context.state.get("schedule") == _schedule(parameters):
        return max(0, context.state["step"])
    changeable = len(region.open) + len(region.committed(parameters.protect_edits))
    decided = 1 - len(region.open) / changeable if changeable else 1.0
    return next((step for step in range(parameters.step_count) if alphas(parameters, step)[1] > decided),
                parameters.step_count - (1 if region.open else 0))


def _schedule(parameters: RemdmParameters) -> list:
    return [parameters.step_count, parameters.strategy, parameters.t_on, parameters.t_off, parameters.alpha_on]


def upcoming(context: SamplingContext[RemdmParameters]) -> tuple[int, list[int], list[int]] | None:
    """The next step in which something happens, what it reveals and what it opens; None when all is done."""
    decided = context.region.committed(context.parameters.protect_edits)
    for step in range(begin(context), context.parameters.step_count):
        reveals, reopens = drawn_step(context, step, decided)
        if reveals or reopens:
            return step, reveals, reopens
    opened = list(context.region.open)
    return (context.parameters.step_count - 1, opened, []) if opened else None


def _at_hand(context: SamplingContext[RemdmParameters]) -> tuple[int, list[int], list[int]]:
    """What comes next on a canvas that is not finished."""
    following = upcoming(context)
    assert following is not None
    return following


def wanted(context: SamplingContext[RemdmParameters]) -> list[int]:
    return _at_hand(context)[1]


def finished(context: SamplingContext[RemdmParameters]) -> bool:
    return upcoming(context) is None


def propose(prediction: Prediction, context: SamplingContext[RemdmParameters]) -> Proposal:
    """state: the schedule, the steps behind it, and by "conf" the confidence that each token was committed with."""
    step, reveals, reopens = _at_hand(context)
    parameters, decided = context.parameters, context.region.committed(context.parameters.protect_edits)
    chances = dict(zip(decided, sigmas(context, step, decided)[0].tolist(), strict=True))
    state = {"schedule": _schedule(parameters), "step": step + 1}
    commits = []
    if reveals:
        drawn = draw(prediction, context, reveals)
        rows = drawn.confidence.argsort(descending=True, stable=True).tolist()
        commits = drawn.commits(rows, drawn.confidence)
    if parameters.strategy == "conf":
        known = {key: value for key, value in context.state.get("confidence", {}).items() if int(key) not in reopens}
        state["confidence"] = known | {str(commit.position): round(commit.probability, 6) for commit in commits
                                       if commit.probability is not None}
    return Proposal(commits, state, [Reopen(position, chances[position]) for position in reopens])


SAMPLER = Sampler(
    name="remdm",
    summary="Reveals positions by chance as time runs down, and masks decided ones again to mend mistakes.",
    source="Wang et al., Remasking Discrete Diffusion Models, arXiv 2503.00307; github.com/kuleshov-group/remdm",
    parameters=RemdmParameters,
    wanted=wanted,
    propose=propose,
    finished=finished,
    state=RemdmState,
    revises=True,
)
