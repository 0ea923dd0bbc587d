"""kill -9 at any moment loses nothing that a client was told: the service, killed at random moments.

Clients run on real sockets against a real file. What was told, byte for byte, is there after each restart; a request
that was interrupted, sent again, gives what it made the first time; watchers go on where they were.
"""

import os
import random
import secrets
import signal
import sqlite3
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from itertools import count
from pathlib import Path

import grpc
import pytest

from tests.service.calls import WAIT, read_refusal, settings
from tests.service.process import Process
from unmask.v1 import edit_pb2, frame_pb2, prompt_pb2
from unmask.v1 import session_service_pb2 as pb

KILLS = int(os.environ.get("KILLS", "30"))  # at least; `make siege` has 200
CLIENTS = 4
MOMENTS = {"starting": 1, "checking": 2, "working": 8, "receiving": 9}  # how often each
LONG = 400  # revisions after which a client goes to another session; states are kept every 256
SCRIPT = Path(__file__).with_name("short_life.py")
SAMPLERS = {
    "llada": {"temperature": 1.0, "steps": 24}, "dream": {"temperature": 0.7, "steps": 24}, "left_to_right": {},
    "predict_remask": {"iterations": 12, "rho": 0.5}, "remdm": {"steps": 24}, "p2": {"steps": 24},
}
# What a client may be told when it asks at random; nothing is made then.
NOTHING_TO_DO = {"CANVAS_COMPLETE", "READ_ONLY_REVISION", "NOTHING_TO_UNDO"}
VOCABULARY = 500  # ids below are plain tokens
MASK = edit_pb2.MaskPositions
TOKENS = prompt_pb2.TokenList


class Gone(Exception):
    """The service was killed in the middle of a call."""


class Service:
    """The service on one store, started and killed often. told: counts what clients receive."""

    def __init__(self, folder):
        self.store = folder / "sessions.sqlite3"
        self.process = None
        self._lock = threading.Lock()
        self.killed = threading.Event()
        self.left = 0  # receipts until it is killed, if above 0

    def start(self):
        self.killed.clear()
        self.left = 0
        self.process = Process(self.store, SCRIPT, OMP_NUM_THREADS="1")

    def ready(self):
        return self.process.ready()

    def kill(self):
        with self._lock:
            if not self.killed.is_set():
                self.process.kill()
                self.killed.set()

    def told(self):
        """A client has received something."""
        with self._lock:
            self.left -= 1
            last = not self.left
        if last:
            self.kill()

    def reap(self):
        """It must have lived until it was killed."""
        assert self.process.wait(WAIT) == -signal.SIGKILL, self.process.errors

    def end(self):
        if self.process:
            self.process.kill()
            self.process.wait(WAIT)


class KnownSession:
    """A session as its one client knows it.

    told: its frames in order, as bytes. watched: those that its watcher has had. names: as they must be. asked: the
    call that was not answered to its end, with the revision that its first frame has. answered: calls that were.
    """

    def __init__(self, id):
        self.id = id
        self.told = []
        self.watched = []
        self.names = {}
        self.asked = None
        self.answered = []

    def place(self, revision):
        """The revision that first had a revision's canvas."""
        frame = frame_pb2.Frame.FromString(self.told[revision])
        rewound = frame.cause == frame_pb2.CAUSE_REWIND
        return self.place(frame.parent_revision) if rewound else revision

    def named(self, request):
        place = self.place(request.revision)
        rest = {name: at for name, at in self.names.items() if name != request.name and at != place}
        return {**rest, request.name: place}


def as_bytes(frame):
    return frame.SerializeToString(deterministic=True)


def refused(error):
    """Why a living server refused; Gone if it lives no more."""
    if error.code() == grpc.StatusCode.UNAVAILABLE:
        raise Gone from None
    return read_refusal(error)


