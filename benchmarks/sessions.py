"""What sessions cost: ``python -m benchmarks.sessions``.

Long histories, opening, the store, previews, watching: each measured through the service's own code, as a process on a
real socket where a call is measured, on the embedded model and a real file. A limit stands beside each number, and a
plain way of doing the same where there is one. Writes benchmarks/results/sessions.json; exits with 1 where a limit is
broken.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import random
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median, quantiles

import grpc
import torch
from rich.console import Console
from rich.table import Table

from inference_service.embedded import EMBEDDED
from inference_service.rpc.codec import ProtoCodec, tree_of
from inference_service.sessions.collection import Sessions
from inference_service.sessions.frame import Change, Draft, Frame, Summary
from inference_service.sessions.session import Session
from inference_service.sessions.store import Entry, SQLiteStore
from unmask.v1 import edit_pb2, prompt_pb2
from unmask.v1 import session_service_pb2 as pb
from unmask.v1.session_service_pb2_grpc import SessionServiceStub
from unmask.v1.settings_pb2 import Settings

HERE = Path(__file__).parent
OUT = HERE.parent / "out"  # a disk, which the folder for temporary files need not be
PROMPT = [10, 11, 12, 13, 14, 15, 16, 17]
CONTEXT = 256  # the embedded model's
LONG = 5000  # frames
WAIT = 60


@dataclass(frozen=True)
class Result:
    """One number. limit: what it must stay under. against: what it is compared with, in words and numbers."""

    name: str
    value: float
    unit: str
    limit: float | None = None
    against: str = ""

    @property
    def kept(self) -> bool:
        return self.limit is None or self.value < self.limit


def seconds(work: Callable[[], object]) -> float:
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


def milliseconds(times: list[float]) -> str:
    return f"{median(times) * 1e3:.2f} ms"


# ---- the service ----

class Service:
    """The service as a process, and the calls that are measured."""

    def __init__(self, address: str):
        self.channel = grpc.insecure_channel(address)
        self.calls = SessionServiceStub(self.channel)

    def create(self, length: int, sampler: str = "left_to_right", **parameters: object) -> str:
        settings = Settings(sampler=sampler, seed=1)
        settings.parameters.update(parameters)
        prompt = prompt_pb2.Prompt(tokens=prompt_pb2.TokenList(ids=PROMPT))
        return self.calls.CreateSession(pb.CreateSessionRequest(
            prompt=prompt, length=length, settings=settings), timeout=WAIT).session.id

    def step(self, session_id: str, count: int) -> None:
        for _ in self.calls.Step(pb.StepRequest(session_id=session_id, count=count, draft=True), timeout=WAIT):
            pass

    def edit(self, session_id: str, **edit: object) -> None:
        list(self.calls.Edit(pb.EditRequest(session_id=session_id, edits=[edit_pb2.Edit(**edit)]), timeout=WAIT))

    def open_all(self, session_id: str, length: int) -> None:
        """Every generated position open again."""
        start = len(PROMPT)
        self.edit(session_id, mask=edit_pb2.MaskPositions(positions=range(start, start + length)))

    def propose(self, session_id: str, cached: bool) -> None:
        answer = self.calls.Propose(pb.ProposeRequest(
            session_id=session_id, remasking=pb.Remasking(ratio=0.15, rho=0.0)), timeout=WAIT)
        if answer.cached != cached or not answer.reopens:
            raise SystemExit(f"the preview should {'not ' * cached}take a forward pass, and open positions")

    def watch(self, session_id: str):
        return self.calls.WatchSession(pb.WatchSessionRequest(session_id=session_id), timeout=600)


@contextmanager
def serving(store: Path) -> Iterator[Service]:
    """The service on a store, with one thread for the model so that clients have the other core."""
    environ = {name: value for name, value in os.environ.items() if not name.startswith("UNMASK_")}
    environ |= {"UNMASK_PORT": "0", "UNMASK_MODEL": EMBEDDED, "UNMASK_STORE": str(store), "UNMASK_THREADS": "1"}
    process = subprocess.Popen([sys.executable, "-m", "inference_service"], cwd=HERE.parent, env=environ, text=True,
                               stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    try:
        line = process.stdout.readline()
        if not line.startswith("UNMASK READY "):
            raise SystemExit("the service did not start; python -m inference_service says why")
        service = Service(line.split()[-1])
        yield service
        service.channel.close()
    finally:
        process.terminate()
        process.wait(WAIT)


# ---- what is measured ----

def long_history(folder: Path) -> Iterator[Result]:
    """A step at the end of a long history against one near the beginning, 64 positions open at each."""
    length = 64
    with serving(folder / "steps.sqlite3") as service:
        old = service.create(length)
        for _ in range(20):
            service.step(old, 50)
            service.open_all(old, length)
        early, late = [], []
        for _ in range(8):
            new = service.create(length)
            for _ in range(7):
                service.step(new, 1)
                service.open_all(new, length)
            for _ in range(5):  # the 8th to the 12th, in turn with as many behind the 1,000th
                for session_id, times in ((new, early), (old, late)):
                    times.append(seconds(lambda session_id=session_id: service.step(session_id, 1)))
                    service.open_all(session_id, length)
    yield Result("a step at the 1,000th against the 10th", median(late) / median(early), "times", 1.2,
                 f"{milliseconds(late)} against {milliseconds(early)}")


def drafted(session: Session, chance: random.Random, position: int, base: int) -> Frame:
    """A step's frame that commits a position, or opens it, with a draft of all that is open."""
    state = session.state(base)
    draft = Draft(state.open, tuple(chance.randrange(20, 700) for _ in state.open), chance.randbytes(len(state.open)),
                  chance.randbytes(len(state.open)), base)
    token = chance.randrange(20, 700) if state.tokens[position] is None else None
    summary = Summary(forward_count=1, mean_probability=0.5, min_probability=0.25, mean_entropy=2.5,
                      compute_seconds=0.02, wall_seconds=0.03, pending=True)
    return session.step_frame([Change(position, token, 0.5 if token else None)], summary, time.time(), base,
                              draft=draft)


