"""Templates and tokenizers made to hurt: a typed error that names the field, or a checkpoint that is refused."""

import json

import pytest

from inference_service.embedded import EMBEDDED_FOLDER
from inference_service.errors import DataLoss, InvalidField
from inference_service.models import rules
from inference_service.models.text import Text
from tests.models.tiny_checkpoints import write_tokenizer

ASKED = [{"role": "user", "content": "hi"}]

TEMPLATES = {
    "two loops of 100,000": "{% for a in range(100000) %}{% for b in range(100000) %}{% endfor %}{% endfor %}",
    "a wide number": "{{ '%999999999d' % 1 }}",
    "a text many times": "{{ 'a' * 10**9 }}",
    "a list many times": "{{ [1] * 10**9 }}",
    "a power of a power": "{{ 9 ** (9 ** 9) }}",
    "a macro that calls itself": "{% macro m() %}{{ m() }}{{ m() }}{% endmacro %}{{ m() }}",
    "a text that doubles": "{% set n = namespace(t='ab') %}{% for i in range(60) %}{% set n.t = n.t + n.t %}"
                           "{% endfor %}{{ n.t }}",
    "a range out of range": "{{ range(10**9) | list }}",
    "a long indent": "{{ 'a' | indent(10**9, true) }}",
    "a text in the middle of nothing": "{{ 'a' | center(10**9) }}",
    "many parentheses": "{{ " + "(" * 5000 + "1" + ")" * 5000 + " }}",
    "a division by zero": "{{ 1 // 0 }}",
    "no template": "{% for",
    "what is not there": "{{ messages.nothing.at.all }}",
}


@pytest.mark.timeout(300)
@pytest.mark.parametrize("name", TEMPLATES)
def test_a_template_made_to_hurt_names_the_messages(tmp_path, name):
    text = Text.read(write_tokenizer(tmp_path, template=TEMPLATES[name]))
    with pytest.raises(InvalidField) as refused:
        text.render(ASKED)
    assert refused.value.field == "messages"
    assert refused.value.reason in ("INVALID_FIELD", "TEMPLATE_TOO_COMPLEX")


def test_a_template_that_takes_too_long_says_which_limit_it_met(tmp_path):
    text = Text.read(write_tokenizer(tmp_path, template=TEMPLATES["two loops of 100,000"]))
    with pytest.raises(InvalidField) as refused:
        text.render(ASKED)
    assert refused.value.reason == "TEMPLATE_TOO_COMPLEX" and refused.value.metadata == {"limit": "time"}


def tokenizer(folder, **changes):
    """A tokenizer with some of its rules exchanged."""
    file = write_tokenizer(folder) / "tokenizer.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | changes))
    return folder


def split(pattern):
    return {"type": "Split", "pattern": {"Regex": pattern}, "behavior": "Isolated", "invert": False}


def replaced(pattern, content):
    return {"type": "Replace", "pattern": pattern, "content": content}


UNSAFE = {
    "a pattern that backtracks": {"pre_tokenizer": split("(a+)+$")},
    "a pattern that looks back": {"pre_tokenizer": split(r"(a|a)*\1b")},
    "a replacement that backtracks": {"normalizer": replaced({"Regex": "(a+)+$"}, "b")},
    "a replacement that multiplies": {"normalizer": replaced({"String": "a"}, "a" * 1_000_000)},
    "replacements that double": {"normalizer": {"type": "Sequence", "normalizers": [
        replaced({"String": "a"}, "aa")] * 40}},
    "a template that repeats": {"post_processor": {"type": "TemplateProcessing", "single": [
        {"Sequence": {"id": "A", "type_id": 0}}] * 100_000, "pair": [], "special_tokens": {}}},
}


@pytest.mark.timeout(300)
@pytest.mark.parametrize("name", UNSAFE)
def test_a_text_by_rules_made_to_hurt_is_refused_by_its_field_or_taken(tmp_path, name):
    text = Text.read(tokenizer(tmp_path, **UNSAFE[name]))
    assert not text._encodes_safely
    try:
        text.encode("a" * 64 + "!", "prompt.text")
    except InvalidField as refused:
        assert refused.field == "prompt.text"


def test_a_pattern_that_backtracks_ends_by_its_limit(tmp_path):
    text = Text.read(tokenizer(tmp_path, pre_tokenizer=split("(a+)+$")))
    with pytest.raises(InvalidField) as refused:
        text.encode("a" * 64 + "!", "prompt.text")
    assert (refused.value.field, refused.value.reason) == ("prompt.text", "TOKENIZER_TOO_COMPLEX")


def test_rules_of_ones_own_that_do_no_harm_give_the_same_ids(tmp_path):
    """In the child what the other way gives in this process."""
    for folder in ("plain", "other"):
        (tmp_path / folder).mkdir()
    plain = Text.read(write_tokenizer(tmp_path / "plain"))
    other = Text.read(tokenizer(tmp_path / "other", normalizer=replaced({"Regex": "zzzz+"}, "z")))
    assert plain._encodes_safely and not other._encodes_safely
    for written in ("", "a<|mdm_mask|>b", "  spaces \n and . marks", "ä漢😀"):
        assert other.encode(written) == plain.encode(written)
    holed = "a [[mask:2]]b[[mask]]"
    assert other.encode_with_holes(holed, 9, "text") == plain.encode_with_holes(holed, 9, "text")
    assert other.encode_with_holes("[[mask]]", 9, "text") == [None]


def test_what_a_decoder_multiplies_is_left_out_of_what_is_shown(tmp_path):
    decoders = [{"type": "ByteLevel", "add_prefix_space": True, "trim_offsets": True, "use_regex": True},
                replaced({"Regex": "(a+)+$"}, "b")]
    text = Text.read(tokenizer(tmp_path, decoder={"type": "Sequence", "decoders": decoders}))
    assert not rules.decodes_safely(json.loads((tmp_path / "tokenizer.json").read_text()))
    assert text.decode(text.encode("a" * 64 + "!")) == "a" * 64 + "!"


@pytest.mark.parametrize("content", ["", "{", "[" * 100_000, '{"model": 1}', "null"])
def test_a_file_that_is_no_tokenizer_is_refused(tmp_path, content):
    (write_tokenizer(tmp_path) / "tokenizer.json").write_text(content)
    with pytest.raises(DataLoss) as refused:
        Text.read(tmp_path)
    assert refused.value.reason == "UNREADABLE_TOKENIZER" and str(tmp_path) not in str(refused.value)


def test_the_rules_of_what_ships_are_safe():
    told = json.loads((EMBEDDED_FOLDER / "tokenizer.json").read_text())
    assert rules.encodes_safely(told) and rules.decodes_safely(told)
