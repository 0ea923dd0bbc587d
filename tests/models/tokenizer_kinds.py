"""Tokenizers of the kinds that people have, small enough to make on the spot.

Each as a function that returns a Tokenizer; its vocabulary can write é, ö, 語 and 😀 only in several tokens, unless it
has no bytes, in which case it has them whole.
"""

import json
from pathlib import Path

from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers

END = "<|end|>"
WORDS = ("the", "cat", "sat", "on", "mat", "a", "b", "c")
LETTERS = "abcdefghijklmnopqrstuvwxyzT .,!?'\n"
FOREIGN = "\u00e9\u00f6\u8a9e\U0001f600"
BYTES = [f"<0x{byte:02X}>" for byte in range(256)]


def _finished(tokenizer, splitter=None, decoder=None, normalizer=None, added=()):
    if splitter is not None:
        tokenizer.pre_tokenizer = splitter
    if decoder is not None:
        tokenizer.decoder = decoder
    if normalizer is not None:
        tokenizer.normalizer = normalizer
    tokenizer.add_special_tokens([END])
    tokenizer.add_tokens(list(added))
    return tokenizer


def _numbered(*names):
    return {name: id for id, name in enumerate(dict.fromkeys(names))}


def _bytes_bpe(merges=()):
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    return models.BPE(vocab=_numbered(*alphabet, *map("".join, merges)), merges=list(merges))


def byte_level(**more):
    """GPT-2's."""
    merges = [("t", "h"), ("th", "e"), ("\u0120", "c"), ("c", "a"), ("\u0120", "the")]
    return _finished(Tokenizer(_bytes_bpe(merges)), pre_tokenizers.ByteLevel(add_prefix_space=False),
                     decoders.ByteLevel(), **more)


def byte_level_undecoded():
    """One whose file says how text is split and not how it is put together."""
    return _finished(Tokenizer(_bytes_bpe()), pre_tokenizers.ByteLevel(add_prefix_space=False))


def byte_level_added():
    """With entries that were added and are no special tokens, as code models have for runs of spaces."""
    return byte_level(added=["caf\u00e9", "    ", "\u8a9e!", AddedToken("na\u00efve", normalized=False)])


def _pieced(prefix="\u2581"):
    pieces = [*BYTES, *LETTERS.replace(" ", prefix), f"{prefix}the", f"{prefix}cat", "th", "e", f"{prefix}{prefix}"]
    return _numbered("<unk>", *pieces, "\u2581t", "\u2581th", "\u2581c", "\u2581ca", "\u2581cat")


MERGES = [("\u2581", "t"), ("\u2581t", "h"), ("\u2581th", "e"), ("\u2581", "c"), ("\u2581c", "a"), ("\u2581ca", "t"),
          ("\u2581", "\u2581")]


def llama2():
    """SentencePiece's as converted: a space before every text, bytes for what the vocabulary has not."""
    return _finished(
        Tokenizer(models.BPE(vocab=_pieced(), merges=MERGES, unk_token="<unk>", byte_fallback=True, fuse_unk=True)),
        None,
        decoders.Sequence([decoders.Replace("\u2581", " "), decoders.ByteFallback(), decoders.Fuse(),
                           decoders.Strip(" ", 1, 0)]),
        normalizers.Sequence([normalizers.Prepend("\u2581"), normalizers.Replace(" ", "\u2581")]))


def gemma():
    """The same without the space before a text."""
    return _finished(
        Tokenizer(models.BPE(vocab=_pieced(), merges=MERGES, unk_token="<unk>", byte_fallback=True, fuse_unk=True)),
        None, decoders.Sequence([decoders.Replace("\u2581", " "), decoders.ByteFallback(), decoders.Fuse()]),
        normalizers.Replace(" ", "\u2581"))


def mistral():
    """Metaspace before the text and bytes for what the vocabulary has not, put together one after the other."""
    return _finished(
        Tokenizer(models.BPE(vocab=_pieced(), merges=MERGES, unk_token="<unk>", byte_fallback=True, fuse_unk=True)),
        pre_tokenizers.Metaspace(prepend_scheme="first", split=False),
        decoders.Sequence([decoders.ByteFallback(), decoders.Metaspace(prepend_scheme="first")]))


def _unigram(scheme, byte_fallback=False, foreign=FOREIGN):
    names = ["<unk>", *(BYTES if byte_fallback else foreign), *LETTERS.replace(" ", "\u2581"), "\u2581the", "\u2581cat"]
    model = models.Unigram([(name, -8.0 if len(name) == 1 else -5.0) for name in names], unk_id=0,
                           byte_fallback=byte_fallback)
    return Tokenizer(model), scheme