def prepared(folder: Path) -> tuple[Path, str, str]:
    """A file with two sessions of 5,000 frames with drafts of 256 positions and less, begun by the service.

    The first has one line, the second two that grew in turn.
    """
    path, chance, length = folder / "long.sqlite3", random.Random(0), CONTEXT - len(PROMPT)
    with serving(path) as service:
        made = service.create(length), service.create(length)
    store = SQLiteStore(path, tree_of)
    sessions = Sessions(store, ProtoCodec())
    for session_id, lines in zip(made, (1, 2), strict=True):
        with sessions.lease(session_id) as turn:
            for number in range(1, LONG):
                turn.commit(drafted(turn.session, chance, len(PROMPT) + number // 2 // lines % length,
                                    max(0, number - lines)))
    store.close()
    return path, *made


def opening(path: Path, session_id: str, kind: str) -> Iterator[Result]:
    """A long session from the file to its newest canvas, in a process that has not seen it."""
    def fresh() -> None:
        store = SQLiteStore(path, tree_of)
        session = Sessions(store, ProtoCodec()).get(session_id).session
        if session.head != LONG - 1 or session.state().size != CONTEXT:
            raise SystemExit("the session is not the one that was made")
        store.close()

    def all_frames() -> None:
        with closing(sqlite3.connect(path)) as db:
            rows = db.execute("SELECT content FROM frame WHERE session_id = ? ORDER BY revision", (session_id,))
            if len([ProtoCodec().frame_from_bytes(body) for (body,) in rows]) != LONG:
                raise SystemExit("frames are missing")

    times = [seconds(fresh) for _ in range(9)]
    plain = [seconds(all_frames) for _ in range(3)]
    yield Result(f"opening a session of {LONG:,} frames with drafts, {kind}", median(times) * 1e3, "ms", 100,
                 f"{milliseconds(plain)} to read and decode every frame")


def appending(folder: Path) -> Iterator[Result]:
    """One frame with a draft of 256 positions into the file, against a bare INSERT of the same bytes."""
    chance, count = random.Random(1), 2000
    ids = tuple(range(CONTEXT))
    bodies = [ProtoCodec().frame_to_bytes(Frame(
        number, number - 1, 2, time.time(), Summary(255, 1, number, 0.5, 0.25, 2.5, 0.02, (), 0.03, 1.5, True),
        (Change(number % CONTEXT, 77, 0.5),), sampler_state={"block": 0, "step": number},
        draft=Draft(ids, tuple(chance.randrange(20, 700) for _ in ids), chance.randbytes(CONTEXT),
                    chance.randbytes(CONTEXT), number - 1))) for number in range(1, count + 1)]
    store = SQLiteStore(folder / "append.sqlite3")
    store.create("s", b"origin", [Entry(-1, 1, b"frame 0")], 1.0, 2e9, "")
    times = [seconds(lambda number=number, body=body: store.append(
        "s", number, [Entry(number, 2, body)], 1.0 + number, "request")) for number, body in enumerate(bodies)]
    store.close()
    plain = []
    with closing(sqlite3.connect(folder / "plain.sqlite3", isolation_level=None)) as db:
        db.executescript("PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;"
                         " CREATE TABLE frame (revision INTEGER PRIMARY KEY, body BLOB NOT NULL);")
        for number, body in enumerate(bodies):
            plain.append(seconds(lambda number=number, body=body: db.execute(
                "INSERT INTO frame VALUES (?, ?)", (number, body))))
    yield Result("keeping a frame with a draft of 256 positions, p50", median(times) * 1e3, "ms", 1.0,
                 f"{milliseconds(plain)} for a bare INSERT of its {len(bodies[-1]):,} bytes")
    yield Result("keeping a frame with a draft of 256 positions, p99", quantiles(times, n=100)[98] * 1e3, "ms", None,
                 f"{quantiles(plain, n=100)[98] * 1e3:.2f} ms for a bare INSERT")


