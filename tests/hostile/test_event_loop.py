"""Nothing long on the event loop: what is slow about one call is done elsewhere, and what is too large is not begun.

No clock here: slow work is held at a gate while another client is answered, and work that belongs in a thread says so
when it finds itself on a running event loop.
"""

import asyncio
import threading
import traceback
from contextlib import contextmanager
from itertools import islice
from types import SimpleNamespace

import grpc
import pytest
from grpc import StatusCode as Code

from inference_service.inspection.attribution import question
from inference_service.models.text import Text
from inference_service.rpc import (
    answers,
    attributing,
    convert,
    edit_messages,
    prompts,
    requests,
    session_settings,
    work,
)
from inference_service.rpc.session import recordings
from inference_service.sessions.log import Log
from inference_service.sessions.session import Session
from inference_service.sessions.store import SQLiteStore
from inference_service.sessions.tree import Tree
from tests.service.calls import WAIT, Api, refusal, settings
from unmask import recording
from unmask.v1 import constraint_pb2, edit_pb2, inspection_service_pb2, model_service_pb2, prompt_pb2, settings_pb2
from unmask.v1 import inspection_service_pb2 as inspection_pb
from unmask.v1 import model_service_pb2 as models_pb
from unmask.v1 import session_service_pb2 as pb
from unmask.v1.inspection_service_pb2_grpc import InspectionServiceStub
from unmask.v1.session_pb2 import Canvas

TEXT = "Tom has a red kite."


@pytest.fixture(scope="module")
def server(serve):
    with serve(model="embedded") as server:
        server.library.load("")
        yield server


@pytest.fixture
def client(server):
    api = Api(server)
    api.inspection = InspectionServiceStub(api.channel)
    yield api
    api.channel.close()


@pytest.fixture
def other(server):
    """Somebody else, on a connection of their own, with a session of their own."""
    api = Api(server)
    yield SimpleNamespace(api=api, id=api.create(length=4).id)
    api.channel.close()


def prompt(text=TEXT):
    return prompt_pb2.Prompt(text=text)


def read(answers):
    return list(answers)


# ---- every call, with one small request of each ----

def exported(api, session):
    return b"".join(answer.chunk for answer in api.sessions.Export(pb.ExportRequest(session_id=session)))


def still_open(api, session):
    states = api.get(session).canvas.states
    return [position for position, state in enumerate(states) if state == Canvas.POSITION_STATE_OPEN]


def chosen(*options):
    return settings_pb2.Settings(constraint=constraint_pb2.Constraint(choice=constraint_pb2.Choice(options=options)))


