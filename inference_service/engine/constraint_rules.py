"""What lets a token stand: three kinds of rule, by how a canvas is filled.

From left to right, exactly; in any order under a regular constraint, exactly; in any order under a grammar, soundly, by
a witness that travels in the sampler's state.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import torch

from inference_service.errors import FailedPrecondition
from inference_service.sampling.constraints.positions import Positions
from inference_service.sampling.constraints.prefix import Prefixes
from inference_service.sampling.constraints.spec import Progress
from inference_service.sampling.constraints.witness import Witness, Witnesses

TRIED = 16  # candidates of a position that are tried for a new witness before the old one's token is taken

Tokens = Sequence[int | None]
Other = Callable[[torch.Tensor | None], list[int]]  # tokens for a position, likeliest first, of those allowed if told


@dataclass(frozen=True)
class FromTheLeft:
    """Text written from left to right. key: whose text it is."""

    prefixes: Prefixes
    key: str
    keeps_witness = False

    def allowed(self, tokens: Tokens, offsets: Sequence[int]) -> torch.Tensor:
        return torch.stack([self.prefixes.after(_decided(tokens[:offset]), self.key).allowed for offset in offsets])

    def admit(self, tokens: Tokens, offset: int, token: int, other: Other,
              witness: Witness | None) -> tuple[int | None, None]:
        row = self.allowed(tokens, [offset])[0]
        return (token if row[token] else next(iter(other(row)), None)), None

    def feasible(self, tokens: Tokens) -> bool:
        return self.progress(tokens) is not Progress.VIOLATED

    def progress(self, tokens: Tokens) -> Progress:
        return self.prefixes.after(_decided(tokens), self.key).progress

    def witness(self, tokens: Tokens, known: object, logits: dict[int, torch.Tensor]) -> None:
        return None


@dataclass(frozen=True)
class Exactly:
    """A canvas filled in any order under a regular constraint."""

    positions: Positions
    keeps_witness = False

    def allowed(self, tokens: Tokens, offsets: Sequence[int]) -> torch.Tensor | None:
        return self.positions.allowed(tokens, offsets)

    def admit(self, tokens: Tokens, offset: int, token: int, other: Other,
              witness: Witness | None) -> tuple[int | None, None]:
        if self.positions.allows(tokens, offset, token):
            return token, None
        return next(iter(other(self.positions.allowed(tokens, [offset])[0])), None), None

    def feasible(self, tokens: Tokens) -> bool:
        return self.positions.feasible(tokens)

    def progress(self, tokens: Tokens) -> Progress:
        return self.positions.progress(tokens)

    def witness(self, tokens: Tokens, known: object, logits: dict[int, torch.Tensor]) -> None:
        return None


@dataclass(frozen=True)
class Soundly:
    """A canvas filled in any order under a grammar. What may stand is not known beforehand, only tried."""

    witnesses: Witnesses
    keeps_witness = True

    def allowed(self, tokens: Tokens, offsets: Sequence[int]) -> torch.Tensor | None:
        return None

    def admit(self, tokens: Tokens, offset: int, token: int, other: Other,
              witness: Witness | None) -> tuple[int, Witness]:
        assert witness is not None  # what `witness` answered, or this did
        for candidate in dict.fromkeys([token, *other(None)[:TRIED]]):
            found = self.witnesses.admit(tokens, offset, candidate, witness)
            if found:
                return candidate, found
        return witness[offset], witness

    def feasible(self, tokens: Tokens) -> bool:
        return self.witnesses.feasible(tokens)

    def progress(self, tokens: Tokens) -> Progress:
        return self.witnesses.progress(tokens)

    def witness(self, tokens: Tokens, known: object, logits: dict[int, torch.Tensor]) -> Witness:
        """The one at hand where it still agrees with the canvas, or another. Raises FailedPrecondition for none."""
        if isinstance(known, list) and agree(known, tokens) and self.witnesses.matches(known):
            return tuple(known)
        # What the model likes first; without it the search is the one that let the canvas begin.
        found = self.witnesses.search(tokens, logits) or self.witnesses.search(tokens)
        if not found:
            raise FailedPrecondition("no text was found that meets the constraint and has what is decided; open some"
                                     " positions, or take the constraint away", reason="CONSTRAINT_STUCK")
        return found


Rule = FromTheLeft | Exactly | Soundly


def _decided(tokens: Iterable[int | None]) -> list[int]:
    """The tokens up to the first open position."""
    found = []
    for token in tokens:
        if token is None:
            break
        found.append(token)
    return found


def agree(witness: Sequence[int], tokens: Tokens) -> bool:
    """Whether a complete text has every token that is decided."""
    return len(witness) == len(tokens) and all(
        token is None or token == told for token, told in zip(tokens, witness, strict=True))
