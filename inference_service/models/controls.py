"""Control tokens, such as the end of a turn, and how text that only looks like one is kept from becoming one.

What a template or a user writes for a tokenizer is one text, and a tokenizer takes the names of control tokens in it as
these tokens. So that plain text is never taken so, it is encoded by a tokenizer whose control tokens have names that
nobody can guess (`renamed`); where a control token is meant, such a name is written.

A chat template may do anything to what a user says before it is a part of the prompt. Of every name in it one
character is therefore in disguise while the template works (`disguised`): a character for private use, which is cut,
trimmed and put in capitals like any other, but makes no name.
"""

import json
import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tokenizers import AddedToken, Regex, Tokenizer, models, pre_tokenizers

from inference_service.errors import InvalidField
from inference_service.models.holes import HOLE

PRIVATE = ((0xE000, 0xF8FF), (0xF0000, 0xFFFFD), (0x100000, 0x10FFFC))
EDGE = "\U0010fffd"  # around an alias
LONGEST_PART = 64  # characters of a name that a text may begin or end with


@dataclass(frozen=True)
class Name:
    """A control token's name where a text has it. The text from start to end is its own, with space that it takes."""

    start: int
    end: int
    name: str


class Controls:
    """The control tokens of a tokenizer."""

    def __init__(self, tokens: Sequence[Mapping[str, Any]]):
        """tokens: entries of a tokenizer.json's added_tokens."""
        self.ids = frozenset(token["id"] for token in tokens)
        self.aliases = {token["content"]: f"{EDGE}{secrets.token_hex(16)}{EDGE}" for token in tokens}
        self._finder = _finder(AddedToken(token["content"], single_word=token["single_word"], lstrip=token["lstrip"],
                                          rstrip=token["rstrip"], normalized=False) for token in tokens)
        lowered = {_lowered(name) for name in self.aliases}
        self._lowered = _finder(AddedToken(name, normalized=False) for name in lowered)
        self._heads = {name[:size] for name in lowered for size in range(1, min(len(name), LONGEST_PART))}
        self._tails = {name[-size:] for name in lowered for size in range(1, min(len(name), LONGEST_PART))}
        self._longest = max(map(len, lowered), default=0)
        self._all = "\0".join(lowered)

    def found(self, text: str) -> list[Name]:
        """The names in a text, from left to right, as a tokenizer takes them."""
        return _found(self._finder, text)

    def aliased(self, text: str, plain: "Disguise | None" = None) -> str:
        """A text with each name in it replaced by its alias. plain: what is in disguise, and shows itself here."""
        parts, at = [], 0
        for name in self.found(text):
            parts += [text[at:name.start], self.aliases[name.name]]
            at = name.end
        parts.append(text[at:])
        if plain:
            parts[::2] = map(plain.off, parts[::2])
        return "".join(parts)

    def risky(self, text: str) -> list[int]:
        """Positions of characters without which no name can come of a text, whatever stands around it.

        Of each name in it the first one, however it is written; where it begins or ends with a part of a name, that
        part's.
        """
        lowered, positions = _lowered(text), set()
        holes = [hole.span() for hole in HOLE.finditer(text)]
        while new := {name.start for name in _found(self._lowered, lowered)} - positions:
            positions |= new  # one that begins within another is seen when the other is gone
            lowered = "".join("\0" if at in new else one for at, one in enumerate(lowered))
        core = lowered.strip()
        if core:
            begin = len(lowered) - len(lowered.lstrip())
            end = begin + len(core)
            for size in range(1, min(self._longest, LONGEST_PART, len(core) + 1)):
                if core[:size] in self._tails:
                    positions.add(begin)
                if core[-size:] in self._heads:
                    positions.add(end - size)
            if len(core) < self._longest and core in self._all:
                positions.add(begin)
        return sorted(at for at in positions if not any(start <= at < stop for start, stop in holes))

    def renamed(self, told: Mapping[str, Any]) -> dict[str, Any]:
        """A tokenizer.json with the aliases in place of the names: no other text becomes a control token."""
        model = dict(told["model"])
        vocabulary = model.get("vocab")
        if isinstance(vocabulary, dict):
            model["vocab"] = {self.aliases.get(piece, piece): id for piece, id in vocabulary.items()}
        elif vocabulary is not None:  # of Unigram: pieces with their scores
            model["vocab"] = [[self.aliases.get(piece, piece), score] for piece, score in vocabulary]
        if model.get("unk_token") in self.aliases:
            model["unk_token"] = self.aliases[model["unk_token"]]
        if "merges" in model:
            prefix = len(model.get("continuing_subword_prefix") or "")
            model["merges"] = [merge for merge in model["merges"] if not self._merges(merge, prefix)]
        own = {"single_word": False, "lstrip": False, "rstrip": False, "normalized": False}
        added = [token | own | {"content": alias} if (alias := self.aliases.get(token["content"])) else token
                 for token in told["added_tokens"]]
        return {**told, "model": model, "added_tokens": added}

    def _merges(self, merge: str | Sequence[str], prefix: int) -> bool:
        left, right = merge.split(" ", 1) if isinstance(merge, str) else merge
        return bool({left, right, left + right[prefix:], left + right} & self.aliases.keys())


