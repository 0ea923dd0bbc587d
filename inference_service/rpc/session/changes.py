"""What the calls share that add frames: the right to do so, the frame of edits, and its message."""

from dataclasses import replace
from time import time

from inference_service.engine.jobs import by_hand
from inference_service.engine.plan import fitted_settings
from inference_service.models.denoiser import Denoiser
from inference_service.rpc import convert, work
from inference_service.rpc.calls import Calls
from inference_service.rpc.requests import optional
from inference_service.sampling.registry import SAMPLERS
from inference_service.sessions.earlier import earlier_at
from inference_service.sessions.edit_frame import edit_frame
from inference_service.sessions.edit_kinds import Append, Edit, EditFacts
from inference_service.sessions.frame import Frame
from inference_service.sessions.lease import Lease
from unmask.v1 import session_service_pb2 as pb

MADE_AT_ONCE = 256  # positions that a frame tells of and whose message is made on the event loop


class Changes(Calls):
    """The base of the calls that add frames."""

    def _lease(self, request):
        base = None if isinstance(request, pb.RewindRequest) else optional(request, "from_revision")
        return self._sessions.lease(request.session_id, optional(request, "expected_revision"), request.request_id,
                                    base)

    def _change(self, request, make) -> Frame:
        """Adds the one frame that `make` makes."""
        with self._lease(request) as lease:
            frame = make(lease)
            lease.commit(frame)
        return frame


async def answered(answer, frame: Frame):
    """A frame's message for a client; a large one is made in a thread."""
    if len(frame.changes) + (len(frame.draft.positions) if frame.draft else 0) > MADE_AT_ONCE:
        return await work.brief(lambda: answer(frame=convert.sent(frame)))
    return answer(frame=convert.sent(frame))


def edited(lease: Lease, asked: list[tuple[str, Edit]], draft: dict[int, tuple[int, float]], denoiser: Denoiser,
            field: str) -> Frame:
    """The frame of some edits, with the settings for a generated part of another length. field: what errors name."""
    session, base, info = lease.session, lease.base, denoiser.info
    most = session.state(base).settings.parameters.get("max_tokens") or info.context_length
    facts = EditFacts(draft, earlier_at(session, base), info.end_tokens, info.context_length,
                      info.attention.append_only, most)
    frame = edit_frame(session, asked, facts, time(), keeps_schedule(lease), base)
    before, after = session.state(base), session.after(frame)
    if before.length != after.length or before.start != after.start:
        last = asked[-1][1]
        length = min(last.length, info.context_length - after.start) if isinstance(last, Append) else None
        fitted = fitted_settings(before.settings, before, after, info, length)
        frame = replace(frame, settings=fitted if fitted != before.settings else None)
    return by_hand(session, frame, denoiser, field)


def keeps_schedule(lease: Lease) -> bool:
    sampler = SAMPLERS.get(lease.session.state(lease.base).settings.sampler)
    return sampler is not None and sampler.keeps_schedule
