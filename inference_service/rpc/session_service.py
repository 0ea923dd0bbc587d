"""SessionService: checks what came in, lets the core do it, streams what came of it."""

import asyncio
from contextlib import ExitStack, suppress
from dataclasses import replace
from time import time

from inference_service.engine.engine import Engine, Ticket
from inference_service.engine.jobs import Job, Predicted, predict_job, propose_job, remask_job, step_job, with_pending
from inference_service.engine.plan import Plan, fitted_settings, plan_for
from inference_service.engine.predictions import Predictions
from inference_service.errors import FailedPrecondition, InvalidField, NotFound, ServiceError
from inference_service.models.denoiser import ModelInfo
from inference_service.models.library import Library
from inference_service.rpc import answers, convert, edits, requests
from inference_service.rpc.errors import answers_errors
from inference_service.rpc.requests import optional
from inference_service.rpc.streams import Bell, FrameQueue
from inference_service.sampling import distribution
from inference_service.sampling.registry import SAMPLERS
from inference_service.sessions.collection import Live, Sessions, Turn
from inference_service.sessions.compare import by_position, by_token, compare
from inference_service.sessions.edits import Known, earlier_at, edit_frame
from inference_service.sessions.frame import Frame, Settings
from inference_service.sessions.session import Session
from unmask.v1 import prediction_pb2, session_service_pb2_grpc
from unmask.v1 import session_service_pb2 as pb

FRAMES_AT_ONCE = 64  # that a watcher reads before it sends them


