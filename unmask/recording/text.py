"""Tokens of a recording as text."""

import codecs
from collections.abc import Iterable, Mapping, Sequence

from unmask.v1.model_service_pb2 import Token
from unmask.v1.recording_pb2 import Recording

# A terminal obeys control characters, and a recording may come from anybody. Line breaks and tabs are what they are.
PICTURES = {code: 0x2400 + code for code in range(0x20) if chr(code) not in "\n\t"}
PICTURES |= {0x7F: 0x2421} | dict.fromkeys(range(0x80, 0xA0), 0xFFFD)


def named(recording: Recording) -> dict[int, Token]:
    """The tokens that the recording can show, by id."""
    return {token.id: token for token in recording.tokens}


def pieces(tokens: Sequence[int | None], known: Mapping[int, Token]) -> list[str]:
    """What each position shows: its characters, a special token's name, "[id]" for an unknown one, "" where open.

    A character whose bytes are spread over several tokens stands where it ends; half of one shows as U+FFFD.
    """
    shown: list[str] = []
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    for id in tokens:
        token = None if id is None else known.get(id)
        if token and (token.bytes or not token.text):
            shown.append(decoder.decode(token.bytes))
            continue
        if shown:
            shown[-1] += decoder.decode(b"", final=True)
        shown.append("" if id is None else token.text if token else f"[{id}]")
    if shown:
        shown[-1] += decoder.decode(b"", final=True)
    return shown


def text_of(tokens: Iterable[int | None], known: Mapping[int, Token]) -> str:
    """Tokens as one text; open positions and special tokens are left out.

    What falls away at a text's start and end does, unless an open position is there.
    """
    written = [id for id in tokens if id is None or not (id in known and known[id].special)]
    text = "".join(pieces(written, known)).encode()
    ends = [None if id is None else known.get(id) for id in (*written[:1], *written[-1:])]
    lead, trail = (ends[0].lead if ends and ends[0] else 0), (ends[-1].trail if ends and ends[-1] else 0)
    return text[lead:max(lead, len(text) - trail)].decode(errors="replace")


def printable(text: str) -> str:
    """The text with pictures in place of control characters."""
    return text.translate(PICTURES)
