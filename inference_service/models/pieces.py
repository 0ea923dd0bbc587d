"""The bytes that one entry of a vocabulary stands for.

A vocabulary writes bytes as text, and its tokenizer.json says how under `decoder`:
as one character for each byte (GPT-2's table), as "<0xE4>", or with marks such as
"##" and a lower-eighth block for a space.
"""

import re
from collections.abc import Mapping
from functools import cache
from typing import Any

_BYTE = re.compile(r"<0x([0-9A-Fa-f]{2})>")


def piece_bytes(name: str, decoder: Mapping[str, Any] | None) -> bytes:
    """Bytes of a vocabulary entry.

    name: the entry as the vocabulary writes it.
    decoder: the `decoder` of tokenizer.json, None where there is none.
    A mark for a space stands for the space, wherever in a text the token is.
    """
    parts = _parts(decoder)
    kinds = {part["type"] for part in parts}
    if "ByteLevel" in kinds:
        table = _byte_of_character()
        if all(character in table for character in name):
            return bytes(table[character] for character in name)
        return name.encode()
    if "ByteFallback" in kinds and (byte := _BYTE.fullmatch(name)):
        return bytes([int(byte[1], 16)])
    for part in parts:
        if part["type"] == "WordPiece":
            prefix = part.get("prefix", "##")
            name = name[len(prefix) :] if name.startswith(prefix) else " " + name
        elif part["type"] == "Metaspace":
            name = name.replace(part.get("replacement", "\u2581"), " ")
        elif part["type"] == "Replace" and "String" in part["pattern"]:
            name = name.replace(part["pattern"]["String"], part["content"])
    return name.encode()


def _parts(decoder):
    if not decoder:
        return []
    return decoder["decoders"] if decoder["type"] == "Sequence" else [decoder]


@cache
def _byte_of_character():
    """GPT-2's table: printable Latin-1 stands for itself, the other 68 bytes for U+0100 onwards in order."""
    printable = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = [byte for byte in range(256) if byte not in printable]
    return {chr(byte): byte for byte in printable} | {chr(0x100 + i): byte for i, byte in enumerate(others)}
