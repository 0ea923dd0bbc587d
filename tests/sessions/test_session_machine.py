"""Any calls in any order, against a list of canvases."""

import shutil
import tempfile
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from making import MASK, commit_step, open_sessions

from inference_service.errors import Aborted, InvalidField, OutOfRange
from inference_service.sessions.frame import Settings

CAUSES = {"create": 1, "step": 2, "select": 3, "rewind": 4}


class Machine(RuleBasedStateMachine):
    """canvases, parents, causes, settings: the oracle, one entry a revision. sent: frames as a caller got them."""

    def __init__(self):
        super().__init__()
        self.folder = Path(tempfile.mkdtemp())
        self.sessions = open_sessions(self.folder / "s.sqlite3")
        self.requests = {}
        self.heard = 0

    def teardown(self):
        self.sessions._store.close()
        shutil.rmtree(self.folder)

    @initialize(given=st.lists(st.none() | st.integers(0, 98), max_size=4), length=st.integers(0, 4),
                fixed=st.dictionaries(st.integers(0, 3), st.integers(0, 98), max_size=3))
    def create(self, given, length, fixed):
        length = length or (0 if None in given else 1)
        fixed = {offset: token for offset, token in fixed.items() if offset < length}
        if len(fixed) == length and None not in given:
            fixed = {}
        chosen = Settings("llada", {"steps": 3}, 2**64 - 1)
        self.live = self.sessions.create("tiny", tuple(given), length, MASK, chosen, request_id="born", fixed=fixed)
        self.id = self.live.session.origin.session_id
        self.given = [*given, *(fixed.get(offset) for offset in range(length))]
        self.canvases, self.parents = [tuple(self.given)], [-1]
        self.by_hand = [set()]
        self.causes, self.settings = ["create"], [chosen]
        self.sent = list(self.live.session.frames)
        self.states = [{}]
        self.follow()

    def follow(self):
        def listener():
            self.heard = self.following.session.head

        self.following = self.sessions.follow(self.id, listener)
        self.listener = listener
        self.heard = self.following.session.head

    def added(self, frames, canvas, parent, cause, chosen=None, state=None):
        self.sent += frames
        self.canvases.append(canvas)
        self.parents.append(parent)
        self.causes.append(cause)
        self.settings.append(chosen or self.settings[parent])
        self.states.append(self.states[parent] if state is None else state)
        self.by_hand.append(set(self.by_hand[parent]))

    @property
    def head(self):
        return len(self.canvases) - 1

    def open(self):
        return [position for position, token in enumerate(self.canvases[-1]) if token is None]

    def free(self):
        return [position for position, token in enumerate(self.given) if token is None]

    # ---- rules ----

    @precondition(lambda self: self.open())
    @rule(data=st.data(), change=st.booleans(), request=st.sampled_from(["", "one", "two"]),
          runs=st.integers(1, 3))
    def steps(self, data, change, request, runs):
        """One turn of several frames, as a Step is: it commits what is open, and edits or opens what is committed."""
        if request in self.requests:
            return self.replayed(request)
        first = self.head + 1
        with self.sessions.turn(self.id, self.head, request) as turn:
            for run in range(runs):
                chosen = data.draw(st.lists(st.sampled_from(self.free()), min_size=1, unique=True))
                opened, any_token = self.open(), st.integers(0, 98)
                tokens = {position: data.draw(any_token if position in opened else st.none() | any_token)
                          for position in chosen}
                more = {"settings": Settings("ranked", {"count": self.head + 1}, run)} if change else {}
                frame = commit_step(turn, tokens, sampler_state={"step": self.head}, **more)
                canvas = tuple(tokens.get(position, token) for position, token in enumerate(self.canvases[-1]))
                self.added([frame], canvas, self.head, "step", more.get("settings"), {"step": self.head})
                self.by_hand[-1] -= set(chosen)
                assert frame.summary.open_count == len(self.open())
                if not self.open():
                    break
        if request:
            self.requests[request] = (first, self.head)

    @rule(data=st.data(), request=st.sampled_from(["", "three"]), keeps=st.booleans())
    def select(self, data, request, keeps):
        if request in self.requests:
            return self.replayed(request)
        positions = data.draw(st.lists(st.sampled_from(self.free()), min_size=1, unique=True))
        picked = {position: data.draw(st.none() | st.integers(0, 98)) for position in positions}
        with self.sessions.turn(self.id, None, request) as turn:
            frame = turn.session.select_frame(picked, {}, 1.0, keeps)
            turn.commit(frame)
        before, chosen = self.canvases[-1], self.by_hand[-1]
        changed = {p for p in picked if picked[p] != before[p] or (picked[p] is not None and p not in chosen)}
        opened = any(picked[p] is None and before[p] is not None for p in picked)
        self.added([frame], tuple(picked.get(p, token) for p, token in enumerate(before)), self.head, "select",
                   state={} if opened and not keeps else None)
        self.by_hand[-1] = (self.by_hand[-1] - changed) | {p for p in changed if picked[p] is not None}
        assert [change.position for change in frame.changes] == sorted(changed)
        assert frame.summary.open_count == len(self.open())
        if request:
            self.requests[request] = (self.head, self.head)

    @rule(data=st.data())
    def rewind(self, data):
        target = data.draw(st.integers(0, self.head))
        with self.sessions.turn(self.id, self.head) as turn:
            frame = turn.session.rewind_frame(target, 1.0)
            turn.commit(frame)
        assert frame.changes == ()
        self.added([frame], self.canvases[target], target, "rewind")
        assert frame.summary.open_count == len(self.open())

    @rule(closing=st.booleans())
    def restart(self, closing):
        """With or without a clean end."""
        old = self.sessions
        if closing:
            old._store.close()
        self.sessions = open_sessions(self.folder / "s.sqlite3")
        if not closing:
            old._store.close()
        self.follow()

    def replayed(self, request):
        first, last = self.requests[request]
        assert self.sessions.replay(self.id, request) == self.sent[first:last + 1]

    @rule()
    def created_again(self):
        live = self.sessions.create("other", (), 3, MASK, self.settings[0], request_id="born")
        assert live.session.origin.session_id == self.id

    @rule(off=st.sampled_from([-1, 1, 1000]))
    def wrong_revision(self, off):
        with pytest.raises(Aborted) as caught, self.sessions.turn(self.id, self.head + off):
            pass
        assert caught.value.reason == "REVISION_MISMATCH"
        assert caught.value.metadata == {"actual_revision": str(self.head)}

    @rule()
    def refused_calls_change_nothing(self):
        with self.sessions.turn(self.id, request_id="refused") as turn:
            with pytest.raises(Aborted) as caught, self.sessions.turn(self.id):
                pass
            assert caught.value.reason == "SESSION_BUSY"
            for bad in ({}, {len(self.canvases[0]): 1}, {-1: None}):
                with pytest.raises(InvalidField):
                    turn.session.select_frame(bad, {}, 1.0)
            for position, token in enumerate(self.given):
                if token is not None:
                    with pytest.raises(InvalidField):
                        turn.session.select_frame({position: token}, {}, 1.0)
            for revision in (-1, self.head + 1):
                with pytest.raises(OutOfRange):
                    turn.session.rewind_frame(revision, 1.0)
        assert self.sessions.replay(self.id, "refused") is None

    # ---- what must always hold ----

    @invariant()
    def history_is_what_was_sent(self):
        if not hasattr(self, "id"):
            return
        session = self.sessions.get(self.id).session
        assert session.head == self.head == self.heard
        assert session.frames == self.sent
        assert [frame.revision for frame in session.frames] == list(range(self.head + 1))
        assert [frame.parent for frame in session.frames] == self.parents
        assert [frame.cause for frame in session.frames] == [CAUSES[cause] for cause in self.causes]

    @rule(data=st.data())
    def any_revision_can_be_read(self, data):
        session = self.sessions.get(self.id).session
        for revision in data.draw(st.permutations(range(self.head + 1))):
            state = session.state(revision)
            assert state.tokens == self.canvases[revision]
            assert state.settings == self.settings[revision]
            assert state.sampler_state == self.states[revision]
            assert state.by_hand == self.by_hand[revision]
            assert state.open == tuple(p for p, token in enumerate(self.canvases[revision]) if token is None)
        steps = [frame for frame in session.frames if frame.cause == 2]
        path, revision = 0, self.head
        while revision >= 0:
            path += session.frames[revision] in steps
            revision = session.frames[revision].parent
        assert session.state().total_forward_count == path


Machine.TestCase.settings = settings(max_examples=25, stateful_step_count=25, deadline=None)
TestSessions = Machine.TestCase
