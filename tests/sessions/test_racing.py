"""Two servers on one file that do things at the very same time."""

import threading
from time import monotonic

import pytest
from making import commit_step, create, open_sessions, step

from inference_service.errors import Aborted, FailedPrecondition
from inference_service.sessions import branch_names
from inference_service.sessions.frame import Change, Summary
from tests.patience import PATIENCE


@pytest.fixture
def servers(tmp_path):
    made = [open_sessions(tmp_path / "s.sqlite3", session_bytes=4000) for _ in range(2)]
    yield made
    [sessions._store.close() for sessions in made]


def in_between(monkeypatch, sessions, method, act):
    """Does something right before the next call of a store's method, once."""
    real = getattr(sessions._store, method)

    def call(*arguments, **named):
        monkeypatch.setattr(sessions._store, method, real)
        act()
        return real(*arguments, **named)

    monkeypatch.setattr(sessions._store, method, call)


def id_of(live):
    return live.session.origin.session_id


def all_can_be_read(tmp_path, session_id):
    """From the file alone; returns the session."""
    session = open_sessions(tmp_path / "s.sqlite3").get(session_id).session
    for revision in {*range(session.first, session.head + 1), *(session.roots(session.first) if session.first else ())}:
        assert session.state(revision).size == 7
    assert [frame.revision for frame in session.frames] == list(range(session.first, session.head + 1))
    return session


def grown(sessions, session_id, until):
    """Steps until the next one would make the session too large."""
    while True:
        row = step(sessions, session_id, {3: 1}) and sessions.get(session_id).row
        if row.size > until:
            return row


def test_a_branch_from_an_old_revision_while_another_server_trims(servers, tmp_path, monkeypatch):
    """Either it is refused, or what it came from is kept."""
    one, two = servers
    session_id = id_of(create(one))
    grown(one, session_id, 3800)
    branches = []

    def branch():
        with two.lease(session_id, from_revision=1) as turn:
            branches.append(commit_step(turn, {4: 2}, base=1))

    in_between(monkeypatch, one, "trim", branch)
    while not branches:
        step(one, session_id, {3: 1})
    for sessions in servers:
        assert sessions.get(session_id).session.frame(branches[0].revision) == branches[0]
        assert sessions.get(session_id).session.state().tokens[4] == 2
    session = all_can_be_read(tmp_path, session_id)
    assert session.state(branches[0].revision).tokens[4] == 2
    assert step(one, session_id, {5: 3}) and all_can_be_read(tmp_path, session_id)


@pytest.mark.parametrize("made_before", [True, False])
def test_a_branch_from_a_revision_that_another_server_has_just_trimmed(servers, tmp_path, monkeypatch, made_before):
    """The turn began when it was there still; the frame was made then, or is made now."""
    one, two = servers
    session_id = id_of(create(one))
    grown(one, session_id, 3800)
    turns = []

    def begin():
        turn = two.lease(session_id, from_revision=1)
        turns.append((turn, turn.__enter__()))
        if made_before:
            turns.append(turns[0][1].session.step_frame([Change(4, 2)], Summary(), 1.0, 1))

    in_between(monkeypatch, one, "trim", begin)
    while not turns:
        step(one, session_id, {3: 1})
    assert one.get(session_id).session.first > 1
    with pytest.raises(Aborted if made_before else FailedPrecondition) as caught:
        if made_before:
            turns[0][1].commit(turns[1])
        else:
            commit_step(turns[0][1], {4: 2}, base=1)
    assert caught.value.reason == ("REVISION_MISMATCH" if made_before else "HISTORY_TRIMMED")
    turns[0][0].__exit__(None, None, None)
    with pytest.raises(FailedPrecondition) as caught, two.lease(session_id, from_revision=1):
        pass
    assert caught.value.reason == "HISTORY_TRIMMED"
    all_can_be_read(tmp_path, session_id)
    step(two, session_id, {4: 2})
    assert one.get(session_id).session.frames == two.get(session_id).session.frames


def test_going_on_at_the_newest_revision_while_another_server_trims(servers, tmp_path, monkeypatch):
    """The frame was made when all was there still; it is kept, and the server knows what is gone from then on."""
    one, two = servers
    session_id = id_of(create(one))
    grown(one, session_id, 3800)
    done = []

    def both():
        turn = two.lease(session_id)
        done.append((turn, turn.__enter__()))
        done.append(done[0][1].session.step_frame([Change(4, 2)], Summary(), 1.0))

    in_between(monkeypatch, one, "trim", both)
    while not done:
        step(one, session_id, {3: 1})
    first = one.get(session_id).session.first
    assert first > 0
    done[0][1].commit(done[1])
    assert done[0][1].session.first == first
    done[0][0].__exit__(None, None, None)
    for revision in range(first, done[1].revision + 1):
        assert two.get(session_id).session.state(revision).size == 7
    assert all_can_be_read(tmp_path, session_id).state().tokens[4] == 2


