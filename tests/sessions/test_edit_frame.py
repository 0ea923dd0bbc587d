"""Edits one by one, and any of them in any order against a row of cells that remember where they come from."""

from dataclasses import replace

import pytest
from cells import CONTEXT, ENDS, EOS, EOT, TOKENS, Refused, Row, edits_for, read, stood_at
from hypothesis import assume, event, given, settings
from hypothesis import strategies as st

from inference_service.errors import FailedPrecondition, InvalidField
from inference_service.rpc.codec import ProtoCodec
from inference_service.sessions import edit_kinds as core
from inference_service.sessions.earlier import earlier_at
from inference_service.sessions.edit_frame import edit_frame
from inference_service.sessions.edit_kinds import EditFacts
from inference_service.sessions.frame import Cause, Change, Frame, Settings, Splice, Summary
from inference_service.sessions.log import Log
from inference_service.sessions.session import Session, first_frame
from inference_service.sessions.state import Origin, fold
from inference_service.sessions.tree import Tree
from unmask.frames import carried

MASK = 99
SETTINGS = Settings("llada", {"steps": 4}, 7)
CODEC = ProtoCodec()


# ---- sessions without a store ----

def session_of(given_tokens, start):
    """A session at its creation. None is open."""
    made = Session(Origin("s", "tiny", tuple(given_tokens), start, MASK, 1.0, 9.0), Log(), Tree())
    made.append(first_frame(made.origin, SETTINGS))
    return made


def stepped(session, tokens, base=None):
    """A step that commits or opens: position to token."""
    changes = [Change(position, token, 0.5 if token is not None else None) for position, token in tokens.items()]
    session.append(session.step_frame(changes, Summary(), 2.0, base, sampler_state={"step": session.head}))
    return session.head


def picked(session, tokens, base=None):
    session.append(session.select_frame(tokens, {}, 3.0, base=base))
    return session.head


def rewound(session, revision):
    session.append(session.rewind_frame(revision, 4.0))
    return session.head


def known(session, base, draft=None):
    return EditFacts(draft or {}, earlier_at(session, base), ENDS, CONTEXT)


def frame_of(session, *edits, base=None, draft=None, keeps=False):
    base = session.head if base is None else base
    named = [(f"edits[{index}].x", edit) for index, edit in enumerate(edits)]
    return edit_frame(session, named, known(session, base, draft), 5.0, keeps, base)


def edited(session, *edits, **more):
    """The state after some edits, which are kept."""
    frame = frame_of(session, *edits, **more)
    session.append(frame)
    return session.state()


def refused(session, *edits, kind=InvalidField, **more):
    """The error of some edits, which leave all as it was."""
    before, states = session.head, [session.state(revision) for revision in range(session.head + 1)]
    with pytest.raises(kind) as caught:
        frame_of(session, *edits, **more)
    assert session.head == before
    assert [session.state(revision) for revision in range(before + 1)] == states
    return caught.value


@pytest.fixture
def plain():
    """Prompt 1 2 3, then 10 by a step, 11 by hand, two open, and a given word 7."""
    session = session_of((1, 2, 3, None, None, None, None, 7), 3)
    stepped(session, {3: 10})
    picked(session, {4: 11})
    return session


# ---- what each one means ----

def test_masking_opens_whatever_stands_there(plain):
    state = edited(plain, core.Protect([3]))
    state = edited(plain, core.Mask([0, 3, 4, 5, 7]))
    assert read(state) == ([None, 2, 3, None, None, None, None, None], [1, 2], [], [], 3)
    frame = plain.frame(plain.head)
    assert [change.position for change in frame.changes] == [0, 3, 4, 7], "5 was open already"
    assert frame.summary.open_count == 6


def test_the_draft_fills_open_positions_in(plain):
    state = edited(plain, core.Unmask([6, 5], False), draft={5: (20, 0.25), 6: (21, None)})
    assert read(state) == ([1, 2, 3, 10, 11, 20, 21, 7], [0, 1, 2, 7], [], [4, 5, 6], 3)
    assert plain.frame(plain.head).changes == (Change(5, 20, 0.25), Change(6, 21, None))


