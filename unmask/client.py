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
from typing import Any

import grpc

from unmask.enums import enum_number
from unmask.errors import translated
from unmask.messages import corruption_of, detokenizing, prompt_of, settings_of, word_of
from unmask.recovered import Recovered
from unmask.session import Session
from unmask.streams import ended, last
from unmask.v1 import inspection_service_pb2 as inspection_pb
from unmask.v1 import model_service_pb2 as models_pb
from unmask.v1 import session_service_pb2 as sessions_pb
from unmask.v1.inspection_service_pb2_grpc import InspectionServiceStub
from unmask.v1.model_service_pb2 import LoadModelResponse, Model, Token
from unmask.v1.model_service_pb2_grpc import ModelServiceStub
from unmask.v1.prompt_pb2 import Prompt, TokenList
from unmask.v1.session_pb2 import Session as SessionMessage
from unmask.v1.session_service_pb2_grpc import SessionServiceStub

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
CHUNK = 256 * 1024  # of a file, in one message


def connect(address: str = DEFAULT_ADDRESS) -> "Client":
    """A client of the server at "host:port"."""
    return Client(grpc.insecure_channel(address, options=OPTIONS))


class Client:
    """A server."""

    def __init__(self, channel: grpc.Channel):
        self._channel = channel
        self._sessions = SessionServiceStub(channel)
        self._models = ModelServiceStub(channel)
        self._inspection = InspectionServiceStub(channel)

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
             progress: Callable[[LoadModelResponse], None] = lambda response: None, family: str = "") -> Model:
        """Brings a model into the server's memory: a known name, a folder on the server or a hub id.

        dtype: "auto", "float32", "bfloat16" or "float16". token_ids: ids that the checkpoint cannot
        tell, by "mask", "eos", "eot" or "pad". family: to decode it as, such as "causal"; empty:
        as recognised. progress is called with each message on the way.
        """
        request = models_pb.LoadModelRequest(name=name, dtype=dtype, token_ids=token_ids or {}, family=family)
        with translated():
            response = last(self._models.LoadModel(request), progress)
        if not response.HasField("model"):
            raise ended("before the model was there")
        return response.model

    def unload(self, name: str = "") -> Model:
        """Takes a model out of the server's memory, and comes back when that is free; what runs with it ends first."""
        with translated():
            return self._models.UnloadModel(models_pb.UnloadModelRequest(name=name)).model

    def tokenize(self, text: str, model: str = "", *, special_tokens: bool | None = None,
                 add_special_tokens: bool = False) -> list[Token]:
        """The tokens of a text.

        special_tokens: whether names of control tokens are taken as these tokens; they are unless it is False.
        add_special_tokens: with what the checkpoint's tokenizer puts around raw text.
        """
        request = models_pb.TokenizeRequest(model=model, text=text, special_tokens=special_tokens,
                                            add_special_tokens=add_special_tokens)
        with translated():
            return list(self._models.Tokenize(request).tokens)

    def detokenize(self, ids: Sequence[int | None], model: str = "") -> str:
        """The text of some ids, None for an open position; these and special tokens are left out."""
        with translated():
            return self._models.Detokenize(detokenizing(ids, model)).text

    def pieces(self, ids: Sequence[int], model: str = "") -> list[Token]:
        """Some ids each by itself, as it can be shown."""
        with translated():
            return list(self._models.Detokenize(models_pb.DetokenizeRequest(model=model, ids=ids)).tokens)

    # ---- what a model makes of given text ----

    def score(self, answer: str | Sequence[int], prompt: str | Sequence[int] | Sequence[Mapping[str, Any]] = (), *,
              raw: bool = False, model: str = "", samples: int = 0, exact: bool = False, cfg_scale: float = 0.0,
              seed: int = 0, special_tokens: bool | None = None, add_special_tokens: bool | None = None,
              progress: Callable[[inspection_pb.ScoreResponse], None] = lambda response: None,
              ) -> inspection_pb.ScoreResponse:
        """How likely an answer is, in nats; the last of what the server tells.

        answer: text, tokenized as it is, or token ids. prompt: what stands before it, as `create` takes it; empty
        for nothing. special_tokens, add_special_tokens: as of `create`, the first for the answer too, in which names of
        control tokens are taken as these tokens unless it is False. samples: of the estimate, 0 for the server's
        default. exact: enumerate instead, up to 12 tokens. progress is called with each message on the way: the
        estimate as it becomes surer.
        """
        told: dict[str, Any] = {"text": answer} if isinstance(answer, str) else {"tokens": TokenList(ids=answer)}
        request = inspection_pb.ScoreRequest(
            model=model, samples=samples, exact=exact, cfg_scale=cfg_scale, seed=seed, special_tokens=special_tokens,
            prompt=self._prompt(prompt, raw, model, special_tokens, add_special_tokens) if prompt else None, **told)
        with translated():
            return last(self._inspection.Score(request), progress)

    def recover(self, texts: Sequence[str], *, models: Sequence[str] = (),
                prompt: str | Sequence[int] | Sequence[Mapping[str, Any]] = (), raw: bool = False,
                corruption: str = "random", ratio: float | None = None, rounds: int = 0, sampler: str = "",
                seed: int | None = None, parameters: Mapping[str, object] | None = None,
                special_tokens: bool | None = None, add_special_tokens: bool | None = None,
                progress: Callable[[inspection_pb.RecoverResponse], None] = lambda response: None, **more,
                ) -> Recovered:
        """Masks a share of each text, has each model restore it, and counts what came back.

        models: in turn; none takes the default. prompt: stands before each text and is never masked; where it is to
        be put into a chat template, the first model's. corruption: "random", "sticky" (in `rounds`), "fragment" or
        "mixed". sampler, seed, parameters, keywords: as `create` takes them; the seed, 0 where there is none, draws
        the corruption too. special_tokens, add_special_tokens: as of `create`, the first for the texts too; in them
        names of control tokens are taken as these tokens unless it is False. progress is called with each message on
        the way.
        """
        request = inspection_pb.RecoverRequest(
            models=models, texts=texts, corruption=enum_number(corruption_of(corruption)), ratio=ratio, rounds=rounds,
            prompt=self._prompt(prompt, raw, models[0] if models else "", special_tokens, add_special_tokens)
            if prompt else None,
            special_tokens=special_tokens, settings=settings_of(sampler, seed, {**(parameters or {}), **more}))
        recovered = Recovered()
        with translated():
            for response in self._inspection.Recover(request):
                recovered.take(response)
                progress(response)
        if not recovered.totals:
            raise ended("before the texts were done")
        return recovered

    # ---- sessions ----

    def create(self, prompt: str | Sequence[int] | Sequence[Mapping[str, Any]], *, raw: bool = False, model: str = "",
               length: int | None = None, words: Mapping[int, str | Sequence[int]] | None = None, sampler: str = "",
               seed: int | None = None, parameters: Mapping[str, object] | None = None,
               constraint: Mapping[str, object] | None = None, special_tokens: bool | None = None,
               add_special_tokens: bool | None = None, cache: str | Mapping[str, object] = "",
               **more) -> "Session":
        """Opens a session.

        prompt: what the user says, put into the model's chat template (with raw=True, or for a model
        without a template, text as it is); or turns such as {"role": "user", "content": "..."}; or
        token ids. length: positions to generate. words: what stands at some of them from the start, by the offset of
        its first token: text, taken as it is (within a sentence it begins with a space), or token ids. parameters, or
        simply keywords: the sampler's, by their published names. constraint: what the generated text must match, such
        as {"regex": "[0-9]+"}, {"choice": ["yes", "no"]}, {"json_schema": {...}} or {"grammar": "start: ..."}.

        special_tokens: whether names of control tokens, such as "<|eot_id|>", in the prompt and the words are taken as
        these tokens; None: in raw text alone, everything else is text. A turn may have its own. add_special_tokens:
        whether raw text gets what the checkpoint's tokenizer puts around it, such as a beginning; None: it does.

        cache: what is kept between the passes, one of `client.model(...).caches` by its name, or {"name": "dual",
        "interval": 4} with its parameters; "" takes what the model has by itself, which is exact.

        A model that reads from left to right writes `length` tokens at most.
        """
        request = sessions_pb.CreateSessionRequest(
            model=model, length=length, prompt=self._prompt(prompt, raw, model, special_tokens, add_special_tokens),
            word_constraints=[word_of(offset, content, bool(special_tokens))
                              for offset, content in (words or {}).items()],
            settings=settings_of(sampler, seed, {**(parameters or {}), **more}, constraint, cache),
            request_id=str(uuid.uuid4()))
        with translated():
            return self._session(self._sessions.CreateSession(request).session)

    def _session(self, message: SessionMessage) -> "Session":
        return Session(self._sessions, self._models, message, self._inspection)

    def _prompt(self, prompt, raw: bool, model: str, special_tokens: bool | None = None,
                add_special_tokens: bool | None = None) -> Prompt:
        raw = raw or (isinstance(prompt, str) and not self.model(model).has_chat_template)
        return prompt_of(prompt, raw, special_tokens, add_special_tokens)

    def open(self, session_id: str) -> "Session":
        """A session made earlier, by anybody."""
        with translated():
            request = sessions_pb.GetSessionRequest(session_id=session_id)
            return self._session(self._sessions.GetSession(request).session)

    def import_recording(self, data: bytes, request_id: str = "") -> tuple["Session", list[str]]:
        """Makes a session of a recording's file, in either form, or of a plain history of token grids.

        Returns the session, and a sentence for each thing that is not as it was where the recording was made.
        """
        request_id = request_id or str(uuid.uuid4())
        pieces = [data[start:start + CHUNK] for start in range(0, len(data), CHUNK)] or [b""]
        requests = (sessions_pb.ImportRequest(chunk=piece, request_id=request_id) for piece in pieces)
        with translated():
            response = self._sessions.Import(requests)
            return self._session(response.session), list(response.notes)

    def sessions(self) -> Iterator[SessionMessage]:
        """The server's sessions, the latest changed first, without their canvases."""
        token = ""
        while True:
            with translated():
                page = self._sessions.ListSessions(sessions_pb.ListSessionsRequest(page_token=token))
            yield from page.sessions
            token = page.next_page_token
            if not token:
                return