def unigram_always():
    """T5's: a space before every text."""
    tokenizer, scheme = _unigram("always")
    return _finished(tokenizer, pre_tokenizers.Metaspace(prepend_scheme=scheme),
                     decoders.Metaspace(prepend_scheme=scheme))


def unigram_never():
    tokenizer, scheme = _unigram("never")
    return _finished(tokenizer, pre_tokenizers.Metaspace(prepend_scheme=scheme),
                     decoders.Metaspace(prepend_scheme=scheme))


def unigram_bytes():
    """A Unigram with bytes."""
    tokenizer, scheme = _unigram("always", True)
    return _finished(tokenizer, pre_tokenizers.Metaspace(prepend_scheme=scheme, split=False),
                     decoders.Sequence([decoders.ByteFallback(), decoders.Metaspace(prepend_scheme=scheme)]))


def unigram_undecoded():
    tokenizer, scheme = _unigram("always")
    return _finished(tokenizer, pre_tokenizers.Metaspace(prepend_scheme=scheme))


def word_piece():
    """BERT's."""
    parts = [letter for letter in LETTERS + FOREIGN if not letter.isspace()]
    vocab = _numbered("[UNK]", *parts, *("##" + part for part in parts), *WORDS)
    return _finished(Tokenizer(models.WordPiece(vocab=vocab, unk_token="[UNK]")), pre_tokenizers.BertPreTokenizer(),
                     decoders.WordPiece(cleanup=True), added=["added"])


def word_level():
    """Whole words, whose spaces are nowhere."""
    return _finished(Tokenizer(models.WordLevel(_numbered("[UNK]", *WORDS, *FOREIGN), unk_token="[UNK]")),
                     pre_tokenizers.WhitespaceSplit())


def characters():
    """nanoGPT's."""
    return _finished(Tokenizer(models.WordLevel(_numbered(*LETTERS, *FOREIGN), unk_token="a")),
                     pre_tokenizers.Split(Regex(r"[\s\S]"), "isolated"), decoders.Fuse())


def characters_undecoded():
    return _finished(Tokenizer(models.WordLevel(_numbered(*LETTERS, *FOREIGN), unk_token="a")),
                     pre_tokenizers.Split(Regex(r"[\s\S]"), "isolated"))


def end_of_word():
    """The first GPT's: the end of a word is marked."""
    parts = [letter for letter in LETTERS + FOREIGN if not letter.isspace()]
    vocab = _numbered("<unk>", *parts, *(part + "</w>" for part in parts), "ca", "cat</w>", "th", "the</w>")
    merges = [("c", "a"), ("ca", "t</w>"), ("t", "h"), ("th", "e</w>")]
    return _finished(Tokenizer(models.BPE(vocab=vocab, merges=merges, unk_token="<unk>", end_of_word_suffix="</w>")),
                     pre_tokenizers.WhitespaceSplit(), decoders.BPEDecoder("</w>"))


def speech():
    """Of models that write letters with a sign between words."""
    vocab = _numbered("<pad>", "|", *(letter for letter in LETTERS + FOREIGN if letter != " "))
    return _finished(Tokenizer(models.WordLevel(vocab, unk_token="<pad>")),
                     pre_tokenizers.Split(Regex(r"[\s\S]"), "isolated"), decoders.CTC("<pad>", "|", True),
                     normalizers.Replace(" ", "|"))


KINDS = {
    "byte level": byte_level, "byte level, no decoder": byte_level_undecoded, "byte level, added": byte_level_added,
    "llama 2": llama2, "gemma": gemma, "mistral": mistral, "unigram, always": unigram_always,
    "unigram, never": unigram_never, "unigram, bytes": unigram_bytes, "unigram, no decoder": unigram_undecoded,
    "word piece": word_piece, "word level": word_level, "characters": characters,
    "characters, no decoder": characters_undecoded, "end of word": end_of_word,
    "speech": speech,
}
WITH_BYTES = ["byte level", "byte level, no decoder", "byte level, added", "llama 2", "gemma", "mistral",
              "unigram, bytes"]


def write_kind(folder: Path, name: str, gaps: bool = False) -> Path:
    """A checkpoint folder's tokenizer of a kind; returns the folder. gaps: only every third id, from 5 on, is used."""
    folder.mkdir(parents=True, exist_ok=True)
    told = json.loads(KINDS[name]().to_str())
    if gaps:
        told["model"]["vocab"] = {piece: _apart(id) for piece, id in told["model"]["vocab"].items()}
        for token in told["added_tokens"]:
            token["id"] = _apart(token["id"])
    (folder / "tokenizer.json").write_text(json.dumps(told))
    (folder / "tokenizer_config.json").write_text(
        json.dumps({"tokenizer_class": "PreTrainedTokenizerFast", "eos_token": END}))
    return folder


def _apart(id: int) -> int:
    return 5 + 3 * id
