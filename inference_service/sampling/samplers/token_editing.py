"""LLaDA2.1's token editing: open positions are committed above one threshold, committed ones replaced above another.

Source: Bie et al., "LLaDA2.1: Speeding Up Text Diffusion via Token Editing", arXiv 2602.08676, equations 1 to 3. With
v the likeliest token of a position: an open one takes v when p(v) > tau_mask (the best ones always), a committed one
when v is another token and p(v) > tau_edit. A block is done when nothing in it is open and nothing is edited any more.
"""

from pydantic import Field

from inference_service.sampling.drawing import draw
from inference_service.sampling.parameters import Extent, Revising, block_length, resolved
from inference_service.sampling.region import best_first, block_of
from inference_service.sampling.sampler import Moment, Need, Prediction, Proposal, Sampler
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


def block_at(moment: Moment[TokenEditingParameters]) -> int | None:
    """The block at work: the present one until it is settled, then the next with an open position; None: all of them.

    None on a whole canvas that this sampler has not worked on: everything may be edited.
    """
    length, state = moment.parameters.block_size, moment.state
    if state and state["place"] == _place(moment) and not state["settled"]:
        return state["block"]
    return block_of(moment.region, moment.region.open[0], length) if moment.region.open else None


def _place(moment: Moment[TokenEditingParameters]) -> list:
    """What must be the same for a block to count as settled."""
    parameters = moment.parameters
    return [parameters.block_size, parameters.tau_edit, parameters.multi_block]


def _looks_again(moment: Moment[TokenEditingParameters]) -> bool:
    """Whether there are steps that only edit."""
    return moment.parameters.max_post_steps > 0 and moment.parameters.tau_edit < 1


def wanted(moment: Moment[TokenEditingParameters]) -> list[int]:
    return sorted(_open(moment) + _committed(moment))


def _open(moment: Moment[TokenEditingParameters]) -> list[int]:
    block, parameters, region = block_at(moment), moment.parameters, moment.region
    return [position for position in region.open
            if block is None or block_of(region, position, parameters.block_size) <= block]


def _committed(moment: Moment[TokenEditingParameters]) -> list[int]:
    block, parameters, region = block_at(moment), moment.parameters, moment.region
    positions = region.committed(parameters.protect_edits) if parameters.tau_edit < 1 else []
    if block is None:
        return positions
    last = [position for position in positions if block_of(region, position, parameters.block_size) <= block]
    if parameters.multi_block:
        return last
    return [position for position in last if block_of(region, position, parameters.block_size) == block]


def finished(moment: Moment[TokenEditingParameters]) -> bool:
    if moment.region.open:
        return False
    settled = moment.state.get("settled") and moment.state["place"] == _place(moment)
    return bool(settled) or not _looks_again(moment) or not _committed(moment)


def propose(prediction: Prediction, moment: Moment[TokenEditingParameters]) -> Proposal:
    """state: the block, what it is settled for, the steps that only edited it, and whether it is settled."""
    parameters, region = moment.parameters, moment.region
    block, opened, committed = block_at(moment), _open(moment), _committed(moment)
    commits, edits = [], []
    if opened:
        drawn = draw(prediction, moment, opened)
        rows = best_first(region, opened, drawn.confidence, len(opened))
        sure = int((drawn.confidence > parameters.tau_mask).sum())
        commits = drawn.commits(rows[:max(sure, parameters.num_to_transfer)], drawn.confidence)
    if committed:
        drawn = draw(prediction, moment, committed)
        rows = drawn.confidence.argsort(descending=True, stable=True).tolist()
        edits = [commit for commit in drawn.commits(rows, drawn.confidence)
                 if commit.probability is not None and commit.probability > parameters.tau_edit
                 and commit.token != region.tokens[commit.position]]
    same = moment.state.get("place") == _place(moment) and moment.state["block"] == block \
        and not moment.state["settled"]
    post = 0 if opened else (moment.state.get("post", 0) if same else 0) + 1
    if _looks_again(moment):
        settled = not opened and (not edits or post >= parameters.max_post_steps)
    else:
        settled = len(commits) == len(opened)
    return Proposal(commits, {"block": block, "place": _place(moment), "post": post, "settled": settled}, edits=edits)


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
