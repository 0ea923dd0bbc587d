"""A regular constraint on a canvas: exactly the tokens with a completion, and no dead end in any order."""

import itertools
import re

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from inference_service.sampling.constraints import automaton
from inference_service.sampling.constraints.classes import moves_of
from inference_service.sampling.constraints.compile import compiled
from inference_service.sampling.constraints.positions import Positions
from inference_service.sampling.constraints.spec import Progress, Spec
from inference_service.sampling.constraints.vocabulary import Vocabulary

# Tokens of several characters, two of the same text, parts of a character, one special, two that end.
PIECES = [b"a", b"b", b"c", b"ab", b"abc", b"ba", b"ca", b"a", "é".encode(), "é".encode()[:1], "é".encode()[1:],
          "bé".encode(), b"", b"", b""]
SPECIAL, EOT, EOS = 12, 13, 14
VOCABULARY = Vocabulary(PIECES, [EOT, EOS])

BASE = st.sampled_from(["a", "b", "c", "ab", "abc", "[ab]", "[^a]", ".", "é", "(?:a|ab)", ""])
REGEX = st.recursive(BASE, lambda inner: st.one_of(
    st.tuples(inner, inner).map("".join),
    st.tuples(inner, inner).map(lambda two: f"(?:{two[0]}|{two[1]})"),
    st.tuples(inner, st.sampled_from(["?", "*", "+", "*?", "{2}", "{1,3}", "{0,2}?"])).map(
        lambda two: f"(?:{two[0]}){two[1]}")), max_leaves=6)
QUICK = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def positions_of(regex, vocabulary=VOCABULARY):
    return Positions(moves_of(automaton.of_regex(regex), vocabulary), vocabulary)


def is_match(regex, canvas, vocabulary=VOCABULARY):
    """The definition, by Python's own engine: text up to the first end, then ends alone."""
    ends = [place for place, token in enumerate(canvas) if token in vocabulary.ends]
    first = ends[0] if ends else len(canvas)
    if any(token not in vocabulary.ends for token in canvas[first:]):
        return False
    try:
        text = b"".join(vocabulary.pieces[token] for token in canvas[:first]).decode()
    except UnicodeDecodeError:
        return False
    return re.fullmatch(regex, text) is not None


@QUICK
@given(REGEX, st.lists(st.one_of(st.none(), st.none(), st.sampled_from([0, 1, 2, 3, 5, 8, 9, EOT])), min_size=1,
                       max_size=3))
def test_allowed_is_exactly_what_has_a_completion(regex, canvas):
    usable = [token for token in range(len(PIECES)) if token != SPECIAL]
    found = positions_of(regex)
    full = [list(one) for one in itertools.product(*[usable if token is None else [token] for token in canvas])]
    matches = [one for one in full if is_match(regex, one)]
    assert found.feasible(canvas) == bool(matches)
    opened = [place for place, token in enumerate(canvas) if token is None]
    expected = torch.zeros(len(opened), len(PIECES), dtype=torch.bool)
    for row, place in enumerate(opened):
        expected[row, [one[place] for one in matches]] = True
    assert torch.equal(found.allowed(canvas, opened), expected)
    for row, place in enumerate(opened):
        assert [found.allows(canvas, place, token) for token in range(len(PIECES))] == expected[row].tolist()


@QUICK
@given(REGEX, st.integers(1, 12), st.randoms(use_true_random=False))
def test_any_order_and_any_allowed_token_end_in_a_match(regex, length, chance):
    found, canvas = positions_of(regex), [None] * length
    if not found.feasible(canvas):
        return
    for place in chance.sample(range(length), length):
        choices = found.allowed(canvas, [place])[0].nonzero().flatten().tolist()
        assert choices
        canvas[place] = chance.choice(choices)
        assert found.feasible(canvas)
    assert is_match(regex, canvas)
    assert found.progress(canvas) is Progress.COMPLETE


@QUICK
@given(st.lists(st.text("abcé", min_size=1, max_size=5), min_size=1, max_size=4, unique=True), st.integers(1, 4))
def test_a_choice_allows_each_of_its_texts_and_nothing_else(texts, length):
    found = compiled(Spec("choice", tuple(texts)), VOCABULARY).any_order()
    usable = [token for token in range(len(PIECES)) if token not in (SPECIAL, EOS, 7)]
    regex = "|".join(map(re.escape, texts))
    for canvas in itertools.product(usable, repeat=min(length, 3)):
        assert found.feasible(canvas) == is_match(regex, list(canvas))


def test_the_answer_does_not_depend_on_what_was_asked_before():
    regex, canvas = "(?:ab|c)*a?", [None] * 6
    shared = positions_of(regex)
    for place, token in ((3, 3), (0, 2), (5, EOT), (0, None), (3, 0), (5, 1), (1, 4)):
        canvas[place] = token
        opened = [i for i, one in enumerate(canvas) if one is None]
        assert torch.equal(shared.allowed(canvas, opened), positions_of(regex).allowed(canvas, opened))


def test_specials_are_never_allowed_and_are_no_part_of_the_text():
    found = positions_of("ab")
    assert not found.allowed([None, None], [0, 1])[:, SPECIAL].any()
    assert found.feasible([0, SPECIAL, 1])
    assert found.feasible([3, EOS, SPECIAL])
    assert not found.feasible([3, EOS, 1])


def test_a_vocabulary_without_an_end_fills_the_canvas():
    found = positions_of("(?:ab)+", Vocabulary(PIECES[:12], []))
    assert found.allowed([None, None], [1])[0].nonzero().flatten().tolist() == [1, 3]
    assert not positions_of("a", Vocabulary(PIECES[:12], [])).feasible([None, None])


@pytest.mark.parametrize(("canvas", "progress"), [
    ([None, None, None], Progress.INCOMPLETE),
    ([0, None, None], Progress.INCOMPLETE),
    ([3, None, None], Progress.MATCHED),
    ([3, None, 1], Progress.INCOMPLETE),
    ([3, EOT, None], Progress.COMPLETE),
    ([3, 3, 3], Progress.COMPLETE),
    ([2, None, None], Progress.VIOLATED),
    ([None, None, 0], Progress.VIOLATED),
])
def test_progress(canvas, progress):
    assert positions_of("(?:ab)+").progress(canvas) is progress


def test_free_text_of_many_characters_is_few_classes():
    moves = moves_of(automaton.of_regex(r"[^\x00-\x1f]{0,200}"), VOCABULARY)
    assert moves.by_state.shape[1] < 15
    found = Positions(moves, VOCABULARY)
    assert found.feasible([4] * 66 + [3, EOS])
    assert not found.feasible([4] * 67)
