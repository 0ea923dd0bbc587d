"""Export, Import, Verify: sessions as files, and whether their steps come out the same again."""

import asyncio
from contextlib import suppress

from inference_service.engine.jobs import verify_job
from inference_service.errors import FailedPrecondition, InvalidField, ServiceError
from inference_service.rpc import answers, convert, recorded, requests
from inference_service.rpc.calls import Calls
from inference_service.rpc.errors import answers_errors
from inference_service.sampling.registry import SAMPLERS
from inference_service.sessions.collection import Live
from inference_service.sessions.frame import Cause
from unmask import recording as files
from unmask.v1 import session_service_pb2 as pb

VERIFIED_AT_ONCE = 8  # between two reports
CHUNK = 256 * 1024


class Recording(Calls):
    @answers_errors
    async def Export(self, request, context):
        live = await self._get(request.session_id)
        count = requests.exported_candidates(request.candidate_count)
        form = requests.form(request.form)
        session, predictions = live.session, []
        places = [revision for revision in range(session.first, session.head + 1)
                  if count and session.canvas_revision(revision) == revision]
        for done, revision in enumerate(places):
            yield pb.ExportResponse(progress=pb.Progress(done=done, total=len(places)))
            if (await asyncio.to_thread(session.state, revision)).open:
                plan, predicted = await self._predict(live, revision)
                predictions.append(await asyncio.to_thread(answers.prediction, plan, predicted, plan.open, count))

        def file() -> bytes:
            denoiser = None
            with suppress(ServiceError):  # a session can be taken along without its model
                denoiser = self._library.get(session.origin.model)
            made = recorded.record(live, self._sessions.names(request.session_id), denoiser, predictions)
            try:
                return files.write(made, form)
            except files.BadRecording as bad:
                raise FailedPrecondition(str(bad), reason=bad.reason) from None

        data = await asyncio.to_thread(file)
        for start in range(0, len(data), CHUNK):
            yield pb.ExportResponse(chunk=data[start:start + CHUNK])

    @answers_errors
    async def Import(self, chunks, context):
        data, request_id = bytearray(), ""
        async for request in chunks:
            request_id = request_id or request.request_id
            data += request.chunk
            if len(data) > files.MOST_BYTES:
                raise InvalidField("chunk", f"a recording has at most {files.MOST_BYTES} bytes", reason="TOO_LARGE")
        requests.check_id("request_id", request_id)

        def added() -> tuple[Live, list[str]]:
            try:
                made = files.read(bytes(data))
            except files.BadRecording as bad:
                raise InvalidField("chunk", str(bad), reason=bad.reason) from None
            recorded.check_for_a_server(made)
            session = recorded.session_of(made, self._library)
            notes = recorded.notes(made, session, self._library)
            return self._sessions.add(session, dict(made.branch_names), request_id), notes

        live, notes = await asyncio.to_thread(added)
        return pb.ImportResponse(session=answers.session(live), notes=notes)

    @answers_errors
    async def Verify(self, request, context):
        live = await self._get(request.session_id)
        session = live.session
        denoiser = self._library.get(session.origin.model)
        frames = [frame for frame in await asyncio.to_thread(lambda: session.frames) if frame.cause is Cause.STEP
                  and frame.revision > session.first]
        used = {(frame.settings or session.state(frame.parent).settings).sampler for frame in frames}
        foreign = used - set(SAMPLERS)
        if foreign:
            names = ", ".join(map(repr, sorted(foreign)))
            raise FailedPrecondition(f"the steps of {names} were made by another program; there is nothing here to"
                                     " compute them again with", reason="NOT_COMPUTABLE")
        for done, frame in enumerate(frames):
            if done % VERIFIED_AT_ONCE == 0:
                yield pb.VerifyResponse(progress=pb.Progress(done=done, total=len(frames)))
            computed = await self._run(verify_job(session, frame, denoiser), interactive=False)
            if computed is not None and _deeds(computed) != _deeds(frame.changes):
                yield pb.VerifyResponse(progress=pb.Progress(done=done + 1, total=len(frames)), mismatch=pb.Mismatch(
                    revision=frame.revision, recorded=convert.changes_to_proto(frame.changes),
                    computed=convert.changes_to_proto(computed)))
        yield pb.VerifyResponse(progress=pb.Progress(done=len(frames), total=len(frames)))


def _deeds(changes) -> list[tuple[int, int | None]]:
    """What changes do, without how probable it was."""
    return [(change.position, change.token) for change in changes]