class Client:
    """One client: opens sessions, works on one after the other, and is the only one to change them."""

    def __init__(self, service, seed):
        self.service = service
        self.random = random.Random(seed)
        self.known = []
        self.active = None
        self.creating = None
        self.created = []
        self.counts = Counter()  # what was interrupted, and whether it had been done
        self.watchers = []
        self.changed = threading.Condition()

    def id(self):
        return f"{self.random.getrandbits(64):x}"

    # ---- one round ----

    def go(self, api, checked):
        """Finds everything as it was told, then works until the service is killed."""
        try:
            self.settle(api)
            checked.set()
            while True:
                self.work(api)
        except Gone:
            return

    def settle(self, api):
        """After a restart: nothing is lost, and what was interrupted is done once."""
        if self.creating:
            self.counts["CreateSession"] += 1
            self.create(api, self.creating)
        if self.known:
            self.check(api, self.active)
            self.check(api, self.random.choice(self.known))

    def check(self, api, known):
        kept = self.kept(api, known)
        assert [frame.revision for frame in kept] == list(range(len(kept)))
        assert all(frame.parent_revision < frame.revision for frame in kept)
        kept = list(map(as_bytes, kept))
        known.told = known.told or kept[:1]  # frame 0, which no call sends
        assert kept[:len(known.told)] == known.told, "what was told is there"
        assert kept[:len(known.watched)] == known.watched, "and what was watched"
        made = kept[len(known.told):]
        if known.asked is None:
            assert not made, "nothing that nobody asked for"
        else:
            request, first = known.asked
            if isinstance(request, pb.NameBranchRequest):
                assert not made
                self.counts["NameBranch"] += 1
                self.name(api, known, request)
            else:
                made, kind = kept[first:], type(request).__name__.removesuffix("Request")
                self.counts[kind] += 1
                self.counts["made" if made else "not made"] += kind != "Step"
                self.counts["Step, made" if made else "Step, not made"] += kind == "Step"
                again = self.ask(api, known, request, first)
                assert not made or again == made, "sent again, it gives what it made"
        self.check_names(api, known)

    def kept(self, api, known):
        """Every frame that the service has, and a look at the newest canvas."""
        try:
            session = api.get(known.id)
            watch = api.sessions.WatchSession(pb.WatchSessionRequest(session_id=known.id), timeout=WAIT)
            assert next(watch).session.revision == 0
            kept = [next(watch).frame for _ in range(session.head_revision + 1)]
            watch.cancel()
        except grpc.RpcError as error:
            raise AssertionError(refused(error)) from None
        opened = list(session.canvas.states).count(session.canvas.POSITION_STATE_OPEN)
        assert opened == kept[-1].summary.open_count
        return kept

    def check_names(self, api, known):
        if not known.names:
            return
        try:
            watch = api.sessions.WatchSession(pb.WatchSessionRequest(
                session_id=known.id, after_revision=len(known.told) - 1), timeout=WAIT)
            assert dict(next(watch).names.revisions) == known.names
            watch.cancel()
        except grpc.RpcError as error:
            raise AssertionError(refused(error)) from None

    # ---- calls ----

    def create(self, api, request):
        self.creating = request
        try:
            id = api.sessions.CreateSession(request, timeout=WAIT).session.id
        except grpc.RpcError as error:
            raise AssertionError(refused(error)) from None
        self.service.told()
        self.creating = None
        self.created.append((request, id))
        assert id not in {known.id for known in self.known}
        self.known.append(KnownSession(id))
        if self.active is None or len(self.active.told) > LONG:
            self.active = self.known[-1]
            self.watch(api, self.active)
        self.check(api, self.known[-1])

    def ask(self, api, known, request, first):
        """The frames of a call, each put down when it comes."""
        known.asked = request, first
        frames = []
        for frame in self.frames(api, request):
            frames.append(as_bytes(frame))
            assert frame.revision == first + len(frames) - 1
            if len(known.told) == frame.revision:
                known.told.append(frames[-1])
            assert known.told[frame.revision] == frames[-1], "it was told otherwise before"
            self.service.told()
        known.asked = None
        if frames:
            known.answered.append((request, frames))
        return frames

    def frames(self, api, request):
        """What comes of a Step, Select, Edit or Rewind; nothing where there is nothing to do."""
        call = getattr(api.sessions, type(request).__name__.removesuffix("Request"))
        count = 0
        try:
            for answer in call(request, timeout=WAIT):
                yield answer.frame
                count += 1
        except grpc.RpcError as error:
            refusal = refused(error)
            assert refusal.reason in NOTHING_TO_DO and not count, refusal

    def name(self, api, known, request):
        known.asked = request, None
        try:
            branch = api.sessions.NameBranch(request, timeout=WAIT).branch
        except grpc.RpcError as error:
            raise AssertionError(refused(error)) from None
        self.service.told()
        known.names = known.named(request)
        assert branch.leaf_revision >= known.names[request.name]
        known.asked = None

    # ---- watching ----

    def watch(self, api, known):
        """Goes on watching a session, until the service is killed; the call, for who ends it before."""
        after = {"after_revision": len(known.watched) - 1} if known.watched else {}
        call = api.sessions.WatchSession(pb.WatchSessionRequest(session_id=known.id, **after))
        thread = threading.Thread(target=self._watch, args=[call, known], daemon=True)
        thread.start()
        self.watchers.append(thread)
        return call

    def _watch(self, call, known):
        """Every frame from where the watcher was; one that is lost or comes twice shows in `check`."""
        with suppress(grpc.RpcError):
            for answer in call:
                if answer.HasField("frame"):
                    with self.changed:
                        known.watched.append(as_bytes(answer.frame))
                        self.changed.notify_all()

    def watch_to_the_end(self, api, known):
        """Ends the watch then: a connection holds so many, and sessions are without number."""
        call = self.watch(api, known)
        with self.changed:
            self.changed.wait_for(lambda: len(known.watched) >= len(known.told), WAIT)
        call.cancel()
        assert known.watched == known.told

    # ---- something to do ----

    def work(self, api):
        known = self.active
        if known is None or len(known.told) > LONG or self.random.random() < 0.1:
            self.create(api, self.any_session())
            return
        kind = self.random.choices(["step", "select", "edit", "rewind", "name", "again"], [6, 4, 5, 4, 3, 1])[0]
        if kind == "again":
            self.again(api, known)
        elif kind == "name":
            self.name(api, known, pb.NameBranchRequest(
                session_id=known.id, revision=self.random.randrange(len(known.told)),
                name=f"name {self.random.randrange(5)}"))
        else:
            try:
                session = api.get(known.id)
            except grpc.RpcError as error:
                raise AssertionError(refused(error)) from None
            request = getattr(self, f"any_{kind}")(session)
            self.ask(api, known, request, len(known.told))

    def again(self, api, known):
        """What was answered long ago is answered the same."""
        if known.answered:
            request, frames = self.random.choice(known.answered)
            assert list(map(as_bytes, self.frames(api, request))) == frames
        request, id = self.random.choice(self.created)
        try:
            assert api.sessions.CreateSession(request, timeout=WAIT).session.id == id
        except grpc.RpcError as error:
            raise AssertionError(refused(error)) from None

    def any_session(self):
        sampler = self.random.choice(list(SAMPLERS))
        tokens = [self.random.randrange(VOCABULARY) for _ in range(3)]
        return pb.CreateSessionRequest(
            prompt=prompt_pb2.Prompt(tokens=TOKENS(ids=tokens)), length=24,
            settings=settings(sampler, self.random.getrandbits(32), **SAMPLERS[sampler]), request_id=self.id())

    def any_step(self, session):
        back = self.random.randrange(session.head_revision + 1) if self.random.random() < 0.1 else None
        return pb.StepRequest(session_id=session.id, count=self.random.choice([0, 1, 1, 2, 4]),
                              draft=self.random.random() < 0.5, request_id=self.id(), from_revision=back)

    def any_select(self, session):
        chosen = self.random.sample(range(session.prompt_length, len(session.canvas.tokens)), 2)
        return pb.SelectRequest(session_id=session.id, request_id=self.id(), selections=[
            pb.Selection(position=position, token=self.random.choice([None, self.random.randrange(VOCABULARY)]))
            for position in chosen])

    def any_edit(self, session):
        start, size = session.prompt_length, len(session.canvas.tokens)
        position = self.random.randrange(start, size - 4)
        edits = [edit_pb2.Edit(mask=MASK(positions=range(position, size)))]
        if self.random.random() < 0.5:
            edits = [self.random.choice([
                edit_pb2.Edit(insert=edit_pb2.InsertOpen(position=position, count=1)),
                edit_pb2.Edit(replace=edit_pb2.ReplaceSpan(position=position, count=2, tokens=TOKENS(ids=[7, 8, 9]))),
                edit_pb2.Edit(force_token=edit_pb2.ForceToken(position=position, token=11)),
            ])]
            if size > start + 16:
                edits.append(edit_pb2.Edit(delete=edit_pb2.DeleteSpan(position=position, count=2)))
        return pb.EditRequest(session_id=session.id, edits=edits, request_id=self.id())

    def any_rewind(self, session):
        if self.random.random() < 0.3:
            return pb.RewindRequest(session_id=session.id, direction=pb.RewindRequest.DIRECTION_UNDO,
                                    request_id=self.id())
        return pb.RewindRequest(session_id=session.id, revision=self.random.randrange(session.head_revision + 1),
                                request_id=self.id())


