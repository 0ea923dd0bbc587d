"""SDAR's decoding of a block: a fixed number of steps, which a sure block may end sooner.

Source: Cheng et al., "SDAR: A Synergistic Diffusion-AutoRegression Paradigm", arXiv 2510.06303, and generate.py of
github.com/JetAstra/SDAR. A fault of that code is absent here: where a block has fewer open positions than a step asks
for, it takes decided ones too.
"""

from typing import Literal

from pydantic import Field

from inference_service.sampling.blockwise import open_in_block
from inference_service.sampling.drawing import draw
from inference_service.sampling.parameters import Blockwise, Extent, ParameterError, resolved
from inference_service.sampling.region import best_first, current_block
from inference_service.sampling.sampler import Need, Prediction, Proposal, Sampler, SamplingContext
from inference_service.sampling.states import Stepped


class SdarParameters(Blockwise):
    remasking: Literal["low_confidence_dynamic", "low_confidence_static", "sequential"] = Field(
        "low_confidence_dynamic", description=(
            "Which positions a step commits: its share of the surest; all that are surer than `threshold`, if they are"
            " its share at least; or its share of the first ones."))
    denoising_steps: int | None = Field(None, ge=1, le=4096, description=(
        "Steps of a block, which share its positions evenly, the first the remainder; follows the block: one each."))
    threshold: float = Field(0.85, ge=0, le=1, description="Probability above which the dynamic rule commits.")

    def resolve(self, extent: Extent) -> "SdarParameters":
        record = super().resolve(extent)
        steps = record.block_size if self.denoising_steps is None else self.denoising_steps
        if steps > record.block_size:
            raise ParameterError("denoising_steps", f"must be at most the block's {record.block_size} positions; got"
                                                    f" {steps}")
        return record.replaced(denoising_steps=steps)


class SdarState(Stepped):
    """block: the number of the one at work. schedule: its length and its steps. step: those behind it."""

    block: int
    schedule: list[int]


def propose(prediction: Prediction, context: SamplingContext[SdarParameters]) -> Proposal:
    """state: the block at work and its steps behind it."""
    parameters, region, state = context.parameters, context.region, context.state
    block, positions = current_block(region, parameters.block_size)
    schedule = [parameters.block_size, resolved(parameters.denoising_steps)]
    same = state.get("block") == block and state.get("schedule") == schedule
    step = state["step"] if same else 0
    count = min(share(schedule[0], schedule[1], step), len(positions))
    drawn = draw(prediction, context, positions)
    if parameters.remasking == "sequential":
        rows = list(range(count))
    else:
        rows = best_first(region, positions, drawn.confidence, len(positions))
        sure = int((drawn.confidence > parameters.threshold).sum())
        dynamic = parameters.remasking == "low_confidence_dynamic"
        rows = rows[:max(sure, count) if dynamic else count]
    return Proposal(drawn.commits(rows, drawn.confidence), {"block": block, "schedule": schedule, "step": step + 1})


def share(block_length: int, steps: int, step: int) -> int:
    """How many positions a step of a block commits, at least one."""
    return max(1, block_length // steps + (step < block_length % steps))


SAMPLER = Sampler(
    name="sdar",
    summary="A number of steps a block, which share its positions; what is sure enough comes sooner.",
    source="Cheng et al., SDAR, arXiv 2510.06303; github.com/JetAstra/SDAR generate.py",
    parameters=SdarParameters,
    needs=Need.BLOCKS,
    wanted=open_in_block,
    propose=propose,
    state=SdarState,
)
