"""A constraint in force at a revision: what it lets stand there, and what it makes of a step."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import wraps

import torch

from inference_service.engine.constraint_checking import checked
from inference_service.engine.constraint_rules import Rule, Tokens, agree
from inference_service.errors import FailedPrecondition
from inference_service.sampling.constraints import effort
from inference_service.sampling.constraints.compile import Compiled
from inference_service.sampling.constraints.spec import ConstraintError, Progress
from inference_service.sampling.sampler import Prediction, Proposal, SamplingContext
from inference_service.sessions.frame import ConstraintProgress

PROGRESS = {Progress.INCOMPLETE: ConstraintProgress.INCOMPLETE, Progress.MATCHED: ConstraintProgress.MATCHED,
            Progress.COMPLETE: ConstraintProgress.COMPLETE, Progress.VIOLATED: ConstraintProgress.VIOLATED}


def within_limits(method: Callable) -> Callable:
    """A constraint that grows too complex on the way, as its beginning did not show, ends a call and nothing else."""
    @wraps(method)
    def guarded(*arguments):
        try:
            with effort.limited():
                return method(*arguments)
        except ConstraintError as error:
            raise FailedPrecondition(f"the constraint cannot be followed any further: {error}; take it away or choose a"
                                     " simpler one", reason="CONSTRAINT_TOO_COMPLEX") from None
    return guarded


@dataclass(frozen=True)
class Active:
    """A rule on the generated part of a canvas, from `start` on; what stands before it is free."""

    rule: Rule
    start: int
    width: int
    known: object = None  # the witness that came with the revision, if it is one
    compiled: Compiled | None = None  # which is at hand for as long as anybody holds this

    @within_limits
    def allowed(self, tokens: Tokens, positions: Sequence[int]) -> torch.Tensor | None:
        """What may stand at some positions of a canvas, bool [N, V]; None where that is not known beforehand."""
        inside = [position - self.start for position in positions if position >= self.start]
        free = torch.ones(len(positions), self.width, dtype=torch.bool)
        rows = self.rule.allowed(tokens[self.start:], inside) if inside else free[:0]
        if rows is None or len(inside) == len(positions):
            return rows
        free[[index for index, position in enumerate(positions) if position >= self.start]] = rows
        return free

    @within_limits
    def progress(self, tokens: Tokens) -> ConstraintProgress:
        return PROGRESS[self.rule.progress(tokens[self.start:])]

    @within_limits
    def feasible(self, tokens: Tokens) -> bool:
        """Whether the canvas can be completed; under a grammar, whether a way was found."""
        generated = tokens[self.start:]
        if self.rule.keeps_witness and isinstance(self.known, list) and agree(self.known, generated):
            return True
        return self.rule.feasible(generated)

    @property
    def refusal(self) -> str:
        """Why a canvas that is not feasible is refused."""
        if self.rule.keeps_witness:
            return "no way was found to complete the text to a match"
        return "the text could not be completed to a match any more"

    @within_limits
    def closed(self, written: Tokens) -> bool:
        """Whether the written text is a match that nothing can follow, not even an end."""
        return self.rule.progress(written) is Progress.COMPLETE and not self.allowed(
            [*[None] * self.start, *written, None], [self.start + len(written)]).any()

    @within_limits
    def checked(self, proposal: Proposal, prediction: Prediction, context: SamplingContext) -> Proposal:
        """The proposal with every token that cannot stand, after those before it, replaced by the best that can."""
        return checked(self.rule, self.start, self.known, proposal, prediction, context)