@pytest.fixture
def service(tmp_path):
    service = Service(tmp_path)
    yield service
    service.end()


def test_killed_at_any_moment_it_loses_nothing_that_it_told(service, tmp_path):
    """The seed gives the clients' choices and the moments; how far the service is then, the machine decides."""
    seed = int(os.environ.get("KILLING_SEED", secrets.randbits(32)))
    print(f"KILLING_SEED={seed} repeats this")
    chance = random.Random(seed)
    clients = [Client(service, chance.random()) for _ in range(CLIENTS)]
    killed = Counter()
    with ThreadPoolExecutor(CLIENTS) as pool:
        for number in count():
            if number >= KILLS and (number >= 8 * KILLS or not missing(clients)):
                break
            print(f"kill {number}")
            # Each kind comes early on, however few kills there are.
            moment = [*MOMENTS][number] if number < len(MOMENTS) else chance.choices([*MOMENTS], MOMENTS.values())[0]
            killed[a_round(service, clients, chance, pool, moment)] += 1
        service.start()
        api = service.ready()
        last_look(api, clients, pool)
        api.channel.close()
    with closing(sqlite3.connect(tmp_path / "sessions.sqlite3")) as db:
        assert db.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    interrupted = sum((client.counts for client in clients), Counter())
    print(f"KILLED {killed.total()} times: {dict(killed)}; interrupted: {dict(interrupted)}; all of",
          sum(len(known.told) for client in clients for known in client.known), "acknowledged frames are there")
    assert min(killed[moment] for moment in MOMENTS) > 0
    assert not missing(clients)


