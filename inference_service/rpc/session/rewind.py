"""Rewind: back to a revision, undo and redo."""

from contextlib import suppress
from time import time

from inference_service.engine.jobs import with_pending
from inference_service.errors import ServiceError
from inference_service.rpc import requests, work
from inference_service.rpc.errors import answers_errors
from inference_service.rpc.session.changes import Changes, answered
from inference_service.sessions.frame import Frame
from inference_service.sessions.lease import Lease
from inference_service.sessions.session import Session
from unmask.v1 import session_service_pb2 as pb


class Rewind(Changes):
    @answers_errors
    async def Rewind(self, request, context):
        await self._get(request.session_id)
        direction = requests.direction(request)
        frames = await self._replayed(request)
        if frames is None:
            def back(lease: Lease) -> Frame:
                frame = lease.session.rewind_frame(_target(lease.session, request.revision, direction), time())
                with suppress(ServiceError):  # going back needs no model; the target's word is nearly always right
                    return with_pending(lease.session, frame, self._model_of(lease.session))
                return frame

            frames = [await work.brief(self._change, request, back)]
        for frame in frames:
            yield await answered(pb.RewindResponse, frame)
        async for prediction in self._following(request):
            yield pb.RewindResponse(prediction=prediction)


def _target(session: Session, revision: int, direction: str) -> int:
    """Where a rewind goes."""
    if direction == "undo":
        return session.undo_revision()
    return session.redo_revision() if direction == "redo" else revision