def test_the_draft_is_that_of_the_revision_edited(plain):
    """Positions are those that the edits before have left; the draft is asked by where they were."""
    state = edited(plain, core.Delete(0, 2), core.Unmask([3], False), draft={5: (20, 0.25)})
    assert read(state) == ([3, 10, 11, 20, None, 7], [0, 5], [], [2, 3], 1)
    error = refused(plain, core.Mask([1]), core.Unmask([1], False), draft={3: (20, 0.25)})
    assert error.field == "edits[1].x.positions"
    assert "not open before this request" in error.message
    assert refused(plain, core.Insert(4, 1), core.Unmask([4], False), draft={4: (1, 1.0)}).field == (
        "edits[1].x.positions")


def test_what_stood_there_is_put_back(plain):
    edited(plain, core.Mask([1, 3, 4]))
    state = edited(plain, core.Unmask([1, 3, 4], True))
    assert read(state) == ([1, 2, 3, 10, 11, None, None, 7], [0, 1, 2, 7], [], [3, 4], 3)
    assert refused(plain, core.Unmask([5], True)).field == "edits[0].x.positions"


def test_what_stands_at_the_revision_edited_is_what_last_stood_there(plain):
    """As if the opening had been a request of its own."""
    picked(plain, {3: None})
    picked(plain, {3: 12})
    state = edited(plain, core.Mask([0, 3]), core.Unmask([0, 3], True))
    assert state.tokens[3] == 12
    assert 0 in state.given
    assert edited(plain, core.Delete(0, 1), core.Mask([2]), core.Unmask([2], True)).tokens[2] == 12


def test_forcing_commits_by_hand_and_given_ones_stay_given(plain):
    state = edited(plain, core.Force(2, [30, 31, 32]), core.Force(6, [33]))
    assert read(state) == ([1, 2, 30, 31, 32, None, 33, 7], [0, 1, 2, 7], [], [3, 4, 6], 3)


def test_forcing_the_token_that_is_there_makes_it_one_picked_by_hand(plain):
    frame = frame_of(plain, core.Force(3, [10]))
    assert frame.changes == (Change(3, 10),)
    assert frame_of(plain, core.Force(4, [11])).changes == (), "it is already"
    assert frame_of(plain, core.Force(0, [1])).changes == (), "it is given"


def test_replacing_shifts_what_stands_behind(plain):
    frame = frame_of(plain, core.Replace(3, 2, [40, None, 41], False))
    assert frame.splices == (Splice(5, 0, 1),)
    assert read(fold(plain.state(), frame)) == ([1, 2, 3, 40, None, 41, None, None, 7], [0, 1, 2, 8], [], [3, 5], 3)
    state = edited(plain, core.Replace(3, 2, [], False))
    assert read(state) == ([1, 2, 3, None, None, 7], [0, 1, 2, 5], [], [], 3)


def test_replacing_can_keep_the_length(plain):
    state = edited(plain, core.Replace(3, 3, [40], True))
    assert read(state) == ([1, 2, 3, 40, None, None, None, 7], [0, 1, 2, 7], [], [3], 3)
    assert refused(plain, core.Replace(3, 1, [1, 2], True)).field == "edits[0].x"


def test_what_replaces_given_tokens_alone_is_given(plain):
    assert read(edited(plain, core.Replace(0, 2, [40], False))) == (
        [40, 3, 10, 11, None, None, 7], [0, 1, 6], [], [3], 2)
    assert read(edited(plain, core.Replace(0, 1, [41, 42, 43], False))) == (
        [41, 42, 43, 3, 10, 11, None, None, 7], [0, 1, 2, 3, 8], [], [5], 4)
    assert read(edited(plain, core.Replace(8, 1, [44, 45], False)))[1] == [0, 1, 2, 3, 8, 9]


@pytest.mark.parametrize("generated", [0, 2])
def test_the_prompts_last_word_may_become_longer(generated):
    """What replaces a part of the prompt is prompt, up to its end."""
    session = session_of((1, 2, *[None] * generated), 2)
    state = edited(session, core.Replace(1, 1, [40, 41, 42], False))
    assert read(state) == ([1, 40, 41, 42, *[None] * generated], [0, 1, 2, 3], [], [], 4)
    state = edited(session, core.Replace(0, 4, [43, 44, None, 45, None], False))
    assert read(state) == ([43, 44, None, 45, None, *[None] * generated], [0, 1, 3], [], [], 5)


