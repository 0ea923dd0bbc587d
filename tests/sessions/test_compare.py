"""How two canvases differ: by example, and against brute force on canvases that came from one."""

from difflib import SequenceMatcher

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inference_service.sessions.compare import MOST_PAIRS, Span, by_position, by_token, compare
from inference_service.sessions.frame import Splice
from unmask.frames import carried

TOKENS = st.none() | st.integers(0, 3)


def spans(found):
    return [(span.equal, span.position, span.count, span.other_position, span.other_count) for span in found.spans]


def check(found, one, other):
    """Both canvases in order, every position once; runs that agree agree, and no two neighbours are of a kind."""
    at = other_at = 0
    for span in found.spans:
        assert (span.position, span.other_position) == (at, other_at)
        assert span.count or span.other_count
        if span.equal:
            assert span.count == span.other_count
            assert one[at:at + span.count] == other[other_at:other_at + span.other_count]
        at, other_at = at + span.count, other_at + span.other_count
    assert (at, other_at) == (len(one), len(other))
    assert all(left.equal != right.equal for left, right in zip(found.spans, found.spans[1:], strict=False))
    assert found.equal_count == sum(span.count for span in found.spans if span.equal)


def pairs_of(found):
    return {(span.position + i, span.other_position + i) for span in found.spans if span.equal
            for i in range(span.count)}


def mirrored(found):
    return [Span(span.equal, span.other_position, span.other_count, span.position, span.count) for span in found.spans]


# ---- by example ----

def test_the_same_canvas_is_one_run():
    found = compare([1, None, 2], [1, None, 2], by_position(3), by_position(3))
    assert spans(found) == [(True, 0, 3, 0, 3)]
    assert (found.exact, found.equal_count) == (True, 3)


@pytest.mark.parametrize("sources", [by_position, by_token])
def test_nothing_has_no_runs(sources):
    found = compare([], [], sources(0), sources(0))
    assert (found.spans, found.exact, found.equal_count) == ((), True, 0)
    for one, other in (([], [1, None]), ([1, None], [])):
        found = compare(one, other, sources(len(one)), sources(len(other)))
        assert spans(found) == [(False, 0, len(one), 0, len(other))]
        assert found.exact


def test_canvases_that_share_nothing_are_one_run():
    for sources in (by_position, by_token):
        found = compare([1, 2], [3, 4], sources(2), sources(2))
        assert spans(found) == [(False, 0, 2, 0, 2)]
    found = compare([1, 2, 3], [4, 5], by_token(3), by_token(2))
    assert spans(found) == [(False, 0, 3, 0, 2)]


def test_changed_tokens_stand_where_they_stood():
    found = compare([1, 2, 3, 4], [1, 9, 8, 4], by_position(4), by_position(4))
    assert spans(found) == [(True, 0, 1, 0, 1), (False, 1, 2, 1, 2), (True, 3, 1, 3, 1)]
    assert found.exact


def test_what_was_put_in_on_one_side_is_told_exactly():
    found = compare([1, 2, 3], [1, 2, 2, 3], by_position(3), [0, None, 1, 2])
    assert spans(found) == [(True, 0, 1, 0, 1), (False, 1, 0, 1, 1), (True, 1, 2, 2, 2)]
    assert found.exact, "the first of two twos is the new one"


def test_what_was_taken_out_on_one_side_is_told_exactly():
    found = compare([1, 2, 2, 3], [1, 2, 3], by_position(4), [0, 2, 3])
    assert spans(found) == [(True, 0, 1, 0, 1), (False, 1, 1, 1, 0), (True, 2, 2, 1, 2)]
    assert found.exact


@pytest.mark.parametrize("new", [[5], [2, 2], [2, 3, 9]])
def test_what_was_put_in_the_place_of_something_on_one_side_is_told_exactly(new):
    """Though tokens happen to be the same: they are other positions."""
    found = compare([1, 2, 3, 4], [1, *new, 4], by_position(4), [0, *[None] * len(new), 3])
    assert spans(found) == [(True, 0, 1, 0, 1), (False, 1, 2, 1, len(new)), (True, 3, 1, len(new) + 1, 1)]
    assert found.exact


def test_what_was_taken_out_on_both_sides_is_told_exactly():
    found = compare([1, 2, 4], [1, 3, 4], [0, 1, 3], [0, 2, 3])
    assert spans(found) == [(True, 0, 1, 0, 1), (False, 1, 1, 1, 1), (True, 2, 1, 2, 1)]
    assert found.exact


def test_what_was_put_in_on_both_sides_at_one_place_is_a_guess():
    one, other = [1, 5, 6, 2], [1, 6, 7, 2]
    found = compare(one, other, [0, None, None, 1], [0, None, None, 1])
    assert not found.exact
    assert pairs_of(found) == {(0, 0), (3, 3)}, "as many on both sides: by position"
    found = compare(one, [1, 6, 2], [0, None, None, 1], [0, None, 1])
    assert not found.exact
    assert pairs_of(found) == {(0, 0), (2, 1), (3, 2)}, "by token"


