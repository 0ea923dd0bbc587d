"""Step, Select, Edit, Rewind: the calls that add frames."""

from contextlib import ExitStack, suppress
from dataclasses import replace
from time import time

from inference_service.engine.jobs import by_hand, step_job, with_pending
from inference_service.engine.plan import fitted_settings, plan_for
from inference_service.errors import Aborted, FailedPrecondition, InvalidField, ServiceError
from inference_service.models.denoiser import Denoiser, ModelInfo
from inference_service.rpc import answers, convert, edits, requests, work
from inference_service.rpc.calls import Calls, threads_for
from inference_service.rpc.errors import answers_errors
from inference_service.rpc.requests import optional
from inference_service.rpc.streams import Newest
from inference_service.sampling import distribution
from inference_service.sampling.registry import SAMPLERS
from inference_service.sessions.collection import Lease, LiveSession
from inference_service.sessions.editing import earlier_at, edit_frame
from inference_service.sessions.edits import Append, Edit, EditFacts, Force, Mask
from inference_service.sessions.frame import Cause, Frame
from inference_service.sessions.session import Session
from unmask.v1 import session_service_pb2 as pb

MADE_AT_ONCE = 256  # positions that a frame tells of and whose message is made on the event loop
KEPT_FOR_READER = 64  # frames in memory that a reader has not taken yet
READ_AT_ONCE = 16  # frames that a slow reader has missed


class Changing(Calls):
    @answers_errors
    async def Step(self, request, context):
        live = await self._get(request.session_id)
        replayed = await self._replayed(request)
        if replayed is not None:
            for frame in replayed:
                yield await _answered(pb.StepResponse, frame)
        else:
            async for frame in self._steps(request, live):
                yield await _answered(pb.StepResponse, frame)
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
                frame = lease.session.select_frame(selections, known, time(), _keeps_schedule(lease), lease.base)
                return by_hand(lease.session, frame, denoiser, "selections.token")

            frames = [await work.brief(self._change, request, change)]
        for frame in frames:
            yield await _answered(pb.SelectResponse, frame)
        async for prediction in self._following(request):
            yield pb.SelectResponse(prediction=prediction)

    @answers_errors
    async def Edit(self, request, context):
        live = await self._get(request.session_id)
        frames = await self._replayed(request)
        if frames is None:
            denoiser = self._model_of(live.session)
            base = live.session.check_revision(optional(request, "from_revision"), "from_revision")
            state = await work.brief(live.session.state, base)
            asked = await threads_for(denoiser, any(one.append.lease.HasField("chat") for one in request.edits))(
                edits.checked, request, denoiser, state.size)
            draft = await self._draft(live, base) if edits.takes_drafts(asked) else {}

            def change(lease: Lease) -> Frame:
                if draft and lease.base != base:
                    raise Aborted("somebody else changed the session; look at what changed and try again",
                                  reason="REVISION_MISMATCH", metadata={"actual_revision": lease.session.head})
                return _edited(lease, asked, draft, denoiser,
                               asked[0][0] if len(asked) == 1 else "edits")

            frames = [await work.long(self._change, request, change)]
        for frame in frames:
            yield await _answered(pb.EditResponse, frame)
        async for prediction in self._following(request):
            yield pb.EditResponse(prediction=prediction)

    async def _draft(self, live: LiveSession, revision: int) -> dict[int, tuple[int, float]]:
        """The likeliest token of every open position of a revision, with its p_base."""
        state = await work.brief(live.session.state, revision)
        if not state.open:
            return {}
        plan, predicted = await self._predict(live, revision)
        return await work.long(answers.likeliest, plan, predicted)

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
            yield await _answered(pb.RewindResponse, frame)
        async for prediction in self._following(request):
            yield pb.RewindResponse(prediction=prediction)

    def _lease(self, request):
        base = None if isinstance(request, pb.RewindRequest) else optional(request, "from_revision")
        return self._sessions.lease(request.session_id, optional(request, "expected_revision"), request.request_id,
                                    base)

    def _change(self, request, make) -> Frame:
        """Adds the one frame that `make` makes."""
        with self._lease(request) as lease:
            frame = make(lease)
            lease.commit(frame)
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


async def _answered(answer, frame: Frame):
    """A frame's message for a client; a large one is made in a thread."""
    if len(frame.changes) + (len(frame.draft.positions) if frame.draft else 0) > MADE_AT_ONCE:
        return await work.brief(lambda: answer(frame=convert.sent(frame)))
    return answer(frame=convert.sent(frame))


def _edited(lease: Lease, asked: list[tuple[str, Edit]], draft: dict[int, tuple[int, float]], denoiser: Denoiser,
            field: str) -> Frame:
    """The frame of some edits, with the settings for a generated part of another length. field: what errors name."""
    session, base, info = lease.session, lease.base, denoiser.info
    most = session.state(base).settings.parameters.get("max_tokens") or info.context_length
    facts = EditFacts(draft, earlier_at(session, base), info.end_tokens, info.context_length,
                      info.attention.append_only, most)
    frame = edit_frame(session, asked, facts, time(), _keeps_schedule(lease), base)
    before, after = session.state(base), session.after(frame)
    if before.length != after.length or before.start != after.start:
        last = asked[-1][1]
        length = min(last.length, info.context_length - after.start) if isinstance(last, Append) else None
        fitted = fitted_settings(before.settings, before, after, info, length)
        frame = replace(frame, settings=fitted if fitted != before.settings else None)
    return by_hand(session, frame, denoiser, field)


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
    frame = _edited(lease, asked, {}, denoiser, "selections.token")
    changes = tuple(replace(change, probability=known.get(change.position)) for change in frame.changes)
    return replace(frame, cause=Cause.SELECT, changes=changes)


def _keeps_schedule(lease: Lease) -> bool:
    sampler = SAMPLERS.get(lease.session.state(lease.base).settings.sampler)
    return sampler is not None and sampler.keeps_schedule


def _target(session: Session, revision: int, direction: str) -> int:
    """Where a rewind goes."""
    if direction == "undo":
        return session.undo_revision()
    return session.redo_revision() if direction == "redo" else revision