class SessionService(session_service_pb2_grpc.SessionServiceServicer):
    def __init__(self, library: Library, sessions: Sessions, engine: Engine, predictions: Predictions):
        self._library = library
        self._sessions = sessions
        self._engine = engine
        self._predictions = predictions
        self._ending: dict[str, Ticket] = {}  # cancelled steps that have not reached their boundary

    # ---- creating, reading, deleting ----

    @answers_errors
    async def CreateSession(self, request, context):
        requests.check_id("request_id", request.request_id)
        denoiser = self._library.get(request.model)
        given = requests.prompt_tokens(request.prompt, denoiser)
        length = requests.canvas_length(request, given, denoiser)
        fixed = requests.fixed_words(request.word_constraints, length, given, denoiser)
        settings = requests.first_settings(request.settings, length, given.count(None), denoiser.info)
        ttl = requests.ttl(request)
        live = await asyncio.to_thread(
            self._sessions.create, request.model or self._library.default, given, length, denoiser.info.mask_token,
            settings, ttl, request.request_id, fixed)
        return pb.CreateSessionResponse(session=answers.session(live))

    @answers_errors
    async def GetSession(self, request, context):
        live = await self._get(request.session_id)
        return pb.GetSessionResponse(session=answers.session(live, optional(request, "revision")))

    @answers_errors
    async def ListSessions(self, request, context):
        size = requests.page_size(request.page_size)
        before = requests.after_page(request.page_token)
        rows = await asyncio.to_thread(self._sessions.page, size + 1, before)
        shown = []
        for row in rows[:size]:
            with suppress(NotFound):  # deleted between the two looks
                live = await asyncio.to_thread(self._sessions.get, row.session_id, False)
                shown.append(answers.session(live, with_canvas=False))
        token = requests.page_token(rows[size - 1]) if len(rows) > size else ""
        return pb.ListSessionsResponse(sessions=shown, next_page_token=token)

    @answers_errors
    async def DeleteSession(self, request, context):
        requests.check_id("session_id", request.session_id, required=True)
        await self._settled(request.session_id)
        await asyncio.to_thread(self._sessions.delete, request.session_id)
        return pb.DeleteSessionResponse()

    # ---- changing ----

    @answers_errors
    async def Step(self, request, context):
        live = await self._get(request.session_id)
        replayed = await self._replayed(request)
        if replayed is not None:
            for frame in replayed:
                yield pb.StepResponse(frame=convert.sent(frame))
        else:
            async for frame in self._steps(request, live):
                yield pb.StepResponse(frame=convert.sent(frame))
        async for prediction in self._following(request, live):
            yield pb.StepResponse(prediction=prediction)

    async def _steps(self, request, live: Live):
        """The frames of a Step as they are committed. Leaving early cancels the rest."""
        denoiser = self._library.get(live.session.origin.model)
        requests.check_steps(request.count)
        frames = FrameQueue()
        with ExitStack() as stack:
            turn = stack.enter_context(self._turn(request))
            settings = self._later_settings(request, live, turn.base)
            plan = await asyncio.to_thread(plan_for, turn.session, turn.base, settings, denoiser.info,
                                           turn.session.head)
            if await asyncio.to_thread(lambda: plan.finished):
                raise FailedPrecondition("no position is open and the sampler has no more to do; rewind, open some"
                                         " with Select, or go on with one that has (predict_remask, token_editing)",
                                         reason="CANVAS_COMPLETE")
            job = step_job(turn, denoiser, self._predictions, request.count, settings, request.draft, frames.put)
            ticket = self._engine.submit(job, interactive=request.count == 1)
            held = stack.pop_all()  # from here the turn ends with the job, wherever that is

        def ended(_):
            held.close()
            frames.put(None)

        ticket.result.add_done_callback(ended)
        try:
            async for frame in frames:
                yield frame
            ticket.result.result()
        finally:
            if not ticket.result.done():
                ticket.cancel()
                self._ending[request.session_id] = ticket
                ticket.result.add_done_callback(lambda _: self._ending.pop(request.session_id, None))

    @answers_errors
    async def Select(self, request, context):
        live = await self._get(request.session_id)
        frames = await self._replayed(request)
        if frames is None:
            denoiser = self._library.get(live.session.origin.model)
            selections = requests.checked_selections(request.selections, denoiser)

            def change(turn: Turn) -> Frame:
                known = self._known_probabilities(turn.session, turn.base, selections, denoiser.info)
                frame = turn.session.select_frame(selections, known, time(), _keeps_schedule(turn), turn.base)
                return with_pending(turn.session, frame, denoiser.info)

            frames = [await asyncio.to_thread(self._change, request, change)]
        for frame in frames:
            yield pb.SelectResponse(frame=convert.sent(frame))
        async for prediction in self._following(request, live):
            yield pb.SelectResponse(prediction=prediction)

    @answers_errors
    async def Edit(self, request, context):
        live = await self._get(request.session_id)
        frames = await self._replayed(request)
        if frames is None:
            denoiser = self._library.get(live.session.origin.model)
            asked = await asyncio.to_thread(edits.checked, request, denoiser)
            with self._turn(request) as turn:
                draft = await self._draft(live, turn.base) if edits.takes_drafts(asked) else {}

                def change() -> Frame:
                    info, base = denoiser.info, turn.base
                    ends = [token for token in (info.eos_token, info.eot_token) if token is not None]
                    known = Known(draft, earlier_at(turn.session, base), ends, info.context_length)
                    frame = edit_frame(turn.session, asked, known, time(), _keeps_schedule(turn), base)
                    before, after = turn.session.state(base), turn.session.after(frame)
                    if before.length != after.length:
                        fitted = fitted_settings(before.settings, before, after, info)
                        frame = replace(frame, settings=fitted if fitted != before.settings else None)
                    frame = with_pending(turn.session, frame, info)
                    turn.commit(frame)
                    return frame

                frames = [await asyncio.to_thread(change)]
        for frame in frames:
            yield pb.EditResponse(frame=convert.sent(frame))
        async for prediction in self._following(request, live):
            yield pb.EditResponse(prediction=prediction)

    async def _draft(self, live: Live, revision: int) -> dict[int, tuple[int, float]]:
        """The likeliest token of every open position of a revision, with its p_base."""
        if not live.session.state(revision).open:
            return {}
        plan, predicted = await self._predict(live, revision)
        return await asyncio.to_thread(answers.likeliest, plan, predicted)

    @answers_errors
    async def Rewind(self, request, context):
        live = await self._get(request.session_id)
        direction = requests.direction(request)
        frames = await self._replayed(request)
        if frames is None:
            def back(turn: Turn) -> Frame:
                frame = turn.session.rewind_frame(_target(turn.session, request.revision, direction), time())
                with suppress(ServiceError):  # going back needs no model; the target's word is nearly always right
                    return with_pending(turn.session, frame, self._library.get(turn.session.origin.model).info)
                return frame

            frames = [await asyncio.to_thread(self._change, request, back)]
        for frame in frames:
            yield pb.RewindResponse(frame=convert.sent(frame))
        async for prediction in self._following(request, live):
            yield pb.RewindResponse(prediction=prediction)

    def _turn(self, request):
        base = None if isinstance(request, pb.RewindRequest) else optional(request, "from_revision")
        return self._sessions.turn(request.session_id, optional(request, "expected_revision"), request.request_id, base)

    def _change(self, request, make) -> Frame:
        """Adds the one frame that `make` makes."""
        with self._turn(request) as turn:
            frame = make(turn)
            turn.commit(frame)
        return frame

    def _known_probabilities(self, session: Session, revision: int, selections: dict[int, int | None],
                             info: ModelInfo) -> dict[int, float]:
        """p_base of the chosen tokens where a prediction of the revision is still at hand."""
        state = session.state(revision)
        key = (session.origin.session_id, session.canvas_revision(revision),
               float(state.settings.parameters.get("cfg_scale", 0.0)), state.size, info)
        still_open = set(state.open)
        positions = [position for position, token in selections.items() if token is not None and position in still_open]
        kept = self._predictions.get(key, positions) if positions else None
        if kept is None:
            return {}
        p = distribution.p_base(kept.prediction.rows(positions))
        return {position: float(p[row, selections[position]]) for row, position in enumerate(positions)}

    # ---- looking ----

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
        settings = self._later_settings(request, live, revision)
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
        settings = self._later_settings(request, live, revision)
        drawn_at = live.session.head
        plan = plan_for(live.session, revision, settings, denoiser.info, drawn_at)
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

    @answers_errors
    async def WatchSession(self, request, context):
        requests.check_id("session_id", request.session_id, required=True)
        after = optional(request, "after_revision")
        bell = Bell()
        live = await asyncio.to_thread(self._sessions.follow, request.session_id, bell)
        session = live.session
        first, names_version = session.first, None
        try:
            if after is None:
                following = first
                for revision in [first, *session.roots(first)[:-1]] if first else [0]:
                    yield pb.WatchSessionResponse(session=await asyncio.to_thread(answers.base, live, revision))
            else:
                following = session.check_revision(after, "after_revision") + 1
            while True:
                if session.first > first:
                    first = session.first
                    yield pb.WatchSessionResponse(trimmed=pb.HistoryTrimmed(first_revision=first))
                    session.check_revision(min(following, session.head), "after_revision")
                while following <= session.head:
                    for frame in await asyncio.to_thread(
                            session.log.between, following, min(session.head, following + FRAMES_AT_ONCE - 1)):
                        yield pb.WatchSessionResponse(frame=convert.sent(frame))
                        following += 1
                if live.names_version != names_version:
                    names = await asyncio.to_thread(self._sessions.names, request.session_id)
                    if names or names_version is not None:
                        yield pb.WatchSessionResponse(names=pb.BranchNames(revisions=names))
                    names_version = live.names_version
                if live.deleted:
                    raise NotFound("the session was deleted", reason="SESSION_NOT_FOUND")
                await bell.wait()
        finally:
            self._sessions.unfollow(live, bell)

    # ---- branches ----

    @answers_errors
    async def ListBranches(self, request, context):
        live = await self._get(request.session_id)

        def branches():
            names = self._sessions.names(request.session_id)
            lines = [line for line in live.session.tree.lines() if line.leaf >= live.session.first]
            return [answers.branch(live, line, names) for line in lines]

        return pb.ListBranchesResponse(branches=await asyncio.to_thread(branches))

    @answers_errors
    async def NameBranch(self, request, context):
        name = requests.branch_name(request.name)
        live = await self._get(request.session_id)

        def named():
            place = self._sessions.name(request.session_id, name, optional(request, "revision"))
            return answers.branch(live, live.session.tree.line_of(place), self._sessions.names(request.session_id))

        return pb.NameBranchResponse(branch=await asyncio.to_thread(named))

    @answers_errors
    async def DeleteBranchName(self, request, context):
        requests.check_id("session_id", request.session_id, required=True)
        await asyncio.to_thread(self._sessions.unname, request.session_id, request.name)
        return pb.DeleteBranchNameResponse()

    @answers_errors
    async def CompareRevisions(self, request, context):
        one = await self._get(request.session_id)
        other = await self._get(request.other_session_id) if request.other_session_id else one
        revision = one.session.check_revision(optional(request, "revision"))
        other_revision = other.session.check_revision(optional(request, "other_revision"), "other_revision")
        if one.session.origin.model != other.session.origin.model:
            raise InvalidField("other_session_id", f"must be a session of the same model, {one.session.origin.model!r};"
                                                   f" it is one of {other.session.origin.model!r}")
        return await asyncio.to_thread(_compared, one.session, revision, other.session, other_revision)

    # ---- shared ----

    async def _get(self, session_id: str) -> Live:
        requests.check_id("session_id", session_id, required=True)
        return await asyncio.to_thread(self._sessions.get, session_id)

    async def _settled(self, session_id: str) -> None:
        """Waits for a step that was cancelled to reach its boundary."""
        ticket = self._ending.get(session_id)
        if ticket:
            with suppress(Exception):
                await asyncio.wrap_future(ticket.result)

    async def _replayed(self, request) -> list[Frame] | None:
        """The frames that the same request made before, or None if it is a new one."""
        requests.check_id("request_id", request.request_id)
        await self._settled(request.session_id)
        return await asyncio.to_thread(self._sessions.replay, request.session_id, request.request_id)

    async def _predict(self, live: Live, revision: int, settings: Settings | None = None) -> tuple[Plan, Predicted]:
        """The prediction of all open positions at a revision; ends with the call if that is cancelled."""
        if not live.session.state(revision).open:
            raise FailedPrecondition(f"no position is open at revision {revision}", reason="CANVAS_COMPLETE")
        denoiser = self._library.get(live.session.origin.model)
        return await self._run(predict_job(live.session, revision, settings, denoiser, self._predictions))

    async def _run(self, job: Job):
        """What a job returns; it ends with the call if that is cancelled."""
        ticket = self._engine.submit(job, interactive=True)
        try:
            return await asyncio.shield(asyncio.wrap_future(ticket.result))
        finally:
            ticket.cancel()

    def _later_settings(self, request, live: Live, revision: int | None = None) -> Settings | None:
        """Those in force at a revision, changed as the request asks; None where it asks for no change."""
        if not request.HasField("settings"):
            return None
        return requests.later_settings(request.settings, live.session.state(revision),
                                       self._library.get(live.session.origin.model).info)

    async def _following(self, request, live: Live):
        """The prediction after a call's last frame, where it was asked for and something is open."""
        if request.predict and live.session.state().open:
            plan, predicted = await self._predict(live, live.session.head)
            message: prediction_pb2.Prediction = await asyncio.to_thread(answers.prediction, plan, predicted, [], 1)
            yield message


def _keeps_schedule(turn: Turn) -> bool:
    return SAMPLERS[turn.session.state(turn.base).settings.sampler].keeps_schedule


def _target(session: Session, revision: int, direction: str) -> int:
    """Where a rewind goes."""
    if direction == "undo":
        return session.undo_revision()
    return session.redo_revision() if direction == "redo" else revision


def _compared(one: Session, revision: int, other: Session, other_revision: int) -> pb.CompareRevisionsResponse:
    """How two canvases differ: by where their positions come from in one session, by position or token in two."""
    tokens, other_tokens = one.state(revision).tokens, other.state(other_revision).tokens
    common = one.tree.common(revision, other_revision) if one is other else None
    if common is not None and common >= one.first:
        found = compare(tokens, other_tokens, one.sources(revision, common), one.sources(other_revision, common))
    else:
        sources = by_position if len(tokens) == len(other_tokens) else by_token
        found = compare(tokens, other_tokens, sources(len(tokens)), sources(len(other_tokens)))
    return pb.CompareRevisionsResponse(spans=answers.comparison(found), exact=found.exact,
                                       equal_count=found.equal_count, common_revision=common)
