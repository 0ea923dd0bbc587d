"""A constraint in force at a revision: what it lets stand, and each token of a step checked in its turn.

Three kinds, by how a canvas is filled: from left to right, exactly; in any order under a regular constraint, exactly;
in any order under a grammar, soundly, by a witness that travels in the sampler's state.
"""

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import wraps
from weakref import WeakValueDictionary

import torch

from inference_service.errors import FailedPrecondition, InvalidField, Unavailable
from inference_service.models.denoiser import Denoiser, ModelInfo
from inference_service.sampling import distribution
from inference_service.sampling.constraints import effort
from inference_service.sampling.constraints.compile import Compiled, compiled
from inference_service.sampling.constraints.positions import Positions
from inference_service.sampling.constraints.prefix import Prefixes
from inference_service.sampling.constraints.spec import ConstraintError, Progress, Spec, TooComplex
from inference_service.sampling.constraints.vocabulary import Vocabulary
from inference_service.sampling.constraints.witness import Witness, Witnesses
from inference_service.sampling.sampler import Commit, Prediction, Proposal, SamplingContext
from inference_service.sandbox import processes
from inference_service.sandbox.lanes import Lane
from inference_service.sessions.frame import Constraint, ConstraintProgress

WITNESS = "witness"  # in a sampler's state: a complete text that the canvas can still become
COMPILED_KEPT = 64
COMPILED_BYTES = 256 << 20  # of their tables together; the last used one stays whatever it takes
TRIED = 16  # candidates of a position that are tried for a new witness before the old one's token is taken
PROGRESS = {Progress.INCOMPLETE: ConstraintProgress.INCOMPLETE, Progress.MATCHED: ConstraintProgress.MATCHED,
            Progress.COMPLETE: ConstraintProgress.COMPLETE, Progress.VIOLATED: ConstraintProgress.VIOLATED}

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
        if isinstance(known, list) and _agree(known, tokens) and self.witnesses.matches(known):
            return tuple(known)
        # What the model likes first; without it the search is the one that let the canvas begin.
        found = self.witnesses.search(tokens, logits) or self.witnesses.search(tokens)
        if not found:
            raise FailedPrecondition("no text was found that meets the constraint and has what is decided; open some"
                                     " positions, or take the constraint away", reason="CONSTRAINT_STUCK")
        return found


Rule = FromTheLeft | Exactly | Soundly


def within_limits(method: Callable) -> Callable:
    """A constraint that grows too complex on the way, as its beginning did not show, ends a call and nothing else."""
    @wraps(method)
    def guarded(*arguments):
        try:
            with effort.limited():
                return method(*arguments)
        except ConstraintError as error:
            raise FailedPrecondition(f"the constraint cannot be followed any further: {error}; take it away or choose a"
                                     " simpler one", reason="CONSTRAINT_TOO_COMPLEX") from None
    return guarded