def test_what_another_server_has_trimmed_is_gone_and_no_fault(servers):
    one, two = servers
    session_id = id_of(create(one))
    behind = two.get(session_id).session
    first = grown(one, session_id, 3800) and 0
    while not first:
        step(one, session_id, {3: 1})
        first = one.get(session_id).session.first
    assert behind.first == 0, "it has not heard of it"
    with pytest.raises(FailedPrecondition) as caught:
        behind.log.between(0, 0)
    assert caught.value.reason == "HISTORY_TRIMMED"


def test_names_given_on_two_servers_at_once_are_all_kept(servers, monkeypatch):
    one, two = servers
    session_id = id_of(create(one))
    step(one, session_id, {3: 1})
    reads = one._store.names
    late = []

    def names(session_id):
        found = reads(session_id)
        if not late:
            late.append(two.name(session_id, "by two", 1))
        return found

    monkeypatch.setattr(one._store, "names", names)
    one.name(session_id, "by one", 0)
    assert late == [1]
    assert two.names(session_id) == reads(session_id) == {"by one": 0, "by two": 1}
    late.clear()
    one.unname(session_id, "by one")
    assert reads(session_id) == {"by two": 1}


def test_a_name_moves_and_replaces_and_there_are_not_too_many(servers, monkeypatch):
    one, two = servers
    session_id = id_of(create(one))
    step(one, session_id, {3: 1})
    assert one.name(session_id, "a", 0) == 0
    assert two.name(session_id, "a", None) == 1, "it moves"
    assert one.names(session_id) == {"a": 1}
    assert one.name(session_id, "b", 1) == 1, "the one before is replaced"
    assert two.names(session_id) == {"b": 1}
    monkeypatch.setattr(branch_names, "MOST_NAMES", 2)
    one.name(session_id, "c", 0)
    with one.lease(session_id) as turn:
        turn.commit(turn.session.rewind_frame(0, 1.0))
    assert one.name(session_id, "d", 2) == 0, "a rewind stands where its target stands"
    assert one.names(session_id) == {"b": 1, "d": 0}
    step(one, session_id, {3: 2})
    with pytest.raises(Exception, match="at most 2 names"):
        one.name(session_id, "e", 3)
    one.unname(session_id, "nobody's")
    assert two.names(session_id) == {"b": 1, "d": 0}


@pytest.mark.parametrize("limit", [64 << 20, 3000])
def test_threads_on_two_servers_hammer_one_session(tmp_path, limit):
    """The log is exactly the frames that were acknowledged, and both followers saw each once and in order."""
    each, threads_of_each, late = 25, 2, monotonic() + PATIENCE
    path = tmp_path / "s.sqlite3"
    servers = [open_sessions(path, session_bytes=limit) for _ in range(2)]
    session_id = id_of(create(servers[0]))
    seen, lives, reading = [[], []], [], [threading.Lock(), threading.Lock()]
    acknowledged, requests, failed = [], {}, []
    ready = threading.Barrier(2 * threads_of_each)

    def read(server):
        with reading[server]:
            session = lives[server].session
            after = seen[server][-1].revision if seen[server] else 0
            if session.head > after:
                seen[server] += session.log.between(after + 1, session.head)

    lives += [sessions.follow(session_id, lambda: None) for sessions in servers]

    def run(server, number):
        sessions, done, tries, last = servers[server], 0, 0, None
        ready.wait()
        try:
            while done < each and monotonic() < late:
                tries += 1
                request = f"{server} {number} {done}"
                made = []
                try:
                    with sessions.lease(session_id, request_id=request) as turn:
                        made.append(commit_step(turn, {3: tries % 90, 4: number}))
                        if done % 3 == 0:
                            made.append(commit_step(turn, {5: server}))
                except Aborted as error:
                    last = error
                except FailedPrecondition as error:  # trimmed by the other server between two looks
                    last = error
                    assert (error.reason, limit > 10_000) == ("HISTORY_TRIMMED", False)
                if made:
                    acknowledged.extend(made)
                    requests[request] = made
                    done += 1
                if limit > 10_000:
                    read(server)
            assert done == each, (last, last.reason)
        except Exception as error:
            failed.append(error)

    running = [threading.Thread(target=run, args=[server, number]) for server in (0, 1)
               for number in range(threads_of_each)]
    [thread.start() for thread in running]
    [thread.join() for thread in running]
    assert not failed
    acknowledged.sort(key=lambda frame: frame.revision)
    assert [frame.revision for frame in acknowledged] == list(range(1, len(acknowledged) + 1))
    for server, sessions in enumerate([*servers, open_sessions(path)]):
        session = sessions.get(session_id).session
        assert session.head == len(acknowledged)
        assert session.frames[session.first == 0:] == acknowledged[max(0, session.first - 1):]
        told = {change.position: change.token for frame in acknowledged for change in frame.changes}
        assert session.state().tokens[3:6] == (told[3], told[4], told[5])
        for request, made in requests.items():
            if made[0].revision >= session.first:
                assert sessions.replay(session_id, request) == made
        for revision in range(session.first, session.head + 1):
            assert session.state(revision).size == 7
        if server < 2 and limit > 10_000:
            read(server)
            assert seen[server] == acknowledged
    assert (session.first > 0) == (limit < 10_000)
