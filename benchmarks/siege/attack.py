"""What an attack is, and what it is given: a living service and gateway, and the means to send things to them."""

from __future__ import annotations

import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import grpc

from benchmarks.siege.ended import Ended, ask, end_of
from benchmarks.siege.neighbour import Neighbour
from benchmarks.siege.processes import OPTIONS, Gateway, Service, rss
from unmask.v1 import inspection_service_pb2_grpc, model_service_pb2_grpc, prompt_pb2, session_service_pb2_grpc
from unmask.v1 import model_service_pb2 as models_pb
from unmask.v1 import session_service_pb2 as pb
from unmask.v1.settings_pb2 import Settings

WAIT = 60
PROMPT = tuple(range(20, 28))


class Broken(Exception):
    """The answer is not what the attack's bound allows."""


class NotHere(Exception):
    """This machine cannot make the circumstances; says what it lacks."""


@dataclass(frozen=True)
class Attack:
    """One kind of hostile input.

    name: for --only. part: which part of the service it is aimed at. sent, bound: a sentence each. waits: seconds that
    another client's GetSession may take at p99, None where that is not the matter. growth, peak: bytes by which the
    service's memory may be larger afterwards, and at most while it lasts, what it has started included.
    """

    name: str
    part: str
    sent: str
    bound: str
    run: Callable[[Siege], str | None]
    waits: float | None
    growth: int
    peak: int


ATTACKS: list[Attack] = []


def attack(part: str, bound: str, waits: float | None = None, growth: int = 512 << 20, peak: int = 2 << 30):
    """Makes an attack of a function: its name and the first sentence of its docstring are the attack's."""
    def made(run):
        sent = " ".join(run.__doc__.split("\n\n")[0].split())
        ATTACKS.append(Attack(run.__name__.replace("_", "-"), part, sent.rstrip("."), bound, run, waits, growth, peak))
        return run
    return made


def settings(sampler: str = "", seed: int = 1, constraint=None, **parameters) -> Settings:
    made = Settings(sampler=sampler, seed=seed, constraint=constraint)
    made.parameters.update(parameters)
    return made


def prompt(tokens=PROMPT) -> prompt_pb2.Prompt:
    return prompt_pb2.Prompt(tokens=prompt_pb2.TokenList(ids=tokens))


class Client:
    """One connection of its own and the calls on it. ends: how every call ended that `ask` made."""

    def __init__(self, address: str):
        self.channel = grpc.insecure_channel(address, options=OPTIONS)
        self.sessions = session_service_pb2_grpc.SessionServiceStub(self.channel)
        self.models = model_service_pb2_grpc.ModelServiceStub(self.channel)
        self.inspection = inspection_service_pb2_grpc.InspectionServiceStub(self.channel)

    def create(self, length: int = 32, model: str = "", tokens=PROMPT, **more) -> str:
        return self.sessions.CreateSession(pb.CreateSessionRequest(
            prompt=prompt(tokens), length=length, model=model, settings=settings(**more)), timeout=WAIT).session.id

    def step(self, session_id: str, count: int = 1, timeout: float = WAIT) -> int:
        return len(list(self.sessions.Step(pb.StepRequest(session_id=session_id, count=count), timeout=timeout)))

    def load(self, name: str, timeout: float = WAIT) -> models_pb.Model:
        return list(self.models.LoadModel(models_pb.LoadModelRequest(name=name), timeout=timeout))[-1].model


class Memory:
    """The service's resident memory: before, now, and the most that it has been with what it has started."""

    def __init__(self, pid: Callable[[], int]):
        self._pid, self._ended = pid, threading.Event()
        self.before, self.after, self.peak = rss(pid()), 0, rss(pid(), children=True)
        self._thread = threading.Thread(target=self._look, daemon=True)
        self._thread.start()

    def _look(self) -> None:
        while not self._ended.wait(0.1):
            self.peak = max(self.peak, rss(self._pid(), children=True))

    def stop(self) -> None:
        self._ended.set()
        self._thread.join()
        self.after = rss(self._pid())
        self.peak = max(self.peak, self.after)


class Siege:
    """The service and the gateway under attack, on a store and ports of their own."""

    def __init__(self, folder: Path, say: Callable[[str], None] = print):
        self.folder, self.say = folder, say
        self.service = Service(folder)
        self.gateway = Gateway(folder, self.service.address)
        self.client = Client(self.service.address)
        self.neighbour = Neighbour(self.service.address, self.client.create())
        self.ends: list[Ended] = []
        self.begun = time.monotonic()
        self._extra = 0

    # ---- for the attacks ----

    def ask(self, call, request, timeout: float = 30, most: int | None = None) -> Ended:
        """Makes a call and keeps how it ended, which is held to what every end must be."""
        return self.keep(ask(call, request, timeout, most))

    def keep(self, end: Ended) -> Ended:
        self.ends.append(end)
        return end

    def failed(self, error: grpc.RpcError, answers: int = 0) -> Ended:
        return self.keep(end_of(error, answers))

    def begin(self) -> None:
        """What came before was preparation: from here on the neighbour's waits and the memory count."""
        self.begun = time.monotonic()
        self.memory.stop()
        self.memory = Memory(lambda: self.service.pid)

    def new_folder(self, name: str) -> Path:
        return Path(tempfile.mkdtemp(prefix=f"{name}-", dir=self.folder))

    @contextmanager
    def another(self, name: str = "other", before: tuple[str, ...] = (), folder: Path | None = None,
                **variables: str) -> Iterator[Service]:
        """A service beside the one under attack, for what a service does not outlive by design."""
        service = Service(folder or self.new_folder(name), before=before, **variables)
        try:
            yield service
        finally:
            service.stop()

    def restart(self) -> None:
        """The same service on the same store, with nothing in memory."""
        self.service.stop()
        self.service = Service(self.folder, self.service.port)

    # ---- for the one who runs them ----

    def works(self) -> str | None:
        """What is wrong with the service by the look of an ordinary client; None where nothing is."""
        client = Client(self.service.address)
        try:
            client.step(client.create(), 1, timeout=20)
        except grpc.RpcError as error:
            return f"an ordinary Step afterwards: {end_of(error)}"
        finally:
            client.channel.close()
        return None

    def start_again(self) -> None:
        self.service.kill()
        self.service = Service(self.folder, self.service.port)
        if not self.gateway.alive:
            self.gateway = Gateway(self.folder, self.service.address)



def counted(ends: list[Ended]) -> str:
    """How calls ended, the most frequent first."""
    counts = Counter(str(end) for end in ends)
    return ", ".join(name if count == 1 else f"{count:,} {name}" for name, count in counts.most_common())


def at_least(seconds: float) -> Iterator[int]:
    """Rounds, until some seconds have passed: a wait's p99 needs many looks at it."""
    end, number = time.monotonic() + seconds, 0
    while number == 0 or time.monotonic() < end:
        yield number
        number += 1