@dataclass(frozen=True)
class Active:
    """A rule on the generated part of a canvas, from `start` on; what stands before it is free."""

    rule: Rule
    start: int
    width: int
    known: object = None  # the witness that came with the revision, if it is one
    compiled: Compiled | None = None  # which is at hand for as long as anybody holds this

    @within_limits
    def allowed(self, tokens: Tokens, positions: Sequence[int]) -> torch.Tensor | None:
        """What may stand at some positions of a canvas, bool [N, V]; None where that is not known beforehand."""
        inside = [position - self.start for position in positions if position >= self.start]
        free = torch.ones(len(positions), self.width, dtype=torch.bool)
        rows = self.rule.allowed(tokens[self.start:], inside) if inside else free[:0]
        if rows is None or len(inside) == len(positions):
            return rows
        free[[index for index, position in enumerate(positions) if position >= self.start]] = rows
        return free

    @within_limits
    def progress(self, tokens: Tokens) -> ConstraintProgress:
        return PROGRESS[self.rule.progress(tokens[self.start:])]

    @within_limits
    def feasible(self, tokens: Tokens) -> bool:
        """Whether the canvas can be completed; under a grammar, whether a way was found."""
        generated = tokens[self.start:]
        if self.rule.keeps_witness and isinstance(self.known, list) and _agree(self.known, generated):
            return True
        return self.rule.feasible(generated)

    @property
    def refusal(self) -> str:
        """Why a canvas that is not feasible is refused."""
        if self.rule.keeps_witness:
            return "no way was found to complete the text to a match"
        return "the text could not be completed to a match any more"

    @within_limits
    def closed(self, written: Tokens) -> bool:
        """Whether the written text is a match that nothing can follow, not even an end."""
        return self.rule.progress(written) is Progress.COMPLETE and not self.allowed(
            [*[None] * self.start, *written, None], [self.start + len(written)]).any()

    @within_limits
    def checked(self, proposal: Proposal, prediction: Prediction, context: SamplingContext) -> Proposal:
        """The proposal with every token that cannot stand, after those before it, replaced by the best that can."""
        tokens = list(context.region.tokens)
        for reopen in proposal.reopens:
            tokens[reopen.position] = None
        rows = {position: row for row, position in enumerate(prediction.positions)}
        logits = {position - self.start: prediction.logits[row] for position, row in rows.items()
                  if position >= self.start} if self.rule.keeps_witness else {}
        witness = self.rule.witness(tokens[self.start:], self.known, logits)
        made: list[list[Commit]] = []
        for commits in (proposal.commits, proposal.edits):
            kept = []
            for commit in commits:
                tokens[commit.position] = None
                if commit.position >= self.start:
                    other = _others(commit.position, rows, prediction, context)
                    token, witness = self.rule.admit(tokens[self.start:], commit.position - self.start, commit.token,
                                                     other, witness)
                    if token is None:
                        raise FailedPrecondition("no token of the model can go on with the constraint here",
                                                 reason="CONSTRAINT_STUCK")
                    if token != commit.token:
                        commit = replace(commit, token=token, probability=_p_base(token, commit, rows, prediction))
                tokens[commit.position] = commit.token
                kept.append(commit)
            made.append(kept)
        state = proposal.state if witness is None else {**proposal.state, WITNESS: list(witness)}
        return replace(proposal, commits=made[0], edits=made[1], state=state)


def _others(position: int, rows: dict[int, int], prediction: Prediction, context: SamplingContext) -> Other:
    """Tokens for a position as its own draw would have them, best first."""
    def ranked(allowed: torch.Tensor | None) -> list[int]:
        if position not in rows:
            return allowed.nonzero().flatten().tolist() if allowed is not None else []
        raw = prediction.logits[rows[position]][None]
        shaped = distribution.shape(raw, context.parameters, context.region.context, context.forbidden,
                                    None if allowed is None else allowed[None])[0]
        if context.parameters.temperature:
            shaped = shaped.double() + context.noise.gumbel([position], shaped.shape[-1])[0].to(shaped.device)
        best = shaped.topk(min(TRIED, len(shaped)))
        return [token for token, score in zip(best.indices.tolist(), best.values.tolist(), strict=True)
                if score > -torch.inf]
    return ranked


def _p_base(token: int, commit: Commit, rows: dict[int, int], prediction: Prediction) -> float | None:
    if commit.position not in rows:
        return None
    return float(distribution.p_base(prediction.logits[rows[commit.position]])[token])


def _decided(tokens: Iterable[int | None]) -> list[int]:
    """The tokens up to the first open position."""
    found = []
    for token in tokens:
        if token is None:
            break
        found.append(token)
    return found


def _agree(witness: Sequence[int], tokens: Tokens) -> bool:
    return len(witness) == len(tokens) and all(
        token is None or token == told for token, told in zip(tokens, witness, strict=True))


# ---- from the settings to a rule ----

