"""The tokenizer side of a model."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import transformers
from transformers import PreTrainedTokenizerFast

from inference_service.errors import DataLoss, FailedPrecondition, InvalidField
from inference_service.models import rules
from inference_service.models.controls import Disguise
from inference_service.models.encoding import TASK, Encoder, taken
from inference_service.models.pieces import piece_bytes
from inference_service.sandbox import processes
from inference_service.sandbox.limits import MIB, Limits, Refused, Stopped

ANSWER = "an-answer-stands-here"
FILE = "tokenizer.json"
LEAST_LONGEST = 16  # bytes: "[[mask:9]]" stands for a position too
# What older checkpoints have in its place.
PARTS = ("vocab.json", "merges.txt")
MOST_BYTES = 128 * MIB  # of the file; the largest published ones have 35
READING = Limits(seconds=30, memory=2048 * MIB)
RENDERING = Limits(seconds=2, memory=256 * MIB, output=16 * MIB)
NO_LIMIT = 1 << 30  # positions of holes, where whoever asks has no context to keep to


@dataclass(frozen=True)
class TokenPiece:
    """A token as it can be shown.

    text: what it stands for, its name when it is special; part of a character shows U+FFFD.
    bytes: exactly what it stands for; empty when special.
    """

    id: int
    text: str
    bytes: bytes
    special: bool


@dataclass(frozen=True)
class Rendered:
    """A conversation, or a part of one, in a model's own format.

    text: as a tokenizer takes it: with names of control tokens where its template or a message that may writes them.
    disguised, disguise: the same where a message holds what would be taken for such names: there it is in disguise.
    before: text that stands before it; "" at the beginning.
    """

    text: str
    disguised: str = ""
    disguise: Disguise | None = None
    before: str = ""


class Text:
    """A fast tokenizer, with the chat template that came with it."""

    def __init__(self, tokenizer: PreTrainedTokenizerFast, encodes_safely: bool = True, decodes_safely: bool = True):
        """encodes_safely, decodes_safely: whether its rules may run in this process; see models.rules."""
        self._tokenizer: Any = tokenizer  # its methods are declared to return one of several things
        self._encodes_safely = encodes_safely
        self._decodes_safely = decodes_safely
        self._decoder = rules.safe_decoder(json.loads(tokenizer.backend_tokenizer.to_str()))
        self._added = tokenizer.added_tokens_decoder
        self._pieces: dict[int, TokenPiece] = {}
        self._encoder = Encoder(tokenizer, encodes_safely)
        self.has_chat_template = bool(tokenizer.chat_template)

    @property
    def in_child(self) -> bool:
        """Whether a child process encodes or decodes its texts."""
        return not (self._encodes_safely and self._decodes_safely)

    @classmethod
    def read(cls, folder: Path, parts_class: str = "") -> "Text | None":
        """The tokenizer of a checkpoint folder, None where there is none; DataLoss if it is damaged.

        parts_class: name of the stock class that reads vocab.json and merges.txt where there is no
        tokenizer.json. The class is fixed, so code that a tokenizer_config.json names is never looked for.
        """
        safe = {}
        if (folder / FILE).is_file():
            file, kind = FILE, PreTrainedTokenizerFast
            safe = cls._tried(folder / FILE)
        elif parts_class and all((folder / part).is_file() for part in PARTS):
            file, kind = PARTS[0], getattr(transformers, parts_class)
        else:
            return None
        try:
            return cls(kind.from_pretrained(folder, local_files_only=True), **safe)
        except Exception as error:  # the tokenizers library raises a bare Exception for a damaged file
            raise _unreadable(f"{file} or a file beside it is damaged") from error

    @staticmethod
    def _tried(file: Path) -> dict[str, bool]:
        """Reads a tokenizer in a child process first; which of its rules are safe."""
        if file.stat().st_size > MOST_BYTES:
            raise _unreadable(f"{FILE} has more than {MOST_BYTES >> 20} MiB")
        try:
            found, _ = processes.run(f"{TASK}tried", {"path": str(file.resolve())}, slow_limits=READING)
        except Refused:
            raise _unreadable(f"{FILE} is damaged") from None
        except Stopped as stopped:
            raise _unreadable(f"{FILE} takes too much {stopped.limit} to be read" if stopped.limit != "crash" else
                              f"{FILE} is damaged") from None
        return {f"{name}_safely": found.get(name) is True for name in ("encodes", "decodes")}

    def reserve(self, ids: Iterable[int]) -> None:
        """Makes some ids those of control tokens, also where the tokenizer does not mark them; before the first use."""
        self._encoder.reserve(ids)

    def encode(self, text: str, field: str = "text", *, special: bool = True, within: bool = False) -> list[int]:
        """Ids of a text as it is; no token is added.

        special: names of control tokens are taken as these tokens; otherwise all of it is plain text. within: it stands
        within a text, where a tokenizer that puts a space before every text puts none.
        Raises InvalidField, naming `field`, for characters that the vocabulary, such as one of single characters, has
        no token for.
        """
        return self._encoder.encode(text, field, special, within)

    @property
    def added(self) -> tuple[list[int], list[int]]:
        """The ids that the checkpoint puts before and behind raw text by itself, such as that of its beginning."""
        return self._encoder.added

    def vocabulary(self, width: int) -> list[bytes]:
        """The bytes of every id below `width`, the logits' own; empty for special tokens and ids without one.

        As a constraint reads them: b"\\xff" for a token that is no part of any text. Takes a second for a large one.
        """
        special = set(self._tokenizer.all_special_ids) | {id for id, token in self._added.items() if token.special}
        try:
            _, (lengths, flat) = processes.run(f"{TASK}pieces", {"width": width}, (), self._encoder.base(), heavy=True,
                                               slow_limits=READING)
        except (Refused, Stopped) as error:
            raise FailedPrecondition("the model's tokenizer is not one that constraints can be put on",
                                     reason="NO_TOKENIZER") from error
        stops = np.cumsum(np.frombuffer(lengths, np.int32), dtype=np.int64).tolist()
        return [b"" if id in special else flat[begin:end]
                for id, (begin, end) in enumerate(zip([0, *stops], stops, strict=False))]

    def encode_with_holes(self, text: str, most: int, field: str, *, special: bool = True,
                          within: bool = False) -> list[int | None]:
        """Ids of a text, None for each position of a hole in it; see models.holes.

        most: positions that a hole may have. field: what an error names. special, within: as of `encode`.
        """
        return self._encoder.holed(text, most, field, special, within)

    def encode_rendered(self, rendered: Rendered, most: int, field: str) -> list[int | None]:
        """The same of a conversation."""
        if rendered.disguise is None:
            return self._encoder.holed(rendered.text, most, field, before=rendered.before)
        return self._encoder.mixed(rendered.disguised, rendered.disguise, most, field, rendered.before)

    def chat(self, messages: list[dict]) -> list[int | None]:
        """Ids of a conversation in the model's own format, up to where its answer begins; see render."""
        return self.encode_rendered(self.render(messages), NO_LIMIT, "messages")

    def render_turn(self, messages: list[dict]) -> Rendered:
        """What follows the text of an answer when the conversation goes on with some messages; see render."""
        asked = [{"role": "user", "content": "?", "special_tokens": True},
                 {"role": "assistant", "content": ANSWER, "special_tokens": True}]
        whole = self.render([*asked, *messages])
        _, found, after = whole.text.partition(ANSWER)
        _, hidden, disguised = whole.disguised.partition(ANSWER)
        if not found or whole.disguise and not hidden:
            raise FailedPrecondition("the model's chat template cannot go on after an answer", reason="NO_TURNS")
        return Rendered(after, disguised, whole.disguise, ANSWER)

    def render(self, messages: list[dict]) -> Rendered:
        """A conversation in the model's own format, up to where its answer begins.

        messages: each with "role" and "content"; the content is plain text unless its "special_tokens" is true.
        Raises FailedPrecondition where the model has no chat template, InvalidField with the
        template's reason where it refuses the messages or would drop a system message.
        """
        if not self.has_chat_template:
            raise FailedPrecondition(
                "this model has no chat template; send text instead of messages", reason="NO_CHAT_TEMPLATE"
            )
        if not messages:
            raise InvalidField("messages", "must hold at least one message")
        for index, message in enumerate(messages):
            if not all(isinstance(message.get(key), str) for key in ("role", "content")) or not message["role"]:
                raise InvalidField(f"messages[{index}]", "must have a role and a content")
        rendered = self._kept_apart(messages)
        for index, message in enumerate(messages):
            # LLaDA's published template leaves these out without a word.
            if message["role"] == "system" and message["content"].strip() not in rendered.text:
                raise InvalidField(f"messages[{index}].role", "the model's chat template drops system messages")
        return rendered

    def _kept_apart(self, messages: list[dict]) -> Rendered:
        """The conversation by the template; in disguise too where its control tokens are not the template's alone."""
        controls = self._encoder.controls
        turns = [{key: value for key, value in message.items() if key != "special_tokens"} for message in messages]
        plain = [index for index, message in enumerate(messages) if not message.get("special_tokens")]
        risky = {index: found for index in plain if (found := controls.risky(turns[index]["content"]))}
        forged = self._encoder.forges([turns[index]["content"] for index in plain], "messages")
        if not risky and not forged:
            return Rendered(self._rendered([turns])[0])
        texts = [self._template(), *(turn["content"] for turn in turns)]
        disguise = Disguise((turns[index]["content"][at] for index, found in risky.items() for at in found), texts)
        hidden = [turn | {"content": disguise.on(turn["content"], risky.get(index, ()))}
                  for index, turn in enumerate(turns)]
        text, disguised = self._rendered([turns, hidden])
        names, without = ([found.name for found in controls.found(one)] for one in (text, disguised))
        return Rendered(text, disguised, disguise) if forged or names != without else Rendered(text)

    def _template(self) -> str:
        return self._tokenizer.get_chat_template()

    def _rendered(self, conversations: Sequence[list[dict[str, str]]]) -> list[str]:
        try:
            _, found = processes.run("inference_service.models.rendering:rendered", {
                "conversations": conversations, "template": self._template(),
                "names": {name: str(token) for name, token in self._tokenizer.special_tokens_map.items()
                          if isinstance(token, str)}}, quick_limits=RENDERING, slow_limits=RENDERING)
            return [prompt.decode() for prompt in found]
        except (Refused, ValueError) as error:
            raise InvalidField("messages", f"the model's chat template refuses them: {error}") from None
        except Stopped as stopped:
            raise InvalidField("messages", f"the model's chat template takes too much {taken(stopped)} with them",
                               reason="TEMPLATE_TOO_COMPLEX", metadata={"limit": stopped.limit}) from None

    def decode(self, ids: Iterable[int]) -> str:
        """The text of some ids; special tokens are left out, part of a character shows U+FFFD."""
        known = [_natural(token) for token in ids]
        known = [token for token in known if token < len(self._tokenizer)]
        if not self._decodes_safely:
            return b"".join(self.token(token).bytes for token in known).decode(errors="replace")
        return self._tokenizer.decode(known, skip_special_tokens=True, clean_up_tokenization_spaces=False)

    def token(self, id: int) -> TokenPiece:
        """One token as it can be shown. An id that the logits have and the vocabulary has not is special."""
        if id not in self._pieces:
            self._pieces[id] = self._piece(_natural(id))
        return self._pieces[id]

    @cached_property
    def longest_token(self) -> int:
        """Bytes of text that one token may stand for, with room for what a normalizer takes out."""
        return max(LEAST_LONGEST, *(len(name.encode()) for name in self._tokenizer.get_vocab()))

    def id_of(self, name: str) -> int | None:
        """The id of a token by its exact name, None where the vocabulary has none."""
        return self._tokenizer.get_vocab().get(name)

    def special_id(self, role: str) -> int | None:
        """The id that the tokenizer gives a role: "mask", "eos" or "pad"; None where it gives none."""
        return getattr(self._tokenizer, f"{role}_token_id")

    def _piece(self, id):
        if id in self._added:
            name = self._added[id].content
            if self._added[id].special:
                return TokenPiece(id, name, b"", True)
            return TokenPiece(id, name, name.encode(), False)
        name = self._tokenizer.convert_ids_to_tokens(id) if id < len(self._tokenizer) else None
        if name is None:
            return TokenPiece(id, f"<unused {id}>", b"", True)
        content = piece_bytes(name, self._decoder)
        return TokenPiece(id, content.decode("utf-8", errors="replace"), content, False)


def _natural(id):
    if id < 0:
        raise InvalidField("ids", f"must not be negative, got {id}")
    return int(id)


def _unreadable(why: str) -> DataLoss:
    return DataLoss(f"the tokenizer cannot be read: {why}", reason="UNREADABLE_TOKENIZER")
