"""What every call on sessions needs: the parts of the server, and finding, waiting, predicting."""

import asyncio
from contextlib import ExitStack, suppress

from inference_service.engine.constraining import check_begins
from inference_service.engine.engine import Engine, Ticket
from inference_service.engine.jobs import Job, Predicted, looking, predict_job
from inference_service.engine.plan import Plan, plan_for
from inference_service.engine.predictions import Predictions
from inference_service.errors import FailedPrecondition
from inference_service.models.denoiser import Denoiser
from inference_service.models.library import Library
from inference_service.rpc import answers, requests, session_settings, work
from inference_service.sampling.registry import SAMPLERS
from inference_service.sessions.collection import Sessions
from inference_service.sessions.frame import Frame, Settings
from inference_service.sessions.live import LiveSession
from inference_service.sessions.session import Session
from inference_service.sessions.state import State
from unmask.v1 import prediction_pb2, settings_pb2


def threads_for(denoiser: Denoiser, renders: bool = False) -> work.Threads:
    """The threads for work on texts: those that wait, where a child process does it. renders: a chat template."""
    waits = renders or denoiser.text is not None and denoiser.text.in_child
    return work.patient if waits else work.long


class Calls:
    """The base of the services' parts."""

    def __init__(self, library: Library, sessions: Sessions, engine: Engine, predictions: Predictions):
        self._library = library
        self._sessions = sessions
        self._engine = engine
        self._predictions = predictions
        self._ending: dict[str, Ticket] = {}  # cancelled steps that have not reached their boundary
        self._stuck: list[ExitStack] = []  # turns of jobs that the engine was given up in the middle of

    def _find(self, session_id: str) -> LiveSession:
        """A session. Reads the store: not for the event loop."""
        requests.check_id("session_id", session_id, required=True)
        return self._sessions.get(session_id)

    async def _get(self, session_id: str) -> LiveSession:
        return await work.brief(self._find, session_id)

    def _model_of(self, session: Session) -> Denoiser:
        """The model that a session began with, as long as its name stands for the same weights."""
        origin = session.origin
        return self._library.same(origin.model, origin.weights, origin.mask_token)

    async def _settled(self, session_id: str) -> None:
        """Waits for a step that was cancelled to reach its boundary."""
        ticket = self._ending.get(session_id)
        if ticket:
            with suppress(Exception):
                await asyncio.wrap_future(ticket.result)

    def _leave(self, session_id: str, ticket: Ticket) -> None:
        """Cancels a step whose call is over; the session's next change waits for its boundary."""
        def settled(_) -> None:
            if self._ending.get(session_id) is ticket:
                del self._ending[session_id]

        ticket.cancel()
        self._ending[session_id] = ticket
        ticket.result.add_done_callback(settled)

    async def _replayed(self, request) -> list[Frame] | None:
        """The frames that the same request made before, or None if it is a new one."""
        requests.check_id("request_id", request.request_id)
        await self._settled(request.session_id)
        return await work.brief(self._sessions.replay, request.session_id, request.request_id)

    async def _predict(self, live: LiveSession, revision: int, settings: Settings | None = None,
                       ) -> tuple[Plan, Predicted]:
        """The prediction of all open positions at a revision; ends with the call if that is cancelled."""
        denoiser = self._model_of(live.session)

        def prepared() -> tuple[Settings | None, Plan | None]:
            """The settings, and the plan where its constraint is to be compiled. Folds the state, which is kept."""
            chosen, state = settings, live.session.state(revision)
            if not state.open:
                raise FailedPrecondition(f"no position is open at revision {revision}", reason="CANVAS_COMPLETE")
            if chosen is None and state.settings.sampler not in SAMPLERS:  # another program's: what the model says is
                # the same by any sampler
                chosen = session_settings.first_settings(settings_pb2.Settings(seed=0), state.length, state.holes,
                                                         denoiser.info, state.start)
            constrained = (chosen or state.settings).constraint
            return chosen, plan_for(live.session, revision, chosen, denoiser.info) if constrained else None

        settings, plan = await work.brief(prepared)
        if plan:
            plan = await self._ready(plan, denoiser)
        job = predict_job(live.session, revision, settings, denoiser, self._predictions)
        return await self._run(looking(job, live.session))

    async def _ready(self, plan: Plan, denoiser: Denoiser) -> Plan:
        """The plan with its constraint compiled, which takes up to seconds, before a job is in the engine.

        Hold it until the job has ended: for that long what was compiled is at hand.
        """
        return plan if plan.asked is None else await work.patient(plan.constrained, denoiser, "")

    async def _run(self, job: Job, interactive: bool = True):
        """What a job returns; it ends with the call if that is cancelled."""
        ticket = self._engine.submit(job, interactive)
        try:
            return await asyncio.wrap_future(ticket.result)
        finally:
            ticket.cancel()

    async def _later_settings(self, request, session: Session, revision: int) -> Settings | None:
        """Those in force at a revision, changed as the request asks; None where it asks for no change."""
        if not request.HasField("settings"):
            return None
        denoiser = self._model_of(session)

        def changed() -> tuple[Settings, State]:
            state = session.state(revision)
            return session_settings.later_settings(request.settings, state, denoiser.info), state

        settings, state = await work.brief(changed)
        if settings.constraint != state.settings.constraint:  # compiling it may take seconds
            await work.patient(check_begins, settings.constraint, denoiser, state.tokens, state.start)
        return settings

    async def _following(self, request):
        """The prediction after a call's last frame, where it was asked for and something is open."""
        if not request.predict:
            return
        live = await self._get(request.session_id)  # anew: what the call began with may have left the memory
        state = await work.brief(live.session.state)
        if state.open:
            plan, predicted = await self._predict(live, live.session.head)
            message: prediction_pb2.Prediction = await work.long(answers.prediction, plan, predicted, [], 1)
            yield message
