"""Any calls in any order, against a list of canvases; with a small limit; and on two servers at once."""

import shutil
import tempfile
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import pytest
from cells import CONTEXT, ENDS, TOKENS, Refused, Row, edits_for
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from making import MASK, commit_step, open_sessions
from test_tree import Oracle

from inference_service.errors import Aborted, FailedPrecondition, InvalidField, OutOfRange
from inference_service.sessions import edit_kinds as core
from inference_service.sessions import session, stored
from inference_service.sessions.earlier import earlier_at
from inference_service.sessions.edit_frame import edit_frame
from inference_service.sessions.edit_kinds import EditFacts
from inference_service.sessions.frame import Cause, Settings
from inference_service.sessions.log import Log
from unmask.frames import carried

ID_KINDS = [""] * 8 + ["one", "two", "three"]  # few repeat another


@pytest.fixture(autouse=True, scope="module")
def small():
    """States kept every 4 revisions and little in memory, so that few revisions go where many would."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(stored, "BASE_EVERY", 4)
        patch.setattr(stored, "Log", partial(Log, kept=3))
        patch.setattr(session, "STATES_KEPT", 2)
        yield


@dataclass(frozen=True)
class Canvas:
    """The oracle's revision, with the names that a State has. stood: what was last decided at each position."""

    tokens: tuple
    start: int
    given: frozenset
    settings: Settings
    by_hand: frozenset = frozenset()
    protected: frozenset = frozenset()
    sampler_state: tuple = ()
    read_only: bool = False
    stood: tuple = ()

    @property
    def open(self):
        return tuple(position for position, token in enumerate(self.tokens) if token is None)

    @property
    def free(self):
        return [position for position in range(len(self.tokens)) if position not in self.given | self.protected]

    def seen(self):
        """With what stands now as what last stood."""
        before = self.stood or (None,) * len(self.tokens)
        return replace(self, stood=tuple((token, position in self.given) if token is not None else old for
                                         position, (token, old) in enumerate(zip(self.tokens, before, strict=True))))


def first_canvas(given, start, chosen):
    decided = frozenset(position for position, token in enumerate(given) if token is not None)
    return Canvas(tuple(given), start, decided, chosen).seen()


def stepped(canvas, tokens, chosen, state, read_only=False):
    after = tuple(tokens.get(position, token) for position, token in enumerate(canvas.tokens))
    return replace(canvas, tokens=after, by_hand=canvas.by_hand - set(tokens), settings=chosen or canvas.settings,
                   sampler_state=tuple(state.items()), read_only=read_only).seen()


def picked(canvas, tokens, keeps):
    changed = {p for p, token in tokens.items()
               if token != canvas.tokens[p] or (token is not None and p not in canvas.by_hand)}
    opened = {p for p in changed if tokens[p] is None}
    return replace(canvas, tokens=tuple(tokens.get(p, token) for p, token in enumerate(canvas.tokens)),
                   by_hand=(canvas.by_hand - changed) | (changed - opened), protected=canvas.protected - opened,
                   sampler_state=() if opened and not keeps else canvas.sampler_state, read_only=False).seen(), changed


def edited(canvas, row, frame):
    tokens, given, protected, by_hand, start = row.read()
    return replace(canvas, tokens=tuple(tokens), given=frozenset(given), protected=frozenset(protected),
                   by_hand=frozenset(by_hand), start=start, read_only=False,
                   sampler_state=tuple(frame.sampler_state.items()),
                   stood=tuple(carried(list(canvas.stood), frame.splices))).seen()


def check_state(state, canvas):
    for name in ("tokens", "start", "given", "settings", "by_hand", "protected", "read_only", "open"):
        assert getattr(state, name) == getattr(canvas, name), name
    assert state.sampler_state == dict(canvas.sampler_state)


class Store:
    """A file that servers are opened on, closed in the end."""

    def __init__(self):
        self.folder = Path(tempfile.mkdtemp())
        self.opened = []

    def open(self, **limits):
        self.opened.append(open_sessions(self.folder / "s.sqlite3", **limits))
        return self.opened[-1]

    def close(self):
        for sessions in self.opened:
            sessions._store.close()
        shutil.rmtree(self.folder)