def test_a_span_of_none_inserts(plain):
    assert read(edited(plain, core.Replace(3, 0, [40], False)))[3:] == ([3, 5], 3), "at its end: generated, by hand"
    assert read(edited(plain, core.Replace(1, 0, [41], False)))[1:] == ([0, 1, 2, 3, 9], [], [4, 6], 4)
    assert edited(plain, core.Replace(10, 0, [42], False)).tokens[10] == 42
    for nothing in (core.Replace(3, 0, [], False), core.Replace(3, 0, [], True)):
        assert refused(plain, nothing).field == "edits[0].x"


def test_protecting_keeps_steps_away(plain):
    state = edited(plain, core.Protect([0, 3, 4]))
    assert sorted(state.protected) == [3, 4], "0 is given"
    assert state.untouchable == {0, 1, 2, 3, 4, 7}
    for token in (5, None):
        with pytest.raises(ValueError, match="protected"):
            plain.step_frame([Change(3, token)], Summary(), 1.0)
    assert refused(plain, core.Protect([5])).field == "edits[0].x.positions"
    assert frame_of(plain, core.Protect([3])).protected == (), "it is already"


def test_unprotecting_ends_it_and_what_was_picked_by_hand_is_free_too(plain):
    edited(plain, core.Protect([3, 4]))
    frame = frame_of(plain, core.Unprotect([3, 4, 5]))
    assert (frame.unprotected, frame.changes) == ((3, 4), ())
    state = fold(plain.state(), frame)
    assert (state.protected, state.by_hand) == (frozenset(), frozenset())
    assert refused(plain, core.Unprotect([0])).field == "edits[0].x.positions"


@pytest.mark.parametrize("by_hand", [False, True])
@pytest.mark.parametrize(("edits", "protected", "chosen"), [
    ([core.Unprotect([3]), core.Protect([3])], True, False),
    ([core.Unprotect([3]), core.Force(3, [10])], False, True),
    ([core.Unprotect([3]), core.Force(3, [12])], False, True),
    ([core.Mask([3]), core.Force(3, [12])], False, True),
    ([core.Mask([3]), core.Unmask([3], True)], False, True),
    ([core.Force(3, [12]), core.Unprotect([3])], False, False),
    ([core.Force(3, [12]), core.Unprotect([3]), core.Protect([3])], True, False),
    ([core.Mask([3]), core.Force(3, [12]), core.Protect([3])], True, True),
    ([core.Force(3, [12])], True, True)])
def test_protection_is_as_the_last_edit_left_it(plain, by_hand, edits, protected, chosen):
    """In one request as in several."""
    if by_hand:
        picked(plain, {3: 10})
    edited(plain, core.Protect([3]))
    base = plain.head
    at_once = edited(plain, *edits)
    assert (3 in at_once.protected, 3 in at_once.by_hand) == (protected, chosen)
    rewound(plain, base)
    for edit in edits:
        one_by_one = edited(plain, edit)
    assert read(at_once) == read(one_by_one)


def test_inserting_and_deleting_move_what_stands_behind(plain):
    state = edited(plain, core.Insert(1, 2), core.Insert(5, 1), core.Insert(11, 1))
    assert read(state) == ([1, None, None, 2, 3, None, 10, 11, None, None, 7, None], [0, 3, 4, 10], [], [7], 5)
    frame = frame_of(plain, core.Delete(4, 3))
    assert frame.splices == (Splice(4, 1, 0), Splice(4, 2, 0)), "never across the end of the prompt"
    assert read(fold(state, frame)) == ([1, None, None, 2, 11, None, None, 7, None], [0, 3, 7], [], [4], 4)


def test_at_least_one_position_stays(plain):
    error = refused(plain, core.Delete(0, 8))
    assert error.field == "edits[0].x"
    assert refused(plain, core.Delete(0, 4), core.Delete(0, 4)).field == "edits[1].x"
    assert edited(plain, core.Delete(0, 7)).tokens == (7,)


def test_deleting_the_last_passes_over_what_is_open(plain):
    state = edited(plain, core.DeleteLast(2))
    assert read(state) == ([1, 2, 3, 10, None, None], [0, 1, 2], [], [], 3)
    error = refused(plain, core.DeleteLast(2))
    assert error.field == "edits[0].x.count"
    assert "from 1 to 1" in error.message
    assert edited(plain, core.DeleteLast(1)).tokens == (1, 2, 3, None, None)
    assert "none to take" in refused(plain, core.DeleteLast(1)).message


