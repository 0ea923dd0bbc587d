"""Text to ids: whole or in parts, with control tokens or as plain text."""

import hashlib
import json
import threading
from collections.abc import Iterable, Sequence
from functools import cached_property
from itertools import accumulate

import numpy as np
from tokenizers import Tokenizer
from transformers import PreTrainedTokenizerFast

from inference_service.errors import InvalidField
from inference_service.models import holes
from inference_service.models.controls import Controls, Disguise, controls_of
from inference_service.models.cutting import cut
from inference_service.models.tokenizing import unknown_in
from inference_service.sandbox import processes
from inference_service.sandbox.limits import MIB, Limits, Refused, Stopped

ENCODING = Limits(seconds=5, memory=512 * MIB, output=16 * MIB)
TASK = "inference_service.models.tokenizing:"
# What a part of a text may be encoded behind, where nothing that stands before it is known.
ANCHORS = (".", "|", "0", "a", "\n")
ROLES = ("bos", "eos", "unk", "sep", "pad", "cls", "mask")

Encoded = tuple[list[int], list[tuple[int, int]]]


class Encoder:
    """A tokenizer's way from text to ids. Thread-safe.

    Two readings: with control tokens, whose names in a text are taken as these tokens, or plain.
    """

    def __init__(self, tokenizer: PreTrainedTokenizerFast, safely: bool):
        """safely: whether its rules may run in this process; see models.rules."""
        self._tokenizer = tokenizer
        self._safely = safely
        self._lock = threading.Lock()
        self._roles: frozenset[int] = frozenset()
        self._bases: dict[bool, processes.Base] = {}

    def reserve(self, ids: Iterable[int]) -> None:
        """Makes some ids of added tokens those of control tokens, whatever the tokenizer says. Before the first use."""
        self._roles = frozenset(ids)

    @cached_property
    def controls(self) -> Controls:
        names = [token for role in ROLES if (token := getattr(self._tokenizer, f"{role}_token"))]
        return controls_of(json.loads(self._backend.to_str()), [*map(str, names)], self._roles)

    @property
    def _backend(self) -> Tokenizer:
        return self._tokenizer.backend_tokenizer

    # ---- texts ----

    def encode(self, text: str, field: str = "text", special: bool = True, within: bool = False) -> list[int]:
        """Ids of a text; no token is added.

        special: names of control tokens are taken as these tokens; otherwise it is plain text. within: it stands within
        a text, where nothing is put before it.
        Raises InvalidField, naming `field`, for characters that the vocabulary, such as one of single characters, has
        no token for.
        """
        return self._parts([text], field, self._plain([text], field) if not special else False,
                           ANCHORS[0] if within else "")[0]

    def holed(self, text: str, most: int, field: str, special: bool = True, within: bool = False,
              before: str = "") -> list[int | None]:
        """Ids of a text, None for each position of a hole in it; see models.holes.

        most: positions that a hole may have. before: text that stands before it, which `within` takes any for.
        Otherwise as `encode`.
        """
        parts = holes.split(text, most, field)
        texts = [part for part in parts if isinstance(part, str)]
        return _filled(parts, self._parts(texts, field, not special and self._plain(texts, field),
                                          before or (ANCHORS[0] if within else "")))

    def mixed(self, text: str, disguise: Disguise | None, most: int, field: str, before: str = "") -> list[int | None]:
        """The same of a text in which names are those of control tokens but for what is in disguise.

        before: text that stands before it.
        """
        parts = holes.split(text, most, field)
        texts = [self.controls.aliased(part, disguise) for part in parts if isinstance(part, str)]
        return _filled(parts, self._parts(texts, field, True, before))

    def forges(self, texts: Sequence[str], field: str) -> bool:
        """Whether control tokens come of some texts by themselves, other than by their names."""
        if self._backend.normalizer is None:
            return False
        unknown = self._tokenizer.unk_token_id
        return any(id in self.controls.ids and id != unknown for ids, _ in self._run(texts, field, False)
                   for id in ids)

    def _plain(self, texts: Sequence[str], field: str) -> bool:
        """Whether it takes the renamed tokenizer to have texts as plain ones: it is made where one needs it."""
        return any(map(self.controls.found, texts)) or self.forges(texts, field)

    @cached_property
    def added(self) -> tuple[list[int], list[int]]:
        """The ids that the checkpoint puts before and behind raw text by itself, such as that of its beginning."""
        try:
            [(bare, _)], [(full, _)] = (self._run(["a"], "text", False, added) for added in (False, True))
        except InvalidField:
            return [], []
        for start in range(len(full) - len(bare) + 1):
            if full[start:start + len(bare)] == bare:
                return full[:start], full[start + len(bare):]
        return [], []

    # ---- parts ----

    def _parts(self, texts: Sequence[str], field: str, renamed: bool, before: str) -> list[list[int]]:
        """Ids of each of some parts of a text, which have something else between them.

        before: text before the first of them; "" where the text begins with it.
        Where a tokenizer puts a space before every text, a part has it only at the text's beginning: all are encoded
        as one and cut by their tokens' offsets. What stands in one token with its neighbour is encoded by itself.
        """
        if not any(texts):
            return [[] for _ in texts]
        if not before and len(texts) == 1 or not self._prefixes:
            own = iter(self._run([text for text in texts if text], field, renamed))
            return [next(own)[0] if text else [] for text in texts]
        before = before or ("" if texts[0] else ANCHORS[0])  # a hole at the beginning
        edges = list(accumulate(map(len, texts), initial=len(before)))
        [(ids, offsets)] = self._run([before + "".join(texts)], field, renamed)
        found = [part if text else [] for text, part in zip(texts, cut(ids, offsets, edges), strict=True)]
        if found[0] is None and not before:
            found[0] = self._run([texts[0]], field, renamed)[0][0]
        lost = [index for index, part in enumerate(found) if part is None]
        for index, part in zip(lost, self._behind([texts[index] for index in lost], field, renamed), strict=True):
            found[index] = part
        return [part or [] for part in found]

    def _behind(self, texts: Sequence[str], field: str, renamed: bool) -> list[list[int]]:
        """Ids of each of some texts as they stand within another text."""
        found: dict[str, list[int]] = {}
        for anchor in ANCHORS:
            left = [text for text in dict.fromkeys(texts) if text not in found]
            if not left:
                break
            try:
                encoded = self._run([anchor + text for text in left], field, renamed)
            except InvalidField as error:
                if error.reason == "TOKENIZER_TOO_COMPLEX":
                    raise
                continue  # the vocabulary may lack the anchor
            for text, (ids, offsets) in zip(left, encoded, strict=True):
                [part] = cut(ids, offsets, [len(anchor), len(anchor) + len(text)])
                if part is not None:
                    found[text] = part
        left = [text for text in dict.fromkeys(texts) if text not in found]
        found |= {text: ids for text, (ids, _) in zip(left, self._run(left, field, renamed), strict=True)}
        return [found[text] for text in texts]

    @cached_property
    def _prefixes(self) -> bool:
        """Whether something is put before a text, such as a space."""
        try:
            [(alone, _)] = self._run(["a"], "text", False)
        except InvalidField:
            return False
        return self._behind(["a"], "text", False) != [alone]

    # ---- the tokenizer ----

    def _run(self, texts: Sequence[str], field: str, renamed: bool, added: bool = False) -> list[Encoded]:
        """Ids and offsets of some texts. renamed: control tokens have their aliases."""
        if not texts:
            return []
        if not self._safely:
            return self._run_in_child(texts, field, renamed, added)
        tokenizer = self._renamed if renamed else self._backend
        try:
            found = [tokenizer.encode(text, add_special_tokens=added) for text in texts]
        except Exception as error:  # the tokenizers library raises a bare Exception
            unknown = unknown_in("".join(texts), tokenizer)
            if not unknown:
                raise
            raise _unknown(field, unknown) from error
        return [(encoding.ids, encoding.offsets) for encoding in found]

    @cached_property
    def _renamed(self) -> Tokenizer:
        return Tokenizer.from_str(self._told(True))

    def _told(self, renamed: bool) -> str:
        told = self._backend.to_str()
        return json.dumps(self.controls.renamed(json.loads(told)), ensure_ascii=False) if renamed else told

    def _run_in_child(self, texts: Sequence[str], field: str, renamed: bool, added: bool) -> list[Encoded]:
        try:
            _, found = processes.run(f"{TASK}encoded", {"added": added},
                                     [text.encode("utf-8", "replace") for text in texts], self.base(renamed),
                                     slow_limits=ENCODING)
        except Refused as refused:
            raise _unknown(field, refused.told.get("unknown")) from None
        except Stopped as stopped:
            raise InvalidField(field, "the rules of the model's tokenizer take too much"
                                      f" {taken(stopped)} with this text", reason="TOKENIZER_TOO_COMPLEX",
                               metadata={"limit": stopped.limit}) from None
        tables = (np.frombuffer(blob, np.uint32).reshape(-1, 3).tolist() for blob in found)
        return [([id for id, _, _ in table], [(start, end) for _, start, end in table]) for table in tables]

    def base(self, renamed: bool = False) -> processes.Base:
        """A process that has read the tokenizer."""
        with self._lock:
            if renamed not in self._bases:
                told = self._told(renamed).encode()
                self._bases[renamed] = processes.Base(hashlib.sha256(told).hexdigest(), f"{TASK}read", {}, [told])
            return self._bases[renamed]


def _filled(parts: Sequence[str | int], encoded: Iterable[list[int]]) -> list[int | None]:
    own = iter(encoded)
    ids: list[int | None] = []
    for part in parts:
        ids += [None] * part if isinstance(part, int) else next(own)
    return ids


def _unknown(field: str, characters: object) -> InvalidField:
    shown = ", ".join(map(repr, characters[:10])) if isinstance(characters, list) and characters else "a part of it"
    return InvalidField(field, f"must have only characters of the model's vocabulary; it has no token for {shown}")


def taken(stopped: Stopped) -> str:
    """What was too much, for a message."""
    return {"time": "time", "output": "room"}.get(stopped.limit, "memory")
