"""The store: full, read-only, damaged; and who may read it."""

from __future__ import annotations

import os
import random
import shutil
import sqlite3
import subprocess
import time
from contextlib import closing
from pathlib import Path

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

from benchmarks.siege.attack import WAIT, Broken, Client, NotHere, Siege, attack
from benchmarks.siege.ended import ask
from benchmarks.siege.processes import DidNotStart, Service
from unmask.v1 import edit_pb2, prompt_pb2
from unmask.v1 import session_service_pb2 as pb

FLIPPED = 24
SMALL = 16 << 20  # bytes of the disk


def mounted(siege: Siege, options: str) -> tuple[tuple[str, ...], Path]:
    """A command that runs a program with a small disk of its own at a folder."""
    folder = siege.new_folder("disk")
    before = ("unshare", "--user", "--map-root-user", "--mount", "sh", "-c",
              f'mount -t tmpfs -o {options} tmpfs "{folder}" && exec "$@"', "sh")
    try:
        subprocess.run([*before, "true"], check=True, capture_output=True, timeout=20)
    except (OSError, subprocess.SubprocessError):
        raise NotHere("needs unshare with user and mount namespaces") from None
    return before, folder


def written(token: int) -> edit_pb2.Edit:
    """200 positions of one token: some 2 kB in the store."""
    return edit_pb2.Edit(replace=edit_pb2.ReplaceSpan(position=8, count=200, tokens=prompt_pb2.TokenList(
        ids=[token] * 200)))


def overall(client: Client) -> str:
    end = health_pb2_grpc.HealthStub(client.channel).Check(health_pb2.HealthCheckRequest(), timeout=10)
    return health_pb2.HealthCheckResponse.ServingStatus.Name(end.status)