def answered(tokens=(10, EOT, 11, None), start=2):
    session = session_of((*range(1, start + 1), *[None] * len(tokens)), start)
    stepped(session, {position: token for position, token in enumerate(tokens, start) if token is not None})
    return session


def test_a_turn_follows_the_end_of_the_answer():
    session = answered()
    edited(session, core.Protect([2]))
    frame = frame_of(session, core.Append((20, None, 21), 2))
    assert frame.start == 6
    assert read(fold(session.state(), frame)) == ([1, 2, 10, 20, None, 21, None, None], [0, 1, 2, 3, 5], [], [], 6)


def test_a_turn_that_begins_with_the_end_keeps_the_answers_own():
    session = answered()
    frame = frame_of(session, core.Append((EOT, 20), 1))
    assert read(fold(session.state(), frame)) == ([1, 2, 10, EOT, 20, None], [0, 1, 2, 3, 4], [], [], 5)
    assert carried(list(range(6)), frame.splices) == [0, 1, 2, 3, None, None]
    other = frame_of(session, core.Append((EOS, 20), 1))
    assert fold(session.state(), other).tokens == (1, 2, 10, EOS, 20, None)


def test_an_answer_without_an_end_is_kept_whole_and_must_be_decided():
    session = answered((10, 11))
    assert edited(session, core.Append((20,), 1)).tokens == (1, 2, 10, 11, 20, None)
    session = answered((10, None, EOT))
    error = refused(session, core.Append((20,), 1), kind=FailedPrecondition)
    assert (error.reason, error.metadata) == ("CANVAS_OPEN", {"open_count": "1"})
    assert "position 3" in error.message


def test_how_many_positions_follow_a_turn():
    session = answered()
    left = CONTEXT - 3 - 1
    assert len(edited(session, core.Append((20,), left)).tokens) == CONTEXT
    for length in (0, left + 1):
        error = refused(answered(), core.Append((20,), length))
        assert error.field == "edits[0].x.length"
        assert f"from 1 to {left}" in error.message
    assert len(edited(answered(), core.Append((20,), 64, capped=True)).tokens) == CONTEXT
    assert refused(answered(), core.Append((20,) * 11, 64, capped=True)).field == "edits[0].x.length"


def test_nothing_follows_a_turn_in_the_same_request():
    assert refused(answered(), core.Append((20,), 2), core.Mask([0])).field == "edits[1].x"


def test_two_turns_one_after_the_other():
    session = answered()
    edited(session, core.Append((20,), 2))
    stepped(session, {4: 12, 5: EOT})
    assert read(edited(session, core.Append((EOT, 21), 1))) == (
        [1, 2, 10, 20, 12, EOT, 21, None], [0, 1, 2, 3, 4, 5, 6], [], [], 7)


@pytest.mark.parametrize(("edit", "field"), [
    (core.Mask([]), ".positions"), (core.Mask([8]), ".positions"), (core.Mask([0, -1]), ".positions"),
    (core.Unmask([], True), ".positions"), (core.Unmask([8], False), ".positions"),
    (core.Unmask([3], True), ".positions"), (core.Unmask([5], False), ".positions"),
    (core.Force(8, [1]), ".position"), (core.Force(7, [1, 2]), ".position"), (core.Force(-1, [1]), ".position"),
    (core.Replace(9, 0, [1], False), ".position"), (core.Replace(7, 2, [1], False), ".position"),
    (core.Replace(0, 1, [1] * 8, False), ""), (core.Protect([]), ".positions"), (core.Protect([8]), ".positions"),
    (core.Unprotect([]), ".positions"), (core.Unprotect([9]), ".positions"), (core.Insert(9, 1), ".position"),
    (core.Insert(0, 0), ".count"), (core.Insert(0, CONTEXT - 7), ".count"), (core.Delete(8, 1), ".position"),
    (core.Delete(0, 9), ".position"), (core.Delete(0, 0), ".count"), (core.DeleteLast(4), ".count"),
    (core.DeleteLast(-1), ".count")])