CALLS = {
    "CreateSession": lambda api, s: api.sessions.CreateSession(pb.CreateSessionRequest(
        prompt=prompt(), length=8, word_constraints=[pb.WordConstraint(offset=1, text="a")])),
    "GetSession": lambda api, s: api.sessions.GetSession(pb.GetSessionRequest(session_id=s, revision=1)),
    "ListSessions": lambda api, s: api.sessions.ListSessions(pb.ListSessionsRequest()),
    "DeleteSession": lambda api, s: api.sessions.DeleteSession(pb.DeleteSessionRequest(session_id=api.create().id)),
    "Step": lambda api, s: api.step(s, 2, predict=True, draft=True, settings=settings(temperature=0.5)),
    "Select": lambda api, s: api.select(s, {8: 5}, predict=True),
    "Edit": lambda api, s: read(api.sessions.Edit(pb.EditRequest(session_id=s, edits=[
        edit_pb2.Edit(unmask=edit_pb2.UnmaskPositions(positions=still_open(api, s)[:1])),
        edit_pb2.Edit(replace=edit_pb2.ReplaceSpan(position=0, count=1, text="[[mask:2]] a"))]))),
    "Rewind": lambda api, s: api.rewind(s, 1, predict=True),
    "Reprocess": lambda api, s: api.sessions.Reprocess(pb.ReprocessRequest(
        session_id=s, revision=0, settings=settings(temperature=0.5))),
    "Predict": lambda api, s: api.predict(s, revision=0, candidate_positions=[9]),
    "GetCandidates": lambda api, s: api.candidates(s, [9], revision=0),
    "Propose": lambda api, s: [api.propose(s, revision=0, settings=settings(temperature=0.5)),
                               api.propose(s, revision=1, remasking=pb.Remasking(count=1))],
    "WatchSession": lambda api, s: list(islice(api.sessions.WatchSession(pb.WatchSessionRequest(session_id=s)), 3)),
    "ListBranches": lambda api, s: api.sessions.ListBranches(pb.ListBranchesRequest(session_id=s)),
    "NameBranch": lambda api, s: api.sessions.NameBranch(pb.NameBranchRequest(session_id=s, name="a")),
    "DeleteBranchName": lambda api, s: api.sessions.DeleteBranchName(
        pb.DeleteBranchNameRequest(session_id=s, name="a")),
    "CompareRevisions": lambda api, s: api.sessions.CompareRevisions(
        pb.CompareRevisionsRequest(session_id=s, revision=0, other_revision=1)),
    "Export": lambda api, s: exported(api, s),
    "Import": lambda api, s: api.sessions.Import(iter([pb.ImportRequest(chunk=exported(api, s))])),
    "Verify": lambda api, s: read(api.sessions.Verify(pb.VerifyRequest(session_id=s))),
    "ListModels": lambda api, s: api.models.ListModels(models_pb.ListModelsRequest()),
    "GetModel": lambda api, s: api.models.GetModel(models_pb.GetModelRequest()),
    "LoadModel": lambda api, s: api.load(""),
    "UnloadModel": lambda api, s: [api.models.UnloadModel(models_pb.UnloadModelRequest()),
                                   api.load("")],
    "Tokenize": lambda api, s: api.models.Tokenize(models_pb.TokenizeRequest(text=TEXT)),
    "Detokenize": lambda api, s: api.models.Detokenize(models_pb.DetokenizeRequest(ids=[5, 6])),
    "Attribute": lambda api, s: read(api.inspection.Attribute(inspection_pb.AttributeRequest(
        session_id=s, revision=0, position=3))),
    "Score": lambda api, s: read(api.inspection.Score(inspection_pb.ScoreRequest(
        prompt=prompt(), text=" It", samples=2))),
    "Recover": lambda api, s: read(api.inspection.Recover(inspection_pb.RecoverRequest(texts=[TEXT]))),
}
CONSTRAINED = {
    "CreateSession": lambda api, s: api.sessions.CreateSession(pb.CreateSessionRequest(
        prompt=prompt(), length=8, settings=chosen("yes", "no"))),
    "Step": lambda api, s: api.step(api.create(length=8).id, 1, settings=chosen("yes", "no")),
    "Predict": lambda api, s: api.predict(api.sessions.CreateSession(pb.CreateSessionRequest(
        prompt=prompt(), length=8, settings=chosen("a", "b"))).session.id),
}


def session_of(api):
    """A session with a few revisions and some open positions."""
    session = api.sessions.CreateSession(pb.CreateSessionRequest(
        prompt=prompt(), length=16, settings=settings(seed=1))).session
    api.step(session.id, 2)
    return session.id


def test_every_call_of_the_api_is_here():
    services = [service for file in (model_service_pb2, inspection_service_pb2, pb)
                for service in file.DESCRIPTOR.services_by_name.values()]
    assert set(CALLS) == {method.name for service in services for method in service.methods}


SLOW = [
    *((Session, name) for name in ("state", "after", "sources", "roots", "frame")),
    *((Log, name) for name in ("between", "at")),
    *((Tree, name) for name in ("lines", "undo", "redo", "current")),
    *((Text, name) for name in ("encode", "decode", "token", "render")),
    *((SQLiteStore, name) for name in ("_read", "_write", "load")),
    *((answers, name) for name in ("session", "base", "candidates", "prediction", "reprocessed", "comparison")),
    *((convert, name) for name in ("session_to_proto", "sent_from_bytes")),
    *((session_settings, name) for name in ("first_settings", "later_settings")),
    (requests, "checked_selections"), (prompts, "prompt_tokens"),
    (edit_messages, "checked"), (attributing, "_question"), (recordings, "read"), (recording, "write"),
]


