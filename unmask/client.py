"""The Python client: a server's models and sessions as plain objects.

    import unmask

    with unmask.connect("127.0.0.1:50051") as client:
        session = client.create("Tell me a story about Tom and a red kite.", length=64, steps=32)
        for frame in session.step():
            print(frame.revision, [(change.position, change.token) for change in frame.changes])
        print(session.text)

Frames, predictions and candidates are the API's own messages (unmask.v1); this module adds no
second vocabulary. It is synchronous; for asyncio use the generated stubs.
"""

import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence

import grpc
from google.protobuf.struct_pb2 import Struct

from unmask.errors import translated
from unmask.v1 import model_service_pb2 as models_pb
from unmask.v1 import prompt_pb2, session_pb2
from unmask.v1 import session_service_pb2 as sessions_pb
from unmask.v1.frame_pb2 import Frame
from unmask.v1.model_service_pb2 import LoadModelResponse, Model, Token
from unmask.v1.model_service_pb2_grpc import ModelServiceStub
from unmask.v1.prediction_pb2 import PositionCandidates, Prediction, ProposedCommit
from unmask.v1.session_service_pb2_grpc import SessionServiceStub
from unmask.v1.settings_pb2 import Settings

DEFAULT_ADDRESS = "127.0.0.1:50051"
OPTIONS = [
    # A dead server is noticed within seconds, also in the middle of a silent stream.
    ("grpc.keepalive_time_ms", 10_000),
    ("grpc.keepalive_timeout_ms", 3_000),
    ("grpc.http2.ping_timeout_ms", 3_000),
    ("grpc.initial_reconnect_backoff_ms", 200),
    ("grpc.max_reconnect_backoff_ms", 2_000),
    ("grpc.http2.bdp_probe", 0),
]
OPEN = session_pb2.Canvas.POSITION_STATE_OPEN


def connect(address: str = DEFAULT_ADDRESS) -> "Client":
    """A client of the server at "host:port"."""
    return Client(grpc.insecure_channel(address, options=OPTIONS))


class Client:
    """A server."""

    def __init__(self, channel: grpc.Channel):
        self._channel = channel
        self._sessions = SessionServiceStub(channel)
        self._models = ModelServiceStub(channel)

    def __enter__(self) -> "Client":
        return self

    def __exit__(self, *_):
        self.close()

    def close(self) -> None:
        self._channel.close()

    # ---- models ----

    def models(self) -> list[Model]:
        """The models that the server knows, loaded or not."""
        with translated():
            return list(self._models.ListModels(models_pb.ListModelsRequest()).models)

    def model(self, name: str = "") -> Model:
        """One model with its samplers; the default one if no name is given."""
        with translated():
            return self._models.GetModel(models_pb.GetModelRequest(name=name)).model

    def load(self, name: str = "", dtype: str = "", token_ids: Mapping[str, int] | None = None,
             progress: Callable[[LoadModelResponse], None] = lambda response: None) -> Model:
        """Brings a model into the server's memory: a known name, a folder on the server or a hub id.

        dtype: "auto", "float32", "bfloat16" or "float16". token_ids: ids that the checkpoint cannot
        tell, by "mask", "eos", "eot" or "pad". progress is called with each message on the way.
        """
        request = models_pb.LoadModelRequest(name=name, dtype=dtype, token_ids=token_ids or {})
        with translated():
            for response in self._models.LoadModel(request):
                progress(response)
        return response.model

    def tokenize(self, text: str, model: str = "") -> list[Token]:
        with translated():
            return list(self._models.Tokenize(models_pb.TokenizeRequest(model=model, text=text)).tokens)

    def detokenize(self, ids: Sequence[int], model: str = "") -> str:
        """The text of some ids, special tokens left out."""
        with translated():
            return self._models.Detokenize(models_pb.DetokenizeRequest(model=model, ids=ids)).text

    # ---- sessions ----

    def create(self, prompt: str | Sequence[int] | Sequence[Mapping[str, str]], *, raw: bool = False, model: str = "",
               length: int | None = None, words: Mapping[int, str | Sequence[int]] | None = None, sampler: str = "",
               seed: int | None = None, parameters: Mapping[str, object] | None = None, **more) -> "Session":
        """Opens a session.

        prompt: what the user says, put into the model's chat template (with raw=True, or for a model
        without a template, text as it is); or turns such as {"role": "user", "content": "..."}; or
        token ids. length: positions to generate. words: what stands at some of them from the start, by the offset of
        its first token: text, taken as it is (within a sentence it begins with a space), or token ids. parameters, or
        simply keywords: the sampler's, by their published names.
        """
        request = sessions_pb.CreateSessionRequest(
            model=model, prompt=self._prompt(prompt, raw, model), length=length,
            word_constraints=[_word(offset, content) for offset, content in (words or {}).items()],
            settings=_settings(sampler, seed, {**(parameters or {}), **more}), request_id=str(uuid.uuid4()))
        with translated():
            return Session(self._sessions, self._models, self._sessions.CreateSession(request).session)

    def _prompt(self, prompt, raw: bool, model: str) -> prompt_pb2.Prompt:
        if isinstance(prompt, str):
            if raw or not self.model(model).has_chat_template:
                return prompt_pb2.Prompt(text=prompt)
            prompt = [{"role": "user", "content": prompt}]
        if prompt and isinstance(prompt[0], Mapping):
            messages = [prompt_pb2.Message(**turn) for turn in prompt]
            return prompt_pb2.Prompt(chat=prompt_pb2.Chat(messages=messages))
        return prompt_pb2.Prompt(tokens=prompt_pb2.TokenList(ids=prompt))

    def open(self, session_id: str) -> "Session":
        """A session made earlier, by anybody."""
        with translated():
            request = sessions_pb.GetSessionRequest(session_id=session_id)
            return Session(self._sessions, self._models, self._sessions.GetSession(request).session)

    def sessions(self) -> Iterator[session_pb2.Session]:
        """The server's sessions, the latest changed first, without their canvases."""
        token = ""
        while True:
            with translated():
                page = self._sessions.ListSessions(sessions_pb.ListSessionsRequest(page_token=token))
            yield from page.sessions
            token = page.next_page_token
            if not token:
                return


