"""The bytes that one entry of a vocabulary stands for.

A vocabulary writes bytes as text, and its tokenizer.json says how under `decoder`:
as one character for each byte (GPT-2's table), as "<0xE4>", or with marks such as
"##" and a lower-eighth block for a space. Entries are read one by one, never several
together: a character may be spread over entries between which a position is open.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

Rule = Mapping[str, Any]
_BYTE = re.compile(rb"<0x([0-9A-Fa-f]{2})>")
# As the tokenizers library has them, for WordPiece and CTC: each of " ." and so on loses its space.
_TIDY = [(b" .", b"."), (b" ?", b"?"), (b" !", b"!"), (b" ,", b","), (b" ' ", b"'"), (b" n't", b"n't"),
         (b" 'm", b"'m"), (b" do not", b" don't"), (b" 's", b"'s"), (b" 've", b"'ve"), (b" 're", b"'re")]
# Splitters that take the spaces away which they split at.
_TAKES_SPACES = ("BertPreTokenizer", "Whitespace", "WhitespaceSplit")


@dataclass(frozen=True)
class Piece:
    """What an entry stands for.

    bytes: in the middle of a text. lead, trail: how many of them, at their start and end, fall away where a text
    begins and ends with it: spaces that keep words apart.
    """

    bytes: bytes
    lead: int = 0
    trail: int = 0


class Spelling:
    """How a tokenizer writes text as entries."""

    def __init__(self, tokenizer: Rule):
        """tokenizer: a tokenizer.json, of which `decoder` counts, or where it has none what splits the text."""
        self._rules = _decoder(tokenizer)
        kinds = [rule["type"] for rule in self._rules]
        fused = kinds.index("Fuse") if "Fuse" in kinds else len(kinds)
        self._each = [rule for at, rule in enumerate(self._rules) if rule["type"] != "Strip" or at < fused]
        self._whole = [rule for rule in self._rules[fused:] if rule["type"] == "Strip"]
        self._spaced = any(kind in ("Join", "WordPiece") for kind in kinds)

    @property
    def writes_bytes(self) -> bool:
        """Whether it can write any text, byte by byte."""
        return any(rule["type"] in ("ByteLevel", "ByteFallback") for rule in self._rules)

    def piece(self, name: str) -> Piece:
        """What an entry of the vocabulary stands for. name: as the vocabulary writes it."""
        content, lead, trail = name.encode(errors="replace"), 0, 0
        for rule in self._each:
            content, before, after = _applied(rule, content)
            lead, trail = lead or before, trail or after
        for rule in self._whole:
            sign = rule["content"].encode()
            lead, trail = _run(content, sign, rule["start"]), _run(content[::-1], sign[::-1], rule["stop"])
        return Piece(content, lead, trail)

    def added(self, name: str) -> Piece:
        """What an entry stands for that was added to the vocabulary: its name, which is looked for in the text."""
        return Piece(b" " + name.encode(), 1) if self._spaced else Piece(name.encode())


def text_of(pieces: Iterable[Piece | None]) -> str:
    """Pieces as one text, None for an open position: no character is put together across it."""
    found = list(pieces)
    text, run = [], bytearray()
    for at, piece in enumerate([*found, None]):
        if piece is None:
            text.append(run.decode(errors="replace"))
            run.clear()
            continue
        stop = len(piece.bytes) - (piece.trail if at == len(found) - 1 else 0)
        run += piece.bytes[0 if at else piece.lead:stop]
    return "".join(text)


def _decoder(tokenizer: Rule) -> Sequence[Rule]:
    """The rules by which entries become text, in order."""
    decoder, model = tokenizer.get("decoder"), tokenizer.get("model") or {}
    if decoder:
        return list(_flat(decoder, "decoders"))
    splitters = list(_flat(tokenizer.get("pre_tokenizer"), "pretokenizers"))
    if model.get("type") == "WordPiece":
        return [{"type": "WordPiece", "prefix": model.get("continuing_subword_prefix", "##"), "cleanup": False}]
    if undone := [rule for rule in splitters if rule["type"] in ("ByteLevel", "Metaspace")]:
        return undone
    # The library puts a space between any two entries of a tokenizer without a decoder; where none was taken away,
    # none is put back.
    return [{"type": "Join"}] if any(map(_takes_spaces, splitters)) else []


def _takes_spaces(splitter: Rule) -> bool:
    if splitter["type"] == "Split":
        return splitter.get("behavior") == "Removed"
    return splitter["type"] in _TAKES_SPACES or (
        splitter["type"] == "CharDelimiterSplit" and splitter.get("delimiter") == " ")


def _flat(rule: Rule | None, parts: str):
    if rule and rule["type"] == "Sequence":
        for one in rule[parts]:
            yield from _flat(one, parts)
    elif rule:
        yield rule


def _applied(rule: Rule, content: bytes) -> tuple[bytes, int, int]:
    """An entry by one rule; and how many bytes at its start and end are there for the words next to it."""
    kind = rule["type"]
    if kind == "ByteLevel":
        table, name = _byte_of_character(), content.decode(errors="replace")
        known = all(character in table for character in name)
        return (bytes(table[character] for character in name) if known else content), 0, 0
    if kind == "ByteFallback":
        byte = _BYTE.fullmatch(content)
        return (bytes([int(byte[1], 16)]) if byte else content), 0, 0
    if kind == "Join":
        return b" " + content, 1, 0
    if kind == "WordPiece":
        prefix = rule.get("prefix", "##").encode()
        content = content[len(prefix):] if prefix and content.startswith(prefix) else b" " + content
        content = _tidied(content) if rule.get("cleanup", True) else content
        return content, int(content.startswith(b" ")), 0
    if kind == "Metaspace":
        sign = rule.get("replacement", "\u2581").encode()
        put = rule.get("prepend_scheme", "always") != "never" and content.startswith(sign)
        return content.replace(sign, b" "), int(put), 0
    if kind == "BPEDecoder":
        suffix = rule.get("suffix", "</w>").encode()
        return _replaced(content, suffix, b" "), 0, int(bool(suffix) and content.endswith(suffix))
    if kind == "CTC":
        content = _replaced(content, rule.get("pad_token", "<pad>").encode(), b"")
        if rule.get("cleanup", True):
            content = _replaced(_tidied(content), rule.get("word_delimiter_token", "|").encode(), b" ")
        return content, 0, 0
    if kind == "Replace" and "String" in rule["pattern"]:
        return _replaced(content, rule["pattern"]["String"].encode(), rule["content"].encode()), 0, 0
    if kind == "Strip":
        sign = rule["content"].encode()
        start = _run(content, sign, rule["start"])
        return content[start:len(content) - _run(content[start:][::-1], sign[::-1], rule["stop"])], 0, 0
    return content, 0, 0


def _replaced(content: bytes, sign: bytes, other: bytes) -> bytes:
    """With something in the place of a sign; an empty sign is none, and no place within a character."""
    return content.replace(sign, other) if sign else content


def _tidied(content: bytes) -> bytes:
    for sign, tidy in _TIDY:
        content = content.replace(sign, tidy)
    return content


def _run(content: bytes, sign: bytes, most: int) -> int:
    """How many bytes at the start are signs, `most` of them at most."""
    count = 0
    while sign and count < most and content.startswith(sign, count * len(sign)):
        count += 1
    return count * len(sign)


@cache
def _byte_of_character():
    """GPT-2's table: printable Latin-1 stands for itself, the other 68 bytes for U+0100 onwards in order."""
    printable = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = [byte for byte in range(256) if byte not in printable]
    return {chr(byte): byte for byte in printable} | {chr(0x100 + i): byte for i, byte in enumerate(others)}
