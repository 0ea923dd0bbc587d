"""KLASS: the positions whose prediction is sure and has stopped moving, block after block.

Source: Kim et al., "KLASS: KL-Guided Fast Inference in Masked Diffusion Models", arXiv 2511.05664, and
github.com/shkim0116/KLASS. Faults of that code are absent here: its divergences are of noisy distributions at
a temperature, and it leaves positions open when the steps run out.
"""

import torch
from pydantic import Field

from inference_service.sampling.blockwise import EvenState, EvenSteps, even_share, open_in_block
from inference_service.sampling.drawing import draw
from inference_service.sampling.region import best_first
from inference_service.sampling.sampler import Need, Prediction, Proposal, Sampler, SamplingContext
from inference_service.sampling.states import Count, Number


class KlassParameters(EvenSteps):
    conf_threshold: float = Field(0.9, ge=0, le=1, description="Probability that a token must exceed.")
    kl_threshold: float = Field(0.01, ge=0, le=100, description=(
        "What the divergence of a position's prediction from that of the step before must stay below, in nats."))
    history_length: int = Field(2, ge=1, le=64, description=(
        "For how many steps in a row it must. Where no position is sure and stable, the surest are committed evenly."))


class KlassState(EvenState):
    """revision: of the prediction before. stable: the stable steps of each position that it left open."""

    revision: Count
    stable: dict[Number, Count]


def divergence(logits: torch.Tensor, earlier: torch.Tensor) -> torch.Tensor:
    """KL(p || q) of each row in nats, float64 [N]; logits of p, earlier logits of q."""
    log_p, log_q = torch.log_softmax(logits.double(), -1), torch.log_softmax(earlier.double(), -1)
    return torch.where(log_p > -torch.inf, log_p.exp() * (log_p - log_q), 0.0).sum(-1)


def recalls(context: SamplingContext[KlassParameters]) -> tuple[int, list[int]] | None:
    """The prediction that the step before in this block was made of, at the positions that it left open."""
    share, state = even_share(context), context.state
    if share.begins:
        return None
    left = [position for position in share.positions if str(position) in state["stable"]]
    return (state["revision"], left) if left else None


def stable_steps(prediction: Prediction, context: SamplingContext[KlassParameters]) -> dict[int, int]:
    """For how many steps in a row each open position of the block has been stable, this one included."""
    counts = dict.fromkeys(open_in_block(context), 0)
    if recalled := recalls(context):
        _, positions = recalled
        assert prediction.earlier is not None  # what was recalled
        moved = divergence(prediction.rows(positions), prediction.earlier.rows(positions))
        for position, stable in zip(positions, (moved < context.parameters.kl_threshold).tolist(), strict=True):
            counts[position] = context.state["stable"][str(position)] + 1 if stable else 0
    return counts


def propose(prediction: Prediction, context: SamplingContext[KlassParameters]) -> Proposal:
    """state: the even schedule's; the revision of this prediction; the stable steps of each position left open."""
    parameters, share = context.parameters, even_share(context)
    drawn = draw(prediction, context, share.positions)
    counts = stable_steps(prediction, context)
    sure = (drawn.confidence > parameters.conf_threshold).tolist()
    ranked = best_first(context.region, drawn.positions, drawn.confidence, len(drawn.positions))
    rows = [row for row in ranked if sure[row] and counts[drawn.positions[row]] >= parameters.history_length]
    if not rows or share.last:
        rows = ranked[:share.count]
    commits = drawn.commits(rows, drawn.confidence)
    told = {commit.position for commit in commits}
    stable = {str(position): count for position, count in counts.items() if position not in told}
    return Proposal(commits, {**share.state, "revision": context.revision, "stable": stable})


SAMPLER = Sampler(
    name="klass",
    summary="Commits the positions whose prediction is sure and has hardly moved for some steps.",
    source="Kim et al., KLASS: KL-Guided Fast Inference in Masked Diffusion Models, arXiv 2511.05664;"
           " github.com/shkim0116/KLASS",
    parameters=KlassParameters,
    needs=Need.BLOCKS,
    wanted=open_in_block,
    propose=propose,
    recalls=recalls,
    state=KlassState,
)