class _Kept:
    """Vocabularies and compiled constraints, the last used ones. Thread-safe; two that ask for one make it once.

    One that is being made keeps nobody waiting who asks for another.
    """

    def __init__(self):
        self._vocabularies: dict[ModelInfo, Vocabulary] = {}
        self._compiled: OrderedDict[tuple[ModelInfo, Constraint], Compiled] = OrderedDict()
        self._held: WeakValueDictionary[tuple[ModelInfo, Constraint], Compiled] = WeakValueDictionary()
        self._lock = threading.Lock()  # of what is here; never held while something is made
        self._making: WeakValueDictionary[object, Lane] = WeakValueDictionary()

    def get(self, denoiser: Denoiser, constraint: Constraint) -> Compiled:
        """A constraint with all that the model's way of writing needs. Raises ConstraintError."""
        key = denoiser.info, constraint
        if found := self._known(key):
            return found
        if processes.barred():
            raise Unavailable("the constraint is not compiled any more; try again", reason="CONSTRAINT_NOT_READY",
                              retry_after=1.0)
        turn = self._turn(key)
        with turn.place():
            if found := self._known(key):
                return found
            made = compiled(Spec(constraint.kind, constraint.value), self._vocabulary(denoiser),
                            not denoiser.info.attention.append_only)
            with self._lock:
                self._compiled[key] = self._held[key] = made
                size = sum(one.size for one in self._compiled.values())
                while len(self._compiled) > COMPILED_KEPT or size > COMPILED_BYTES and len(self._compiled) > 1:
                    size -= self._compiled.popitem(last=False)[1].size
            return made

    def forget(self, info: ModelInfo) -> None:
        """Drops what is kept for one model."""
        with self._lock:
            for one in [one for one in self._vocabularies if one.load_number == info.load_number]:
                del self._vocabularies[one]
            for key in [key for key in self._compiled if key[0].load_number == info.load_number]:
                del self._compiled[key]

    def _known(self, key: tuple[ModelInfo, Constraint]) -> Compiled | None:
        with self._lock:
            if key in self._compiled:
                self._compiled.move_to_end(key)
            return self._compiled.get(key) or self._held.get(key)

    def _turn(self, key: object) -> Lane:
        """Of those who want the same thing made, one at a time; gone with the last of them."""
        with self._lock:
            return self._making.setdefault(key, Lane(1))

    def _vocabulary(self, denoiser: Denoiser) -> Vocabulary:
        info, text = denoiser.info, denoiser.text
        assert text is not None  # `active` looks for it first
        turn = self._turn(info)
        with turn.place():
            if info not in self._vocabularies:
                self._vocabularies[info] = Vocabulary(text.vocabulary(info.vocabulary_size), info.end_tokens)
            return self._vocabularies[info]


_kept = _Kept()


def forget(info: ModelInfo) -> None:
    """Drops the vocabulary and the compiled constraints of a model that was taken out of use."""
    _kept.forget(info)


def active(constraint: Constraint, denoiser: Denoiser, start: int, key: str, known: object = None) -> Active:
    """The constraint in force on a canvas whose generated part begins at `start`.

    key: whose canvas it is. known: the witness in the sampler's state.
    Raises InvalidField that points into the constraint, FailedPrecondition for a model without a tokenizer.
    """
    if denoiser.text is None:
        raise FailedPrecondition(f"the model {denoiser.info.name!r} came without a tokenizer, so no constraint can be"
                                 " put on its text", reason="NO_TOKENIZER")
    try:
        made = _kept.get(denoiser, constraint)
        if denoiser.info.attention.append_only:
            rule = FromTheLeft(made.prefixes, key)
        else:
            found = made.any_order()
            rule = Exactly(found) if isinstance(found, Positions) else Soundly(found)
    except ConstraintError as error:
        raise invalid(constraint, error) from None
    return Active(rule, start, denoiser.info.vocabulary_size, known, made)


def invalid(constraint: Constraint, error: ConstraintError) -> InvalidField:
    """The error as the API has it, with the place in what the person wrote."""
    place = {"line": error.line, "column": error.column, "limit": getattr(error, "limit", None)}
    reason = "CONSTRAINT_TOO_COMPLEX" if isinstance(error, TooComplex) else "INVALID_CONSTRAINT"
    return InvalidField(f"settings.constraint.{constraint.kind}", str(error), reason=reason,
                        metadata={name: value for name, value in place.items() if value is not None})


def check_begins(constraint: Constraint | None, denoiser: Denoiser, tokens: Tokens, start: int) -> None:
    """Raises InvalidField where no text meets the constraint and has what is decided in the generated part."""
    if constraint is None:
        return
    stands = active(constraint, denoiser, start, "")
    if stands.feasible(tokens):
        return
    length = len(tokens) - start
    written = denoiser.info.attention.append_only
    room = "" if written else f"in {length} positions "
    found = "no text meets it" if not stands.rule.keeps_witness else "no text that meets it was found"
    raise InvalidField(f"settings.constraint.{constraint.kind}", f"{found} with what is written already" if written
                       else f"{found} {room}with what is decided there; give it more room, or open some positions",
                       reason="CONSTRAINT_INFEASIBLE")
