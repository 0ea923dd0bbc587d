"""Holes and words at positions: a part of a text has the tokens that it has within the whole."""

import pytest
from made_tokenizers import MADE, PREFIXING

from inference_service.models.cutting import cut
from inference_service.models.text import Text


def shown(text: Text, ids):
    """The bytes of all tokens, with _ for each position of a hole."""
    return "".join("_" if id is None else text.token(id).text for id in ids)


@pytest.mark.parametrize("name", PREFIXING)
def test_a_tokenizer_that_puts_a_space_before_a_text_puts_one_before_the_whole_of_it(made, name):
    text = made(name)
    ids = text.encode_with_holes("Tom saw [[mask:3]] kite upon[[mask]] the hill", 9, "text")
    whole = text.encode("Tom saw kite upon the hill")
    assert [id for id in ids if id is not None] == whole
    assert shown(text, ids).strip() == "Tom saw___ kite upon_ the hill"


@pytest.mark.parametrize("name", [*PREFIXING, "byte-level", "metaspace, never"])
def test_a_hole_within_a_word_leaves_two_parts_without_a_space(made, name):
    text = made(name)
    assert shown(text, text.encode_with_holes("a ki[[mask]]te", 9, "text")).strip() == "a ki_te"
    assert shown(text, text.encode_with_holes("a ki[[mask]]t[[mask:2]]e", 9, "text")).strip() == "a ki_t__e"


@pytest.mark.parametrize("name", [*PREFIXING, "byte-level", "metaspace, never"])
def test_what_follows_a_hole_at_the_beginning_is_no_beginning(made, name):
    text = made(name)
    assert shown(text, text.encode_with_holes("[[mask]] kite[[mask]]", 9, "text")) == "_ kite_"
    assert shown(text, text.encode_with_holes("[[mask]]kite", 9, "text")) == "_kite"
    assert text.encode_with_holes("[[mask:3]]", 9, "text") == [None] * 3


@pytest.mark.parametrize("name", [*PREFIXING, "byte-level", "metaspace, never"])
def test_a_word_within_a_text_is_as_it_is_written(made, name):
    text = made(name)
    assert [shown(text, text.encode(word, within=True)) for word in (" upon", "upon", " the hill")] == [
        " upon", "upon", " the hill"]


def test_a_piece_of_a_word_is_one(made):
    """Where a tokenizer marks what goes on within a word."""
    text = made("wordpiece between spaces")
    names = [text._tokenizer.convert_ids_to_tokens(id) for id in text.encode_with_holes("ki[[mask]]te kite", 9, "text")
             if id is not None]
    assert names == ["ki", "##te", "kite"]


@pytest.mark.parametrize("name", ["byte-level", "byte-level, words whole", "metaspace, never", "wordpiece"])
def test_where_nothing_is_put_before_a_text_each_part_is_encoded_as_it_stands(made, name):
    text = made(name)
    ids = text.encode_with_holes("Tom saw[[mask:2]]te  kite[[mask]]\n", 9, "text")
    assert ids == [*text.encode("Tom saw"), None, None, *text.encode("te  kite"), None, *text.encode("\n")]


@pytest.mark.parametrize("name", MADE)
def test_what_the_checkpoint_adds_to_raw_text_is_what_the_library_adds(made, name):
    text = made(name)
    before, behind = text.added
    for content in ("Tom saw a kite", "", " a"):
        assert [*before, *text.encode(content), *behind] == text._tokenizer(content)["input_ids"]


def test_ids_are_cut_where_tokens_end():
    ids, offsets = [5, 6, 7], [(0, 2), (2, 5), (5, 6)]
    assert cut(ids, offsets, [0, 2, 5, 6]) == [[5], [6], [7]]
    assert cut(ids, offsets, [0, 3, 6]) == [None, None]
    assert cut(ids, offsets, [2, 2, 6]) == [[], [6, 7]]
    assert cut(ids, [(0, 2), (3, 5), (5, 6)], [0, 3, 5, 6]) == [None, None, [7]], "a space left out of the offsets"
    assert cut([], [], [0, 3]) == [[]]
