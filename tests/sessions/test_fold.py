"""The rule of how a canvas follows from its parent's, case by case, with the canvases worked out by hand."""

from collections import namedtuple

import pytest

from unmask.frames import Canvas, Cause, carried, fold
from unmask.v1 import frame_pb2

Splice = namedtuple("Splice", "position removed inserted")
Change = namedtuple("Change", "position token given", defaults=(False,))
BEGUN = Canvas((1, 2, None, 10, 11, None), 3, frozenset({0, 1}), frozenset({3}), frozenset({4}))


def canvas(tokens, prompt_length=3, given=(0, 1), by_hand=(3,), protected=(4,)):
    return Canvas(tuple(tokens), prompt_length, frozenset(given), frozenset(by_hand), frozenset(protected))


@pytest.mark.parametrize("splices, changes, by_hand, more, after", [
    ((), (), True, {}, BEGUN),
    ((), [Change(3, 12), Change(5, 13)], False, {}, canvas((1, 2, None, 12, 11, 13), by_hand=())),
    ((), [Change(3, None)], False, {}, canvas((1, 2, None, None, 11, None), by_hand=())),
    ((), [Change(3, 10), Change(5, 13)], True, {}, canvas((1, 2, None, 10, 11, 13), by_hand=(3, 5))),
    ((), [Change(3, None), Change(4, None)], True, {},
     canvas((1, 2, None, None, None, None), by_hand=(), protected=())),
    ((), [Change(4, 12)], True, {}, canvas((1, 2, None, 10, 12, None), by_hand=(3, 4))),
    ((), [Change(0, 5), Change(2, 6, True), Change(3, 7, True)], True, {},
     canvas((5, 2, 6, 7, 11, None), given=(1, 2, 3), by_hand=(0,))),
    ((), [Change(0, None)], True, {}, canvas((None, 2, None, 10, 11, None), given=(1,))),
    ([Splice(1, 1, 0)], (), True, {}, canvas((1, None, 10, 11, None), 2, (0,), (2,), (3,))),
    ([Splice(0, 0, 2)], (), True, {}, canvas((None, None, 1, 2, None, 10, 11, None), 5, (2, 3), (5,), (6,))),
    ([Splice(2, 2, 1)], (), True, {}, canvas((1, 2, None, 11, None), by_hand=(), protected=(3,))),
    ([Splice(3, 0, 1)], (), True, {}, canvas((1, 2, None, None, 10, 11, None), by_hand=(4,), protected=(5,))),
    ([Splice(0, 1, 0), Splice(3, 1, 2)], [Change(3, 12)], True, {},
     canvas((2, None, 10, 12, None, None), 2, (0,), (2, 3), ())),
    ((), [Change(5, 13)], True, {"prompt_length": 5}, canvas((1, 2, None, 10, 11, 13), 5, (0, 1, 3, 4), (5,))),
    ((), (), True, {"unprotected": [3, 4]}, canvas(BEGUN.tokens, by_hand=(), protected=())),
    ((), (), True, {"protected": [3], "unprotected": [3]}, canvas(BEGUN.tokens, by_hand=(), protected=(3, 4))),
], ids=["nothing", "a step writes over what was chosen", "a step opens", "a choice confirms and decides",
        "a choice opens", "a choice of what is protected", "given and not any more", "what was given is opened",
        "out of the prompt", "into the prompt", "across the prompt's end", "behind the prompt's end",
        "splices one after the other, then changes", "a turn", "protected no more", "chosen before, protected now"])
def test_a_frame(splices, changes, by_hand, more, after):
    assert fold(BEGUN, splices, changes, by_hand, **more) == after


def test_a_change_beyond_the_canvas():
    with pytest.raises(IndexError):
        fold(BEGUN, (), [Change(6, 1)], False)


def test_what_splices_carry():
    assert carried(range(5), [Splice(1, 2, 1), Splice(3, 0, 2)]) == [0, None, 3, None, None, 4]


def test_causes_are_the_apis():
    assert {f"CAUSE_{cause.name}": cause.value for cause in Cause} == {
        name: number for name, number in frame_pb2.Cause.items() if number}
    assert [cause for cause in Cause if cause.by_hand] == [Cause.SELECT, Cause.EDIT]
