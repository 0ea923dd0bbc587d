"""A grammar on a canvas: what is allowed can be completed, and there is always something allowed."""

import json

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from inference_service.sampling.constraints.compile import compiled
from inference_service.sampling.constraints.spec import Progress, Spec
from inference_service.sampling.constraints.vocabulary import Vocabulary

PIECES = [b"(", b")", b"x", b"+", b"((", b"))", b"(x", b"x)", b")+(", b"1", b"12", b"", b"", b""]
SPECIAL, EOT, EOS = 11, 12, 13
VOCABULARY = Vocabulary(PIECES, [EOT, EOS])
SUMS = 'start: sum\nsum: one ("+" one)*\none: "x" | NUMBER | "(" sum ")"\nNUMBER: /[0-9]+/\n'
GRAMMARS = [SUMS, 'start: "(" start ")" | "x"', 'start: "x" start "x" | "x"', 'start: ("(" ")")+ "x"?']
FOUND = [compiled(Spec("grammar", grammar), VOCABULARY).any_order() for grammar in GRAMMARS]


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.sampled_from(FOUND), st.integers(1, 10), st.randoms(use_true_random=False), st.booleans())
def test_never_a_dead_end(found, length, chance, with_logits):
    logits = None
    if with_logits:
        torch.manual_seed(chance.randrange(1000))
        logits = dict(enumerate(torch.randn(length, len(PIECES))))
    canvas = [None] * length
    witness = found.search(canvas, logits)
    if witness is None:
        return
    for place in chance.sample(range(length), length):
        wanted = chance.sample(range(len(PIECES)), 4)
        for token in [*wanted, witness[place]]:
            new = found.admit(canvas, place, token, witness, logits)
            if new is not None:
                break
        assert new is not None  # the last is the witness's own
        canvas[place] = token
        witness = new
        assert all(decided is None or decided == there for decided, there in zip(canvas, witness, strict=True))
        assert found.matches(witness)
    assert tuple(canvas) == witness


def balanced(tokens):
    """The second grammar by hand."""
    text = b"".join(PIECES[token] for token in tokens)
    half = len(text) // 2
    return text == b"(" * half + b"x" + b")" * half


def test_matches_is_the_definition():
    found = FOUND[1]
    for tokens in ([2], [6, 1], [0, 2, 1, EOS], [4, 2, 5, EOS, EOT], [0, 7], [4, 7]):
        text = [token for token in tokens if token < SPECIAL]
        assert found.matches(tokens) == balanced(text)
    assert not found.matches([2, EOS, 2])
    assert found.matches([0, SPECIAL, 7])


def test_the_search_finds_what_decided_positions_ask_for():
    found = FOUND[1]
    assert balanced(found.search([0, None, 1]))
    assert balanced(found.search([None, None, None, 5]))
    assert found.search([1, None, None]) is None
    assert found.search([None, EOS, None])[0] == 2
    assert found.search([None, EOT, 2]) is None


def test_the_model_is_asked_what_it_likes():
    logits = {place: torch.full((len(PIECES),), -9.0) for place in range(5)}
    for place, token in enumerate([9, 3, 10, EOS, EOS]):
        logits[place][token] = 9.0
    assert FOUND[0].search([None] * 5, logits) == (9, 3, 10, EOS, EOS)


def test_specials_are_refused_and_the_witnesss_own_token_never():
    found = FOUND[0]
    witness = found.search([None] * 4)
    assert found.admit([None] * 4, 1, SPECIAL, witness) is None
    assert all(found.admit([None] * 4, place, token, witness) == witness for place, token in enumerate(witness))


def test_a_vocabulary_without_an_end_fills_the_canvas():
    found = compiled(Spec("grammar", GRAMMARS[1]), Vocabulary(PIECES[:11], [])).any_order()
    witness = found.search([None] * 4)
    assert len(witness) == 4 and balanced(witness)


@pytest.mark.parametrize(("canvas", "progress"), [
    ([None, None], Progress.INCOMPLETE), ([2, None, None], Progress.MATCHED), ([2, None, 2], Progress.INCOMPLETE),
    ([2, EOS, None], Progress.COMPLETE), ([2, EOS, 2], Progress.VIOLATED), ([1, None], Progress.VIOLATED),
    ([0, 2, 1], Progress.COMPLETE), ([0, 2], Progress.VIOLATED), ([0, EOS], Progress.VIOLATED),
])
def test_progress(canvas, progress):
    assert FOUND[0].progress(canvas) is progress


def test_a_schema_that_is_not_regular_is_json_all_the_same():
    letters = ['"', "a", "ab", "b", "c", '"aa', "[", "]", ", "]
    vocabulary = Vocabulary([*(letter.encode() for letter in letters), b""], [len(letters)])
    schema = {"type": "array", "items": {"type": "string", "pattern": "^a+b$"}, "minItems": 1}
    found = compiled(Spec("json_schema", json.dumps(schema)), vocabulary).any_order()
    canvas = [None] * 12
    canvas[6] = 3
    witness = found.search(canvas)
    assert json.loads("".join(letters[token] for token in witness if token < len(letters)))
