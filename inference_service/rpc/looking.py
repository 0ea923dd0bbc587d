"""Predict, GetCandidates, Reprocess, Propose: the calls that ask the model and change nothing."""

import asyncio

from inference_service.engine.jobs import propose_job, remask_job
from inference_service.engine.plan import plan_for
from inference_service.errors import FailedPrecondition, InvalidField
from inference_service.rpc import answers, convert, requests
from inference_service.rpc.calls import Calls
from inference_service.rpc.errors import answers_errors
from inference_service.rpc.requests import optional
from inference_service.sessions.collection import Live
from unmask.v1 import session_service_pb2 as pb


class Looking(Calls):
    @answers_errors
    async def Predict(self, request, context):
        live = await self._get(request.session_id)
        revision = live.session.check_revision(optional(request, "revision"))
        positions = requests.checked_positions("candidate_positions", request.candidate_positions,
                                               live.session.state(revision).open, required=False)
        count = requests.candidate_count("candidate_count", request.candidate_count)
        plan, predicted = await self._predict(live, revision)
        return pb.PredictResponse(prediction=await asyncio.to_thread(
            answers.prediction, plan, predicted, positions, count))

    @answers_errors
    async def GetCandidates(self, request, context):
        live = await self._get(request.session_id)
        revision = live.session.check_revision(optional(request, "revision"))
        positions = requests.checked_positions("positions", request.positions, live.session.state(revision).open,
                                               required=True)
        count = requests.candidate_count("count", request.count)
        plan, predicted = await self._predict(live, revision)
        found = await asyncio.to_thread(answers.candidates, plan, predicted, positions, count)
        return pb.GetCandidatesResponse(revision=revision, candidates=found, recomputed=not predicted.cached)

    @answers_errors
    async def Reprocess(self, request, context):
        live = await self._get(request.session_id)
        revision = live.session.check_revision(optional(request, "revision"))
        settings = await self._later_settings(request, live.session, revision)
        count = requests.candidate_count("candidate_count", request.candidate_count)
        scale = requests.gumbel_scale(request)
        opened = live.session.state(revision).open
        positions = requests.checked_positions("positions", request.positions, opened, required=False)
        plan, predicted = await self._predict(live, revision, settings)
        found = await asyncio.to_thread(answers.reprocessed, plan, predicted, positions or plan.open, count, scale)
        applied = settings or live.session.state(revision).settings
        return pb.ReprocessResponse(revision=revision, candidates=found, recomputed=not predicted.cached,
                                    settings=convert.settings_to_proto(applied))

    @answers_errors
    async def Propose(self, request, context):
        live = await self._get(request.session_id)
        revision = live.session.check_revision(optional(request, "revision"))
        denoiser = self._library.get(live.session.origin.model)
        if request.HasField("remasking"):
            return await self._remask(request, live, revision, denoiser)
        settings = await self._later_settings(request, live.session, revision)
        drawn_at = live.session.head
        plan = plan_for(live.session, revision, settings, denoiser.info, drawn_at)
        await self._ready(plan, denoiser)
        if await asyncio.to_thread(lambda: plan.finished):
            raise FailedPrecondition(f"no position is open at revision {revision} and the sampler has no more to do",
                                     reason="CANVAS_COMPLETE")
        _, predicted, proposal = await self._run(
            propose_job(live.session, revision, settings, True, denoiser, self._predictions, drawn_at))
        return pb.ProposeResponse(
            revision=revision, commits=map(convert.commit_to_proto, proposal.commits), cached=predicted.cached,
            reopens=map(convert.reopen_to_proto, proposal.reopens),
            edits=map(convert.commit_to_proto, proposal.edits), substep=proposal.substep)

    async def _remask(self, request, live: Live, revision: int, denoiser) -> pb.ProposeResponse:
        """Which positions would be masked again."""
        if request.HasField("settings"):
            raise InvalidField("settings", "are not used with remasking; leave them out")
        state = live.session.state(revision)
        count = requests.remasked_count(request, state)
        rho, protect = requests.remasking(request, state)
        predicted, ranked = await self._run(
            remask_job(live.session, revision, rho, protect, denoiser, self._predictions))
        ranked = list(map(convert.reopen_to_proto, ranked))
        reopens = ranked[:count]
        return pb.ProposeResponse(revision=revision, cached=predicted.cached, reopens=reopens, ranked=ranked,
                                  cutoff=reopens[-1].score if reopens else None)
