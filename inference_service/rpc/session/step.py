"""Step: denoising steps, each a frame as it is committed."""

from contextlib import ExitStack

from inference_service.engine.jobs import step_job
from inference_service.engine.plan import plan_for
from inference_service.errors import FailedPrecondition
from inference_service.rpc import requests, work
from inference_service.rpc.errors import answers_errors
from inference_service.rpc.session.changes import Changes, answered
from inference_service.rpc.streams import Newest
from inference_service.sessions.live import LiveSession
from unmask.v1 import session_service_pb2 as pb

KEPT_FOR_READER = 64  # frames in memory that a reader has not taken yet
READ_AT_ONCE = 16  # frames that a slow reader has missed


class Step(Changes):
    @answers_errors
    async def Step(self, request, context):
        live = await self._get(request.session_id)
        replayed = await self._replayed(request)
        if replayed is not None:
            for frame in replayed:
                yield await answered(pb.StepResponse, frame)
        else:
            async for frame in self._steps(request, live):
                yield await answered(pb.StepResponse, frame)
        async for prediction in self._following(request):
            yield pb.StepResponse(prediction=prediction)

    async def _steps(self, request, live: LiveSession):
        """The frames of a Step as they are committed. Leaving early cancels the rest."""
        denoiser = self._model_of(live.session)
        requests.check_steps(request.count)
        frames = Newest(KEPT_FOR_READER)
        with ExitStack() as stack:
            lease = await work.entered(taken := self._lease(request))
            stack.push(taken)
            settings = await self._later_settings(request, lease.session, lease.base)
            plan = await work.brief(plan_for, lease.session, lease.base, settings, denoiser.info, lease.session.head)
            plan = await self._ready(plan, denoiser)
            if await work.brief(lambda: plan.finished):
                further = ("insert one position at the end, with more max_tokens"
                           if denoiser.info.attention.append_only else
                           "open some with Select, or go on with one that has (predict_remask, token_editing)")
                raise FailedPrecondition(f"no position is open and the sampler has no more to do; rewind, {further}",
                                         reason="CANVAS_COMPLETE")
            job = step_job(lease, denoiser, self._predictions, request.count, settings, request.draft, frames.put)
            following = lease.session.head + 1  # before the engine has the job, which may be faster than this line
            ticket = self._engine.submit(job, interactive=request.count == 1)
            held = stack.pop_all()  # from here the lease ends with the job, wherever that is

        def ended(_):
            if ticket.abandoned:  # it may be in the middle of a commit: nobody else may change the session
                self._stuck.append(held)
            else:
                held.close()
            frames.put(None)

        ticket.result.add_done_callback(ended)
        try:
            async for frame in frames:
                while following < frame.revision:  # a slow reader's: dropped from memory, and kept in the store
                    missed = await work.brief(live.session.log.between, following,
                                              min(frame.revision, following + READ_AT_ONCE) - 1)
                    for one in missed:
                        yield one
                    following += len(missed)
                yield frame
                following += 1
            ticket.result.result()
        finally:
            if not ticket.result.done():
                self._leave(request.session_id, ticket)
