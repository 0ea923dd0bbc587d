"""Text to ids and back, whole and in pieces."""

import made_tokenizers
import pytest
from tiny_checkpoints import TEMPLATE, write_checkpoint, write_tokenizer

from inference_service import errors
from inference_service.engine.decoding import decode, together
from inference_service.models.loading import load
from inference_service.models.pieces import Spelling
from inference_service.models.text import Text
from inference_service.sessions.frame import Settings

BYTE_LEVEL = {"type": "ByteLevel"}
SENTENCEPIECE = {
    "type": "Sequence",
    "decoders": [
        {"type": "Replace", "pattern": {"String": "\u2581"}, "content": " "},
        {"type": "ByteFallback"},
        {"type": "Fuse"},
    ],
}


@pytest.fixture
def text(tmp_path):
    return Text.read(write_tokenizer(tmp_path))


def test_there_and_back(text):
    for written in ("", "plain", "  spaces \n\n kept ,  and . marks", "\u00e4\u6f22\U0001f600"):
        assert text.decode(text.encode(written)) == written


def test_nothing_is_added_and_names_of_special_tokens_count(text):
    ids = text.encode("a<|mdm_mask|>b")
    assert len(ids) == 3 and ids[1] == text.id_of("<|mdm_mask|>")
    assert text.decode(ids) == "ab"


def test_pieces_hold_exact_bytes(text):
    ids = text.encode("\u6f22 a")
    pieces = [text.token(id) for id in ids]
    assert b"".join(piece.bytes for piece in pieces) == "\u6f22 a".encode()
    assert [piece.text for piece in pieces] == ["\ufffd", "\ufffd", "\ufffd", " ", "a"]
    assert not any(piece.special for piece in pieces)


def test_every_byte_has_its_piece(text):
    assert {text.token(id).bytes for id in range(256)} == {bytes([byte]) for byte in range(256)}


def test_special_tokens_have_a_name_and_no_bytes(text):
    piece = text.token(text.id_of("<|eot_id|>"))
    assert (piece.text, piece.bytes, piece.special) == ("<|eot_id|>", b"", True)


def test_ids_beyond_the_vocabulary(text):
    assert text.token(9999).special and text.token(9999).bytes == b""
    assert text.decode([9999, *text.encode("a")]) == "a"
    for call in (lambda: text.token(-1), lambda: text.decode([-1])):
        with pytest.raises(errors.InvalidField):
            call()


@pytest.mark.parametrize(
    ("name", "decoder", "content"),
    [
        ("\u0120the", BYTE_LEVEL, b" the"),
        ("\u0120the", {"type": "Sequence", "decoders": [BYTE_LEVEL]}, b" the"),
        ("\u00e2\u0124", BYTE_LEVEL, b"\xe2\x82"),
        ("\u6f22", BYTE_LEVEL, "\u6f22".encode()),
        ("\u2581the", SENTENCEPIECE, b" the"),
        ("<0xE4>", SENTENCEPIECE, b"\xe4"),
        ("\u2581the", {"type": "Metaspace", "replacement": "\u2581"}, b" the"),
        ("##ing", {"type": "WordPiece", "prefix": "##"}, b"ing"),
        ("sing", {"type": "WordPiece", "prefix": "##"}, b" sing"),
        ("word", None, b"word"),
        ("<0xE4>", BYTE_LEVEL, b"<0xE4>"),
        ("<0xZZ>", SENTENCEPIECE, b"<0xZZ>"),
        (".", {"type": "WordPiece", "prefix": "##", "cleanup": True}, b"."),
        (".", {"type": "WordPiece", "prefix": "##", "cleanup": False}, b" ."),
        ("the</w>", {"type": "BPEDecoder", "suffix": "</w>"}, b"the "),
        ("\u00e9", {"type": "BPEDecoder", "suffix": ""}, "\u00e9".encode()),
        ("\u00e9", {"type": "CTC", "pad_token": "", "word_delimiter_token": "", "cleanup": True}, "\u00e9".encode()),
        ("|", {"type": "CTC", "pad_token": "<pad>", "word_delimiter_token": "|", "cleanup": True}, b" "),
        ("<pad>", {"type": "CTC", "pad_token": "<pad>", "word_delimiter_token": "|", "cleanup": True}, b""),
        ("  two", {"type": "Strip", "content": " ", "start": 1, "stop": 0}, b" two"),
        ("two  ", {"type": "Strip", "content": " ", "start": 0, "stop": 5}, b"two"),
    ],
)
def test_bytes_of_vocabularies_of_all_kinds(name, decoder, content):
    assert Spelling({"decoder": decoder}).piece(name).bytes == content