def previewing(folder: Path) -> Iterator[Result]:
    """Which positions would be masked again, of 256, when the prediction is at hand."""
    with serving(folder / "propose.sqlite3") as service:
        session_id = service.create(CONTEXT - len(PROMPT), "llada", steps=8)
        service.step(session_id, 0)
        cold, warm = [], []
        for number in range(10):
            service.edit(session_id, force_token=edit_pb2.ForceToken(position=100 + number, token=30 + number))
            cold.append(seconds(lambda: service.propose(session_id, cached=False)))
            warm += [seconds(lambda: service.propose(session_id, cached=True)) for _ in range(20)]
    against = f"{milliseconds(cold)} where the model must be asked"
    yield Result("a remasking preview of 256 positions, warm, p50", median(warm) * 1e3, "ms", 30, against)
    yield Result("a remasking preview of 256 positions, warm, p95", quantiles(warm, n=20)[18] * 1e3, "ms", 30, against)


def watching(path: Path, session_id: str) -> Iterator[Result]:
    """All frames of a long session to a client; and steps on it while a client reads the first frame and no more.

    What lies between, sockets and the client's buffers, takes some thousand frames before the server has to wait; so
    the first steps share the processor with a replay, whatever the client does, and the short run shows that.
    """
    with serving(path) as service:
        rates = []
        for _ in range(3):
            begun, frames, call = time.perf_counter(), 0, service.watch(session_id)
            while frames < LONG:
                frames += next(call).HasField("frame")
            rates.append(LONG / (time.perf_counter() - begun))
            call.cancel()
        yield Result(f"watching {LONG:,} frames from the first", median(rates), "frames a second")
        service.step(session_id, 5)
        for count, limit in ((60, 1.2), (6, None)):
            alone, beside = [], []
            for _ in range(5):
                alone.append(seconds(lambda count=count: service.step(session_id, count)))
                service.open_all(session_id, CONTEXT - len(PROMPT))
                slow = service.watch(session_id)
                if next(slow).session.revision or next(slow).frame.revision:
                    raise SystemExit("a watcher begins with the session and frame 0")
                beside.append(seconds(lambda count=count: service.step(session_id, count)))
                if not slow.is_active():
                    raise SystemExit("the slow watcher was dropped")
                slow.cancel()
                service.open_all(session_id, CONTEXT - len(PROMPT))
            yield Result(f"{count} steps beside a watcher that has stopped reading", median(beside) / median(alone),
                         "times", limit, f"{milliseconds(beside)} against {milliseconds(alone)} alone")


# ---- the report ----

def measure(folder: Path) -> Iterator[Result]:
    yield from long_history(folder)
    path, session_id, forked = prepared(folder)
    yield from opening(path, session_id, "one line")
    yield from opening(path, forked, "two lines that grew in turn")
    yield from appending(folder)
    yield from previewing(folder)
    yield from watching(path, session_id)


def machine() -> dict[str, object]:
    """What the numbers depend on."""
    info = Path("/proc/cpuinfo")
    names = [line.partition(": ")[2] for line in info.read_text().splitlines() if line.startswith("model name")
             ] if info.exists() else []
    return {"processor": names[0] if names else platform.processor(), "cores": os.cpu_count(),
            "system": platform.platform(), "python": platform.python_version(), "torch": torch.__version__,
            "sqlite": sqlite3.sqlite_version, "load": round(os.getloadavg()[0], 2)}


def table(results: list[Result]) -> Table:
    shown = Table("measured", "value", "limit", "", "against")
    for one in results:
        limit = "" if one.limit is None else f"{one.limit:g} {one.unit}"
        verdict = "" if one.limit is None else "[green]kept[/]" if one.kept else "[red]broken[/]"
        shown.add_row(one.name, f"{one.value:,.2f} {one.unit}", limit, verdict, one.against)
    return shown


def main() -> int:
    argparse.ArgumentParser(description=__doc__.split("\n")[0]).parse_args()
    found, begun = machine(), time.monotonic()
    OUT.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=OUT) as folder:
        results = list(measure(Path(folder)))
    Console().print(table(results))
    print(f"{time.monotonic() - begun:.0f} seconds")
    record = {"machine": found, "results": [asdict(one) | {"kept": one.kept} for one in results]}
    (HERE / "results").mkdir(exist_ok=True)
    (HERE / "results/sessions.json").write_text(json.dumps(record, indent=1) + "\n")
    return 0 if all(one.kept for one in results) else 1


if __name__ == "__main__":
    sys.exit(main())