def missing(clients):
    """Which calls have not been interrupted yet, or not both before their commit and after it."""
    interrupted = sum((client.counts for client in clients), Counter())
    return [name for name in ("CreateSession", "Step", "Select", "Edit", "Rewind", "NameBranch", "made", "not made",
                              "Step, made", "Step, not made") if not interrupted[name]]


def a_round(service, clients, chance, pool, moment):
    """Starts the service and kills it at a random moment of a kind; which it was."""
    service.start()
    if moment == "starting":
        time.sleep(chance.uniform(0, 0.15))
        service.kill()
        service.reap()
        return moment
    api = service.ready()
    checked = [threading.Event() for _ in clients]
    for client in clients:
        if client.active:
            client.watch(api, client.active)
    going = [pool.submit(client.go, api, event) for client, event in zip(clients, checked, strict=True)]
    if moment == "checking":
        time.sleep(chance.uniform(0, 0.1))
    else:
        for client, event in zip(going, checked, strict=True):
            while not event.wait(0.05) and not client.done():
                pass
        if moment == "working":
            time.sleep(chance.uniform(0, 0.4))
        else:
            service.left = chance.randrange(1, 60)
            service.killed.wait(WAIT)
    service.kill()
    service.reap()
    [client.result(WAIT) for client in going]
    api.channel.close()
    for client in clients:
        [thread.join(WAIT) for thread in client.watchers]
        client.watchers.clear()
    return moment


def last_look(api, clients, pool):
    """Everything of every session, its watcher's frames too, and no session that nobody asked for."""
    def look(client):
        if client.creating:
            client.create(api, client.creating)
        for known in client.known:
            client.check(api, known)
            client.watch_to_the_end(api, known)

    list(pool.map(look, clients))
    kept, token = [], ""
    while True:
        page = api.sessions.ListSessions(pb.ListSessionsRequest(page_size=200, page_token=token))
        kept += [session.id for session in page.sessions]
        token = page.next_page_token
        if not token:
            break
    assert sorted(kept) == sorted(known.id for client in clients for known in client.known)
