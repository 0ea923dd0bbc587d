"""Attribute: why a token was chosen."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import replace

from inference_service.errors import InvalidField, ServiceError
from inference_service.inspection.attribution import fallback
from inference_service.inspection.attribution.answered import Answered
from inference_service.inspection.attribution.attribute import BATCH_TOKENS, Attribution, attribute
from inference_service.inspection.attribution.question import METHODS, Question, question
from inference_service.models.denoiser import Denoiser
from inference_service.rpc import convert, requests, work
from inference_service.rpc.calls import Calls
from inference_service.rpc.errors import answers_errors
from inference_service.rpc.requests import optional
from inference_service.rpc.streams import Newest
from inference_service.sessions.session import Session
from inference_service.sessions.state import State
from unmask.enums import enum_number
from unmask.v1 import inspection_service_pb2 as pb

Event = pb.InspectionProgress | Attribution

NAMES = {pb.AttributeRequest.METHOD_UNSPECIFIED: METHODS[0],
         **{pb.AttributeRequest.Method.Value(f"METHOD_{name.upper()}"): name for name in METHODS}}
GUIDED = "The session's guidance (cfg_scale) is left out: what is explained is the model's own p_base."


class Attributing(Calls):
    def __init__(self, *parts):
        super().__init__(*parts)
        self._attributions = Answered()

    @answers_errors
    async def Attribute(self, request, context):
        live = await self._get(request.session_id)
        revision = live.session.check_revision(optional(request, "revision"))
        state = await work.brief(live.session.state, revision)
        denoiser = self._model_of(live.session)
        asked = await work.long(_question, request, state, denoiser)
        # A rewind has its target's canvas, and a model that is loaded anew may be another.
        key = request.session_id, live.session.canvas_revision(revision), denoiser.info, asked
        found = self._attributions.get(key)
        cached = found is not None
        if not cached:
            async with aclosing(self._attributed(denoiser, asked, live.session)) as events:
                async for event in events:
                    if isinstance(event, Attribution):
                        found = event
                    else:
                        yield pb.AttributeResponse(progress=event)
            self._attributions.put(key, found)
        notes = [GUIDED] if state.settings.parameters.get("cfg_scale") else []
        yield pb.AttributeResponse(attribution=await work.brief(_answer, found, asked, revision, cached, notes))

    async def _attributed(self, denoiser: Denoiser, asked: Question, session: Session) -> AsyncGenerator[Event]:
        """How far it is, and in the end the answer, by the first way that gives one."""
        batch_tokens, reason = BATCH_TOKENS, ""
        while True:
            try:
                async with aclosing(self._tried(denoiser, asked, session, batch_tokens)) as events:
                    async for event in events:
                        yield replace(event, fallback=reason) if isinstance(event, Attribution) else event
                return
            except ServiceError as error:
                denoiser, batch_tokens, reason = await work.long(
                    fallback.after, error, denoiser, batch_tokens)

    async def _tried(self, denoiser: Denoiser, asked: Question, session: Session,
                     batch_tokens: int) -> AsyncGenerator[Event]:
        """One way of answering. Ending this ends the job at its next batch."""
        events, before = Newest(), 0

        def told(done: int, total: int) -> None:
            nonlocal before
            session.looking_forwards += done - before  # a batch has several passes, each a canvas of its own
            before = done
            events.put(pb.InspectionProgress(done=done, total=total))

        # A person's steps go first: there are many passes here, and it is no step that waits for them.
        ticket = self._engine.submit(attribute(denoiser, asked, told, batch_tokens), interactive=False)
        ticket.result.add_done_callback(lambda _: events.put(None))
        try:
            async for progress in events:
                yield progress
            yield ticket.result.result()
        finally:
            ticket.cancel()


def _question(request: pb.AttributeRequest, state: State, denoiser: Denoiser) -> Question:
    if request.method not in NAMES:
        raise InvalidField("method", f"must be one of {', '.join(METHODS)}; got {request.method}")
    for field in ("sources", "spans"):
        requests.check_count(field, len(getattr(request, field)), state.size, "of the canvas's positions")
    return question(state.tokens, denoiser.info, request.position, optional(request, "token"),
                    optional(request, "contrast"), NAMES[request.method], list(request.sources),
                    [(span.position, span.count) for span in request.spans], request.window, request.steps, state.start)


def _answer(found: Attribution, asked: Question, revision: int, cached: bool, notes: list[str]) -> pb.Attribution:
    return pb.Attribution(
        revision=revision, position=asked.position, token=found.token, contrast=asked.contrast,
        method=enum_number(pb.AttributeRequest.Method.Value(f"METHOD_{asked.method.upper()}")),
        scores=[pb.SourceScore(position=position, count=count, score=score)
                for (position, count), score in zip(asked.parts, found.scores, strict=True)],
        target=found.target, baseline=found.baseline, completeness_gap=found.gap, device=found.device,
        fallback_reason=found.fallback, notes=[*found.notes, *notes], cached=cached,
        compute_time=convert.duration(0.0 if cached else found.seconds))
