"""The tokenizer side of a model."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import transformers
from transformers import PreTrainedTokenizerFast

from inference_service.errors import DataLoss, FailedPrecondition, InvalidField
from inference_service.models import rules
from inference_service.models.controls import Disguise
from inference_service.models.encoding import TASK, Encoder, taken
from inference_service.models.pieces import Piece, Spelling, text_of
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
    lead, trail: how many of them, at their start and end, fall away where a text begins and ends with it.
    """

    id: int
    text: str
    bytes: bytes
    special: bool
    lead: int = 0
    trail: int = 0


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

    def __init__(self, tokenizer: PreTrainedTokenizerFast, encodes_safely: bool = True):
        """encodes_safely: whether its rules may run in this process; see models.rules."""
        self._tokenizer: Any = tokenizer  # its methods are declared to return one of several things
        self._encodes_safely = encodes_safely
        told = json.loads(tokenizer.backend_tokenizer.to_str())
        self._spelling = Spelling({**told, "decoder": rules.safe_decoder(told)})
        self._added = tokenizer.added_tokens_decoder
        self._pieces: dict[int, TokenPiece] = {}
        self._encoder = Encoder(tokenizer, encodes_safely)
        self.has_chat_template = bool(tokenizer.chat_template)

    @property
    def in_child(self) -> bool:
        """Whether a child process encodes its texts."""
        return not self._encodes_safely

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
        return {"encodes_safely": found.get("encodes") is True}

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
        if not self._spelling.writes_bytes:
            raise FailedPrecondition("the model's tokenizer is not one that constraints can be put on",
                                     reason="NO_TOKENIZER")
        pieces = map(self._piece, range(width))  # not kept: few of them are shown
        return [b"" if piece.special else piece.bytes or b"\xff" for piece in pieces]

    def unnamed(self, width: int) -> tuple[int, ...]:
        """The ids below `width`, the logits' own, that have no token, ascending."""
        return tuple(id for id in range(width) if self._name(id) is None)

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

    def decode(self, ids: Iterable[int | None]) -> str:
        """The text of some ids; special tokens are left out, part of a character shows U+FFFD.

        None stands for an open position: what is on both sides of it is never put together to a character.
        """
        pieces = (None if id is None else self.token(id) for id in ids)
        return text_of(piece if piece is None else Piece(piece.bytes, piece.lead, piece.trail) for piece in pieces
                       if piece is None or not piece.special)

    def stopped_by(self, ids: Sequence[int | None], stops: Iterable[str]) -> bool:
        """Whether the last of some ids completes one of the texts; one that stood there before does not count.

        Bytes are compared: part of a character is no character, and several tokens may make one. Nothing goes on
        across an open position, None.
        """
        sought = [stop.encode(errors="surrogatepass") for stop in stops]
        if not ids or not sought:
            return False
        pieces: list[bytes] = []  # from the end, as many as the longest text may take
        size, longest = 0, max(map(len, sought))
        for id in reversed(ids):
            if id is None or pieces and size - len(pieces[0]) >= longest - 1:
                break
            pieces.append(self.token(id).bytes)
            size += len(pieces[-1])
        if not pieces:
            return False
        tail, before = b"".join(reversed(pieces)), size - len(pieces[0])
        return any(stop in tail[max(0, before - len(stop) + 1):] for stop in sought)

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

    def _piece(self, id: int) -> TokenPiece:
        name, added = self._name(id), self._added.get(id)
        if name is None:
            return TokenPiece(id, f"<unused {id}>", b"", True)
        if added and added.special:
            return TokenPiece(id, added.content, b"", True)
        piece = self._spelling.added(added.content) if added else self._spelling.piece(name)
        return TokenPiece(id, piece.bytes.decode(errors="replace"), piece.bytes, False, piece.lead, piece.trail)

    def _name(self, id: int) -> str | None:
        """The vocabulary's entry, None where it has none: its ids may have gaps, and end before the logits' own."""
        try:
            return self._tokenizer.backend_tokenizer.id_to_token(id)
        except OverflowError:
            return None


def _natural(id):
    if id < 0:
        raise InvalidField("ids", f"must not be negative, got {id}")
    return int(id)


def _unreadable(why: str) -> DataLoss:
    return DataLoss(f"the tokenizer cannot be read: {why}", reason="UNREADABLE_TOKENIZER")
