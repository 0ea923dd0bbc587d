"""What a tokenizer is to a constraint: the bytes of each token, and the tokens that end a text."""

import hashlib
from collections.abc import Iterable, Sequence
from functools import cached_property

import numpy as np
from llguidance import LLTokenizer, TokenizerWrapper

from inference_service.sandbox.processes import Base


class Vocabulary:
    """The tokens of a model. Build it once for each model: at 150,000 tokens that is about a second.

    pieces: the bytes of every id below the width of the logits; empty for special tokens and ids without a token.
    ends: ids that end a text (end of turn, end of text); they count as special. May be empty.
    """

    def __init__(self, pieces: Sequence[bytes], ends: Iterable[int]):
        self.ends = tuple(sorted(set(ends)))
        if any(not 0 <= id < len(pieces) for id in self.ends):
            raise ValueError(f"the ids that end a text must be within 0 to {len(pieces) - 1}, are {self.ends}")
        self.pieces = tuple(b"" if id in self.ends else bytes(piece) for id, piece in enumerate(pieces))
        self.width = len(self.pieces)
        self.lengths = np.fromiter((len(piece) for piece in self.pieces), np.int32, self.width)
        self.ordinary = self.lengths > 0  # [V]
        self.end_mask = np.zeros(self.width, bool)
        self.end_mask[list(self.ends)] = True

    def is_special(self, token: int) -> bool:
        """Whether it is no part of the text: special, or an end."""
        return not self.ordinary[token]

    @cached_property
    def flat(self) -> tuple[np.ndarray, np.ndarray]:
        """All pieces one after the other, uint8; and where each begins, int64 [V]."""
        starts = np.zeros(self.width, np.int64)
        np.cumsum(self.lengths[:-1], out=starts[1:])
        return np.frombuffer(b"".join(self.pieces), np.uint8), starts

    @cached_property
    def by_first_byte(self) -> list[np.ndarray]:
        """For each byte the ordinary tokens that begin with it, the shorter first, int64."""
        bytes_, starts = self.flat
        tokens = np.argsort(self.shortest_first)[: int(self.ordinary.sum())]
        first = bytes_[starts[tokens]]
        return [tokens[first == byte] for byte in range(256)]

    @cached_property
    def single(self) -> np.ndarray:
        """The token that is each byte alone, int64 [256]; -1 where there is none."""
        return np.array([next((int(one) for one in tokens[:1] if len(self.pieces[one]) == 1), -1)
                         for tokens in self.by_first_byte])

    @cached_property
    def _ids(self) -> dict[bytes, int]:
        return {piece: id for id, piece in enumerate(self.pieces) if piece}

    def fewest(self, text: bytes) -> tuple[int, ...] | None:
        """A text in as few tokens as can be; None where the vocabulary cannot write it."""
        longest = int(self.lengths.max(initial=0))
        counts: list[int | None] = [0]  # from the end
        steps: list[int] = []
        for begin in range(len(text) - 1, -1, -1):
            best, step = None, -1
            for end in range(begin + 1, min(len(text), begin + longest) + 1):
                id, rest = self._ids.get(text[begin:end]), counts[len(text) - end]
                if id is not None and rest is not None and (best is None or rest + 1 < best):
                    best, step = rest + 1, id
            counts.append(best)
            steps.append(step)
        if counts[-1] is None:
            return None
        found, at = [], 0
        while at < len(text):
            found.append(steps[len(text) - 1 - at])
            at += len(self.pieces[found[-1]])
        return tuple(found)

    @cached_property
    def shortest_first(self) -> np.ndarray:
        """The rank of each token when the shorter go first, int32 [V]; special ones last."""
        order = np.lexsort((np.arange(self.width), np.where(self.ordinary, self.lengths, 1 << 30)))
        rank = np.empty(self.width, np.int32)
        rank[order] = np.arange(self.width, dtype=np.int32)
        return rank

    @cached_property
    def base(self) -> Base:
        """A process that has read it, for the children in which constraints are proved."""
        lengths, flat = self.lengths.tobytes(), b"".join(self.pieces)
        ends = list(self.ends)
        key = hashlib.sha256(lengths + flat + str(ends).encode()).hexdigest()
        return Base(key, "inference_service.sampling.constraints.proving:read", {"ends": ends}, [lengths, flat])

    @classmethod
    def of_bytes(cls, lengths: bytes, flat: bytes, ends: Iterable[int]) -> "Vocabulary":
        """From the length of each piece, int32, and all pieces one after the other."""
        sizes = np.frombuffer(lengths, np.int32)
        stops = np.cumsum(sizes, dtype=np.int64)
        if sizes.min(initial=0) < 0 or stops.max(initial=0) != len(flat):
            raise ValueError("the lengths are not those of the pieces")
        return cls([flat[stop - size : stop] for size, stop in zip(sizes.tolist(), stops.tolist(), strict=True)], ends)

    @cached_property
    def for_llguidance(self) -> LLTokenizer:
        """The same for llguidance. Its own end token is one id beyond the logits, so a model without one works too."""
        return LLTokenizer(TokenizerWrapper(_Tokens(self)), eos_token=self.width)


class _Tokens:
    """What llguidance reads of a tokenizer. Special tokens get names that no grammar can say."""

    def __init__(self, vocabulary: Vocabulary):
        self.eos_token_id = vocabulary.width
        self.bos_token_id = None
        usable = [piece if b"\xff" not in piece else b"" for piece in vocabulary.pieces]
        self.tokens = [piece or b"special %d" % id for id, piece in enumerate(usable)] + [b"end"]
        self.special_token_ids = [*(id for id, piece in enumerate(usable) if not piece), vocabulary.width]
        self._ids = {piece: id for id, piece in enumerate(vocabulary.pieces) if piece}
        self._longest = max(map(len, self._ids), default=1)

    def __call__(self, text: bytes) -> list[int]:
        """The longest token first; llguidance asks only for what a grammar forces, which is not used here."""
        ids, at = [], 0
        while at < len(text):
            for end in range(min(len(text), at + self._longest), at, -1):
                if (id := self._ids.get(text[at:end])) is not None:
                    ids.append(id)
                    at = end
                    break
            else:
                break
        return ids
