"""Mutated requests sent to one method of a real server, and what is wrong with the answers."""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field

import grpc

from benchmarks.siege import mutate
from benchmarks.siege.ended import Ended, end_of, fault
from benchmarks.siege.processes import OPTIONS
from unmask.v1 import model_service_pb2, model_service_pb2_grpc, prompt_pb2, session_service_pb2_grpc
from unmask.v1 import session_service_pb2 as pb

FEW, MANY = 1, 12  # answers of a stream, which is then cancelled; one call in eight is followed for longer
TIMEOUT = 10.0
TRIES = 20
LIVE = 4  # sessions that requests can name
PROMPT = [20, 21, 22, 23, 24, 25]


@dataclass
class Volley:
    """What came back. ends: how often each status and reason. faults: the seed of a request and what was wrong."""

    method: str
    ends: Counter = field(default_factory=Counter)
    faults: list[tuple[int, str]] = field(default_factory=list)
    slowest: float = 0.0


class Sender:
    """One connection to the server, and sessions for requests to name."""

    def __init__(self, address: str):
        self.channel = grpc.insecure_channel(address, options=OPTIONS)
        self.sessions = session_service_pb2_grpc.SessionServiceStub(self.channel)
        self.models = model_service_pb2_grpc.ModelServiceStub(self.channel)
        self.live: list[str] = []
        self.used = 0

    def close(self) -> None:
        self.channel.close()

    def create(self, length: int = 16) -> str:
        prompt = prompt_pb2.Prompt(tokens=prompt_pb2.TokenList(ids=PROMPT))
        request = pb.CreateSessionRequest(prompt=prompt, length=length)
        for _ in range(TRIES):
            with suppress(grpc.RpcError):
                return self.sessions.CreateSession(request, timeout=60).session.id
            self.load()  # requests may unload the model, another sender's between the two as well
            time.sleep(0.5)  # where another one is at it
        return self.sessions.CreateSession(request, timeout=60).session.id

    def load(self) -> None:
        """The default model in memory again, where a request has unloaded it."""
        with suppress(grpc.RpcError):
            list(self.models.LoadModel(model_service_pb2.LoadModelRequest(), timeout=60))

    def world(self, recording: bytes) -> mutate.World:
        """Live sessions with a step or two; requests delete and grow them, so there are new ones now and then."""
        if self.used % 40 == 0:
            for session_id in self.live:
                with suppress(grpc.RpcError):
                    self.sessions.DeleteSession(pb.DeleteSessionRequest(session_id=session_id), timeout=60)
            self.live = [self.create() for _ in range(LIVE)]
            for session_id in self.live[:2]:
                with suppress(grpc.RpcError):
                    list(self.sessions.Step(pb.StepRequest(session_id=session_id, count=2), timeout=60))
        self.used += 1
        return mutate.World(self.live, recording)

    def recording(self) -> bytes:
        """A recording's file of a small session."""
        session_id = self.create()
        list(self.sessions.Step(pb.StepRequest(session_id=session_id, count=4, draft=True), timeout=60))
        return b"".join(answer.chunk for answer in self.sessions.Export(
            pb.ExportRequest(session_id=session_id, candidate_count=2), timeout=60))

    def send(self, method, messages: list[bytes], most: int) -> Ended:
        """One call with messages that are bytes; a stream is cancelled after `most` answers."""
        kind = ("stream" if method.client_streaming else "unary") + "_" + (
            "stream" if method.server_streaming else "unary")
        call = getattr(self.channel, kind)(mutate.path(method))
        begun, answers = time.monotonic(), 0
        try:
            answer = call(iter(messages) if method.client_streaming else messages[0], timeout=TIMEOUT)
            if method.server_streaming:
                for _ in answer:
                    answers += 1
                    if answers == most or method.name.startswith("Watch"):
                        answer.cancel()
                        break
        except grpc.RpcError as error:
            return end_of(error, answers, time.monotonic() - begun)
        return Ended("OK", answers=answers, seconds=time.monotonic() - begun)


def volley(sender: Sender, method, seeds: Iterable[int], recording: bytes, hidden: list[str]) -> Volley:
    """Sends the request of each seed; a seed and the method's name make a request again."""
    found = Volley(method.full_name)
    for seed in seeds:
        try:
            world = sender.world(recording)
        except grpc.RpcError as error:
            found.faults.append((seed, f"an ordinary call before it: {end_of(error)}"))
            sender.used = 0
            continue
        messages = mutate.requests(method, world, random.Random(f"{method.full_name} {seed}"))
        end = sender.send(method, messages, FEW if seed % 8 else MANY)
        found.ends[str(end)] += 1
        found.slowest = max(found.slowest, end.seconds)
        if wrong := fault(end, hidden):
            shown = b" | ".join(messages)
            found.faults.append((seed, f"{wrong}; sent {len(shown)} bytes: {shown[:400]!r}"))
    return found