class Session:
    """One session. Its canvas is asked for when it is read, so several clients may share a session."""

    def __init__(self, sessions: SessionServiceStub, models: ModelServiceStub, session: session_pb2.Session):
        self._sessions = sessions
        self._models = models
        self.id = session.id
        self.model = session.model
        self.prompt_length = session.prompt_length

    def _call(self, method, request, **more):
        """Calls with the session's id where proxies can see it."""
        return method(request, metadata=[("session-id", self.id)], **more)

    def get(self, revision: int | None = None) -> session_pb2.Session:
        """The session as it stands, or as it stood at a revision."""
        with translated():
            request = sessions_pb.GetSessionRequest(session_id=self.id, revision=revision)
            return self._call(self._sessions.GetSession, request).session

    @property
    def revision(self) -> int:
        """The newest revision."""
        return self.get().head_revision

    @property
    def tokens(self) -> list[int | None]:
        """The generated positions, None where still open."""
        canvas = self.get().canvas
        return [None if state == OPEN else token
                for token, state in zip(canvas.tokens, canvas.states, strict=True)][self.prompt_length:]

    @property
    def text(self) -> str:
        """The committed tokens of the generated part as text, special tokens left out."""
        with translated():
            ids = [token for token in self.tokens if token is not None]
            return self._models.Detokenize(models_pb.DetokenizeRequest(model=self.model, ids=ids)).text

    def step(self, count: int = 0, *, draft: bool = False, sampler: str = "", seed: int | None = None,
             **parameters) -> Iterator[Frame]:
        """Runs `count` denoising steps, 0 to the end, and yields each frame as it is committed.

        Leaving the loop early stops the run at the next revision. Parameters given here hold from now on.
        """
        request = sessions_pb.StepRequest(session_id=self.id, count=count, draft=draft,
                                          settings=_some_settings(sampler, seed, parameters))
        call = self._call(self._sessions.Step, request)
        try:
            with translated():
                for response in call:
                    if response.HasField("frame"):
                        yield response.frame
        finally:
            call.cancel()

    def select(self, tokens: Mapping[int, int | None]) -> Frame:
        """Commits tokens by hand: position to token; None opens the position again."""
        selections = [sessions_pb.Selection(position=position, token=token) for position, token in tokens.items()]
        return self._one_frame(self._sessions.Select, sessions_pb.SelectRequest(
            session_id=self.id, selections=selections, request_id=str(uuid.uuid4())))

    def rewind(self, revision: int) -> Frame:
        """Goes back to a revision, as a new revision; what came after it stays reachable."""
        return self._one_frame(self._sessions.Rewind, sessions_pb.RewindRequest(
            session_id=self.id, revision=revision, request_id=str(uuid.uuid4())))

    def _one_frame(self, method, request) -> Frame:
        with translated():
            return next(iter(self._call(method, request))).frame

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
            session_id=self.id, revision=revision, settings=_some_settings(sampler, seed, parameters),
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
            request = sessions_pb.ProposeRequest(session_id=self.id, settings=_settings(sampler, seed, parameters))
            return self._call(self._sessions.Propose, request)

    def watch(self, after_revision: int | None = None) -> Iterator[Frame]:
        """Frames after a revision, those already made first, then new ones as they come; never ends by itself."""
        call = self._call(self._sessions.WatchSession, sessions_pb.WatchSessionRequest(
            session_id=self.id, after_revision=after_revision))
        try:
            with translated():
                for response in call:
                    if response.HasField("frame"):
                        yield response.frame
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


def _settings(sampler: str, seed: int | None, parameters: Mapping[str, object]) -> Settings:
    values = Struct()
    values.update(parameters)
    return Settings(sampler=sampler, seed=seed, parameters=values)


def _some_settings(sampler: str, seed: int | None, parameters: Mapping[str, object]) -> Settings | None:
    """None where there are none: those in force hold."""
    return _settings(sampler, seed, parameters) if sampler or seed is not None or parameters else None


def _word(offset: int, content: str | Sequence[int]) -> sessions_pb.WordConstraint:
    if isinstance(content, str):
        return sessions_pb.WordConstraint(offset=offset, text=content)
    return sessions_pb.WordConstraint(offset=offset, tokens=prompt_pb2.TokenList(ids=content))
