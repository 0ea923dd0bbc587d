"""LLaDA2.1's token editing: open positions are committed above one threshold, committed ones replaced above another.

Source: Bie et al., "LLaDA2.1: Speeding Up Text Diffusion via Token Editing", arXiv 2602.08676, equations 1 to 3. With
v the likeliest token of a position: an open one takes v when p(v) > tau_mask (the best ones always), a committed one
when v is another token and p(v) > tau_edit. A block is done when nothing in it is open and nothing is edited any more.
"""

from pydantic import Field

from inference_service.sampling.drawing import draw
from inference_service.sampling.parameters import Extent, Revising, block_length, resolved
from inference_service.sampling.region import best_first, block_of
from inference_service.sampling.sampler import Need, Prediction, Proposal, Sampler, SamplingContext
from inference_service.sampling.states import Count, State


class TokenEditingParameters(Revising):
    tau_mask: float = Field(0.95, ge=0, le=1, description="Probability above which an open position is committed.")
    tau_edit: float = Field(0.9, ge=0, le=1, description=(
        "Probability above which another token takes a committed one's place; 1 never edits."))
    num_to_transfer: int = Field(1, ge=1, le=4096, description=(
        "How many open positions a step commits at least, the surest ones."))
    max_post_steps: int = Field(16, ge=0, le=4096, description=(
        "The most steps that only edit, once nothing in the block is open."))
    multi_block: bool = Field(False, description="Edit the blocks before the present one as well.")
    block_length: int | None = Field(None, ge=1, le=4096, description=(
        "Positions decided before the next ones to the right; follows the length, one block, or the model's own"
        " blocks."))

    @property
    def block_size(self) -> int:
        """`block_length`, resolved."""
        return resolved(self.block_length)

    def resolve(self, extent: Extent) -> "TokenEditingParameters":
        return super().resolve(extent).replaced(block_length=block_length(self.block_length, extent))


class TokenEditingState(State):
    """block: the one at work, None for all. place: what it is settled for. post: the steps that only edited it."""

    block: int | None
    place: list[bool | float]
    post: Count = 0
    settled: bool


def block_at(context: SamplingContext[TokenEditingParameters]) -> int | None:
    """The block at work: the present one until it is settled, then the next with an open position; None: all of them.

    None on a whole canvas that this sampler has not worked on: everything may be edited.
    """
    length, state = context.parameters.block_size, context.state
    if state and state["place"] == _place(context) and not state["settled"]:
        return state["block"]
    return block_of(context.region, context.region.open[0], length) if context.region.open else None


def _place(context: SamplingContext[TokenEditingParameters]) -> list:
    """What must be the same for a block to count as settled."""
    parameters = context.parameters
    return [parameters.block_size, parameters.tau_edit, parameters.multi_block]


def _looks_again(context: SamplingContext[TokenEditingParameters]) -> bool:
    """Whether there are steps that only edit."""
    return context.parameters.max_post_steps > 0 and context.parameters.tau_edit < 1


def wanted(context: SamplingContext[TokenEditingParameters]) -> list[int]:
    return sorted(_open(context) + _committed(context))


def _open(context: SamplingContext[TokenEditingParameters]) -> list[int]:
    block, parameters, region = block_at(context), context.parameters, context.region
    return [position for position in region.open
            if block is None or block_of(region, position, parameters.block_size) <= block]


def _committed(context: SamplingContext[TokenEditingParameters]) -> list[int]:
    block, parameters, region = block_at(context), context.parameters, context.region
    positions = region.committed(parameters.protect_edits) if parameters.tau_edit < 1 else []
    if block is None:
        return positions
    last = [position for position in positions if block_of(region, position, parameters.block_size) <= block]
    if parameters.multi_block:
        return last
    return [position for position in last if block_of(region, position, parameters.block_size) == block]


def finished(context: SamplingContext[TokenEditingParameters]) -> bool:
    if context.region.open:
        return False
    settled = context.state.get("settled") and context.state["place"] == _place(context)
    return bool(settled) or not _looks_again(context) or not _committed(context)


def propose(prediction: Prediction, context: SamplingContext[TokenEditingParameters]) -> Proposal:
    """state: the block, what it is settled for, the steps that only edited it, and whether it is settled."""
    parameters, region = context.parameters, context.region
    block, opened, committed = block_at(context), _open(context), _committed(context)
    commits, edits = [], []
    if opened:
        drawn = draw(prediction, context, opened)
        rows = best_first(region, opened, drawn.confidence, len(opened))
        sure = int((drawn.confidence > parameters.tau_mask).sum())
        commits = drawn.commits(rows[:max(sure, parameters.num_to_transfer)], drawn.confidence)
    if committed:
        drawn = draw(prediction, context, committed)
        rows = drawn.confidence.argsort(descending=True, stable=True).tolist()
        edits = [commit for commit in drawn.commits(rows, drawn.confidence)
                 if commit.probability is not None and commit.probability > parameters.tau_edit
                 and commit.token != region.tokens[commit.position]]
    same = context.state.get("place") == _place(context) and context.state["block"] == block \
        and not context.state["settled"]
    post = 0 if opened else (context.state.get("post", 0) if same else 0) + 1
    if _looks_again(context):
        settled = not opened and (not edits or post >= parameters.max_post_steps)
    else:
        settled = len(commits) == len(opened)
    return Proposal(commits, {"block": block, "place": _place(context), "post": post, "settled": settled}, edits=edits)


SAMPLER = Sampler(
    name="token_editing",
    summary="Commits what is sure enough and replaces committed tokens that the model has become sure are others.",
    source="Bie et al., LLaDA2.1: Speeding Up Text Diffusion via Token Editing, arXiv 2602.08676",
    parameters=TokenEditingParameters,
    needs=Need.BLOCKS,
    wanted=wanted,
    propose=propose,
    finished=finished,
    state=TokenEditingState,
    revises=True,
)
