"""A session of many revisions: it opens without its frames, and a state takes few of them."""

import pytest
from making import MASK, SETTINGS, commit_step, create, open_sessions

from inference_service.sessions.log import KEPT, PAGE
from inference_service.sessions.state import first_state, fold
from inference_service.sessions.stored import BASE_EVERY

LONG = 3 * BASE_EVERY + 40


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    """A file with a session of many revisions: a line, and a branch from its middle."""
    path = tmp_path_factory.mktemp("long") / "s.sqlite3"
    sessions = open_sessions(path)
    session_id = create(sessions, request_id="long").session.origin.session_id
    with sessions.lease(session_id) as turn:
        for number in range(LONG):
            commit_step(turn, {3 + number % 4: number % 90}, sampler_state={"step": number})
    with sessions.lease(session_id, from_revision=BASE_EVERY + 7) as turn:
        base = turn.base
        for number in range(30):
            base = commit_step(turn, {4: number}, base=base).revision
    sessions._store.close()
    return path


class Counting:
    """A store's reads: how many frames and states were fetched, and in how many turns."""

    def __init__(self, sessions, monkeypatch):
        self.frames, self.calls, self.states = 0, 0, 0
        store = sessions._store
        frames, base = store.frames, store.base

        def read(session_id, first, last):
            self.calls += 1
            self.frames += last - first + 1
            return frames(session_id, first, last)

        def state(session_id, revision):
            self.states += 1
            return base(session_id, revision)

        monkeypatch.setattr(store, "frames", read)
        monkeypatch.setattr(store, "base", state)

    def taken(self):
        taken = self.frames, self.calls, self.states
        self.frames = self.calls = self.states = 0
        return taken


@pytest.fixture
def opened(path, monkeypatch):
    sessions = open_sessions(path)
    counting = Counting(sessions, monkeypatch)
    session_id = sessions._store.created_by("long")
    yield sessions.get(session_id).session, counting
    sessions._store.close()


def test_opening_reads_no_frame(opened):
    session, counting = opened
    assert session.head == LONG + 30
    assert session.tree.current().leaf == LONG + 30
    assert counting.taken() == (0, 0, 0)


@pytest.mark.parametrize("revision", [0, 1, BASE_EVERY - 1, BASE_EVERY, BASE_EVERY + 1, 2 * BASE_EVERY - 1, LONG,
                                      LONG + 1, LONG + 30])
def test_a_state_takes_one_kept_one_and_the_frames_since(opened, revision):
    session, counting = opened
    session.state(revision)
    frames, calls, states = counting.taken()
    way = list(session.tree.way(revision))
    kept = next((at for at in way if at and at % BASE_EVERY == 0), None)
    assert states == (kept is not None)
    assert frames == (way.index(kept) if kept else len(way))
    assert calls <= frames // PAGE + 2
    session.state(revision)
    assert counting.taken() == (0, 0, 0), "it is remembered"


def test_every_revision_is_the_fold_of_all_its_ancestors(opened):
    session, _ = opened
    states = {}
    for frame in session.frames:
        states[frame.revision] = fold(states[frame.parent], frame) if frame.revision else first_state(
            session.origin, SETTINGS)
    for revision in [*range(session.head, -1, -37), *range(0, session.head, 41)]:
        assert session.state(revision) == states[revision]
    assert session.state().tokens[:3] == (1, 2, 3)
    assert MASK not in session.state().tokens


def test_the_log_keeps_the_newest_and_fetches_the_others(opened):
    session, counting = opened
    everything = session.frames
    assert [frame.revision for frame in everything] == list(range(session.head + 1))
    counting.taken()
    some = [session.head, 5, 6, 7, 5, 300, 2]
    assert session.log.at(some) == [everything[revision] for revision in some]
    assert counting.taken()[0] < 400
    assert len(session.log._frames) <= KEPT