def test_put_in_on_both_sides_at_other_places_is_exact():
    found = compare([5, 1, 2], [1, 2, 5], [None, 0, 1], [0, 1, None])
    assert found.exact
    assert pairs_of(found) == {(1, 0), (2, 1)}


def test_canvases_of_two_sessions_of_other_lengths_are_paired_by_token():
    one, other = [1, 2, 3, None, None], [9, 1, 2, None]
    found = compare(one, other, by_token(5), by_token(4))
    check(found, one, other)
    assert not found.exact
    assert {(0, 1), (1, 2)} <= pairs_of(found)


# ---- brute force ----

@st.composite
def branches(draw, most=3):
    """A canvas that came from one of some size: its tokens, its sources, and whether positions came or went."""
    size = draw(st.shared(st.integers(0, 8), key="size"))
    common = draw(st.shared(st.lists(TOKENS, min_size=8, max_size=8), key="common"))[:size]
    sources = list(range(size))
    for _ in range(draw(st.integers(0, most))):
        at = draw(st.integers(0, len(sources)))
        removed = draw(st.integers(0, min(3, len(sources) - at)))
        sources = carried(sources, [Splice(at, removed, draw(st.integers(0, 3)))])
    tokens = [draw(TOKENS) if source is None or draw(st.integers(0, 3)) == 0 else common[source] for source in sources]
    return tokens, sources


def same_places(one, other, sources, other_sources):
    """Every pair of one source with the same token, by trying all."""
    return {(left, right) for left, source in enumerate(sources) for right, other_source in enumerate(other_sources)
            if source is not None and source == other_source and one[left] == other[right]}


def gaps(sources, other_sources):
    """What lies between two shared positions: the sources on both sides."""
    shared = [source for source in sources if source is not None and source in other_sources]
    left = right = 0
    for source in [*shared, None]:
        end = sources.index(source) if source is not None else len(sources)
        other_end = other_sources.index(source) if source is not None else len(other_sources)
        yield sources[left:end], other_sources[right:other_end]
        left, right = end + 1, other_end + 1


@settings(max_examples=500, deadline=None)
@given(one=branches(), other=branches())
def test_any_two_branches_of_one_canvas(one, other):
    (tokens, sources), (other_tokens, other_sources) = one, other
    found = compare(tokens, other_tokens, sources, other_sources)
    check(found, tokens, other_tokens)
    certain = same_places(tokens, other_tokens, sources, other_sources)
    guessed = any(None in left and None in right for left, right in gaps(sources, other_sources))
    assert found.exact == (not guessed)
    if found.exact:
        assert pairs_of(found) == certain
    else:
        assert certain <= pairs_of(found)
        for left, right in pairs_of(found) - certain:
            assert sources[left] not in other_sources or sources[left] is None
            assert other_sources[right] not in sources or other_sources[right] is None
    back = compare(other_tokens, tokens, other_sources, sources)
    assert back.exact == found.exact
    if found.exact:
        assert mirrored(back) == list(found.spans)


@settings(max_examples=200, deadline=None)
@given(one=branches(most=0), other=branches())
def test_a_canvas_and_what_came_of_it_are_always_compared_exactly(one, other):
    """Positions were put in and taken out on one side only."""
    (tokens, sources), (other_tokens, other_sources) = one, other
    found = compare(tokens, other_tokens, sources, other_sources)
    check(found, tokens, other_tokens)
    assert found.exact
    assert pairs_of(found) == same_places(tokens, other_tokens, sources, other_sources)


@settings(max_examples=200, deadline=None)
@given(one=st.lists(TOKENS, max_size=8), other=st.lists(TOKENS, max_size=8))
def test_any_two_canvases_of_two_sessions(one, other):
    by = by_position if len(one) == len(other) else by_token
    found = compare(one, other, by(len(one)), by(len(other)))
    check(found, one, other)
    if len(one) == len(other):
        assert found.exact
        assert found.equal_count == sum(left == right for left, right in zip(one, other, strict=True))
    elif one and other:
        assert not found.exact
        assert bool(found.equal_count) == bool(set(one) & set(other)), "what could be paired at all was"


def test_stretches_that_are_hard_to_pair_take_bounded_work(monkeypatch):
    """Every position is like every second one of the other: pairing the best first is cubic."""
    one, other = [1] * 2000, [1, 2] * 1000 + [3]
    looked = []
    find = SequenceMatcher.find_longest_match

    def counted(matcher, begin, end, *others):
        looked.append(sum(len(matcher.b2j[token]) for token in matcher.a[begin:end] if token in matcher.b2j))
        return find(matcher, begin, end, *others)

    monkeypatch.setattr(SequenceMatcher, "find_longest_match", counted)
    found = compare(one, other, by_token(len(one)), by_token(len(other)))
    assert sum(looked) <= MOST_PAIRS
    assert sum(span.count for span in found.spans) == 2000
    assert sum(span.other_count for span in found.spans) == 2001
    assert 0 < found.equal_count <= 1000 and not found.exact
