"""What samplers share that decide one block of positions after the other."""

from dataclasses import dataclass

from pydantic import Field

from inference_service.sampling.parameters import Blockwise, Extent, ParameterError, resolved
from inference_service.sampling.region import block_count, current_block
from inference_service.sampling.sampler import SamplingContext
from inference_service.sampling.schedules import quota
from inference_service.sampling.states import Count, Stepped


class EvenSteps(Blockwise):
    """Of samplers with LLaDA's even schedule, which may run ahead of it."""

    steps: int | None = Field(None, ge=1, le=4096, description=(
        "Denoising steps at most, shared evenly by the blocks; follows the open positions: one step each."))

    @property
    def step_count(self) -> int:
        """`steps`, resolved."""
        return resolved(self.steps)

    def resolve(self, extent: Extent) -> "EvenSteps":
        record = super().resolve(extent)
        blocks = extent.blocks(record.block_size)
        in_first_block = record.block_size + extent.opened - extent.length  # the prompt's holes are decided with it
        steps = blocks * in_first_block if record.steps is None else record.steps
        if steps % blocks:
            raise ParameterError("steps", f"must be a multiple of the number of blocks, {blocks}; got {steps}")
        return record.replaced(steps=steps)


class EvenState(Stepped):
    """schedule: the block's length and the number of steps. planned: positions left to the block's later steps."""

    schedule: list[int] = []
    block: int | None = None
    planned: Count = 0


def open_in_block(context: SamplingContext[Blockwise]) -> list[int]:
    """The open positions of the block being decided."""
    return current_block(context.region, context.parameters.block_size)[1]


@dataclass(frozen=True)
class Share:
    """What the even schedule asks of one step.

    positions: the block's open ones. count: how many of them fall due. begins: whether the block, or this
    schedule of it, begins here. last: whether its steps end here; all positions fall due then.
    state: what the next step's share is reckoned from.
    """

    positions: list[int]
    count: int
    begins: bool
    last: bool
    state: dict


def even_share(context: SamplingContext[EvenSteps]) -> Share:
    """The share of the step at hand: an even part of the positions that were open when the block began.

    What a sampler commits beyond its shares leaves later shares as they are, so the block ends early, as in the
    published code; what it commits less is spread over the steps that are left.
    """
    parameters, region, state = context.parameters, context.region, context.state
    block, positions = current_block(region, parameters.block_size)
    schedule = [parameters.block_size, parameters.step_count]
    same = state.get("block") == block and state.get("schedule") == schedule
    step = state["step"] if same else 0  # another schedule begins afresh
    planned = max(state.get("planned", 0) if same else 0, len(positions))
    steps_left = max(1, parameters.step_count // block_count(region, parameters.block_size) - step)
    due = quota(planned, steps_left)
    kept = {"schedule": schedule, "block": block, "step": step + 1, "planned": planned - due}
    return Share(positions, min(due, len(positions)), not same, steps_left == 1, kept)