class Follower:
    """Reads as WatchSession does: every frame behind the last one, whenever it is told."""

    def __init__(self, sessions, session_id, after):
        self.seen, self.following = [], after + 1
        self.live = sessions.follow(session_id, self.told)
        self.told()

    def told(self):
        session = self.live.session if hasattr(self, "live") else None
        while session and self.following <= session.head:
            frames = session.log.between(self.following, session.head)
            self.seen += frames
            self.following += len(frames)


class Oracles:
    """canvases: by revision. sent: frames as a caller got them. requests: the revisions that each made."""

    def born(self, canvas, frames):
        self.canvases, self.sent = [canvas], list(frames)
        self.revisions, self.causes, self.requests, self.named = [(-1, False)], [1], {}, {}

    def added(self, frame, canvas, parent):
        assert (frame.revision, frame.parent) == (len(self.canvases), parent)
        assert frame.summary.open_count == len(canvas.open)
        self.sent.append(frame)
        self.canvases.append(canvas)
        self.revisions.append((parent, frame.cause == Cause.REWIND))
        self.causes.append(frame.cause)

    @property
    def head(self):
        return len(self.canvases) - 1

    @property
    def tree(self):
        return Oracle(self.revisions)

    def done(self, request, first):
        if request:
            self.requests[request] = (first, self.head)


