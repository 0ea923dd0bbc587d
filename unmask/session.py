"""One session, as the Python client has it."""

import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from unmask import edits
from unmask.canvas import canvas_of
from unmask.enums import enum_number
from unmask.errors import Unreachable, translated
from unmask.messages import detokenizing, prompt_of, settings_of, some_settings_of
from unmask.streams import ended, last
from unmask.v1 import inspection_service_pb2 as inspection_pb
from unmask.v1 import model_service_pb2 as models_pb
from unmask.v1 import session_service_pb2 as sessions_pb
from unmask.v1.edit_pb2 import Edit
from unmask.v1.frame_pb2 import Frame
from unmask.v1.inspection_service_pb2_grpc import InspectionServiceStub
from unmask.v1.model_service_pb2_grpc import ModelServiceStub
from unmask.v1.prediction_pb2 import PositionCandidates, Prediction, ProposedCommit
from unmask.v1.session_pb2 import Branch
from unmask.v1.session_pb2 import Session as SessionMessage
from unmask.v1.session_service_pb2_grpc import SessionServiceStub

RETRY_SECONDS = 0.2


class Session:
    """One session. Its canvas is asked for when it is read, so several clients may share a session."""

    def __init__(self, sessions: SessionServiceStub, models: ModelServiceStub, session: SessionMessage,
                 inspection: InspectionServiceStub):
        self._sessions = sessions
        self._models = models
        self._inspection = inspection
        self.id = session.id
        self.model = session.model

    def _call(self, method, request, **more):
        """Calls with the session's id where proxies can see it."""
        return method(request, metadata=[("session-id", self.id)], **more)

    def get(self, revision: int | None = None) -> SessionMessage:
        """The session as it stands, or as it stood at a revision."""
        with translated():
            request = sessions_pb.GetSessionRequest(session_id=self.id, revision=revision)
            return self._call(self._sessions.GetSession, request).session

    @property
    def revision(self) -> int:
        """The newest revision."""
        return self.get().head_revision

    @property
    def prompt_length(self) -> int:
        """How many positions the prompt takes at the start of the canvas."""
        return self.get().prompt_length

    @property
    def tokens(self) -> list[int | None]:
        """The generated positions, None where still open."""
        canvas = canvas_of(self.get())
        return list(canvas.tokens[canvas.prompt_length:])

    @property
    def text(self) -> str:
        """The committed tokens of the generated part as text, special tokens left out."""
        with translated():
            return self._models.Detokenize(detokenizing(self.tokens, self.model)).text

    @property
    def forwards(self) -> int:
        """Forward passes that the run to the newest revision takes, whoever has looked into it."""
        return self.get().summary.total_forward_count

    @property
    def looking_forwards(self) -> int:
        """Forward passes that looking took (predict, candidates, attribute, verify, ...), since the server has the
        session in memory."""
        return self.get().looking_forward_count

    def step(self, count: int = 0, *, draft: bool = False, from_revision: int | None = None, sampler: str = "",
             seed: int | None = None, parameters: Mapping[str, object] | None = None,
             constraint: Mapping[str, object] | None = None, cache: str | Mapping[str, object] = "",
             **more) -> Iterator[Frame]:
        """Runs `count` denoising steps, 0 to the end, and yields each frame as it is committed.

        Leaving the loop early stops the run at the next revision. Parameters given here hold from now on: as
        keywords, or, where a name is one of step's own, as `parameters`.
        from_revision: the revision to go on from, the newest if None; any other one starts a branch.
        constraint: another one from here on, as `create` takes it; {} takes it away. cache: another one from here on.
        """
        settings = some_settings_of(sampler, seed, {**(parameters or {}), **more}, constraint, cache)
        request = sessions_pb.StepRequest(session_id=self.id, count=count, draft=draft, from_revision=from_revision,
                                          settings=settings)
        call = self._call(self._sessions.Step, request)
        try:
            with translated():
                for response in call:
                    if response.HasField("frame"):
                        yield response.frame
        finally:
            call.cancel()

    def select(self, tokens: Mapping[int, int | None], from_revision: int | None = None) -> Frame:
        """Commits tokens by hand: position to token; None opens the position again."""
        selections = [sessions_pb.Selection(position=position, token=token) for position, token in tokens.items()]
        return self._one_frame(self._sessions.Select, sessions_pb.SelectRequest(
            session_id=self.id, selections=selections, from_revision=from_revision, request_id=str(uuid.uuid4())))

    def edit(self, *edits: Edit, from_revision: int | None = None) -> Frame:
        """Changes the canvas by hand, all edits or none; `unmask.edits` makes them.

            session.edit(edits.mask(12, 13), edits.replace(20, 2, " a red kite"))
        """
        return self._one_frame(self._sessions.Edit, sessions_pb.EditRequest(
            session_id=self.id, edits=edits, from_revision=from_revision, request_id=str(uuid.uuid4())))

    def say(self, turn: str | Sequence[Mapping[str, str]] | Sequence[int], length: int | None = None, *,
            raw: bool = False, special_tokens: bool | None = None) -> Frame:
        """Goes on after a finished answer: a turn of the user, then `length` open positions.

        special_tokens: whether names of control tokens are taken as these tokens; None: in raw text alone.
        """
        return self.edit(edits.append(prompt_of(turn, raw or not self._has_chat_template(), special_tokens), length))

    def _has_chat_template(self) -> bool:
        with translated():
            return self._models.GetModel(models_pb.GetModelRequest(name=self.model)).model.has_chat_template

    def rewind(self, revision: int) -> Frame:
        """Goes back to a revision, as a new revision; what came after it stays reachable."""
        return self._one_frame(self._sessions.Rewind, sessions_pb.RewindRequest(
            session_id=self.id, revision=revision, request_id=str(uuid.uuid4())))

    def undo(self) -> Frame:
        """Goes one revision back, as a new revision."""
        return self._go(sessions_pb.RewindRequest.DIRECTION_UNDO)

    def redo(self) -> Frame:
        """Goes to where an undo last came from, as a new revision."""
        return self._go(sessions_pb.RewindRequest.DIRECTION_REDO)

    def _go(self, direction) -> Frame:
        return self._one_frame(self._sessions.Rewind, sessions_pb.RewindRequest(
            session_id=self.id, direction=direction, request_id=str(uuid.uuid4())))

    def _one_frame(self, method, request) -> Frame:
        with translated():
            for response in self._call(method, request):
                return response.frame
        raise ended("before the change was told")

    # ---- branches ----

    def branches(self) -> list[Branch]:
        """The branches of the session's tree, the latest changed first."""
        branches, request = [], sessions_pb.ListBranchesRequest(session_id=self.id)
        while True:
            with translated():
                page = self._call(self._sessions.ListBranches, request)
            branches += page.branches
            if not page.next_page_token:
                return branches
            request.page_token = page.next_page_token

    def name(self, name: str, revision: int | None = None) -> Branch:
        """Gives a revision, the newest if None, and the branch that it is on, a name."""
        with translated():
            request = sessions_pb.NameBranchRequest(session_id=self.id, name=name, revision=revision)
            return self._call(self._sessions.NameBranch, request).branch

    def unname(self, name: str) -> None:
        """Takes a name away, never a frame."""
        with translated():
            self._call(self._sessions.DeleteBranchName, sessions_pb.DeleteBranchNameRequest(
                session_id=self.id, name=name))

    def compare(self, revision: int | None = None, other_revision: int | None = None,
                other: "Session | None" = None) -> sessions_pb.CompareRevisionsResponse:
        """How the canvases of two revisions differ, of this session or of this and another one."""
        with translated():
            return self._call(self._sessions.CompareRevisions, sessions_pb.CompareRevisionsRequest(
                session_id=self.id, revision=revision, other_session_id=other.id if other else "",
                other_revision=other_revision))

    # ---- recordings ----

    def export(self, form: str = "binary", candidate_count: int = 0,
               progress: Callable[[int, int], None] = lambda done, total: None) -> bytes:
        """The session as the file of a recording, "binary" or "json".

        candidate_count: candidates of every open position of every revision to put into it. progress is called with
        what is done and what there is to do.
        """
        forms = {"binary": sessions_pb.ExportRequest.FORM_BINARY, "json": sessions_pb.ExportRequest.FORM_JSON}
        if form not in forms:
            raise ValueError(f"form must be one of {', '.join(forms)}; got {form!r}")
        data = bytearray()
        with translated():
            for response in self._call(self._sessions.Export, sessions_pb.ExportRequest(
                    session_id=self.id, form=forms[form], candidate_count=candidate_count)):
                data += response.chunk
                if response.HasField("progress"):
                    progress(response.progress.done, response.progress.total)
        if not data:
            raise ended("before the recording was there")
        return bytes(data)

    def verify(self, progress: Callable[[int, int], None] = lambda done, total: None) -> list[sessions_pb.Mismatch]:
        """Has every step computed again; those that did not come out the same. progress: see export."""
        found = []
        with translated():
            for response in self._call(self._sessions.Verify, sessions_pb.VerifyRequest(session_id=self.id)):
                progress(response.progress.done, response.progress.total)
                if response.HasField("mismatch"):
                    found.append(response.mismatch)
        return found

    # ---- looking ----

    def predict(self, revision: int | None = None) -> Prediction:
        """What the model says now, or said at a revision; changes nothing."""
        with translated():
            request = sessions_pb.PredictRequest(session_id=self.id, revision=revision)
            return self._call(self._sessions.Predict, request).prediction

    def candidates(self, positions: Sequence[int], count: int = 10,
                   revision: int | None = None) -> list[PositionCandidates]:
        """The likeliest tokens at positions that are, or at the revision were, open."""
        with translated():
            request = sessions_pb.GetCandidatesRequest(session_id=self.id, positions=positions, count=count,
                                                       revision=revision)
            return list(self._call(self._sessions.GetCandidates, request).candidates)

    def reprocess(self, revision: int | None = None, candidate_count: int = 10, gumbel_noise: bool = False,
                  gumbel_temperature: float | None = None, positions: Sequence[int] = (), sampler: str = "",
                  seed: int | None = None, **parameters) -> list[PositionCandidates]:
        """What other settings make of the logits at hand; changes nothing.

        positions: open ones to answer for, all of them where none is named. gumbel_noise: `chosen` is what the next
        step would draw, not the likeliest token. gumbel_temperature: scales that noise.
        """
        request = sessions_pb.ReprocessRequest(
            session_id=self.id, revision=revision, settings=some_settings_of(sampler, seed, parameters),
            candidate_count=candidate_count, gumbel_noise=gumbel_noise, gumbel_temperature=gumbel_temperature,
            positions=positions)
        with translated():
            return list(self._call(self._sessions.Reprocess, request).candidates)

    def propose(self, sampler: str = "", seed: int | None = None, **parameters) -> list[ProposedCommit]:
        """What a sampler would commit next, not committed."""
        return list(self.proposal(sampler, seed, **parameters).commits)

    def proposal(self, sampler: str = "", seed: int | None = None, **parameters) -> sessions_pb.ProposeResponse:
        """All that a sampler would do next, not done: commits, edits, positions to open again."""
        with translated():
            request = sessions_pb.ProposeRequest(session_id=self.id, settings=settings_of(sampler, seed, parameters))
            return self._call(self._sessions.Propose, request)

    def preview_remasking(self, *, ratio: float | None = None, count: int | None = None, rho: float | None = None,
                          revision: int | None = None) -> sessions_pb.ProposeResponse:
        """Which decided positions would be masked again, their scores and the cut-off; changes nothing.

        ratio: the share of positions that would be open then; or count: how many to open. rho: 1 random ones, 0 the
        doubtful ones; None takes the sampler's own.
        """
        if (ratio is None) == (count is None):
            raise ValueError("give a ratio or a count, one of the two")
        amount: dict[str, Any] = {"count": count} if ratio is None else {"ratio": ratio}
        remasking = sessions_pb.Remasking(rho=rho, **amount)
        with translated():
            return self._call(self._sessions.Propose, sessions_pb.ProposeRequest(
                session_id=self.id, revision=revision, remasking=remasking))

    def attribute(self, position: int, token: int | None = None, contrast: int | None = None,
                  method: str = "ablation", *, sources: Sequence[int] = (), spans: Sequence[tuple[int, int]] = (),
                  window: int = 0, steps: int = 0, revision: int | None = None,
                  progress: Callable[[int, int], None] = lambda done, total: None) -> inspection_pb.Attribution:
        """What each decided position had to do with a token at a position; changes nothing.

            for score in sorted(session.attribute(40).scores, key=lambda score: -score.score)[:3]:
                print(score.position, score.score)

        token: the one that stands there, or the likeliest, if None. contrast: why `token` and not this one. method:
        "ablation", "occlusion" (of spans, each a first position and a count, or of windows of so many neighbours),
        "attention", "saliency", "input_x_gradient" or "integrated_gradients" (by so many steps). sources: positions to
        answer for, all if empty. progress: is called with passes done and passes in all.
        """
        methods = inspection_pb.AttributeRequest.Method
        if f"METHOD_{method.upper()}" not in methods.keys() or method == "unspecified":
            raise ValueError(f"method must be one of {', '.join(name[7:].lower() for name in methods.keys()[1:])}; got"
                             f" {method!r}")
        request = inspection_pb.AttributeRequest(
            session_id=self.id, revision=revision, position=position, token=token, contrast=contrast,
            method=enum_number(methods.Value(f"METHOD_{method.upper()}")), sources=sources, window=window, steps=steps,
            spans=[inspection_pb.PositionSpan(position=first, count=count) for first, count in spans])
        def show(response: inspection_pb.AttributeResponse) -> None:
            if response.HasField("progress"):
                progress(response.progress.done, response.progress.total)

        call = self._call(self._inspection.Attribute, request)
        try:
            with translated():
                response = last(call, show)
            if not response.HasField("attribution"):
                raise ended("before the attribution was there")
            return response.attribution
        finally:
            call.cancel()

    def watch(self, after_revision: int | None = None, patience: float = 60.0) -> Iterator[Frame]:
        """Frames after a revision, those already made first, then new ones as they come; never ends by itself.

        Every frame comes once and in order, also when the server is restarted in between: a lost connection is made
        again for up to `patience` seconds.
        """
        lost_at = None
        while True:
            call = self._call(self._sessions.WatchSession, sessions_pb.WatchSessionRequest(
                session_id=self.id, after_revision=after_revision))
            try:
                with translated():
                    for response in call:
                        lost_at = None
                        if response.HasField("frame"):
                            after_revision = response.frame.revision
                            yield response.frame
            except Unreachable:
                lost_at = lost_at or time.monotonic()
                if time.monotonic() - lost_at > patience:
                    raise
                time.sleep(RETRY_SECONDS)
            finally:
                call.cancel()

    def history(self) -> list[Frame]:
        """Every frame made until now, frame 0 first."""
        head = self.revision
        frames = []
        for frame in self.watch():
            frames.append(frame)
            if frame.revision == head:
                break
        return frames

    def delete(self) -> None:
        """Deletes the session with all its revisions."""
        with translated():
            self._call(self._sessions.DeleteSession, sessions_pb.DeleteSessionRequest(session_id=self.id))
