"""Export, Import, Verify: sessions as files, and whether their steps come out the same again."""

from contextlib import suppress

from inference_service.engine.jobs import looking, verify_job
from inference_service.engine.plan import plan_for
from inference_service.errors import FailedPrecondition, InvalidField, ServiceError
from inference_service.rpc import admission, answers, convert, recorded, requests, work
from inference_service.rpc.calls import Calls
from inference_service.rpc.errors import answers_errors
from inference_service.sampling.registry import SAMPLERS
from inference_service.sandbox import processes
from inference_service.sandbox.limits import MIB, Limits, Refused, Stopped
from inference_service.sessions.frame import Cause, Frame
from inference_service.sessions.session import Session
from unmask import recording as files
from unmask.recording import parts
from unmask.v1 import session_service_pb2 as pb
from unmask.v1.recording_pb2 import Recording

VERIFIED_AT_ONCE = 8  # between two reports
CHUNK = 256 * 1024
CANDIDATE_BYTES = 24  # of a candidate in a file, at least
MOST_BYTES = 64 << 20  # of an imported file
READING = Limits(seconds=40, memory=1024 * MIB, wall=240.0)  # of as many revisions as are taken, twice over


class Recordings(Calls):
    @answers_errors
    async def Export(self, request, context):
        live = await self._get(request.session_id)
        count = requests.exported_candidates(request.candidate_count)
        form = requests.form(request.form)
        session, predictions = live.session, []
        places = await work.long(_places, session, count) if count else []
        for done, revision in enumerate(places):
            yield pb.ExportResponse(progress=pb.Progress(done=done, total=len(places)))
            if (await work.brief(session.state, revision)).open:
                plan, predicted = await self._predict(live, revision)
                predictions.append(await work.long(answers.prediction, plan, predicted, plan.open, count))
                admission.hold(predictions[-1].ByteSize())

        def file() -> bytes:
            denoiser = None
            with suppress(ServiceError):  # a session can be taken along without its model
                denoiser = self._model_of(session)
            made = recorded.record(live, self._sessions.names(request.session_id), denoiser, predictions)
            try:
                return files.write(made, form)
            except files.BadRecording as bad:
                raise FailedPrecondition(str(bad), reason=bad.reason) from None

        data = await work.long(file)
        admission.hold(len(data))
        for start in range(0, len(data), CHUNK):
            yield pb.ExportResponse(chunk=data[start:start + CHUNK])

    @answers_errors
    async def Import(self, chunks, context):
        data, request_id = bytearray(), ""
        async for request in chunks:
            request_id = request_id or request.request_id
            data += request.chunk
            if len(data) > MOST_BYTES:
                raise InvalidField("chunk", f"a server takes recordings of up to {MOST_BYTES:,} bytes",
                                   reason="TOO_LARGE")
        requests.check_id("request_id", request_id)

        made = await work.patient(read, bytes(data))
        del data

        def added() -> pb.ImportResponse:
            recorded.check_for_a_server(made)
            session = recorded.session_of(made, self._library)
            notes = recorded.notes(made, session, self._library)
            live = self._sessions.add(session, dict(made.branch_names), request_id)
            return pb.ImportResponse(session=answers.session(live), notes=notes)

        return await work.long(added)

    @answers_errors
    async def Verify(self, request, context):
        live = await self._get(request.session_id)
        session = live.session
        denoiser = self._model_of(session)
        frames, used = await work.long(_steps, session)
        foreign = used - set(SAMPLERS)
        if foreign:
            names = ", ".join(map(repr, sorted(foreign)))
            raise FailedPrecondition(f"the steps of {names} were made by another program; there is nothing here to"
                                     " compute them again with", reason="NOT_COMPUTABLE")
        for done, frame in enumerate(frames):
            if done % VERIFIED_AT_ONCE == 0:
                yield pb.VerifyResponse(progress=pb.Progress(done=done, total=len(frames)))
            plan = await work.brief(plan_for, session, frame.parent, frame.settings, denoiser.info)
            plan = await self._ready(plan, denoiser)
            computed = await self._run(looking(verify_job(session, frame, denoiser), session), interactive=False)
            if computed is not None and _deeds(computed) != _deeds(frame.changes):
                yield pb.VerifyResponse(progress=pb.Progress(done=done + 1, total=len(frames)), mismatch=pb.Mismatch(
                    revision=frame.revision, recorded=convert.changes_to_proto(frame.changes),
                    computed=convert.changes_to_proto(computed)))
        yield pb.VerifyResponse(progress=pb.Progress(done=len(frames), total=len(frames)))


def _places(session: Session, count: int) -> list[int]:
    """The revisions whose predictions go into a file, `count` candidates each. Raises InvalidField for too many."""
    frames = session.frames
    total = sum(frame.summary.open_count for frame in frames if session.canvas_revision(frame.revision)
                == frame.revision)
    most = files.MOST_BYTES // CANDIDATE_BYTES // max(1, total)
    if count > most:
        raise InvalidField("candidate_count", f"must be from 0 to {min(most, answers.MOST_CANDIDATES)} for the {total}"
                                              f" open positions of this session's revisions; got {count}")
    return [frame.revision for frame in frames if session.canvas_revision(frame.revision) == frame.revision]


def _steps(session: Session) -> tuple[list[Frame], set[str]]:
    """The steps that can be computed again, and their samplers."""
    frames = [frame for frame in session.frames if frame.cause is Cause.STEP and frame.revision > session.first]
    return frames, {(frame.settings or session.state(frame.parent).settings).sampler for frame in frames}


def read(data: bytes) -> Recording:
    """The recording that a file holds, read and checked in a child process. Raises InvalidField."""
    try:
        _, (content,) = processes.run("inference_service.rpc.reading:read", {}, [data], slow_limits=READING)
        return parts.recording_of(content)
    except Refused as refused:
        raise InvalidField("chunk", str(refused), reason=str(refused.told.get("reason"))) from None
    except files.BadRecording as bad:  # what was much in JSON can be next to nothing here
        raise InvalidField("chunk", str(bad), reason=bad.reason) from None
    except Stopped as stopped:
        raise InvalidField("chunk", "the recording takes more than"
                           f" {READING.seconds} seconds or {READING.memory >> 20} MiB to be read", reason="TOO_LARGE",
                           metadata={"limit": stopped.limit}) from None


def _deeds(changes) -> list[tuple[int, int | None]]:
    """What changes do, without how probable it was."""
    return [(change.position, change.token) for change in changes]
