"""What may come next in a text written from left to right."""

import json
import threading

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers import PreTrainedTokenizerFast

from inference_service.embedded import EMBEDDED_FOLDER
from inference_service.models.text import Text
from inference_service.sampling.constraints.compile import compiled
from inference_service.sampling.constraints.spec import ConstraintError, Progress, Spec
from inference_service.sampling.constraints.vocabulary import Vocabulary

PIECES = [b"a", b"b", b"ab", b"abb", b"", b"", b""]
SPECIAL, EOT, EOS = 4, 5, 6
VOCABULARY = Vocabulary(PIECES, [EOT, EOS])


def prefixes(regex, vocabulary=VOCABULARY):
    return compiled(Spec("regex", regex), vocabulary).prefixes


def names(prefix):
    return prefix.allowed.nonzero().flatten().tolist()


def test_allowed_and_progress_along_a_text():
    found = prefixes("a(?:bb)?")
    for tokens, allowed, progress in [
        ([], [0, 2, 3], Progress.INCOMPLETE),
        ([0], [1, EOT, EOS], Progress.MATCHED),
        ([0, SPECIAL, 1], [1], Progress.INCOMPLETE),
        ([3], [EOT, EOS], Progress.COMPLETE),
        ([3, EOS], [EOT, EOS], Progress.COMPLETE),
        ([3, EOS, 1], [EOT, EOS], Progress.COMPLETE),
        ([0, 1, EOT], [], Progress.VIOLATED),
        ([1], [], Progress.VIOLATED),
        ([0, 1, 1, 1], [], Progress.VIOLATED),
    ]:
        after = found.after(tokens)
        assert (names(after), after.progress) == (allowed, progress), tokens


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(["x", "y"]), st.lists(st.integers(0, 3), max_size=8)), max_size=8))
def test_a_moved_matcher_says_what_a_new_one_says(walk):
    shared = prefixes("(?:ab|a|bb)*")
    for key, tokens in walk:
        there, new = shared.after(tokens, key), prefixes("(?:ab|a|bb)*").after(tokens)
        assert (names(there), there.progress) == (names(new), new.progress)


def test_fits_counts_what_a_person_may_put_there():
    found = prefixes("a(?:bb)?")
    assert found.fits([0, 1, 1, EOS, EOT]) == 5
    assert found.fits([0, 1, EOS]) == 2
    assert found.fits([0, SPECIAL]) == 1
    assert found.fits([3, EOS, 0]) == 2
    assert found.fits([1, EOS], before=[0, 1]) == 2
    assert found.fits([0], before=[1]) == 0
    assert found.fits([EOS], before=[3, EOT]) == 1


def test_a_model_without_an_end_is_told_that_it_is_complete():
    found = prefixes("ab", Vocabulary(PIECES[:5], []))
    assert names(found.after([])) == [0, 2]
    after = found.after([2])
    assert (names(after), after.progress) == ([], Progress.COMPLETE)


def test_a_text_that_the_vocabulary_cannot_finish_is_violated():
    after = prefixes("abc").after([2])
    assert (names(after), after.progress) == ([], Progress.VIOLATED)


def test_a_limit_on_the_way_is_an_error_and_not_a_wrong_answer():
    found = prefixes("(?:a{1,1000}){1,1000}b")
    with pytest.raises(ConstraintError, match="too complex"):
        for length in range(0, 3000, 50):
            found.after([0] * length)
    assert names(found.after([])) == [0, 2]


def test_threads_can_share_it():
    found, wrong = prefixes("(?:ab)*"), []

    def walk(key):
        for length in (0, 5, 2, 9, 1, 30, 3):
            for tokens in ([2] * length, [2] * length + [0]):
                expected = [1] if tokens[length:] else [0, 2, EOT, EOS]
                if names(found.after(tokens, key)) != expected:
                    wrong.append((key, tokens))

    threads = [threading.Thread(target=walk, args=(number % 3,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


@pytest.fixture(scope="module")
def tokenizer():
    return PreTrainedTokenizerFast.from_pretrained(EMBEDDED_FOLDER)


def test_a_tokenizers_vocabulary_is_what_the_page_shows(tokenizer):
    text, width = Text(tokenizer), len(tokenizer)
    vocabulary = Vocabulary(Text(tokenizer).vocabulary(width + 8), [tokenizer.eos_token_id])
    shown = [text.token(id) for id in range(width)]
    assert list(vocabulary.pieces[:width]) == [b"" if piece.special else piece.bytes for piece in shown]
    assert not any(vocabulary.pieces[width:])
    assert vocabulary.is_special(tokenizer.eos_token_id)


def test_a_schema_on_a_real_tokenizer(tokenizer):
    eos = tokenizer.eos_token_id
    vocabulary = Vocabulary(Text(tokenizer).vocabulary(len(tokenizer)), [eos])
    schema = {"type": "object", "properties": {"name": {"type": "string"}, "age": {"type": "integer"}},
              "required": ["name", "age"]}
    found = compiled(Spec("json_schema", json.dumps(schema)), vocabulary)
    for text, right in (('{"name": "Tom", "age": 7}', True), ('{"name":"Tom","age":7}', False),
                        ('{"name": "Tom", "age": 7, "x": 1}', False), ('{"name": "Tom"}', False)):
        tokens = [*Text(tokenizer).encode(text), eos]
        assert (found.prefixes.fits(tokens) == len(tokens)) == right
        assert found.any_order().feasible([*tokens, eos, None]) == right