def slow_place(place, name):
    return f"{place.__name__.rpartition('.')[2]}.{name}"


@pytest.mark.parametrize("call", [*CALLS.items(), *CONSTRAINED.items()],
                         ids=[*CALLS, *(f"{name}, constrained" for name in CONSTRAINED)])
def test_a_call_does_what_is_slow_in_a_thread(client, monkeypatch, call):
    session, found = session_of(client), []

    def watched(place, name):
        slow = getattr(place, name)

        def run(*arguments, **named):
            if asyncio._get_running_loop() is not None:
                found.append(slow_place(place, name) + "\n" + "".join(traceback.format_stack(limit=4)))
            return slow(*arguments, **named)

        monkeypatch.setattr(place, name, run)

    for place, name in SLOW:
        watched(place, name)
    call[1](client, session)
    assert not found, found[0]


# ---- another client, while the slow part of a call is held ----

@contextmanager
def held(monkeypatch, place, name, thread):
    """Holds the first call of something slow until the block ends; gives an event that is set once it is held."""
    slow, there, opened = getattr(place, name), threading.Event(), threading.Event()

    def run(*arguments, **named):
        if not there.is_set():
            there.set()
            assert opened.wait(WAIT)
        return slow(*arguments, **named)

    with monkeypatch.context() as patch:
        patch.setattr(place, name, run)
        try:
            yield there
        finally:
            opened.set()
            if thread.ident:
                thread.join(WAIT)
            assert not thread.is_alive()


HELD = {
    "a text is tokenized": ("Tokenize", Text, "encode"),
    "a prompt is tokenized": ("CreateSession", Text, "encode"),
    "ids are shown": ("Detokenize", Text, "decode"),
    "a revision is folded": ("GetSession", Session, "state"),
    "a revision is folded for a prediction": ("Predict", Session, "state"),
    "a revision is folded to be explained": ("Attribute", Session, "state"),
    "sessions are listed": ("ListSessions", answers, "session"),
    "branches are listed": ("ListBranches", Tree, "lines"),
    "selections are checked": ("Select", requests, "checked_selections"),
    "edits are checked": ("Edit", edit_messages, "checked"),
    "candidates are put together": ("GetCandidates", answers, "candidates"),
    "a file is written": ("Export", recording, "write"),
    "a file is read": ("Import", recordings, "read"),
    "frames are read for a watcher": ("WatchSession", SQLiteStore, "frames"),
    "a question is checked": ("Attribute", question, "seen"),
    "an answer is tokenized": ("Score", Text, "encode"),
    "texts are corrupted": ("Recover", Text, "encode"),
}


@pytest.mark.parametrize(("name", "place", "slow"), HELD.values(), ids=HELD)
def test_another_call_is_answered_while(client, other, monkeypatch, name, place, slow):
    session, ended = session_of(client), []
    thread = threading.Thread(target=lambda: ended.append(CALLS[name](client, session)))
    with held(monkeypatch, place, slow, thread) as there:
        thread.start()
        assert there.wait(WAIT)
        assert other.api.sessions.GetSession(pb.GetSessionRequest(session_id=other.id), timeout=WAIT).session.id
        assert not ended
    assert ended, "and the call that was held is answered when its work is done"


def test_another_session_is_read_while_one_is_loaded(serve, monkeypatch, tmp_path):
    """Cold: a server that has just started on a store with two sessions."""
    store = str(tmp_path / "sessions.sqlite3")
    with serve(store=store) as server:
        server.library.load("")
        ids = [Api(server).create().id for _ in range(2)]
    with serve(store=store) as server:
        api, ended = Api(server), []
        thread = threading.Thread(target=lambda: ended.append(api.get(ids[0])))
        with held(monkeypatch, SQLiteStore, "load", thread) as there:
            thread.start()
            assert there.wait(WAIT)
            assert Api(server).sessions.GetSession(pb.GetSessionRequest(session_id=ids[1]), timeout=WAIT).session.id
            assert not ended
        assert ended