@attack("the store", "RESOURCE_EXHAUSTED STORE_FULL; reading goes on; DeleteSession makes room; then Steps go on")
def disk_that_is_full(siege: Siege) -> str:
    """Sessions opened and edited on a disk of 16 MB until it is full, then some deleted."""
    before, disk = mounted(siege, f"size={SMALL}")
    with siege.another("full", before, UNMASK_STORE=str(disk / "store" / "sessions.sqlite3")) as service:
        client, ids, full = Client(service.address), [], None
        for _ in range(3000):
            try:
                ids.append(client.create(200))
            except grpc.RpcError as error:
                full = siege.failed(error)
                break
            ends = (siege.ask(client.sessions.Edit, pb.EditRequest(session_id=ids[-1], edits=[written(30 + number)]))
                    for number in range(60))
            if full := next((end for end in ends if not end.ok), None):
                break
        if full is None:
            raise Broken("the disk never filled")
        if (full.code, full.reason) != ("RESOURCE_EXHAUSTED", "STORE_FULL"):
            raise Broken(f"{full}: {full.message[:160]}")
        read = siege.ask(client.sessions.GetSession, pb.GetSessionRequest(session_id=ids[0]))
        health = overall(client)
        for session_id in ids[: len(ids) // 2]:
            deleted = siege.ask(client.sessions.DeleteSession, pb.DeleteSessionRequest(session_id=session_id), WAIT)
            if not deleted.ok:
                raise Broken(f"DeleteSession on a full disk: {deleted}: {deleted.message[:160]}")
        if not read.ok:
            raise Broken(f"reading on a full disk: {read}")
        last, end = siege.ends[-1], time.monotonic() + 15
        while time.monotonic() < end:  # health may follow a moment later
            last = ask(client.sessions.Step, pb.StepRequest(session_id=ids[-2], count=1), WAIT)
            if last.ok or last.reason == "CANVAS_COMPLETE":
                break
            time.sleep(0.5)
        fresh = ask(lambda request, timeout: client.create(16), None)
        if not fresh.ok:
            raise Broken(f"a new session once there is room: {fresh}: {fresh.message[:160]}")
        return f"full after {len(ids)} sessions: {full}, health {health}; with room again: frames"


@attack("the store", "it reads, and refuses to write as STORE_READ_ONLY; or a line says why it does not start")
def disk_that_is_read_only(siege: Siege) -> str:
    """A store on a disk that is mounted read-only."""
    folder = siege.new_folder("kept")
    with siege.another("first", folder=folder) as service:
        client = Client(service.address)
        session_id = client.create(16)
        client.step(session_id, 2)
    before = ("unshare", "--user", "--map-root-user", "--mount", "sh", "-c",
              f'mount --bind "{folder}/store" "{folder}/store" && mount -o remount,bind,ro "{folder}/store"'
              ' && exec "$@"', "sh")
    try:
        subprocess.run([*before, "true"], check=True, capture_output=True, timeout=20)
    except (OSError, subprocess.SubprocessError):
        raise NotHere("needs unshare with user and mount namespaces") from None
    try:
        with siege.another("read-only", before, folder) as service:
            client = Client(service.address)
            read = siege.ask(client.sessions.GetSession, pb.GetSessionRequest(session_id=session_id))
            step = siege.ask(client.sessions.Step, pb.StepRequest(session_id=session_id, count=1))
            if not read.ok or step.reason != "STORE_READ_ONLY":
                raise Broken(f"GetSession {read}, Step {step}: {step.message[:160]}")
            return f"GetSession {read}, Step {step}, health {overall(client)}"
    except DidNotStart as failed:
        words = str(failed)
        if "Traceback" in words:
            raise Broken(words[-300:]) from None
        return f"it does not start: {words[-160:].strip()}"


@attack("the store", "each session is as it was, or DATA_LOSS STORE_DAMAGED; never other data")
def bits_that_flip(siege: Siege) -> str:
    """24 rows' bodies and 4 places of the file changed by a bit each while the service is stopped, six times."""
    folder = siege.new_folder("flipped")
    with siege.another("whole", folder=folder) as service:
        client = Client(service.address)
        ids = [client.create(100) for _ in range(12)]
        for session_id in ids:
            client.step(session_id, 40)
        true = {session_id: seen(client, session_id) for session_id in ids}
    shutil.copytree(folder / "store", folder / "whole")
    damaged = same = 0
    for round in range(6):
        shutil.rmtree(folder / "store")
        shutil.copytree(folder / "whole", folder / "store")
        flip(folder / "store" / "sessions.sqlite3", random.Random(round))
        try:
            service = Service(folder)
        except DidNotStart as failed:
            if "Traceback" in str(failed):
                raise Broken(str(failed)[-300:]) from None
            damaged += len(ids)
            continue
        try:
            client = Client(service.address)
            for session_id in ids:
                try:
                    now = seen(client, session_id)
                except grpc.RpcError as error:
                    end = siege.failed(error)
                    if end.code not in ("DATA_LOSS", "NOT_FOUND"):
                        raise Broken(f"{end}: {end.message[:160]}") from None
                    damaged += 1
                    continue
                if now != true[session_id]:
                    raise Broken(f"round {round}: a session is not what it was, and nothing says so")
                same += 1
            if not ask(lambda request, timeout, client=client: client.step(client.create(8)), None).ok:
                raise Broken("no new session on a damaged store")
        finally:
            service.stop()
    return f"{same} sessions as they were, {damaged} refused"


def seen(client: Client, session_id: str) -> list[bytes]:
    """A session's newest canvas and every frame."""
    session = client.sessions.GetSession(pb.GetSessionRequest(session_id=session_id), timeout=WAIT).session
    watch = client.sessions.WatchSession(pb.WatchSessionRequest(session_id=session_id), timeout=WAIT)
    found = [session.canvas.SerializeToString(deterministic=True)]
    for answer in watch:
        if answer.HasField("frame"):
            found.append(answer.frame.SerializeToString(deterministic=True))
            if answer.frame.revision == session.head_revision:
                watch.cancel()
                break
    return found


def flip(path: Path, chance: random.Random) -> None:
    """Changes bits within the bodies of rows, which SQLite itself would not notice, and elsewhere."""
    with closing(sqlite3.connect(path)) as db:
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        kept = [(table, [column[1] for column in columns if column[5]], column[1])
                for (table,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
                for columns in [db.execute(f"PRAGMA table_info({table})").fetchall()]
                for column in columns if column[2].upper() == "BLOB"]
        rows = [(table, keys, column, row) for table, keys, column in kept for row in db.execute(
            f"SELECT {', '.join([*keys, column])} FROM {table} WHERE length({column}) > 0").fetchall()]
        for table, keys, column, (*key, body) in chance.sample(rows, min(FLIPPED, len(rows))):
            changed = bytearray(body)
            changed[chance.randrange(len(changed))] ^= 1 << chance.randrange(8)
            db.execute(f"UPDATE {table} SET {column} = ? WHERE {' AND '.join(f'{name} = ?' for name in keys)}",
                       (bytes(changed), *key))
        db.commit()
    data = bytearray(path.read_bytes())  # and anywhere in the file, the first page with its format left out
    for _ in range(4):
        data[chance.randrange(4096, len(data))] ^= 1 << chance.randrange(8)
    path.write_bytes(data)


@attack("the store", "0700 and 0600")
def who_may_read_the_store(siege: Siege) -> str:
    """The permissions of the store's folder and files, made under a umask of 0."""
    before = ("sh", "-c", 'umask 0; exec "$@"', "sh")
    with siege.another("open", before) as service:
        Client(service.address).create(8)
        folder = service.store.parent
        modes = {path.name: oct(path.stat().st_mode & 0o777) for path in [folder, *folder.iterdir()]}
    wrong = {name: mode for name, mode in modes.items() if int(mode, 8) & 0o077}
    if wrong:
        raise Broken(str(wrong))
    return ", ".join(f"{name} {mode}" for name, mode in sorted(modes.items()))


@attack("the store", "a line that says what is wrong, and no traceback")
def file_that_is_no_store(siege: Siege) -> str:
    """A store whose file is random bytes, a folder, or of another program."""
    found = []
    for kind in ("random", "folder", "other"):
        folder = siege.new_folder("no-store")
        path = folder / "store" / "sessions.sqlite3"
        path.parent.mkdir()
        if kind == "random":
            path.write_bytes(os.urandom(50_000))
        elif kind == "folder":
            path.mkdir()
        else:
            with closing(sqlite3.connect(path)) as db:
                db.execute("CREATE TABLE frame (x)")
                db.commit()
        try:
            service = Service(folder)
        except DidNotStart as failed:
            words = str(failed)
            if "Traceback" in words:
                raise Broken(f"{kind}: {words[-200:]}") from None
            found.append(f"{kind}: {words.split(': ', 1)[-1].strip()[-120:]}")
        else:
            service.stop()
            found.append(f"{kind}: it starts")
    return "; ".join(found)