class Machine(Oracles, RuleBasedStateMachine):
    """One server. first: the oldest revision that is kept."""

    LIMITS = {}
    first = 0

    def __init__(self):
        super().__init__()
        self.store = Store()
        self.sessions = self.store.open(**self.LIMITS)

    def teardown(self):
        self.store.close()

    @initialize(given=st.lists(st.none() | TOKENS, max_size=4), length=st.integers(0, 4),
                fixed=st.dictionaries(st.integers(0, 3), TOKENS, max_size=3))
    def create(self, given, length, fixed):
        length = length or (0 if None in given else 1)
        fixed = {offset: token for offset, token in fixed.items() if offset < length}
        if len(fixed) == length and None not in given:
            fixed = {}
        chosen = Settings("llada", {"steps": 3}, 2**64 - 1)
        live = self.sessions.create("tiny", tuple(given), length, MASK, chosen, request_id="born", fixed=fixed)
        self.id = live.session.origin.session_id
        self.born(first_canvas([*given, *(fixed.get(offset) for offset in range(length))], len(given), chosen),
                  live.session.frames)
        self.follower = Follower(self.sessions, self.id, 0)

    def base(self, data):
        """A revision to go on from, and how it is asked for."""
        asked = data.draw(st.none() | st.integers(self.first, self.head))
        return self.head if asked is None else asked, asked

    # ---- rules ----

    @rule(data=st.data(), change=st.booleans(), request=st.sampled_from(ID_KINDS), runs=st.integers(1, 3),
          read_only=st.booleans())
    def steps(self, data, change, request, runs, read_only):
        """One turn of several frames, as a Step is: it commits what is open, and edits or opens what is committed."""
        base, asked = self.base(data)
        if not self.canvases[base].free:
            return
        if request in self.requests:
            return self.replayed(request)
        first = self.head + 1
        with self.sessions.lease(self.id, self.head, request, asked) as turn:
            assert turn.base == base
            for run in range(runs):
                canvas = self.canvases[base]
                tokens = {position: data.draw(TOKENS if position in canvas.open else st.none() | TOKENS) for position
                          in data.draw(st.lists(st.sampled_from(canvas.free), min_size=1, unique=True))}
                chosen = Settings("ranked", {"count": self.head + 1}, run) if change else None
                state = {"step": self.head}
                frame = commit_step(turn, tokens, base=base, settings=chosen, sampler_state=state, read_only=read_only)
                self.added(frame, stepped(canvas, tokens, chosen, state, read_only), base)
                base = self.head
        self.done(request, first)

    @rule(data=st.data(), request=st.sampled_from(ID_KINDS), keeps=st.booleans())
    def select(self, data, request, keeps):
        if request in self.requests:
            return self.replayed(request)
        base, asked = self.base(data)
        canvas = self.canvases[base]
        free = [position for position in range(len(canvas.tokens)) if position not in canvas.given]
        if not free:
            return
        positions = data.draw(st.lists(st.sampled_from(free), min_size=1, unique=True))
        tokens = {position: data.draw(st.none() | TOKENS) for position in positions}
        with self.sessions.lease(self.id, None, request, asked) as turn:
            if canvas.read_only and any(token is not None for token in tokens.values()):
                with pytest.raises(FailedPrecondition) as caught:
                    turn.session.select_frame(tokens, {}, 1.0, keeps, asked)
                assert caught.value.reason == "READ_ONLY_REVISION"
                return
            frame = turn.session.select_frame(tokens, {}, 1.0, keeps, asked)
            turn.commit(frame)
        after, changed = picked(canvas, tokens, keeps)
        assert [change.position for change in frame.changes] == sorted(changed)
        self.added(frame, after, base)
        self.done(request, self.head)

    @rule(data=st.data(), request=st.sampled_from(ID_KINDS), keeps=st.booleans(), count=st.integers(1, 3))
    def edit(self, data, request, keeps, count):
        if request in self.requests:
            return self.replayed(request)
        base, asked = self.base(data)
        canvas = self.canvases[base]
        draft = dict.fromkeys(canvas.open, (1, 0.25))
        row, edits, wrong = Row(canvas, draft, dict(enumerate(canvas.stood))), [], None
        for index in range(count):
            edits.append((f"edits[{index}]", data.draw(self.edits(len(row.spots)))))
            try:
                if index and isinstance(edits[-2][1], core.Append):
                    raise Refused("")
                row.do(edits[-1][1])
            except Refused as error:
                wrong = InvalidField, f"edits[{index}]{error}"
                break
            except FailedPrecondition:
                wrong = FailedPrecondition, None
                break
        if canvas.read_only and not all(isinstance(edit, core.Mask) for _, edit in edits):
            wrong = FailedPrecondition, None
        with self.sessions.lease(self.id, None, request, asked) as turn:
            known = EditFacts(draft, earlier_at(turn.session, base), ENDS, CONTEXT)
            if wrong:
                with pytest.raises(wrong[0]) as caught:
                    edit_frame(turn.session, edits, known, 1.0, keeps, turn.base)
                assert wrong[1] is None or caught.value.field == wrong[1]
                return
            frame = edit_frame(turn.session, edits, known, 1.0, keeps, turn.base)
            turn.commit(frame)
        self.added(frame, edited(canvas, row, frame), base)
        self.done(request, self.head)

    def edits(self, size):
        return edits_for(size)

    @rule(data=st.data())
    def protect_and_no_step_gets_there(self, data):
        canvas = self.canvases[-1]
        decided = [position for position in canvas.free if canvas.tokens[position] is not None]
        if not decided or canvas.read_only:
            return
        chosen = data.draw(st.lists(st.sampled_from(decided), min_size=1, unique=True))
        row = Row(canvas, {}, {})
        row.do(core.Protect(chosen))
        with self.sessions.lease(self.id) as turn:
            frame = edit_frame(turn.session, [("e", core.Protect(chosen))],
                               EditFacts({}, earlier_at(turn.session, self.head), ENDS, CONTEXT), 1.0, True, turn.base)
            turn.commit(frame)
            assert frame.protected == tuple(sorted(chosen))
            self.added(frame, edited(canvas, row, frame), self.head)
            for position in [*chosen, *canvas.given]:
                for token in (None, 1):
                    with pytest.raises(ValueError, match="protected"):
                        commit_step(turn, {position: token})

    def went_back(self, target):
        with self.sessions.lease(self.id, self.head) as turn:
            frame = turn.session.rewind_frame(target, 1.0)
            turn.commit(frame)
        assert (frame.changes, frame.splices) == ((), ())
        self.added(frame, self.canvases[target], target)

    @rule(data=st.data())
    def rewind(self, data):
        self.went_back(data.draw(st.integers(self.first, self.head)))

    @rule(redo=st.booleans(), times=st.integers(1, 3))
    def undo_and_redo(self, redo, times):
        for _ in range(times):
            session = self.sessions.get(self.id).session
            self.first = session.first
            target = self.tree.redo() if redo else self.tree.undo()
            go = session.redo_revision if redo else session.undo_revision
            if target is None:
                with pytest.raises(FailedPrecondition) as caught:
                    go()
                assert caught.value.reason == ("NOTHING_TO_REDO" if redo else "NOTHING_TO_UNDO")
                return
            assert go() == target
            if target < self.first:
                return self.is_gone(target)
            self.went_back(target)

    @rule(data=st.data(), name=st.sampled_from(["a", "b", "c"]))
    def name(self, data, name):
        revision, asked = self.base(data)
        place = self.tree.place(revision)
        assert self.sessions.name(self.id, name, asked) == place
        self.named = {**{other: at for other, at in self.named.items() if other != name and at != place}, name: place}

    @rule(name=st.sampled_from(["a", "b", "c", "never given"]))
    def unname(self, name):
        self.sessions.unname(self.id, name)
        self.named.pop(name, None)

    @rule(closing=st.booleans())
    def restart(self, closing):
        """With or without a clean end."""
        self.check_follower()
        old = self.sessions
        if closing:
            old._store.close()
        self.sessions = self.store.open(**self.LIMITS)
        self.follower = Follower(self.sessions, self.id, self.head)
        self.follower.seen = list(self.sent[1:])

    def replayed(self, request):
        first, last = self.requests[request]
        if first < self.first:
            with pytest.raises(FailedPrecondition) as caught:
                self.sessions.replay(self.id, request)
            assert caught.value.reason == "HISTORY_TRIMMED"
        else:
            assert self.sessions.replay(self.id, request) == self.sent[first:last + 1]

    @rule()
    def created_again(self):
        live = self.sessions.create("other", (), 3, MASK, self.canvases[0].settings, request_id="born")
        assert live.session.origin.session_id == self.id

    @rule(off=st.sampled_from([-1, 1, 1000]))
    def wrong_revision(self, off):
        with pytest.raises(Aborted) as caught, self.sessions.lease(self.id, self.head + off):
            pass
        assert caught.value.reason == "REVISION_MISMATCH"
        assert caught.value.metadata == {"actual_revision": str(self.head)}

    @rule(revision=st.sampled_from([-1, 1, 1000]))
    def no_such_revision(self, revision):
        with pytest.raises(OutOfRange), self.sessions.lease(self.id, from_revision=self.head + max(1, revision)):
            pass
        with pytest.raises(OutOfRange), self.sessions.lease(self.id, from_revision=-abs(revision)):
            pass

    @rule()
    def refused_calls_change_nothing(self):
        canvas = self.canvases[-1]
        with self.sessions.lease(self.id, request_id="refused") as turn:
            with pytest.raises(Aborted) as caught, self.sessions.lease(self.id):
                pass
            assert caught.value.reason == "SESSION_BUSY"
            for bad in ({}, {len(canvas.tokens): None}, {-1: None}, *({position: None} for position in canvas.given)):
                with pytest.raises(InvalidField):
                    turn.session.select_frame(bad, {}, 1.0)
            for revision in (-1, self.head + 1):
                with pytest.raises(OutOfRange):
                    turn.session.rewind_frame(revision, 1.0)
        assert self.sessions.replay(self.id, "refused") is None

    # ---- what must always hold ----

    def is_gone(self, revision):
        """A revision that was trimmed can be asked for in no way."""
        session = self.sessions.get(self.id).session

        def turn():
            with self.sessions.lease(self.id, from_revision=revision):
                pass

        for call in (turn, lambda: session.rewind_frame(revision, 1.0), lambda: session.check_revision(revision),
                     lambda: self.sessions.name(self.id, "gone", revision)):
            with pytest.raises(FailedPrecondition) as caught:
                call()
            assert caught.value.reason == "HISTORY_TRIMMED"
            assert caught.value.metadata == {"first_revision": str(self.first), "head_revision": str(self.head)}

    def check_follower(self):
        assert self.follower.seen == self.sent[1:]

    @invariant()
    def history_is_what_was_sent(self):
        if not hasattr(self, "id"):
            return
        live = self.sessions.get(self.id)
        session = live.session
        assert session.head == self.head
        assert session.first == live.row.first
        assert session.first >= self.first
        self.first = session.first
        assert session.frames == self.sent[self.first:]
        self.check_follower()
        assert [session.tree.parent(revision) for revision in range(self.head + 1)] == [
            parent for parent, _ in self.revisions]
        assert self.sessions.names(self.id) == self.named
        assert (session.tree.undo(), session.tree.redo()) == (self.tree.undo(), self.tree.redo())

    @rule(data=st.data())
    def any_revision_can_be_read(self, data):
        session = self.sessions.get(self.id).session
        kept = [*range(self.first, self.head + 1), *(session.roots(self.first) if self.first else [])]
        for revision in data.draw(st.permutations(kept)):
            check_state(session.state(revision), self.canvases[revision])
        for revision in range(max(0, self.first - 3), self.first):
            self.is_gone(revision)
        steps = sum(self.causes[at] == Cause.STEP for at in session.tree.way(self.head))
        assert session.state().total_forward_count == steps