def test_one_connections_work_leaves_threads_for_anothers(client, other, monkeypatch):
    """As much as it likes of what takes threads, all of it held."""
    opened, started = threading.Event(), threading.Semaphore(0)
    encode = Text.encode

    def slow(self, text, field="text", **how):
        if text == "slow":
            started.release()
            assert opened.wait(WAIT)
        return encode(self, text, field, **how)

    monkeypatch.setattr(Text, "encode", slow)
    calls = [client.models.Tokenize.future(models_pb.TokenizeRequest(text="slow"), timeout=WAIT) for _ in range(40)]
    try:
        assert started.acquire(timeout=WAIT)
        answer = other.api.models.Tokenize(models_pb.TokenizeRequest(text="a"), timeout=WAIT)
        assert len(answer.tokens) == 1
        assert not any(call.done() for call in calls)
    finally:
        opened.set()
    assert all(call.result().tokens for call in calls)


# ---- what is too large is refused before anything is done with it ----

def edit(**operation):
    return lambda api, s: api.sessions.Edit(pb.EditRequest(session_id=s, edits=[edit_pb2.Edit(**operation)]))


def create(**fields):
    return lambda api, s: api.sessions.CreateSession(pb.CreateSessionRequest(**{"prompt": prompt(), **fields}))


HUGE = "tom " * 490_000
IDS = [5] * 600_000
MESSAGES = [prompt_pb2.Message(role="user", content="a")] * 100_000
LARGE = {
    "a text to tokenize": (lambda api, s: api.models.Tokenize(models_pb.TokenizeRequest(text="a" * (1 << 20))), "text"),
    "ids to show": (lambda api, s: api.models.Detokenize(models_pb.DetokenizeRequest(ids=[5] * 100_000)), "ids"),
    "3.9 MB of prompt": (create(prompt=prompt("tom " * 975_000)), "request"),
    "holes in 3.9 MB of prompt": (create(prompt=prompt("[[mask:256]]" * 325_000)), "request"),
    "a prompt": (create(prompt=prompt(HUGE)), "prompt.text"),
    "holes": (create(prompt=prompt("[[mask:256]]" * 160_000)), "prompt.text"),
    "holes that fit by their bytes": (create(prompt=prompt("[[mask:256]]" * 300)), "prompt.text"),
    "a prompt of ids": (create(prompt=prompt_pb2.Prompt(tokens=prompt_pb2.TokenList(ids=IDS))), "prompt"),
    "messages": (create(prompt=prompt_pb2.Prompt(chat=prompt_pb2.Chat(messages=MESSAGES))), "prompt.chat.messages"),
    "a message": (create(prompt=prompt_pb2.Prompt(chat=prompt_pb2.Chat(messages=[
        prompt_pb2.Message(role="user", content=HUGE)]))), "prompt.chat.messages[0].content"),
    "words": (create(length=8, word_constraints=[pb.WordConstraint(text="a")] * 100_000), "word_constraints"),
    "a word": (create(length=8, word_constraints=[pb.WordConstraint(text=HUGE)]), "word_constraints[0].text"),
    "a word of ids": (create(length=8, word_constraints=[pb.WordConstraint(tokens=prompt_pb2.TokenList(ids=IDS))]),
                      "word_constraints[0].tokens.ids"),
    "selections": (lambda api, s: api.sessions.Select(pb.SelectRequest(session_id=s, selections=[
        pb.Selection(position=place, token=5) for place in range(100_000)])), "selections"),
    "edits": (lambda api, s: api.sessions.Edit(pb.EditRequest(session_id=s, edits=[
        edit_pb2.Edit(mask=edit_pb2.MaskPositions(positions=[9]))] * 1025)), "edits"),
    "positions to mask": (edit(mask=edit_pb2.MaskPositions(positions=IDS)), "edits[0].mask.positions"),
    "positions to protect": (edit(protect=edit_pb2.ProtectPositions(positions=IDS)), "edits[0].protect.positions"),
    "a text put in": (edit(replace=edit_pb2.ReplaceSpan(position=0, count=1, text=HUGE)), "edits[0].replace.text"),
    "a text forced": (edit(force_text=edit_pb2.ForceText(position=0, text=HUGE)), "edits[0].force_text.text"),
    "an answer": (lambda api, s: api.inspection.Score(inspection_pb.ScoreRequest(text=HUGE)), "text"),
    "texts": (lambda api, s: api.inspection.Recover(inspection_pb.RecoverRequest(texts=[HUGE])), "texts[0]"),
    "models": (lambda api, s: api.inspection.Recover(inspection_pb.RecoverRequest(
        texts=[TEXT], models=["embedded"] * 1000)), "models"),
    "sources": (lambda api, s: api.inspection.Attribute(inspection_pb.AttributeRequest(
        session_id=s, position=3, sources=IDS)), "sources"),
    "a name": (lambda api, s: api.sessions.NameBranch(pb.NameBranchRequest(session_id=s, name="n" * 400_000)), "name"),
    "an id": (lambda api, s: api.sessions.GetSession(pb.GetSessionRequest(session_id="n" * 600_000)), "request"),
}


