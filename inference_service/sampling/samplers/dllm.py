"""dllm's decoding of its mdlm and bd3lm checkpoints: a linear schedule, block after block.

Source: github.com/ZHZisZZ/dllm, core/samplers/mdlm.py and bd3lm.py with its default scheduler. What falls due in a step
is the masks left by the steps left, rounded, half to even; steps in which nothing does are left out.
"""

from typing import Literal

import torch
from pydantic import Field

from inference_service.sampling.blockwise import open_in_block
from inference_service.sampling.drawing import draw
from inference_service.sampling.parameters import Blockwise, Extent, resolved
from inference_service.sampling.region import best_first, block_count, current_block
from inference_service.sampling.sampler import Need, Prediction, Proposal, Sampler, SamplingContext
from inference_service.sampling.states import Count, Stepped


class DllmParameters(Blockwise):
    steps: int | None = Field(None, ge=1, le=4096, description=(
        "Denoising steps, shared evenly by the blocks, rounded up; follows the open positions: one step each."))
    remasking: Literal["low_confidence", "random"] = Field("low_confidence", description=(
        "What stays masked in a step: the tokens the model is least sure of, or random ones."))

    def resolve(self, extent: Extent) -> "DllmParameters":
        return super().resolve(extent).replaced(steps=extent.opened if self.steps is None else self.steps)


class DllmState(Stepped):
    """block: the number of the one at work. steps: of a block. planned: positions left to its later steps."""

    block: int
    steps: Count
    planned: Count


def propose(prediction: Prediction, context: SamplingContext[DllmParameters]) -> Proposal:
    """state: the block at work, its steps behind it, and the positions left to the later ones."""
    parameters, region, state = context.parameters, context.region, context.state
    block, positions = current_block(region, parameters.block_size)
    steps = -(-resolved(parameters.steps) // block_count(region, parameters.block_size))
    same = state.get("block") == block and state.get("steps") == steps
    step, count, left = due(max(state["planned"], len(positions)) if same else len(positions),
                            state["step"] if same else 0, steps)
    drawn = draw(prediction, context, positions)
    scores = (context.noise.uniform(positions).to(drawn.tokens.device) if parameters.remasking == "random"
              else drawn.confidence)
    rows = best_first(region, positions, scores, min(count, len(positions)))
    return Proposal(drawn.commits(rows, scores), {"block": block, "steps": steps, "step": step, "planned": left})


def due(planned: int, step: int, steps: int) -> tuple[int, int, int]:
    """(steps behind after this one, positions that it commits, positions left); steps that commit none are passed."""
    while step < steps:
        # The share of the masks that go from time t to s, 1 - s / t. Computed as in the source, in single precision,
        # which decides what becomes of a half.
        t, s = 1 - (1 - torch.tensor([(steps - step) / steps, (steps - step - 1) / steps]))
        count, step = round(planned * (1 - (s / t).item())), step + 1
        if count:
            return step, count, planned - count
    return step, planned, 0


SAMPLER = Sampler(
    name="dllm",
    summary="A linear schedule in every block: what is left by the steps that are left, the surest positions first.",
    source="dllm, github.com/ZHZisZZ/dllm, core/samplers/mdlm.py and bd3lm.py",
    parameters=DllmParameters,
    needs=Need.BLOCKS,
    wanted=open_in_block,
    propose=propose,
    state=DllmState,
)
