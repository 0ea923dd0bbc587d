"""Edit: what a person does to a canvas."""

from inference_service.errors import Aborted
from inference_service.rpc import answers, edit_messages, work
from inference_service.rpc.calls import threads_for
from inference_service.rpc.errors import answers_errors
from inference_service.rpc.requests import optional
from inference_service.rpc.session.changes import Changes, answered, edited
from inference_service.sessions.frame import Frame
from inference_service.sessions.lease import Lease
from inference_service.sessions.live import LiveSession
from unmask.v1 import session_service_pb2 as pb


class Edit(Changes):
    @answers_errors
    async def Edit(self, request, context):
        live = await self._get(request.session_id)
        frames = await self._replayed(request)
        if frames is None:
            denoiser = self._model_of(live.session)
            base = live.session.check_revision(optional(request, "from_revision"), "from_revision")
            state = await work.brief(live.session.state, base)
            asked = await threads_for(denoiser, any(one.append.turn.HasField("chat") for one in request.edits))(
                edit_messages.checked, request, denoiser, state.size)
            draft = await self._draft(live, base) if edit_messages.takes_drafts(asked) else {}

            def change(lease: Lease) -> Frame:
                if draft and lease.base != base:
                    raise Aborted("somebody else changed the session; look at what changed and try again",
                                  reason="REVISION_MISMATCH", metadata={"actual_revision": lease.session.head})
                return edited(lease, asked, draft, denoiser,
                               asked[0][0] if len(asked) == 1 else "edits")

            frames = [await work.long(self._change, request, change)]
        for frame in frames:
            yield await answered(pb.EditResponse, frame)
        async for prediction in self._following(request):
            yield pb.EditResponse(prediction=prediction)

    async def _draft(self, live: LiveSession, revision: int) -> dict[int, tuple[int, float]]:
        """The likeliest token of every open position of a revision, with its p_base."""
        state = await work.brief(live.session.state, revision)
        if not state.open:
            return {}
        plan, predicted = await self._predict(live, revision)
        return await work.long(answers.likeliest, plan, predicted)
