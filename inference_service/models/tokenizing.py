"""What a child process does with a checkpoint's tokenizer. Imports no torch and no transformers."""

import json
from pathlib import Path

import numpy as np
from tokenizers import Tokenizer

from inference_service.models import rules
from inference_service.sandbox.limits import Refused


def tried(arguments: dict, blobs: list[bytes], state: None) -> tuple[dict, list[bytes]]:
    """Whether a tokenizer.json can be read, and whether its rules are safe. arguments: its path."""
    path = Path(arguments["path"])
    try:
        told = json.loads(path.read_bytes())
        Tokenizer.from_file(str(path))
    except Exception as error:  # the library raises a bare Exception
        raise Refused(message=str(error)[:200]) from None
    return {"encodes": _safe(rules.encodes_safely, told)}, []


def _safe(check, told) -> bool:
    try:
        return check(told)
    except (AttributeError, KeyError, TypeError):  # what the library reads in a way that is not known here
        return False


def read(arguments: dict, blobs: list[bytes]) -> Tokenizer:
    """The tokenizer, as every child of one process has it. blobs: its tokenizer.json."""
    tokenizer = Tokenizer.from_str(blobs[0].decode())
    tokenizer.no_padding()
    tokenizer.no_truncation()
    return tokenizer


def encoded(arguments: dict, blobs: list[bytes], tokenizer: Tokenizer) -> tuple[dict, list[bytes]]:
    """The tokens of some texts: id, first and behind the last character of each, uint32.

    arguments: whether tokens are added. Refused: which characters the vocabulary has no token for.
    """
    found = []
    for blob in blobs:
        text = blob.decode()
        try:
            encoding = tokenizer.encode(text, add_special_tokens=arguments["added"])
        except Exception:
            raise Refused(unknown=unknown_in(text, tokenizer)) from None
        found.append(np.array([(id, *span) for id, span in zip(encoding.ids, encoding.offsets, strict=True)],
                              np.uint32).tobytes())
    return {}, found


def unknown_in(text: str, tokenizer: Tokenizer) -> list[str]:
    """The characters of a text that the vocabulary has no token for."""
    return [character for character in dict.fromkeys(text) if not _encodes(tokenizer, character)]


def _encodes(tokenizer: Tokenizer, character: str) -> bool:
    try:
        tokenizer.encode(character, add_special_tokens=False)
    except Exception:
        return False
    return True
