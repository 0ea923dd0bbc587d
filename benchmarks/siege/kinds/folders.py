"""Checkpoint folders made to break a loader, loads that are cancelled, and an end under load."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import threading
import time

import grpc

from benchmarks.siege import tiny
from benchmarks.siege.attack import WAIT, Broken, Client, Siege, attack, prompt, settings
from benchmarks.siege.ended import ask
from benchmarks.siege.kinds.constraints import slow
from unmask import recording as files
from unmask.v1 import model_service_pb2 as models_pb
from unmask.v1 import session_service_pb2 as pb
from unmask.v1.recording_pb2 import Recording

SOON = 2.0


def refused_soon(siege: Siege, name: str) -> str:
    """A LoadModel must be refused within two seconds."""
    siege.begin()
    end = siege.ask(siege.client.models.LoadModel, models_pb.LoadModelRequest(name=name), 30)
    if end.ok or end.code == "DEADLINE_EXCEEDED" or end.seconds > SOON:
        raise Broken(f"{end} after {end.seconds:.1f} s: {end.message[:160]}")
    return f"after {end.seconds:.1f} s: {end.message[:120]}"


@attack("a folder", "refused within 2 s")
def config_of_a_million_layers(siege: Siege) -> str:
    """A config.json with `n_layers: 1000000`."""
    folder, name = tiny.place(siege, "layers")
    tiny.llada(folder, n_layers=1_000_000)
    return refused_soon(siege, name)


@attack("a folder", "refused within 2 s")
def header_of_200000_tensors(siege: Siege) -> str:
    """A safetensors header with 200,000 tensors that the model does not have."""
    folder, name = tiny.place(siege, "tensors")
    weights = tiny.llada(folder)
    path = folder / "model.safetensors"
    data = path.read_bytes()
    length = int.from_bytes(data[:8], "little")
    header = json.loads(data[8:8 + length])
    header |= {f"extra.{number}": {"dtype": "F32", "shape": [0], "data_offsets": [0, 0]} for number in range(200_000)}
    made = json.dumps(header).encode()
    path.write_bytes(len(made).to_bytes(8, "little") + made + data[8 + length:])
    if not weights:
        raise Broken("there are no tensors to begin with")
    return refused_soon(siege, name)


@attack("a folder", "refused within 2 s")
def config_nested_100000_deep(siege: Siege) -> str:
    """A config.json with lists nested 100,000 deep."""
    folder, name = tiny.place(siege, "deep")
    tiny.llada(folder)
    path = folder / "config.json"
    path.write_text(path.read_text().rstrip()[:-1] + ', "extra": ' + "[" * 100_000 + "]" * 100_000 + "}")
    return refused_soon(siege, name)


@attack("a folder", "refused within 2 s each")
def folders_of_odd_kinds(siege: Siege) -> str:
    """Ten more: huge, negative and zero sizes, a header that lies, pipes and devices for files, a link out."""
    kinds = {"d_model": 10**9, "embedding_size": 2**31, "n_heads": 0, "max_sequence_length": -1, "n_kv_heads": 10**6}
    slowest = 0.0
    for field, value in kinds.items():
        folder, name = tiny.place(siege, field.replace("_", "-"))
        tiny.llada(folder)
        path = folder / "config.json"
        path.write_text(json.dumps(json.loads(path.read_text()) | {field: value}))
        slowest = max(slowest, _timed(siege, name))
    for kind in ("length", "pipe", "pipe-config", "zero", "out"):
        folder, name = tiny.place(siege, kind)
        tiny.llada(folder)
        weights, config = folder / "model.safetensors", folder / "config.json"
        if kind == "length":
            weights.write_bytes((2**63).to_bytes(8, "little") + b"{}")
        elif kind == "pipe":
            weights.unlink()
            os.mkfifo(weights)
        elif kind == "pipe-config":
            config.unlink()
            os.mkfifo(config)
        elif kind == "zero":
            config.unlink()
            config.symlink_to("/dev/zero")
        else:
            config.unlink()
            config.symlink_to("/etc/hostname")
        slowest = max(slowest, _timed(siege, name))
    return f"the slowest after {slowest:.1f} s"


def _timed(siege: Siege, name: str) -> float:
    end = siege.ask(siege.client.models.LoadModel, models_pb.LoadModelRequest(name=name), 20)
    if end.ok or end.code == "DEADLINE_EXCEEDED" or end.seconds > SOON:
        raise Broken(f"{name}: {end} after {end.seconds:.1f} s: {end.message[:120]}")
    return end.seconds


@attack("a folder", "another model loads within 2 s of the cancel")
def load_that_is_cancelled(siege: Siege) -> str:
    """A load of a checkpoint of 1.2 GB, cancelled after 0.3 s, and then a load of a small one."""
    folder, name = tiny.place(siege, "large")
    tiny.large(folder)
    small, small_name = tiny.place(siege, "small")
    tiny.llada(small)
    siege.begin()
    first = siege.ask(siege.client.models.LoadModel, models_pb.LoadModelRequest(name=name), 0.3)
    if first.code != "DEADLINE_EXCEEDED":
        return f"the large one: {first}, before it could be cancelled"
    begun = time.monotonic()
    while True:
        end = ask(siege.client.models.LoadModel, models_pb.LoadModelRequest(name=small_name), WAIT)
        took = time.monotonic() - begun
        if end.ok or end.reason != "MODEL_LOADING":
            break
        if took > 30:
            break
        time.sleep(0.05)
    siege.keep(end)
    if not end.ok or took > SOON + 1:  # a second of it is the small one's own load
        raise Broken(f"{end} {took:.1f} s after the cancel: {end.message[:120]}")
    return f"the small one is READY {took:.1f} s after the cancel"


@attack("the process", "it ends within 10 s with exit code 0", growth=3 << 29,
        peak=3 << 30)  # what the checkpoint takes, on top of what others may
def sigterm_under_load(siege: Siege) -> str:
    """SIGTERM while 50 sessions run, slow expressions are compiled, and a checkpoint of 1.2 GB loads."""
    with siege.another("ending") as service:
        folder = service.log.parent / "large"
        folder.mkdir()
        tiny.large(folder)
        client = Client(service.address)
        ids = [client.create(200) for _ in range(50)]

        def hold(call, request) -> None:
            try:
                answer = call(request, timeout=WAIT)
                list(answer) if hasattr(answer, "cancel") else None
            except grpc.RpcError:
                pass

        work = [(client.sessions.Step, pb.StepRequest(session_id=session_id)) for session_id in ids]
        work.append((client.models.LoadModel, models_pb.LoadModelRequest(name="./large")))
        work += [(client.sessions.CreateSession, pb.CreateSessionRequest(prompt=prompt(), length=32, settings=settings(
            constraint=slow(30 + number)))) for number in range(3)]
        threads = [threading.Thread(target=hold, args=one, daemon=True) for one in work]
        [thread.start() for thread in threads]
        time.sleep(1.5)
        begun = time.monotonic()
        service.popen.send_signal(signal.SIGTERM)
        try:
            code = service.popen.wait(40)
        except subprocess.TimeoutExpired:
            raise Broken("it still runs 40 s after SIGTERM") from None
        took = time.monotonic() - begun
    if took > 10 or code:
        raise Broken(f"it ended after {took:.1f} s with {code}")
    return f"it ended after {took:.1f} s"


@attack("a recording", "read, or refused by count, within 2 s")
def import_of_200000_empty_frames(siege: Siege) -> str:
    """Import of a recording with 200,000 empty frames."""
    session_id = siege.client.create(16)
    data = b"".join(answer.chunk for answer in siege.client.sessions.Export(
        pb.ExportRequest(session_id=session_id), timeout=WAIT))
    made: Recording = files.read(data)
    for number in range(1, 200_001):
        made.frames.add(revision=number, parent_revision=number - 1, cause=2)
    large = files.write(made, "binary")
    siege.begin()
    pieces = [pb.ImportRequest(chunk=large[at:at + 2**20]) for at in range(0, len(large), 2**20)]
    end = siege.ask(siege.client.sessions.Import, iter(pieces), 120)
    if end.seconds > SOON or end.code not in ("OK", "INVALID_ARGUMENT", "RESOURCE_EXHAUSTED"):
        raise Broken(f"{end} after {end.seconds:.1f} s: {end.message[:120]}")
    return f"after {end.seconds:.1f} s: {end.message[:120]}"
