"""Who may change a session, who follows it, when it is dropped; and two servers on one file."""

import threading

import pytest
from making import Clock, commit_step, create, open_sessions, step

from inference_service.errors import Aborted, Exhausted, FailedPrecondition, NotFound
from inference_service.sessions import collection


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def path(tmp_path):
    return tmp_path / "s.sqlite3"


def id_of(live):
    return live.session.origin.session_id


def reason(kind, call, *arguments, **named):
    with pytest.raises(kind) as caught:
        call(*arguments, **named)
    return caught.value.reason


def turn_of(sessions, *arguments, **named):
    with sessions.lease(*arguments, **named):
        pass


# ---- leases ----

def test_an_unused_session_expires_and_is_swept_after_the_grace(path, clock):
    sessions = open_sessions(path, clock, grace=100.0)
    session = id_of(create(sessions, ttl=50.0))
    clock.now += 49
    sessions.sweep()
    assert sessions.get(session, renew=False).row.expire_time == pytest.approx(clock.now + 1)
    clock.now += 1
    for one in (sessions, open_sessions(path, clock)):
        assert reason(NotFound, one.get, session) == "SESSION_EXPIRED"
        assert reason(NotFound, turn_of, one, session) == "SESSION_EXPIRED"
        assert reason(NotFound, one.replay, session, "r") == "SESSION_EXPIRED"
    assert sessions.page(10, None) == []
    clock.now += 99
    sessions.sweep()
    assert reason(NotFound, sessions.get, session) == "SESSION_EXPIRED"
    clock.now += 1
    sessions.sweep()
    for one in (sessions, open_sessions(path, clock)):
        assert reason(NotFound, one.get, session) == "SESSION_NOT_FOUND"


def test_use_renews_the_lease_and_looking_at_the_list_does_not(path, clock):
    sessions = open_sessions(path, clock)
    session = id_of(create(sessions, ttl=50.0))
    for _ in range(5):
        clock.now += 30
        assert sessions.get(session).row.expire_time == pytest.approx(clock.now + 50)
    assert open_sessions(path, clock).get(session, renew=False).row.expire_time == pytest.approx(clock.now + 50)
    sessions.page(10, None)
    sessions.get(session, renew=False)
    clock.now += 50
    assert reason(NotFound, sessions.get, session) == "SESSION_EXPIRED"


def test_leases_are_capped_and_have_a_default(path, clock):
    sessions = open_sessions(path, clock, default_ttl=60.0, max_ttl=1000.0)
    assert create(sessions).row.expire_time == clock.now + 60
    assert create(sessions, ttl=10**9).row.expire_time == clock.now + 1000


def test_no_more_sessions_than_the_limit(path, clock):
    sessions = open_sessions(path, clock, sessions=2)
    first = id_of(create(sessions, request_id="a"))
    create(sessions, ttl=10.0)
    assert reason(Exhausted, create, sessions) == "SESSION_LIMIT"
    assert id_of(create(sessions, request_id="a")) == first
    clock.now += 10  # one is over
    create(sessions)
    sessions.delete(first)
    create(sessions)


# ---- one at a time ----

def test_a_turn_is_held_by_one_and_given_back_whatever_happens(path):
    sessions = open_sessions(path)
    session, other = id_of(create(sessions)), id_of(create(sessions))
    with pytest.raises(RuntimeError), sessions.lease(session):
        assert reason(Aborted, turn_of, sessions, session) == "SESSION_BUSY"
        assert reason(Aborted, sessions.delete, session) == "SESSION_BUSY"
        turn_of(sessions, other)
        raise RuntimeError
    turn_of(sessions, session)
    sessions.delete(session)


def test_a_request_that_runs_or_ran_is_not_run_again(path):
    """Also when it began between the look for a replay and the turn."""
    sessions = open_sessions(path)
    session = id_of(create(sessions))
    with sessions.lease(session, request_id="r") as turn:
        made = [commit_step(turn, {3: 5})]
        assert reason(Aborted, sessions.replay, session, "r") == "SESSION_BUSY"
        made.append(commit_step(turn, {4: 6}))
    assert sessions.replay(session, "r") == made
    assert sessions.replay(session, "q") is None
    assert sessions.replay(session, "") is None
    assert reason(Aborted, turn_of, sessions, session, request_id="r") == "SESSION_BUSY"
    assert sessions.get(session).session.head == 2


