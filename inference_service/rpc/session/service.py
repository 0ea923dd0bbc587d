"""SessionService: checks what came in, lets the core do it, streams what came of it.

Creating, reading and deleting are here; the other calls are in the files of this folder, by their names.
"""

from contextlib import suppress

from inference_service.engine.constraining import check_begins
from inference_service.errors import DataLoss, NotFound
from inference_service.rpc import answers, pages, prompts, requests, session_settings, work
from inference_service.rpc.calls import threads_for
from inference_service.rpc.errors import answers_errors
from inference_service.rpc.requests import optional
from inference_service.rpc.session.branches import Branches
from inference_service.rpc.session.edit import Edit
from inference_service.rpc.session.predict import Predict
from inference_service.rpc.session.propose import Propose
from inference_service.rpc.session.recordings import Recordings
from inference_service.rpc.session.rewind import Rewind
from inference_service.rpc.session.select import Select
from inference_service.rpc.session.step import Step
from inference_service.rpc.session.watch import Watch
from unmask.v1 import session_pb2, session_service_pb2_grpc
from unmask.v1 import session_service_pb2 as pb


class SessionService(Step, Select, Edit, Rewind, Predict, Propose, Watch, Branches, Recordings,
                     session_service_pb2_grpc.SessionServiceServicer):
    @answers_errors
    async def CreateSession(self, request, context):
        requests.check_id("request_id", request.request_id)
        denoiser = await work.brief(self._library.current, request.model)

        def checked():
            given = prompts.prompt_tokens(request.prompt, denoiser)
            length = prompts.canvas_length(request, given, denoiser)
            fixed = prompts.fixed_words(request.word_constraints, length, given, denoiser)
            settings = session_settings.first_settings(request.settings, length, given.count(None), denoiser.info,
                                                       len(given))
            ttl = requests.ttl(request)
            if denoiser.info.attention.append_only:
                length = 1  # the open position at the end; how many follow is the sampler's
            return (given, length, denoiser.info.mask_token, settings, ttl, request.request_id, fixed,
                    denoiser.info.weights)

        asked = given, length, _, settings, _, _, fixed, _ = await threads_for(
            denoiser, request.prompt.HasField("chat"))(checked)
        if settings.constraint:  # compiling it may take seconds
            canvas = (*given, *(fixed.get(offset) for offset in range(length)))
            await work.patient(check_begins, settings.constraint, denoiser, canvas, len(given))

        def created() -> pb.CreateSessionResponse:
            live = self._sessions.create(request.model or self._library.default, *asked)
            return pb.CreateSessionResponse(session=answers.session(live))

        return await work.brief(created)

    @answers_errors
    async def GetSession(self, request, context):
        def found() -> pb.GetSessionResponse:
            live = self._find(request.session_id)
            return pb.GetSessionResponse(session=answers.session(live, optional(request, "revision")))

        return await work.brief(found)

    @answers_errors
    async def ListSessions(self, request, context):
        size = pages.page_size(request.page_size)
        before = pages.after_page(request.page_token)
        rows = await work.brief(self._sessions.page, size + 1, before)
        shown, last, held = [], None, 0
        for row in rows[:size]:  # each in its turn among others' calls
            if held > pages.PAGE_BYTES:
                break
            last = row
            with suppress(NotFound, DataLoss):  # deleted between the two looks, or damaged
                shown.append(await work.brief(self._listed, row.session_id))
                held += shown[-1].ByteSize()
        token = pages.page_token(last) if last and last is not rows[-1] else ""
        return pb.ListSessionsResponse(sessions=shown, next_page_token=token)

    def _listed(self, session_id: str) -> session_pb2.Session:
        return answers.session(self._sessions.get(session_id, renew=False), with_canvas=False)

    @answers_errors
    async def DeleteSession(self, request, context):
        requests.check_id("session_id", request.session_id, required=True)
        await self._settled(request.session_id)
        await work.brief(self._sessions.delete, request.session_id)
        return pb.DeleteSessionResponse()
