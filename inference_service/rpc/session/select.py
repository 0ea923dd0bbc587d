"""Select: tokens picked by hand."""

from dataclasses import replace
from time import time

from inference_service.engine.jobs import by_hand
from inference_service.errors import InvalidField
from inference_service.models.denoiser import Denoiser, ModelInfo
from inference_service.rpc import requests, work
from inference_service.rpc.errors import answers_errors
from inference_service.rpc.session.changes import Changes, answered, edited, keeps_schedule
from inference_service.sampling import distribution
from inference_service.sessions.edit_kinds import Edit, Force, Mask
from inference_service.sessions.frame import Cause, Frame
from inference_service.sessions.lease import Lease
from inference_service.sessions.session import Session
from unmask.v1 import session_service_pb2 as pb


class Select(Changes):
    @answers_errors
    async def Select(self, request, context):
        live = await self._get(request.session_id)
        frames = await self._replayed(request)
        if frames is None:
            denoiser = self._model_of(live.session)
            selections = await work.brief(requests.checked_selections, request.selections, denoiser)

            def change(lease: Lease) -> Frame:
                known = self._known_probabilities(lease.session, lease.base, selections, denoiser.info)
                if denoiser.info.attention.append_only:
                    return _written(lease, selections, known, denoiser)
                frame = lease.session.select_frame(selections, known, time(), keeps_schedule(lease), lease.base)
                return by_hand(lease.session, frame, denoiser, "selections.token")

            frames = [await work.brief(self._change, request, change)]
        for frame in frames:
            yield await answered(pb.SelectResponse, frame)
        async for prediction in self._following(request):
            yield pb.SelectResponse(prediction=prediction)

    def _known_probabilities(self, session: Session, revision: int, selections: dict[int, int | None],
                             info: ModelInfo) -> dict[int, float]:
        """p_base of the chosen tokens where a prediction of the revision is still at hand."""
        state = session.state(revision)
        key = (session.origin.session_id, session.canvas_revision(revision),
               float(state.settings.parameters.get("cfg_scale", 0.0)), state.size, None, info)
        still_open = set(state.open)
        positions = [position for position, token in selections.items() if token is not None and position in still_open]
        kept = self._predictions.get(key, positions) if positions else None
        if kept is None:
            return {}
        p = distribution.p_base(kept.prediction.rows(positions))
        return {position: float(p[row, selections[position]]) for row, position in enumerate(positions)}


def _written(lease: Lease, selections: dict[int, int | None], known: dict[int, float],
             denoiser: Denoiser) -> Frame:
    """The frame of tokens picked by hand in a text that is written from left to right: the edits that do the same."""
    given = lease.session.state(lease.base).given
    for position in selections:
        if position in given:
            raise InvalidField("selections.position", f"position {position} was given and cannot be selected, only"
                                                      " edited")
    asked: list[tuple[str, Edit]] = [
        ("selections", Mask([position]) if token is None else Force(position, [token]))
        for position, token in sorted(selections.items(), reverse=True)]
    frame = edited(lease, asked, {}, denoiser, "selections.token")
    changes = tuple(replace(change, probability=known.get(change.position)) for change in frame.changes)
    return replace(frame, cause=Cause.SELECT, changes=changes)