def test_a_wrong_edit_is_named_and_the_good_ones_around_it_change_nothing(plain, edit, field):
    good = core.Force(3, [50])
    error = refused(plain, good, edit, good)
    assert error.field == f"edits[1].x{field}"
    assert error.message.startswith("edits[1].x")


def test_no_edits_at_all_are_refused(plain):
    assert refused(plain).field == "edits"


def test_the_first_part_of_a_step_can_be_opened_and_nothing_else(plain):
    plain.append(plain.step_frame([Change(5, 20)], Summary(), 2.0, read_only=True))
    error = refused(plain, core.Mask([3]), core.Force(3, [1]), kind=FailedPrecondition)
    assert (error.reason, error.metadata) == ("READ_ONLY_REVISION", {"revision": "3"})
    state = edited(plain, core.Mask([3]), core.Mask([4]))
    assert not state.read_only
    assert edited(plain, core.Force(3, [1]), base=2).tokens[3] == 1, "the parent can be edited in every way"
    back = rewound(plain, 3)
    assert refused(plain, core.Insert(0, 1), kind=FailedPrecondition).metadata == {"revision": str(back)}


@pytest.mark.parametrize(("edit", "afresh"), [
    (core.Mask([3]), True), (core.Insert(4, 1), True), (core.Delete(5, 1), True), (core.Force(0, [9]), True),
    (core.Force(5, [9]), False), (core.Protect([3]), False), (core.Unprotect([4]), False), (core.Mask([5]), False)])
def test_a_samplers_schedule_begins_afresh_where_the_canvas_is_another(plain, edit, afresh):
    assert frame_of(plain, edit).sampler_state == ({} if afresh else {"step": 0})
    assert frame_of(plain, edit, keeps=True).sampler_state == {"step": 0}


# ---- any edits in any order ----

@st.composite
def sessions(draw):
    """A session whose head has positions of every kind anywhere."""
    size = draw(st.integers(1, 8))
    first = draw(st.lists(st.none() | TOKENS, min_size=size, max_size=size))
    session = session_of(first, draw(st.integers(0, size)))
    free = [position for position, token in enumerate(first) if token is None]
    if free:
        some = st.lists(st.sampled_from(free), unique=True)
        stepped(session, {position: draw(TOKENS) for position in draw(some)})
        if draw(st.booleans()):
            stepped(session, dict.fromkeys(draw(some)))
        chosen = draw(some)
        if chosen:
            picked(session, {position: draw(st.none() | TOKENS) for position in chosen})
        decided = [position for position in free if session.state().tokens[position] is not None]
        if decided:
            base = session.head
            summary = session.frame(base).summary
            session.append(Frame(base + 1, base, Cause.EDIT, 1.0, summary, sampler_state={"step": 1}, protected=tuple(
                sorted(draw(st.lists(st.sampled_from(decided), unique=True))))))
    return session


@settings(max_examples=600, deadline=None)
@given(data=st.data(), session=sessions(), keeps=st.booleans())
def test_any_edits_against_a_row_of_cells(data, session, keeps):
    base = session.head
    before = session.state(base)
    draft = {position: (data.draw(TOKENS), 0.25) for position in before.open}
    stood = stood_at(session, base)
    row, edits, field, kind = Row(before, draft, stood), [], None, InvalidField
    for index in range(data.draw(st.integers(1, 5))):
        edit = data.draw(edits_for(len(row.spots)))
        edits.append((f"edits[{index}]", edit))
        try:
            if index and isinstance(edits[-2][1], core.Append):
                raise Refused("")
            row.do(edit)
        except Refused as error:
            field = f"edits[{index}]{error}"
            break
        except FailedPrecondition:
            kind = FailedPrecondition
            break
    asked = EditFacts(draft, earlier_at(session, base), ENDS, CONTEXT)
    if field or kind is FailedPrecondition:
        event("refused")
        with pytest.raises(kind) as caught:
            edit_frame(session, edits, asked, 5.0, keeps, base)
        assert field is None or caught.value.field == field
        assert session.head == base and session.state(base) == before
        return
    frame = edit_frame(session, edits, asked, 5.0, keeps, base)
    after = fold(before, frame)
    assert read(after) == row.read()
    assert (frame.parent, frame.revision, frame.cause) == (base, base + 1, Cause.EDIT)
    assert frame.summary.open_count == len(after.open)
    check_splices(before, frame, row)
    check_changes(before, frame)
    wire = CODEC.frame_from_bytes(CODEC.frame_to_bytes(frame))
    assert wire == frame and fold(before, wire) == after
    assert CODEC.state_from_bytes(CODEC.state_to_bytes(session.origin, frame.revision, after)) == after
    session.append(frame)
    assert session.state() == after and session.state(base) == before
    assert session.sources(frame.revision, base) == carried(list(range(before.size)), frame.splices)