def test_chat_follows_the_template(text):
    ids = text.chat([{"role": "user", "content": "hi"}])
    start, end, eot = (text.id_of(f"<|{name}|>") for name in ("start_header_id", "end_header_id", "eot_id"))
    assert ids == [
        start, *text.encode("user"), end, *text.encode("hi"), eot, start, *text.encode("assistant"), end,
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("messages", "told"),
    [
        ([], "at least one"),
        ([{"role": "user"}], "content"),
        ([{"content": "hi"}], "role"),
        ([{"role": "oracle", "content": "hi"}], "roles are user and assistant"),
        ([{"role": "system", "content": "be kind"}, {"role": "user", "content": "hi"}], "system"),
    ],
)
def test_messages_the_template_cannot_take(text, messages, told):
    with pytest.raises(errors.InvalidField, match=told):
        text.chat(messages)


def test_no_template(tmp_path):
    text = Text.read(write_tokenizer(tmp_path, template=None))
    assert not text.has_chat_template
    with pytest.raises(errors.FailedPrecondition) as caught:
        text.chat([{"role": "user", "content": "hi"}])
    assert caught.value.reason == "NO_CHAT_TEMPLATE"


def test_a_template_in_its_own_file(tmp_path):
    write_tokenizer(tmp_path, template=None)
    (tmp_path / "chat_template.jinja").write_text(TEMPLATE)
    assert Text.read(tmp_path).has_chat_template


def test_a_template_cannot_reach_python(tmp_path):
    text = Text.read(write_tokenizer(tmp_path, template="{{ ''.__class__.__mro__[1].__subclasses__() }}"))
    with pytest.raises(errors.InvalidField):
        text.chat([{"role": "user", "content": "hi"}])


def test_loaded_with_its_model(tmp_path):
    denoiser = load(str(write_tokenizer(write_checkpoint(tmp_path))))
    assert denoiser.text.has_chat_template
    assert denoiser.info.eot_token == denoiser.text.id_of("<|eot_id|>")


def test_a_child_process_does_the_same(tmp_path):
    """As for the tokenizers whose rules may take long."""
    folder = made_tokenizers.written(tmp_path, made_tokenizers.MADE["unigram"]())
    text, here = Text.read(folder), made_tokenizers.read(folder)
    assert text.in_child and not here.in_child
    for content in ("Tom </s> saw a [[mask:2]] kite", "a ki[[mask]]te"):
        asked = text.render([{"role": "user", "content": content}])
        assert text.encode_rendered(asked, 9, "text") == here.encode_rendered(asked, 9, "text")
        assert text.encode_with_holes(content, 9, "text") == here.encode_with_holes(content, 9, "text")
    assert text.encode("</s> a", special=False, within=True) == here.encode("</s> a", special=False, within=True)
    assert text.added == here.added


def test_ids_without_a_token_are_drawn_only_where_they_are_asked_for(tmp_path):
    """The head has 300 rows, the tokenizer 261 ids; of the others 299 is the mask and 298 ends the text."""
    denoiser = load(str(write_tokenizer(write_checkpoint(tmp_path, embedding_size=304))))
    unnamed, rounding = tuple(range(261, 298)), (300, 301, 302, 303)
    assert denoiser.info.unnamed_tokens == unnamed
    assert denoiser.info.forbidden_tokens == (*unnamed, 299, *rounding)
    assert denoiser.info.barred_tokens == (299, *rounding)
    for asked in (False, True):
        settings = Settings("llada", {"temperature": 10.0, "steps": 8, "unnamed_ids": asked}, 1)
        decoded, = together([decode(denoiser, [1, 2], 48, settings)])
        assert (not set(unnamed).isdisjoint(decoded.tokens)) == asked
        assert not {299, *rounding} & set(decoded.tokens)


def test_a_checkpoint_without_a_tokenizer_has_no_ids_without_a_token(tmp_path):
    info = load(str(write_checkpoint(tmp_path))).info
    assert (info.unnamed_tokens, info.forbidden_tokens) == ((), (299,))