Machine.TestCase.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
TestSessions = Machine.TestCase


class TrimmedMachine(Machine):
    """The same where a session soon outgrows the limit."""

    LIMITS = {"session_bytes": 500}

    def edits(self, size):
        # What stood there before may be gone.
        return edits_for(size).filter(lambda edit: not (isinstance(edit, core.Unmask) and edit.earlier))

    @invariant()
    def it_stays_within_its_limit(self):
        if hasattr(self, "id"):
            live = self.sessions.get(self.id)
            assert live.row.size <= 500 or live.row.first == self.head, "but the newest is always kept"
            assert live.row.size == sum(self.sessions._store.sizes(self.id))

    @precondition(lambda self: self.first)
    @rule()
    def reopened_it_is_the_same(self):
        """Everything that is kept folds from what is on disk alone."""
        fresh = self.store.open(**self.LIMITS).get(self.id).session
        assert (fresh.first, fresh.head) == (self.first, self.head)
        for revision in {*range(self.first, self.head + 1), *fresh.roots(self.first)}:
            check_state(fresh.state(revision), self.canvases[revision])


TrimmedMachine.TestCase.settings = settings(max_examples=100, stateful_step_count=40, deadline=None)
TestTrimmedSessions = TrimmedMachine.TestCase


class RacingMachine(Oracles, RuleBasedStateMachine):
    """Two servers on one file, and clients that know only what they have heard."""

    def __init__(self):
        super().__init__()
        self.store = Store()
        self.servers = [self.store.open(), self.store.open()]

    def teardown(self):
        self.store.close()

    @initialize(server=st.integers(0, 1))
    def create(self, server):
        chosen = Settings("llada", {"steps": 3}, 1)
        live = self.servers[server].create("tiny", (1, 2), 4, MASK, chosen)
        self.id = live.session.origin.session_id
        self.born(first_canvas((1, 2, None, None, None, None), 2, chosen), live.session.frames)
        self.followers = [Follower(sessions, self.id, 0) for sessions in self.servers]

    def commit(self, data, turn, base):
        """Any one frame; kept by the oracle only once it was acknowledged."""
        canvas = self.canvases[base]
        kind = data.draw(st.sampled_from(["step", "select", "edit", "rewind"]))
        if kind == "step" and canvas.free:
            tokens = {data.draw(st.sampled_from(canvas.free)): data.draw(st.none() | TOKENS)}
            frame = commit_step(turn, tokens, base=base, sampler_state={"step": base})
            after = stepped(canvas, tokens, None, {"step": base})
        elif kind == "select" and set(range(len(canvas.tokens))) - canvas.given:
            tokens = {max(set(range(len(canvas.tokens))) - canvas.given): data.draw(st.none() | TOKENS)}
            frame = turn.session.select_frame(tokens, {}, 1.0, True, base)
            turn.commit(frame)
            after, _ = picked(canvas, tokens, True)
        elif kind == "rewind":
            frame = turn.session.rewind_frame(base, 1.0)
            turn.commit(frame)
            after = canvas
        else:
            edit = core.Delete(0, 1) if len(canvas.tokens) > 8 else core.Insert(len(canvas.tokens), 1)
            row = Row(canvas, {}, {})
            row.do(edit)
            facts = EditFacts({}, lambda positions: {}, ENDS, CONTEXT)
            frame = edit_frame(turn.session, [("e", edit)], facts, 1.0, True, base)
            turn.commit(frame)
            after = edited(canvas, row, frame)
        self.added(frame, after, base)

    @rule(data=st.data(), server=st.integers(0, 1), stale=st.integers(0, 3), request=st.sampled_from(ID_KINDS),
          frames=st.integers(1, 3))
    def a_turn_that_may_expect_too_little(self, data, server, stale, request, frames):
        sessions, first = self.servers[server], self.head + 1
        if request in self.requests:
            made = self.requests[request]
            for other in self.servers:
                assert other.replay(self.id, request) == self.sent[made[0]:made[1] + 1]
            with pytest.raises(Aborted), sessions.lease(self.id, request_id=request):
                pass
            return
        if 0 < stale <= self.head:
            with pytest.raises(Aborted) as caught, sessions.lease(self.id, self.head - stale, request):
                pass
            assert caught.value.metadata == {"actual_revision": str(self.head)}
            assert sessions.replay(self.id, request) is None
            return
        base = data.draw(st.integers(0, self.head))
        with sessions.lease(self.id, self.head, request, base) as turn:
            for _ in range(frames):
                self.commit(data, turn, base)
                base = self.head
        self.done(request, first)

    @rule(data=st.data(), order=st.lists(st.integers(0, 1), min_size=1, max_size=5),
          same=st.booleans(), late=st.booleans())
    def both_at_once(self, data, order, same, late):
        """Both have their turn, with one request id or two; whoever commits first is the only one who does."""
        requests = [f"racing {self.head}"] * 2 if same else ["", f"racing {self.head}"]
        first, winner, lost = self.head + 1, None, set()
        base = {server: data.draw(st.integers(0, self.head)) for server in (0, 1)}
        turns = [self.servers[server].lease(self.id, self.head, requests[server], base[server]) for server in (0, 1)]
        if late:
            turns.reverse()
            turns = {1: turns[0], 0: turns[1]}
        entered = {server: turns[server].__enter__() for server in (0, 1)}
        try:
            for server in order:
                if server in lost:
                    continue
                if winner in (None, server):
                    winner = server
                    self.commit(data, entered[server], base[server])
                    base[server] = self.head
                else:
                    before = list(self.sent)
                    with pytest.raises(Aborted) as caught:
                        self.commit(data, entered[server], base[server])
                    assert caught.value.reason == "REVISION_MISMATCH"
                    assert self.sent == before
                    lost.add(server)
        finally:
            for server in (0, 1):
                turns[server].__exit__(None, None, None)
        self.done(requests[winner], first)
        if requests[winner]:
            for sessions in self.servers:
                assert sessions.replay(self.id, requests[winner]) == self.sent[first:]

    @rule(data=st.data(), server=st.integers(0, 1), name=st.sampled_from("ab"))
    def name(self, data, server, name):
        revision = data.draw(st.integers(0, self.head))
        place = self.servers[server].name(self.id, name, revision)
        self.named = {**{other: at for other, at in self.named.items() if other != name and at != place}, name: place}

    @rule(server=st.integers(0, 1))
    def one_starts_again(self, server):
        self.followers[server].told()
        old, seen = self.followers[server], self.followers[server].seen
        self.servers[server] = self.store.open()
        self.followers[server] = Follower(self.servers[server], self.id, len(seen))
        self.followers[server].seen = seen + self.followers[server].seen
        assert old.following == len(seen) + 1

    @invariant()
    def what_was_acknowledged_is_there_for_ever_and_followers_saw_it_once_and_in_order(self):
        if not hasattr(self, "id"):
            return
        for sessions, follower in zip(self.servers, self.followers, strict=True):
            session = sessions.get(self.id).session
            assert session.frames == self.sent
            check_state(session.state(), self.canvases[-1])
            assert follower.seen == self.sent[1:]
            assert sessions.names(self.id) == self.named
            assert session.tree.redo() == self.tree.redo()

    @rule(data=st.data(), server=st.integers(0, 1))
    def any_revision_can_be_read(self, data, server):
        session = self.servers[server].get(self.id).session
        for revision in data.draw(st.permutations(range(self.head + 1))):
            check_state(session.state(revision), self.canvases[revision])


RacingMachine.TestCase.settings = settings(max_examples=40, stateful_step_count=20, deadline=None)
TestRacingServers = RacingMachine.TestCase