def check_splices(before, frame, row):
    """Whatever stays is the same position, and what came and went is told once, from left to right."""
    sources = carried(list(range(before.size)), frame.splices)
    for source, spot in zip(sources, row.spots, strict=True):
        # A position that was protected, and is no more but picked by hand, is a new one: no frame can say it else.
        anew = spot.source in before.protected and spot.hand and not spot.kept
        assert source == (None if anew else spot.source)
    end = 0
    for splice in frame.splices:
        assert splice.removed or splice.inserted
        assert splice.position >= end
        end = splice.position + splice.inserted
    stay = sorted(source for source in sources if source is not None)
    gaps = sum(later - earlier > 1 for earlier, later in zip([-1, *stay], [*stay, before.size], strict=True))
    runs = sum(source is None and (position == 0 or sources[position - 1] is not None)
               for position, source in enumerate(sources))
    assert len(frame.splices) <= 2 * (gaps + runs), "one a place, and one more at the prompt's end"
    assert not frame.splices or gaps or runs


def check_changes(before, frame):
    """Nothing is told that was so already."""
    moved = fold(before, replace(frame, changes=(), protected=(), unprotected=()))
    positions = [change.position for change in frame.changes]
    assert positions == sorted(set(positions))
    for change in frame.changes:
        at = change.position
        assert (change.token != moved.tokens[at] or (change.token is not None and change.given != (at in moved.given))
                or (at not in moved.by_hand and not change.given))
        assert not (change.given and change.token is None)
    assert not set(frame.protected) & moved.protected - set(frame.unprotected)
    assert set(frame.unprotected) <= moved.protected | moved.by_hand | set(positions)


def test_the_generator_reaches_what_it_should():
    """A canvas of every kind is among those tried; else the test above would say nothing of it."""
    seen = set()

    @settings(max_examples=300, deadline=None, database=None)
    @given(session=sessions())
    def look(session):
        state = session.state()
        for name in ("given", "by_hand", "protected", "open", "holes"):
            if getattr(state, name):
                seen.add(name)
        if state.protected & state.by_hand:
            seen.add("both")
        if state.start in (0, state.size):
            seen.add(state.start)

    look()
    assert {"given", "by_hand", "protected", "open", "holes", "both", 0} <= seen


# ---- what stood there, over splices, rewinds and branches ----

@settings(max_examples=150, deadline=None)
@given(data=st.data(), session=sessions())
def test_what_stood_there_is_found_on_the_way_to_any_revision(data, session):
    for _ in range(data.draw(st.integers(1, 10))):
        base = data.draw(st.integers(0, session.head))
        state = session.state(base)
        kind = data.draw(st.sampled_from(["step", "select", "rewind", "edit", "edit", "edit"]))
        touchable = [position for position in range(state.size) if position not in state.untouchable]
        if kind == "rewind":
            rewound(session, base)
        elif kind != "edit" and touchable:
            tokens = {position: data.draw(st.none() | TOKENS) for position in
                      data.draw(st.lists(st.sampled_from(touchable), min_size=1, unique=True))}
            (stepped if kind == "step" else picked)(session, tokens, base)
        else:
            edits = [("e", data.draw(edits_for(state.size).filter(lambda edit: not isinstance(edit, core.Unmask))))
                     for _ in range(2)]
            try:
                frame = edit_frame(session, edits, known(session, base), 5.0, False, base)
            except (InvalidField, FailedPrecondition):
                continue
            session.append(frame)
    assume(session.head > 2)
    for revision in range(session.head + 1):
        find, stood = earlier_at(session, revision), stood_at(session, revision)
        size = session.state(revision).size
        told = find(range(size))
        assert [told.get(position) for position in range(size)] == [stood[position] for position in range(size)]
        for position in range(size):
            assert find([position]).get(position) == stood[position]