@pytest.mark.parametrize(("call", "field"), LARGE.values(), ids=LARGE)
def test_a_size_is_refused_before_the_work(client, monkeypatch, call, field):
    session, before = session_of(client), []
    standing = client.standing(session)

    def short_only(slow):
        def run(self, text, *more):
            before.append(len(text))
            return slow(self, text, *more)
        return run

    for name in ("encode", "decode"):
        monkeypatch.setattr(Text, name, short_only(getattr(Text, name)))
    refused = refusal(call, client, session)
    assert refused.code is Code.INVALID_ARGUMENT
    assert list(refused.fields) == [field]
    assert "at most" in refused.fields[field] or "1 to" in refused.fields[field]
    assert max(before, default=0) < 10_000, "nothing of that size was tokenized"
    monkeypatch.undo()
    assert client.standing(session) == standing


def test_more_than_a_message_may_have_is_refused_and_survived(client, other):
    with pytest.raises(grpc.RpcError) as caught:
        client.sessions.CreateSession(pb.CreateSessionRequest(prompt=prompt("x" * (5 << 20))))
    assert caught.value.code() is Code.RESOURCE_EXHAUSTED
    assert other.api.get(other.id).id == other.id


# ---- the threads themselves ----

async def test_work_takes_its_calls_context_and_gives_its_result():
    threads = work.Threads("test", 2, 2)
    work.connection.set("mine")
    assert await threads(lambda: work.connection.get()) == "mine"
    with pytest.raises(LookupError):
        await threads({}.__getitem__, 1)


async def test_work_that_nobody_waits_for_any_more_is_not_begun():
    threads, opened, begun = work.Threads("test", 2, 4), threading.Event(), []
    work.connection.set("one")
    first = threads.submit(opened.wait, WAIT)
    second = threads.submit(begun.append, "second")  # one of two threads is this connection's share
    third = threads.submit(begun.append, "third")
    assert second.cancel()
    opened.set()
    first.result(WAIT)
    third.result(WAIT)
    assert begun == ["third"]


async def test_too_much_work_is_refused_with_a_time_to_come_back():
    threads, opened = work.Threads("test", 2, 1), threading.Event()
    waiting = [threads.submit(opened.wait, WAIT) for _ in range(3)]
    with pytest.raises(work.Exhausted) as caught:
        threads.submit(opened.wait, WAIT)
    assert (caught.value.reason, caught.value.metadata["limit"]) == ("SERVER_BUSY", "3")
    assert caught.value.retry_after > 0
    opened.set()
    assert all(one.result(WAIT) for one in waiting)
    assert threads.submit(lambda: "again").result(WAIT) == "again"


async def test_what_was_entered_for_a_call_that_has_ended_is_left_again():
    there, opened, left = threading.Event(), threading.Event(), threading.Event()

    @contextmanager
    def slow():
        there.set()
        assert opened.wait(WAIT)
        try:
            yield "entered"
        finally:
            left.set()

    entering = asyncio.create_task(work.entered(slow()))
    assert await asyncio.to_thread(there.wait, WAIT)
    entering.cancel()
    with pytest.raises(asyncio.CancelledError):
        await entering
    opened.set()
    assert await asyncio.to_thread(left.wait, WAIT)
