"""A server's calls, short, and how they are refused."""

from dataclasses import dataclass

import grpc
import pytest
from google.protobuf.struct_pb2 import Struct
from google.rpc import error_details_pb2
from grpc_status import rpc_status

from tests.patience import PATIENCE as WAIT
from unmask.v1 import model_service_pb2 as models_pb
from unmask.v1 import prompt_pb2
from unmask.v1 import session_service_pb2 as pb
from unmask.v1.model_service_pb2_grpc import ModelServiceStub
from unmask.v1.session_service_pb2_grpc import SessionServiceStub
from unmask.v1.settings_pb2 import CacheSettings, Settings


@dataclass(frozen=True)
class Refusal:
    """A status as a test reads it. fields: field to what is wrong with it."""

    code: grpc.StatusCode
    reason: str
    message: str
    fields: dict
    metadata: dict
    retry: float | None


def refusal(call, *arguments, **named):
    """How a call is refused; it must be. Streams are read to their end."""
    with pytest.raises(grpc.RpcError) as caught:
        answer = call(*arguments, **named)
        if hasattr(answer, "__next__"):
            list(answer)
    return read_refusal(caught.value)


def read_refusal(error):
    info, fields, retry = error_details_pb2.ErrorInfo(), {}, None
    status = rpc_status.from_call(error)
    for detail in status.details if status else ():
        bad, again = error_details_pb2.BadRequest(), error_details_pb2.RetryInfo()
        detail.Unpack(info)
        if detail.Unpack(bad):
            fields |= {violation.field: violation.description for violation in bad.field_violations}
        if detail.Unpack(again):
            retry = again.retry_delay.ToNanoseconds() / 1e9
    assert not info.domain or info.domain == "unmask.v1"
    return Refusal(error.code(), info.reason, error.details(), fields, dict(info.metadata), retry)


def settings(sampler="", seed=None, cache="", cache_parameters=None, **parameters):
    return Settings(sampler=sampler, seed=seed, parameters=struct(parameters), cache=CacheSettings(
        name=cache, parameters=struct(cache_parameters or {})) if cache else None)


def struct(values):
    made = Struct()
    made.update(values)
    return made


class Api:
    """A server's services, and the calls that nearly every test makes."""

    def __init__(self, server):
        self.server = server
        self.channel = grpc.insecure_channel(server.address, options=[("grpc.use_local_subchannel_pool", 1)])
        self.sessions = SessionServiceStub(self.channel)
        self.models = ModelServiceStub(self.channel)

    def create(self, tokens=(1, 2, 3), length=8, seed=5, sampler="", model="", request_id="", **parameters):
        prompt = prompt_pb2.Prompt(tokens=prompt_pb2.TokenList(ids=tokens))
        return self.sessions.CreateSession(pb.CreateSessionRequest(
            model=model, prompt=prompt, length=length, settings=settings(sampler, seed, **parameters),
            request_id=request_id)).session

    def get(self, session_id, revision=None):
        return self.sessions.GetSession(pb.GetSessionRequest(session_id=session_id, revision=revision)).session

    def step(self, session_id, count=0, **more):
        """The frames; a prediction that follows them is the last."""
        answers = self.sessions.Step(pb.StepRequest(session_id=session_id, count=count, **more), timeout=WAIT)
        return [getattr(answer, answer.WhichOneof("event")) for answer in answers]

    def select(self, session_id, tokens, **more):
        selections = [pb.Selection(position=position, token=token) for position, token in tokens.items()]
        answers = self.sessions.Select(pb.SelectRequest(session_id=session_id, selections=selections, **more))
        return [getattr(answer, answer.WhichOneof("event")) for answer in answers]

    def rewind(self, session_id, revision, **more):
        answers = self.sessions.Rewind(pb.RewindRequest(session_id=session_id, revision=revision, **more))
        return [getattr(answer, answer.WhichOneof("event")) for answer in answers]

    def predict(self, session_id, **more):
        return self.sessions.Predict(pb.PredictRequest(session_id=session_id, **more)).prediction

    def propose(self, session_id, **more):
        return self.sessions.Propose(pb.ProposeRequest(session_id=session_id, **more))

    def candidates(self, session_id, positions, **more):
        return self.sessions.GetCandidates(pb.GetCandidatesRequest(session_id=session_id, positions=positions, **more))

    def tokens(self, session_id):
        return list(self.get(session_id).canvas.tokens)

    def standing(self, session_id):
        """All of a session but its lease and what looking took, to compare."""
        session = self.get(session_id)
        session.ClearField("expire_time")
        session.ClearField("looking_forward_count")
        return session

    def load(self, name, **more):
        return list(self.models.LoadModel(models_pb.LoadModelRequest(name=name, **more), timeout=WAIT))
