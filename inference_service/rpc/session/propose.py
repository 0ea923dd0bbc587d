"""Propose: what a sampler would do, or which positions would be masked again, changing nothing."""

from inference_service.engine.jobs import looking, propose_job, remask_job
from inference_service.engine.plan import plan_for
from inference_service.errors import FailedPrecondition, InvalidField
from inference_service.rpc import convert, requests, work
from inference_service.rpc.calls import Calls
from inference_service.rpc.errors import answers_errors
from inference_service.rpc.requests import optional
from inference_service.sessions.live import LiveSession
from unmask.v1 import session_service_pb2 as pb


class Propose(Calls):
    @answers_errors
    async def Propose(self, request, context):
        live = await self._get(request.session_id)
        revision = live.session.check_revision(optional(request, "revision"))
        denoiser = self._model_of(live.session)
        if request.HasField("remasking"):
            return await self._remask(request, live, revision, denoiser)
        settings = await self._later_settings(request, live.session, revision)
        drawn_at = live.session.head
        plan = await work.brief(plan_for, live.session, revision, settings, denoiser.info, drawn_at)
        plan = await self._ready(plan, denoiser)
        if await work.brief(lambda: plan.finished):
            raise FailedPrecondition(f"no position is open at revision {revision} and the sampler has no more to do",
                                     reason="CANVAS_COMPLETE")
        job = propose_job(live.session, revision, settings, True, denoiser, self._predictions, drawn_at)
        _, predicted, proposal = await self._run(looking(job, live.session))
        return await work.brief(lambda: pb.ProposeResponse(
            revision=revision, commits=map(convert.commit_to_proto, proposal.commits), cached=predicted.cached,
            reopens=map(convert.reopen_to_proto, proposal.reopens),
            edits=map(convert.commit_to_proto, proposal.edits), substep=proposal.substep))

    async def _remask(self, request, live: LiveSession, revision: int, denoiser) -> pb.ProposeResponse:
        """Which positions would be masked again."""
        if request.HasField("settings"):
            raise InvalidField("settings", "are not used with remasking; leave them out")
        state = await work.brief(live.session.state, revision)
        count = requests.remasked_count(request, state)
        rho, protect = requests.remasking(request, state)
        job = remask_job(live.session, revision, rho, protect, denoiser, self._predictions)
        predicted, ranked = await self._run(looking(job, live.session))

        def answered() -> pb.ProposeResponse:
            listed = list(map(convert.reopen_to_proto, ranked))
            reopens = listed[:count]
            return pb.ProposeResponse(revision=revision, cached=predicted.cached, reopens=reopens, ranked=listed,
                                      cutoff=reopens[-1].score if reopens else None)

        return await work.brief(answered)
