"""The tokenizer side of a model."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import transformers
from jinja2.exceptions import TemplateError
from transformers import PreTrainedTokenizerFast

from inference_service.errors import DataLoss, FailedPrecondition, InvalidField
from inference_service.models import holes
from inference_service.models.pieces import piece_bytes

ANSWER = "an-answer-stands-here"
FILE = "tokenizer.json"
LEAST_LONGEST = 16  # bytes: "[[mask:9]]" stands for a position too
# What older checkpoints have in its place.
PARTS = ("vocab.json", "merges.txt")


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


class Text:
    """A fast tokenizer, with the chat template that came with it."""

    def __init__(self, tokenizer: PreTrainedTokenizerFast):
        self._tokenizer = tokenizer
        self._decoder = json.loads(tokenizer.backend_tokenizer.to_str()).get("decoder")
        self._added = tokenizer.added_tokens_decoder
        self._pieces: dict[int, TokenPiece] = {}
        self.has_chat_template = bool(tokenizer.chat_template)

    @classmethod
    def read(cls, folder: Path, parts_class: str = "") -> "Text | None":
        """The tokenizer of a checkpoint folder, None where there is none; DataLoss if it is damaged.

        parts_class: name of the stock class that reads vocab.json and merges.txt where there is no
        tokenizer.json. The class is fixed, so code that a tokenizer_config.json names is never looked for.
        """
        if (folder / FILE).is_file():
            file, kind = FILE, PreTrainedTokenizerFast
        elif parts_class and all((folder / part).is_file() for part in PARTS):
            file, kind = PARTS[0], getattr(transformers, parts_class)
        else:
            return None
        try:
            return cls(kind.from_pretrained(folder, local_files_only=True))
        except Exception as error:  # the tokenizers library raises a bare Exception for a damaged file
            raise DataLoss(
                f"the tokenizer cannot be read: {file} or a file beside it is damaged", reason="UNREADABLE_TOKENIZER"
            ) from error

    def encode(self, text: str, field: str = "text") -> list[int]:
        """Ids of a text as it is: no token is added, but names of special tokens are taken as these tokens.

        Raises InvalidField, naming `field`, for characters that the vocabulary, such as one of single characters, has
        no token for.
        """
        try:
            return self._tokenizer(text, add_special_tokens=False)["input_ids"]
        except Exception as error:  # the tokenizers library raises a bare Exception
            unknown = [character for character in dict.fromkeys(text) if not self._encodes(character)]
            if not unknown:
                raise
            raise InvalidField(field, f"must have only characters of the model's vocabulary; it has no token for"
                                       f" {', '.join(map(repr, unknown[:10]))}") from error

    def _encodes(self, character: str) -> bool:
        try:
            self._tokenizer(character, add_special_tokens=False)
        except Exception:
            return False
        return True

    def encode_with_holes(self, text: str, most: int, field: str) -> list[int | None]:
        """Ids of a text, None for each position of a hole in it; see models.holes.

        most: positions that a hole may have. field: what an error names.
        """
        ids: list[int | None] = []
        for part in holes.split(text, most, field):
            ids += [None] * part if isinstance(part, int) else self.encode(part, field) if part else []
        return ids

    def chat(self, messages: list[dict[str, str]]) -> list[int]:
        """Ids of a conversation in the model's own format, up to where its answer begins; see render."""
        return self.encode(self.render(messages))

    def render_turn(self, messages: list[dict[str, str]]) -> str:
        """What follows the text of an answer when the conversation goes on with some messages; see render."""
        asked = [{"role": "user", "content": "?"}, {"role": "assistant", "content": ANSWER}]
        _, found, after = self.render([*asked, *messages]).partition(ANSWER)
        if not found:
            raise FailedPrecondition("the model's chat template cannot go on after an answer", reason="NO_TURNS")
        return after

    def render(self, messages: list[dict[str, str]]) -> str:
        """A conversation in the model's own format, up to where its answer begins.

        messages: each with "role" and "content".
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
        try:
            prompt = self._tokenizer.apply_chat_template(messages, add_generation_prompt=True, tokenize=False)
        except (TemplateError, ValueError, TypeError) as error:
            raise InvalidField("messages", f"the model's chat template refuses them: {error}") from error
        for index, message in enumerate(messages):
            # LLaDA's published template leaves these out without a word.
            if message["role"] == "system" and message["content"].strip() not in prompt:
                raise InvalidField(f"messages[{index}].role", "the model's chat template drops system messages")
        return prompt

    def decode(self, ids: Iterable[int]) -> str:
        """The text of some ids; special tokens are left out, part of a character shows U+FFFD."""
        known = [_natural(token) for token in ids]
        known = [token for token in known if token < len(self._tokenizer)]
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

    @property
    def tokenizer(self):
        """The transformers tokenizer, for those that read its whole vocabulary."""
        return self._tokenizer

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
