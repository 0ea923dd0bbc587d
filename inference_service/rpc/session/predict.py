"""Predict, GetCandidates, Reprocess: what the model says, changing nothing."""

from inference_service.rpc import answers, convert, requests, work
from inference_service.rpc.calls import Calls
from inference_service.rpc.errors import answers_errors
from inference_service.rpc.requests import optional
from inference_service.sessions.frame import Settings
from inference_service.sessions.live import LiveSession
from unmask.v1 import session_service_pb2 as pb


class Predict(Calls):
    @answers_errors
    async def Predict(self, request, context):
        live, revision, positions = await work.brief(self._looked_at, request, "candidate_positions", False)
        count = requests.candidate_count("candidate_count", request.candidate_count)
        plan, predicted = await self._predict(live, revision)
        return pb.PredictResponse(prediction=await work.long(answers.prediction, plan, predicted, positions, count))

    @answers_errors
    async def GetCandidates(self, request, context):
        live, revision, positions = await work.brief(self._looked_at, request, "positions", True)
        count = requests.candidate_count("count", request.count)
        plan, predicted = await self._predict(live, revision)
        found = await work.long(answers.candidates, plan, predicted, positions, count)
        return pb.GetCandidatesResponse(revision=revision, candidates=found, recomputed=not predicted.cached)

    def _looked_at(self, request, field: str, required: bool) -> tuple[LiveSession, int, list[int]]:
        """The session, the revision and the open positions that a call asks for."""
        live = self._find(request.session_id)
        revision = live.session.check_revision(optional(request, "revision"))
        opened = live.session.state(revision).open
        return live, revision, requests.checked_positions(field, getattr(request, field), opened, required)

    @answers_errors
    async def Reprocess(self, request, context):
        live = await self._get(request.session_id)
        revision = live.session.check_revision(optional(request, "revision"))
        settings = await self._later_settings(request, live.session, revision)
        scale = requests.gumbel_scale(request)

        def listed() -> tuple[list[int], int, Settings]:
            state = live.session.state(revision)
            positions = requests.checked_positions("positions", request.positions, state.open, required=False)
            return positions, requests.reprocessed_count(
                request.candidate_count, len(positions or state.open)), settings or state.settings

        positions, count, applied = await work.brief(listed)
        plan, predicted = await self._predict(live, revision, settings)

        def answered() -> pb.ReprocessResponse:
            found = answers.reprocessed(plan, predicted, positions or plan.open, count, scale)
            return pb.ReprocessResponse(revision=revision, candidates=found, recomputed=not predicted.cached,
                                        settings=convert.settings_to_proto(applied))

        return await work.long(answered)
