"""What a step's pass reads of an earlier one: keys and values of a canvas that the frames tell.

Which canvas, and which rows are computed anew, is a function of the session's frames alone. So a server that has
nothing at hand makes them again, in one pass over that canvas, and goes on to the same tokens.
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass

from inference_service.caches.policy import Refreshed
from inference_service.engine.plan import Plan, plan_of
from inference_service.errors import ServiceError
from inference_service.models.denoiser import ModelInfo
from inference_service.sampling.parameters import Blockwise
from inference_service.sampling.region import block_end, current_block
from inference_service.sessions.session import Session
from inference_service.sessions.state import State


@dataclass(frozen=True)
class Reading:
    """revision: whose canvas the keys and values are of. window: the rows (first, end) that are computed anew."""

    revision: int
    window: tuple[int, int]

    def __str__(self) -> str:
        return f"{self.revision}/{self.window[0]}-{self.window[1]}"

    def covers(self, positions: Collection[int], info: ModelInfo) -> bool:
        """Whether the rows that predict some positions are computed anew."""
        first, end = self.window
        return all(first <= info.attention.row(position, info.shifted) < end for position in positions)


def reading_of(session: Session, revision: int, plan: Plan, info: ModelInfo) -> Reading | None:
    """What the pass of a step from a revision reads; None where the policy keeps nothing that is read out of its time.

    Where that is the revision itself, or one with its canvas, all keys and values are made anew, and are kept.
    """
    def earlier(then: int) -> State | None:
        return session.state(then) if session.can_tell(then) else None

    then = session.state(revision).cache_revision
    steps = None if then is None else session.steps_since(revision, then)
    return reading(session.state(revision), session.canvas_revision(revision), plan, info, earlier, steps)


def reading(state: State, revision: int, plan: Plan, info: ModelInfo, earlier: Callable[[int], State | None],
            steps: int | None) -> Reading | None:
    """See reading_of. earlier: the state at a revision, None if it is lost. steps: taken since the last were made."""
    if plan.policy.window is None or plan.finished or not plan.wanted():
        return None
    anew = Reading(revision, _window(plan, info))
    then = state.cache_revision
    every = plan.cache.interval if isinstance(plan.cache, Refreshed) else None
    if then is None or steps is None or every is not None and steps >= every or not _same(plan, state):
        return anew
    before = earlier(then)
    if before is None or before.size != state.size:
        return anew
    try:
        made = plan_of(before, then, plan.settings, info)
        if made.finished or made.reach() != plan.reach() or _block(made) != _block(plan):
            return anew
    except ServiceError:  # a canvas, of another program, that these settings do not fit
        return anew
    kept = Reading(then, _window(made, info))
    return kept if kept.covers(plan.wanted(), info) else anew


def _same(plan: Plan, state: State) -> bool:
    """Whether a state was come to by the settings that are followed now, but for the seed and the constraint."""
    now, then = plan.settings, state.settings
    return (now.sampler, now.parameters, now.cache) == (then.sampler, dict(then.parameters), then.cache)


def _block(plan: Plan) -> int:
    assert isinstance(plan.parameters, Blockwise)  # of the samplers that an approximation suits
    return current_block(plan.context.region, plan.parameters.block_size)[0]


def _window(plan: Plan, info: ModelInfo) -> tuple[int, int]:
    """The rows of the block being decided, and of what else is decided with it, as the policy widens them."""
    assert isinstance(plan.parameters, Blockwise) and plan.policy.window
    region, size = plan.context.region, plan.parameters.block_size
    block, positions = current_block(region, size)
    begins = min(block_end(region, block - 1, size), *positions)
    first, reach = info.attention.row(begins, info.shifted), plan.reach()
    return plan.policy.window(first, min(block_end(region, block, size), reach), reach)
