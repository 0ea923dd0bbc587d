"""Writing from left to right: the open position at the end, and when there is to be none any more."""

from collections.abc import Sequence
from dataclasses import replace

from inference_service.engine.active_constraint import Active
from inference_service.engine.plan import Plan
from inference_service.models.denoiser import Denoiser
from inference_service.sampling.parameters import Growing, resolved
from inference_service.sessions.frame import Frame, Splice, StopReason
from inference_service.sessions.session import Session


def grown(session: Session, frame: Frame, plan: Plan, denoiser: Denoiser) -> Frame:
    """A step's frame with the next open position behind its token, or with why there is none."""
    after = session.after(frame)
    if None in after.tokens:
        return frame
    reason = stop_reason(after.tokens, after.start, plan, denoiser, plan.active)
    if reason:
        return replace(frame, summary=replace(frame.summary, stop_reason=reason))
    return session.counted(replace(frame, splices=(*frame.splices, Splice(after.size, 0, 1))))


def stop_reason(tokens: Sequence[int | None], start: int, plan: Plan, denoiser: Denoiser,
                constraint: Active | None) -> StopReason:
    """Why nothing follows the tokens of a canvas without open positions, NONE while something does.

    start: of the generated part. constraint: the one in force.
    """
    written, parameters = tuple(token for token in tokens[start:] if token is not None), plan.parameters
    assert isinstance(parameters, Growing)
    if written and written[-1] in plan.context.ids.ends:
        return StopReason.END
    if denoiser.text and denoiser.text.stopped_by(written, parameters.stop):
        return StopReason.STOP_SEQUENCE
    if constraint and constraint.closed(written):
        return StopReason.CONSTRAINT
    if len(written) >= resolved(parameters.max_tokens):
        return StopReason.MAX_TOKENS
    return StopReason.CONTEXT if len(tokens) >= denoiser.info.context_length else StopReason.NONE