def test_busy_and_followed_sessions_are_never_dropped_from_memory(path):
    """Or a second caller would find the session free, and a follower would hear nothing more."""
    sessions = open_sessions(path, live=1)
    heard = threading.Event()
    watched, busy = id_of(create(sessions)), id_of(create(sessions))
    with sessions.lease(busy):
        sessions.follow(watched, heard.set)
        third = id_of(create(sessions))
        with sessions.lease(third):
            assert reason(Aborted, turn_of, sessions, third) == "SESSION_BUSY"
        fourth = id_of(create(sessions))
        late = threading.Event()
        live = sessions.follow(fourth, late.set)
        for _ in range(3):
            create(sessions)
        assert reason(Aborted, turn_of, sessions, busy) == "SESSION_BUSY"
        step(sessions, watched, {3: 1})
        step(sessions, fourth, {3: 1})
        assert heard.is_set() and late.is_set()
        assert live.session.head == 1


def test_none_is_dropped_from_memory_while_there_is_room(path):
    """And of one too many, the one used longest ago alone: what is read again must be read from the store."""
    sessions = open_sessions(path, live=3)
    made = [create(sessions) for _ in range(3)]
    for _ in range(2):
        assert [sessions.get(id_of(live)) for live in made] == made
    sessions.get(id_of(made[0]))
    fourth = create(sessions)
    assert [live for live in (*made, fourth) if sessions._live.get(id_of(live)) is live] == [made[0], made[2], fourth]
    assert sessions.get(id_of(made[1])) is not made[1]


def test_many_more_sessions_than_fit_the_memory(path):
    sessions = open_sessions(path, live=3)
    ids = [id_of(create(sessions)) for _ in range(12)]
    for number, session in enumerate(ids):
        step(sessions, session, {3: number})
    assert sum(sessions._live.get(session) is not None for session in ids) <= 3
    assert [sessions.get(session).session.state().tokens[3] for session in ids] == list(range(12))


# ---- following ----

def test_followers_hear_of_frames_once_they_are_kept(path):
    sessions = open_sessions(path)
    session = id_of(create(sessions))
    kept = []
    live = sessions.follow(session, lambda: kept.append(
        (live.session.head, open_sessions(path).get(session).session.head)))
    step(sessions, session, {3: 1})
    assert kept[0] == (1, 1)
    sessions.unfollow(live, next(iter(live.listeners)))
    count = len(kept)
    step(sessions, session, {4: 1})
    assert len(kept) == count


def test_deleting_tells_followers(path):
    sessions = open_sessions(path)
    session = id_of(create(sessions))
    heard = threading.Event()
    live = sessions.follow(session, heard.set)
    sessions.delete(session)
    assert heard.is_set() and live.deleted
    assert reason(NotFound, sessions.get, session) == "SESSION_NOT_FOUND"
    sessions.delete(session)


# ---- two servers on one file ----

def test_of_two_servers_at_once_the_second_is_refused_and_recovers(path):
    one, two = open_sessions(path), open_sessions(path)
    session = id_of(create(one))
    with pytest.raises(Aborted) as caught, two.lease(session) as turn:
        step(one, session, {3: 1})
        commit_step(turn, {3: 2})
    assert caught.value.reason == "REVISION_MISMATCH"
    assert two.get(session).session.state().tokens[3] == 1
    step(two, session, {4: 2})
    assert one.get(session).session.frames == two.get(session).session.frames


def test_a_server_knows_what_another_one_added(path):
    one, two = open_sessions(path), open_sessions(path)
    session = id_of(create(one))
    heard = []
    live = two.follow(session, lambda: heard.append(live.session.head))
    made = [step(one, session, {3: 1}, request_id="same"), step(one, session, {4: 2})]
    assert two.replay(session, "same") == made[:1], "a retry that lands elsewhere gets its frames"
    assert heard == [2] and live.session.frames[1:] == made
    with two.lease(session, expected_revision=2):
        pass
    assert reason(Aborted, step, two, session, {5: 1}, expected_revision=1) == "REVISION_MISMATCH"


def test_a_session_deleted_elsewhere_is_not_found(path):
    one, two = open_sessions(path), open_sessions(path)
    session = id_of(create(one))
    two.get(session)
    one.delete(session)
    assert reason(NotFound, step, two, session, {3: 2}) == "SESSION_NOT_FOUND"


def test_a_failed_write_leaves_memory_as_the_store_is(path):
    sessions = open_sessions(path)
    session = id_of(create(sessions))
    step(sessions, session, {3: 1})
    before = list(sessions.get(session).session.frames)
    sessions._store._db.execute("PRAGMA query_only = 1")
    with pytest.raises(FailedPrecondition, match="cannot write"):
        step(sessions, session, {4: 1})
    sessions._store._db.execute("PRAGMA query_only = 0")
    assert sessions.get(session).session.frames == before
    step(sessions, session, {4: 1})
    assert open_sessions(path).get(session).session.frames == sessions.get(session).session.frames


def test_no_id_looks_like_an_option(monkeypatch):
    made = iter(["-abc", "--x", "a-b"])
    monkeypatch.setattr(collection.secrets, "token_urlsafe", lambda count: next(made))
    assert collection.new_id() == "a-b"
