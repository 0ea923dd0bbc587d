"""A recording folds to the canvases that the service has, whatever was done to them."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from random_trees import MASK, recording, session

from unmask.frames import COMMITTED, GIVEN, OPEN
from unmask.recording import Canvas, canvases, check
from unmask.recording.folding import walk
from unmask.v1.recording_pb2 import Recording
from unmask.v1.session_pb2 import Canvas as CanvasMessage


def same(canvas: Canvas, state) -> bool:
    return (canvas.tokens, canvas.prompt_length, canvas.given, canvas.by_hand, canvas.protected) == (
        state.tokens, state.start, state.given, state.by_hand, state.protected)


@settings(max_examples=100, deadline=None)
@given(seed=st.integers(0, 2**32), share=st.floats(0, 1), order=st.randoms())
def test_every_canvas_is_the_services(seed, share, order):
    made = session(seed)
    first = round(share * made.head)
    recorded = recording(made, first)
    check(recorded)
    folded = canvases(recorded)
    revisions = [frame.revision for frame in recorded.frames]
    order.shuffle(revisions)
    for revision in revisions:
        assert same(folded.at(revision), made.state(revision)), revision


def test_the_trees_of_these_tests_have_every_kind_of_frame():
    frames = [frame for seed in range(20) for frame in recording(session(seed)).frames]
    assert {frame.cause for frame in frames} == {1, 2, 3, 4, 5}
    assert all(any(has(frame) for frame in frames) for has in (
        lambda frame: frame.splices, lambda frame: frame.protected, lambda frame: frame.unprotected,
        lambda frame: frame.HasField("prompt_length"), lambda frame: frame.HasField("settings"),
        lambda frame: any(change.given for change in frame.changes)))


def test_states():
    assert Canvas((5, None, 7), 1, given=frozenset({0})).states == (GIVEN, OPEN, COMMITTED)
    names = CanvasMessage.PositionState.Name
    assert [names(state) for state in (OPEN, COMMITTED, GIVEN)] == [
        "POSITION_STATE_OPEN", "POSITION_STATE_COMMITTED", "POSITION_STATE_GIVEN"]


def test_the_way_to_a_revision_goes_by_its_parents():
    made = session(3)
    folded = canvases(recording(made))
    for revision in range(made.head + 1):
        assert folded.way(revision) == list(made.tree.way(revision))[::-1]


def test_a_revision_that_is_not_recorded():
    with pytest.raises(KeyError):
        canvases(recording(session(1))).at(1000)


def test_walking_a_comb_holds_few_canvases():
    """Every revision of a long line has a second child, so that each might be needed later."""
    recorded = Recording()
    recorded.session.canvas.tokens.append(MASK)
    recorded.session.canvas.states.append(OPEN)
    recorded.frames.add()
    for revision in range(1, 4001):
        recorded.frames.add(revision=revision, parent_revision=max(0, revision - 1 - revision % 2))
    held, most, seen = {}, 0, []
    children = {}
    for frame in recorded.frames[1:]:
        children[frame.parent_revision] = children.get(frame.parent_revision, 0) + 1

    def after(frame, before):
        nonlocal most
        seen.append(frame.revision)
        held[frame.parent_revision] -= 1
        if not held[frame.parent_revision]:
            del held[frame.parent_revision]
        if frame.revision in children:
            held[frame.revision] = children[frame.revision]
        most = max(most, len(held))
        return before

    held[0] = children[0]
    walk(recorded, after)
    assert sorted(seen) == list(range(1, 4001))
    assert most <= 13