class Disguise:
    """Characters for private use that stand for others."""

    def __init__(self, characters: Iterable[str], texts: Sequence[str]):
        """texts: in none of them the disguises are, themselves or escaped. InvalidField where all are."""
        wanted, used = dict.fromkeys(characters), set().union(*texts)
        free = (chr(code) for first, last in PRIVATE for code in range(first, last + 1)
                if chr(code) not in used and not any(_escaped(chr(code)) in text for text in texts))
        self._masks = dict(zip(wanted, free, strict=False))
        if len(self._masks) < len(wanted):
            raise InvalidField("messages", "must not hold every character for private use")
        self._shown = str.maketrans({mask: character for character, mask in self._masks.items()})

    def on(self, text: str, positions: Iterable[int]) -> str:
        """A text with the characters at some positions in disguise."""
        characters = list(text)
        for position in positions:
            characters[position] = self._masks[characters[position]]
        return "".join(characters)

    def off(self, text: str) -> str:
        """A text as it is."""
        for character, mask in self._masks.items():
            text = text.replace(_escaped(mask), json.dumps(character)[1:-1])
        return text.translate(self._shown)


def _escaped(character: str) -> str:
    """As templates write it where they write JSON in ASCII."""
    return json.dumps(character)[1:-1]


def _finder(tokens: Iterable[AddedToken]) -> Tokenizer:
    """A tokenizer that knows these tokens and nothing else."""
    finder = Tokenizer(models.BPE())
    finder.pre_tokenizer = pre_tokenizers.Split(Regex(r"[\s\S]+"), "removed")  # all else, before it takes time
    finder.add_special_tokens(list(tokens))
    return finder


def _found(finder: Tokenizer, text: str) -> list[Name]:
    encoding = finder.encode(text, add_special_tokens=False)
    return [Name(start, end, str(finder.id_to_token(id)))
            for (start, end), id in zip(encoding.offsets, encoding.ids, strict=True)]


def _lowered(text: str) -> str:
    """In small letters, each character one."""
    lowered = text.lower()
    return lowered if len(lowered) == len(text) else "".join(
        small if len(small := one.lower()) == 1 else one for one in text)


def controls_of(told: Mapping[str, Any], names: Iterable[str], ids: Iterable[int]) -> Controls:
    """The control tokens of a tokenizer.json: those it marks as special, and of the others those named here."""
    names, ids = set(names), set(ids)
    return Controls([token for token in told.get("added_tokens") or () if token["content"].strip() and (
        token["special"] or token["content"] in names or token["id"] in ids)])
